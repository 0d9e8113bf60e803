"""The client's plans as the chapter takes them: what could be done, what it needs and costs (R1).

Intake has read the tables; here amounts become numbers, and a table that was not given becomes
what its absence means: no assets, and nothing that an initiative waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from crmlib.roi.assets import asset_matrix, missing_for
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

Given = pd.DataFrame | Refusal

_AMOUNTS = {
    "initiatives": ["unit_cost", "fixed_cost"],
    "assets": ["build_cost", "run_cost"],
    "budgets": ["cap"],
}
_COLUMNS = {
    "processes": ["initiative", "step", "exists"],
    "assets": ["id", "type", "build_cost", "run_cost", "lead_waves", "owned"],
    "requires": ["initiative", "asset"],
}


@dataclass(frozen=True, eq=False)
class Plans:
    """Initiatives with what they need.

    Attributes
    ----------
    initiatives : DataFrame, index id
    processes, assets, requires : DataFrame
        Empty where they were not given.
    budgets : DataFrame or Refusal
    """

    initiatives: pd.DataFrame
    processes: pd.DataFrame
    assets: pd.DataFrame
    requires: pd.DataFrame
    budgets: Given

    @classmethod
    def of(
        cls, initiatives: pd.DataFrame, *, processes: Given, assets: Given, requires: Given,
        budgets: Given,
    ) -> Self:  # fmt: skip
        """From the tables as intake has kept them.

        Raises
        ------
        NotIdentified
            If there is no initiative.
        """
        if initiatives.empty:
            raise NotIdentified("the table of initiatives has no row")
        rows = _numbers("initiatives", initiatives).set_index("id")
        rows.index = rows.index.astype(str)
        return cls(
            rows,
            _given("processes", processes),
            _given("assets", assets),
            _given("requires", requires),
            budgets if isinstance(budgets, Refusal) else _numbers("budgets", budgets),
        )

    @property
    def waves(self) -> int:
        """How many there are; one where no budgets are given."""
        return 1 if isinstance(self.budgets, Refusal) else len(self.budgets)

    @property
    def names(self) -> dict[str, str]:
        """What each initiative and asset is called before readers."""
        assets = {each: each.replace("_", " ") for each in self.assets["id"].astype(str)}
        return assets | self.initiatives["name"].astype(str).to_dict()

    def matrix(self) -> pd.DataFrame:
        """Assets by initiatives, see `crmlib.roi.asset_matrix`."""
        return asset_matrix(self.initiatives.reset_index(), self.assets, self.requires)

    def missing(self) -> pd.DataFrame:
        """What each initiative lacks, see `crmlib.roi.missing_for`."""
        rows = self.initiatives.reset_index()
        return missing_for(rows, self.assets, self.requires, self.processes)

    def needed_by(self, initiatives: pd.Index) -> pd.DataFrame:
        """Rows of `requires` of these initiatives."""
        return self.requires[self.requires["initiative"].isin(initiatives)]

    def first_wave(self) -> pd.Series:
        """First wave in which each initiative could have all it needs, whatever it costs."""
        lead = self.assets.set_index("id")["lead_waves"].astype(float)
        lead = lead.mask(self.assets.set_index("id")["owned"].astype(bool), 0.0)
        waits = self.requires["asset"].map(lead).groupby(self.requires["initiative"]).max()
        earliest = pd.to_numeric(
            self.initiatives.get("earliest_wave", pd.Series(1, self.initiatives.index))
        ).fillna(1)
        return np.maximum(earliest, waits.reindex(self.initiatives.index).fillna(0) + 1).astype(int)


def _given(name: str, table: Given) -> pd.DataFrame:
    if isinstance(table, Refusal):
        return pd.DataFrame(columns=_COLUMNS[name])
    return _numbers(name, table)


def _numbers(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table with its exact amounts as floats."""
    return table.assign(
        **{column: table[column].astype(float) for column in _AMOUNTS.get(name, [])}
    )
