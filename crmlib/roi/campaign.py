"""A campaign by lot, customer by customer: the client's own trial (R2, R7).

Who was contacted and who was drawn to be left alone, what both brought since, and what was
known of them before. Only what was known before may adjust an effect or choose whom to contact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from crmlib.roi.delivery import DeliveryCheck, delivery_check
from crmlib.roi.policy import EVERYBODY
from crmlib.roi.trial import Effect, effect
from crmlib.roi.uplift import Targeting, uplift
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal

ARMS = ("treated", "control")
BEFORE = "brought before"  # in the period before the first contact
_ROUND = 0.02  # a split this near to halves was meant to be one


@dataclass(frozen=True, eq=False)
class Campaign:
    """The customers of one campaign.

    Attributes
    ----------
    name : str
    table : DataFrame, index customer_id
        treated (bool), outcome, then what was known before.
    known_before : tuple of str
        Columns of the table.
    """

    name: str
    table: pd.DataFrame
    known_before: tuple[str, ...]

    @classmethod
    def largest(cls, contacts: pd.DataFrame) -> pd.DataFrame:
        """Rows of the campaign with most customers in its smaller arm.

        Raises
        ------
        NotIdentified
            If no campaign has outcomes in two arms called treated and control.
        """
        rows = contacts.assign(arm=contacts["arm"].astype(str).str.strip().str.lower())
        if "outcome" not in rows:
            raise NotIdentified("the contacts have no column `outcome`")
        rows = rows[rows["arm"].isin(ARMS) & rows["outcome"].notna()]
        sizes = rows.groupby(["campaign", "arm"])["customer_id"].nunique().unstack("arm")
        sizes = sizes.reindex(columns=list(ARMS)).fillna(0).min(axis=1)
        if sizes.empty or sizes.max() < 2:
            raise NotIdentified(
                "no campaign in the contacts has customers with an outcome in both arms, treated "
                "and control"
            )
        return rows[rows["campaign"] == sizes.idxmax()]

    @classmethod
    def of(
        cls, contacts: pd.DataFrame, known: pd.DataFrame, before: pd.Series | Refusal | None
    ) -> Self:
        """The trial that the largest campaign is.

        Parameters
        ----------
        contacts : DataFrame
            customer_id, campaign, arm, sent_at, outcome.
        known : DataFrame, index customer_id
            Attributes that no campaign changes.
        before : Series, index customer_id, optional
            What customers brought in the time before the first contact.

        Raises
        ------
        NotIdentified
            As `largest`; or if somebody is in both arms.
        """
        rows = cls.largest(contacts).sort_values("sent_at", kind="stable")
        arms = rows.groupby("customer_id")["arm"].nunique()
        if (arms > 1).any():
            raise NotIdentified(
                f"{int((arms > 1).sum())} customers of the campaign are in both of its arms"
            )
        own = rows.drop_duplicates("customer_id").set_index("customer_id")
        columns = _with_before(known.reindex(own.index), before)
        table = columns.assign(treated=own["arm"] == "treated", outcome=own["outcome"])
        return cls(str(own["campaign"].iloc[0]), table, tuple(columns.columns))

    @property
    def n(self) -> int:
        """Customers with an outcome."""
        return len(self.table)

    def effects(self, level: float) -> dict[str, Effect]:
        """The effect per customer assigned: plain, and sharper by what was known before."""
        found = {"difference": effect(self.table, outcome="outcome", treated="treated",
                                      level=level)}  # fmt: skip
        if BEFORE in self.known_before:
            for method in ("regression", "cuped"):
                found[method] = effect(
                    self.table, outcome="outcome", treated="treated", covariates=[BEFORE],
                    method=method, level=level,
                )  # fmt: skip
        return found

    def targeting(
        self,
        columns: Sequence[str],
        *,
        cost: Mapping[str, float],
        folds: int,
        random_state: int,
        level: float,
    ) -> Targeting:
        """Ways of choosing whom to contact, see `crmlib.roi.uplift`.

        Parameters
        ----------
        columns : sequence of str
            By which to choose; none: all that were known before.
        cost : mapping of campaign to float
            Of a contact, money that the outcome does not hold.
        """
        return uplift(
            self.table, outcome="outcome", treated="treated",
            features=list(columns) or list(self.known_before), cost=cost.get(self.name, 0.0),
            folds=folds, random_state=random_state, level=level,
        )  # fmt: skip

    def chosen_by(
        self, found: Targeting, known: pd.DataFrame, before: pd.Series | Refusal | None = None
    ) -> dict[str, pd.Series]:
        """Whom the recommended way would contact of all customers, by the campaign's name.

        Parameters
        ----------
        found : Targeting
        known : DataFrame, index customer_id
            Attributes of all customers, as in `of`.
        before : Series, index customer_id, optional

        Returns
        -------
        mapping of campaign to Series of bool
            Empty where everybody or nobody is to be contacted: then nothing is chosen by.
        """
        if found.recommended in (None, EVERYBODY):
            return {}
        return {self.name: found.chooses(_with_before(known, before))}

    def split(self, alpha: float) -> DeliveryCheck:
        """Whether the arms are as large as they were drawn.

        Notes
        -----
        The planned share is not in the data: halves are assumed where the arms are near it, else
        the nearest tenth.
        """
        treated = int(self.table["treated"].sum())
        share = treated / self.n
        planned = 0.5 if abs(share - 0.5) < _ROUND else float(np.clip(round(share, 1), 0.1, 0.9))
        arms = pd.DataFrame(
            {
                "arm": list(ARMS),
                "planned": [planned, 1 - planned],
                "assigned": [treated, self.n - treated],
                "sent": 0,
                "delivered": 0,
            }
        )
        return delivery_check(arms, alpha=alpha, least_delivered=0.0)


def day_before(rows: pd.DataFrame) -> dt.date:
    """The last day that no contact can have changed."""
    return (pd.to_datetime(rows["sent_at"]).min() - pd.Timedelta(days=1)).date()


def _with_before(known: pd.DataFrame, before: pd.Series | Refusal | None) -> pd.DataFrame:
    if before is None or isinstance(before, Refusal):
        return known
    return known.assign(**{BEFORE: before.reindex(known.index).fillna(0.0)})


def last_part(periods: pd.DataFrame) -> pd.Series:
    """What customers brought in the last part of two periods: a quarter, or the later one.

    Parameters
    ----------
    periods : DataFrame
        The table of `intake.two_periods`.

    Raises
    ------
    NotIdentified
        If it tells no value.
    """
    rows = periods.set_index("customer_id")
    parts = [name for name in rows if name.startswith("second_")] or [
        name for name in rows if name == "value_2"
    ]
    if not parts:
        raise NotIdentified("too little is observed before the campaign")
    return rows[parts[-1]]
