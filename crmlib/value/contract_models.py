"""Which survival model carries each product's contracts (V7).

The shifted-beta-geometric model where losses follow it; the period life table where
they do not, as with loans that end at their term and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.contracts import Refit, ShiftedBetaGeometric, ShiftedBetaGeometricResult
from crmlib.value.life_table import Exposure, LifeTable, exposure, life_table_of, longest_stretch

FloatArray = NDArray[np.float64]

MISPLACED = 0.25  # share of losses at other ages than expected beyond which sBG is not used
SPELL_COLUMNS = ("product", "entry", "duration", "ended")


@dataclass(frozen=True)
class ContractModel:
    """The survival model of one product's contracts.

    Attributes
    ----------
    kind : {"sBG", "life table"}
    fitted : ShiftedBetaGeometricResult or LifeTable
    sbg : ShiftedBetaGeometricResult or None
        The sBG fit, also where it was not chosen.
    counts : Exposure
        Contracts at risk and lost by age.
    notes : tuple of str
        What a reader should know: why the figures are weak, why sBG was not used, or that
        contracts do not differ.
    weak : bool
        Whether one of them weakens the value. That contracts hardly differ does not.
    """

    kind: Literal["sBG", "life table"]
    fitted: ShiftedBetaGeometricResult | LifeTable
    sbg: ShiftedBetaGeometricResult | None
    counts: Exposure
    notes: tuple[str, ...]
    weak: bool

    def hazards(self, last_age: int) -> FloatArray:
        """Probability of loss in periods 1 … last_age of age, shape (last_age,).

        NaN where nobody was at risk and the model cannot tell.
        """
        if isinstance(self.fitted, ShiftedBetaGeometricResult):
            return _model_hazards(self.fitted.params.to_numpy(), last_age)
        return _table_hazards(self.fitted, last_age)

    def resampled(self, counts: Exposure, last_age: int) -> FloatArray:
        """Hazards as in `hazards` of the same model under other counts.

        Raises
        ------
        NotIdentified
            If these counts do not determine the model.
        """
        if isinstance(self.fitted, ShiftedBetaGeometricResult):
            return _model_hazards(Refit.of(self.fitted)(counts), last_age)
        drawn, kept = self.hazards(last_age), longest_stretch(counts)
        kept &= counts.tenure <= last_age
        drawn[counts.tenure[kept] - 1] = counts.ended[kept] / counts.at_risk[kept]
        return drawn


def contract_models(spells: pd.DataFrame, *, level: float) -> dict[str, ContractModel | Refusal]:
    """Fit each product's contracts, by sBG where losses follow it.

    Parameters
    ----------
    spells : DataFrame of shape (n_contracts, …)
        product, entry, duration, ended; see `contract_spells`.
    level : float
        Nominal coverage of the life table's hazards.

    Returns
    -------
    dict of str to ContractModel or Refusal
        A Refusal where a product's contracts do not tell their risk.
    """
    missing = [column for column in SPELL_COLUMNS if column not in spells]
    if missing:
        raise ValueError(f"spells lack {', '.join(missing)}")
    models: dict[str, ContractModel | Refusal] = {}
    for product, own in spells.groupby("product", sort=True):
        try:
            models[str(product)] = _model(own, level)
        except NotIdentified as error:
            models[str(product)] = Refusal(f"{product}: {error}")
    return models


def _model(own: pd.DataFrame, level: float) -> ContractModel:
    counts = exposure(own["duration"], own["ended"], own["entry"])
    try:
        sbg = ShiftedBetaGeometric().fit_exposure(counts)
    except NotIdentified:
        if counts.ended.sum() == 0:
            raise
        table = life_table_of(counts, level=level)
        note = "too few ages were seen to learn how customers differ: read from the life table"
        return ContractModel("life table", table, None, counts, (note,), weak=True)
    if sbg.verdict.grade != "refused" and sbg.misplaced <= MISPLACED:
        reasons = sbg.verdict.reasons
        weak = len(reasons) > (not sbg.differ)  # the first then says that they do not
        return ContractModel("sBG", sbg, sbg, counts, reasons, weak)
    table = life_table_of(counts, level=level)
    note = (
        f"read from the life table: {sbg.misplaced:.0%} of losses fall into other ages than "
        "the model of differing customers expects"
    )
    return ContractModel("life table", table, sbg, counts, (note,), weak=False)


def _model_hazards(params: FloatArray, last_age: int) -> FloatArray:
    alpha, beta = params
    return alpha / (alpha + beta + np.arange(last_age))


def _table_hazards(table: LifeTable, last_age: int) -> FloatArray:
    """Hazards of a life table; nobody outlives a last age at which all left."""
    hazards = np.full(max(last_age, table.until), np.nan)
    hazards[table.since : table.until] = table.table["hazard"]
    if table.all_leave:
        hazards[table.until :] = 1.0
    return hazards[:last_age]
