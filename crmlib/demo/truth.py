"""The truth about the bank, written beside the data: what an analysis should find.

One row for each customer, the archetypes' parameters, and what was planted in the bank
as a whole. Nothing in the report may read it; tests hold results against it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmlib.demo import books, cards, holdings, ledger, lives, outside, people, roles, tariff
from crmlib.demo.archetypes import ARCHETYPES, CHANNELS, PRODUCTS, IntArray
from crmlib.demo.cards import Buyers
from crmlib.demo.holdings import Holdings
from crmlib.demo.people import People
from crmlib.demo.settings import END, SEASON, BankSettings
from crmlib.demo.tariff import Tariff

_MIGRATION = {lives.STAYS: "none", lives.SHRINKS: "down", lives.GROWS: "up"}


def customers_truth(
    settings: BankSettings,
    people: People,
    holdings: Holdings,
    buyers: Buyers,
    tariff_: Tariff,
    book: IntArray,
) -> pd.DataFrame:
    """One row for each customer of a block.

    Returns
    -------
    DataFrame
        customer_id, household (the id after merging), archetype; migration (none, down,
        up), its month and factor; left (last month, which may lie just after the window);
        leave_risk, down_risk, up_risk (a month, before a migration); card_rate (purchases a
        month) and card_ticket (median amount), at level 1, also of those without a card;
        profit (of the ledger) and expected_profit of the window; monthly_before and
        monthly_after (expected profit of an average month around the migration or, where
        there was none, in the last month); lost_by_migration and lost_by_leaving
        (expected profit of a year that they have taken; negative where the bank has won);
        expected_next_year (profit of the twelve months after the window, given the state
        at its end).
    """
    life = holdings.lives
    expected, _ = tariff.expected_profit(settings, holdings, tariff_)
    level_season = dataclasses.replace(settings, seasonality=False)
    usual, unmoved = tariff.expected_profit(level_season, holdings, tariff_)
    usual += (life.warns & life.active) * tariff_.warning[:, None]
    unmoved += (life.warns & life.active) * tariff_.warning[:, None]
    last = np.minimum(life.left, settings.months - 1)
    at = np.where(life.moved < settings.months, life.moved, last)
    everyone = np.arange(len(at))
    before, after = unmoved[everyone, at], usual[everyone, at]
    gone = np.where(life.left < settings.months, usual[everyone, last], 0)
    ahead = lives.expect_next_year(life)
    return pd.DataFrame(
        {
            "customer_id": people.ids,
            "household": people.household,
            "archetype": np.array([each.name for each in ARCHETYPES])[people.archetype],
            "migration": [_MIGRATION[each] for each in life.direction.tolist()],
            "migration_month": _months(settings, life.moved),
            "migration_factor": life.factor.round(4),
            "left": _months(settings, life.left),
            "leave_risk": life.leaving.round(6),
            "down_risk": life.down.round(6),
            "up_risk": life.up.round(6),
            "card_rate": buyers.rate.round(5),
            "card_ticket": buyers.ticket.round(2),
            "profit": ledger.profit_by_customer(book),
            "expected_profit": expected.sum(axis=1).round(2),
            "monthly_before": before.round(3),
            "monthly_after": after.round(3),
            "lost_by_migration": (12 * (before - after)).round(2),
            "lost_by_leaving": (12 * gone).round(2),
            "expected_next_year": tariff.expected_next_year(
                settings, holdings, tariff_, ahead
            ).round(2),
        }
    )


@dataclass
class BankTruth:
    """What is true of the bank as a whole, added up over its blocks."""

    settings: BankSettings
    planted: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)

    def add(self, truth: pd.DataFrame, active_months: int, planted: dict[str, int]) -> None:
        """One more block.

        Parameters
        ----------
        truth : DataFrame
            As `customers_truth` returns it.
        active_months : int
            Months in the window in which its customers were customers, all together.
        planted : dict
            Defects and refunds among the block's transactions.
        """
        self.planted.update(planted)
        left = truth["left"].notna() & (truth["left"] <= str(self.settings.calendar[-1]))
        self.counts.update(
            {
                "customers": len(truth),
                "households": truth["household"].nunique(),
                "customer_months": active_months,
                "migrated_down": int((truth["migration"] == "down").sum()),
                "migrated_up": int((truth["migration"] == "up").sum()),
                "left": int(left.sum()),
            }
        )
        down = truth["migration"] == "down"
        for name, amounts in (
            ("profit", truth["profit"]),
            ("expected_profit", truth["expected_profit"]),
            ("expected_next_year", truth["expected_next_year"]),
            ("lost_a_year_by_migration_down", truth.loc[down, "lost_by_migration"]),
            ("lost_a_year_by_leaving", truth["lost_by_leaving"]),
        ):
            self.money[name] += float(amounts.sum())

    def as_json(self) -> dict[str, Any]:
        """Settings, what was planted, and the bank's totals."""
        years = self.counts["customer_months"] / 12
        rates = {
            f"{name}_per_customer_year": round(self.counts[name] / years, 5)
            for name in ("migrated_down", "migrated_up", "left")
        }
        return {
            "settings": dataclasses.asdict(self.settings),
            "window": [str(self.settings.start), str(END)],
            "rows": dict(self.rows),
            "planted_in_transactions": dict(self.planted),
            "planted_in_control_totals": {
                "period": books.differing_quarter(self.settings),
                "books_above_export": books.DIFFERENCE,
            },
            "emerging_from": str(self.settings.calendar[self.settings.born_month]),
            "season_of_card_purchases": SEASON.tolist() if self.settings.seasonality else None,
            "counts": dict(self.counts),
            "rates": rates,
            "money": {name: round(amount, 2) for name, amount in self.money.items()},
            "constants": CONSTANTS,
        }


CONSTANTS: dict[str, Any] = {
    "products": PRODUCTS,
    "channels": CHANNELS,
    "contacts_of_person_gamma_shape": people.PERSON_SHAPE,
    "contacts_by_channel_gamma_shape": people.CHANNEL_SHAPE,
    "own_channel_preferred": people.OWN_CHANNEL,
    "households_per_pair": people.HOUSEHOLDS,
    "leaving_after_migration_down_times": lives.LEAVING_AFTER[lives.SHRINKS],
    "leaving_after_migration_up_times": lives.LEAVING_AFTER[lives.GROWS],
    "migration_down_factor_beta": lives.DOWN_FACTOR,
    "migration_up_extra_gamma_shape_scale": lives.UP_EXTRA,
    "months_of_warning_calls": lives.WARNING,
    "warning_calls_times": tariff.WARNING_CALLS,
    "product_opened_at_once": holdings.AT_ONCE,
    "product_opened_later_a_month": holdings.OPENING,
    "product_ended_a_month": holdings.ENDING.round(6).tolist(),
    "loan_terms_months": holdings.TERMS,
    "card_ticket_sd_log": cards.TICKET_SPREAD,
    "card_amount_sd_log": cards.AMOUNT_SPREAD,
    "second_card": cards.SECOND_CARD,
    "refunded": cards.REFUNDED,
    "card_margin": tariff.CARD_MARGIN,
    "contact_cost": tariff.CONTACT_COST.tolist(),
    "account_keeping": tariff.KEEPING,
    "revolvers": tariff.REVOLVERS,
    "write_off_mean_sd_log": tariff.WRITE_OFF,
    "marketing_costs": tariff.MARKETING_COSTS.tolist(),
    "marketing_mix": tariff.MARKETING_MIX.tolist(),
    "noise_of_balances_sd_log": ledger.NOISE,
    "share_of_wallet_beta": outside.SHARE_OF_WALLET,
    "young_whom_others_pay_for": roles.YOUNG_KEPT,
    "others_whom_others_pay_for": roles.OTHERS_KEPT,
    "decides": roles.DECIDES,
    "benefits": roles.BENEFITS,
    "parents_who_pay_for_others": roles.PAYS_FOR_OTHERS,
    "customers_asked": roles.ASKED,
    "questions_answered": roles.ANSWERED,
}


def archetypes_json() -> list[dict[str, Any]]:
    """Every parameter of every archetype."""
    return [dataclasses.asdict(each) for each in ARCHETYPES]


def _months(settings: BankSettings, months: IntArray) -> np.ndarray:
    names = np.datetime_as_string(settings.first_month + months, unit="M").astype(object)
    return np.where(months < lives.NEVER, names, None)
