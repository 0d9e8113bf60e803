"""What the bank could do, what that needs and costs: five input tables of chapter 05.

Initiatives with prior beliefs, steps of their processes, assets and who needs them, and
budgets by wave. Each initiative also carries the law of its true effect per adopter, which
stays out of the tables. Costs and volumes are those of the default bank and grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.demo.settings import BankSettings

WAVES = 4  # quarters
FAVOURITE, HARMFUL = "complaint_call", "price_cut"


@dataclass(frozen=True)
class Initiative:
    """One initiative: a row of the input table, and what is true of it.

    Attributes
    ----------
    cell : tuple
        lever, horizon, segments.
    reach, take_up : float
        Shares of the segments' customers, and of the reached.
    unit_cost, fixed_cost : float
        EUR per adopter, and once.
    unit : str
        Of effect, prior and truth: shares, but EUR per customer won where it is cpa.
    prior : (float, float)
        What is believed: mean and standard deviation.
    evidence : str
        Grade, A to E.
    half_life : float
        Years.
    truth : (float, float)
        Mean and standard deviation over segments of the true effect per adopter.
    further : dict
        Optional columns.
    """

    name: str
    cell: tuple[str, str, str]
    reach: float
    take_up: float
    unit_cost: float
    fixed_cost: float
    unit: str
    prior: tuple[float, float]
    evidence: str
    half_life: float
    truth: tuple[float, float]
    further: dict[str, str | float]

    @property
    def segments(self) -> tuple[str, ...]:
        """Pieces of the union that the initiative reaches."""
        return tuple(self.cell[2].split("; "))


_STEADY = "high & relationship; medium & relationship"
INITIATIVES = {
    "insurance_offer": Initiative(
        "Offer insurance to customers without one", ("grow", "early", "high; medium; low"),
        0.5, 0.15, 12, 3_000, "margin_pct", (0.08, 0.06), "A", 4, (0.12, 0.03), {}),
    "card_limits": Initiative(
        "Raise limits of heavy card users", ("grow", "early", _STEADY),
        0.3, 0.4, 8, 2_500, "margin_pct", (0.06, 0.05), "A", 3, (0.10, 0.02), {}),
    HARMFUL: Initiative(
        "Lower prices for likely leavers",
        ("retain", "early", "medium & relationship; low & relationship; low & at risk"),
        0.8, 0.7, 6, 2_000, "retention_pp", (0.03, 0.04), "A", 1, (-0.07, 0.01),
        {"exclusive_group": "prices"}),
    "fee_waiver": Initiative(
        "Waive fees of very profitable customers", ("retain", "early", "high"),
        0.9, 0.9, 30, 1_000, "retention_pp", (0.02, 0.02), "C", 2, (0.02, 0.005),
        {"exclusive_group": "prices"}),
    "welcome": Initiative(
        "Welcome programme for new customers", ("activate", "early", "new"),
        0.95, 0.6, 2, 400, "retention_pp", (0.04, 0.03), "B", 2, (0.05, 0.01), {}),
    FAVOURITE: Initiative(
        "Call back after a complaint",
        ("retain", "early", f"{_STEADY}; low & relationship"),
        0.25, 0.8, 9, 1_500, "retention_pp", (0.03, 0.03), "A", 2, (0.0, 0.0), {}),
    "adviser": Initiative(
        "Personal adviser for the high tier", ("retain", "build", "high & relationship"),
        0.8, 0.5, 45, 4_000, "retention_pp", (0.05, 0.03), "B", 3, (0.04, 0.01),
        {"earliest_wave": 2}),
    "self_service": Initiative(
        "Move service from branch and phone to the app",
        ("grow", "early", "medium & relationship; low & relationship; low & new"),
        0.7, 0.5, 2, 5_000, "margin_pct", (0.06, 0.05), "A", 5, (0.10, 0.02), {}),
    "reactivation_letter": Initiative(
        "Letter to lapsed customers", ("win_back", "early", "low & lapsed; medium & lapsed"),
        0.9, 1.0, 0.5, 150, "reactivation_pp", (0.03, 0.03), "A", 1, (0.06, 0.01), {}),
    "packaged_account": Initiative(
        "Packaged account that moves customers up: 15 % move up",
        ("grow", "build", "medium"), 0.6, 0.3, 25, 8_000, "migration_pp", (0.15, 0.04), "E", 3,
        (0.02, 0.005), {"from_tier": "medium", "to_tier": "high", "earliest_wave": 2}),
    "refer_a_friend": Initiative(
        "Refer a friend", ("acquire", "early", "all"),
        0.6, 0.1, 0, 1_500, "cpa", (45, 15), "B", 1, (50, 0),
        {"volume": 60, "exclusive_group": "acquisition"}),
    "comparison_site": Initiative(
        "Campaign on a comparison site", ("acquire", "early", "all"),
        1.0, 1.0, 0, 3_000, "cpa", (80, 25), "D", 1, (110, 0),
        {"volume": 120, "exclusive_group": "acquisition"}),
    "churn_triggers": Initiative(
        "Churn model with triggers for contact",
        ("retain", "build", "medium & relationship; low & at risk"),
        0.7, 0.6, 4, 1_500, "retention_pp", (0.04, 0.03), "A", 3, (0.06, 0.01),
        {"earliest_wave": 2}),
    "next_best_offer": Initiative(
        "Next-best-offer engine: four to six times the response",
        ("grow", "build", "high; medium; low"), 0.8, 0.2, 3, 6_000, "margin_pct", (0.25, 0.05),
        "E", 4, (0.03, 0.01), {"earliest_wave": 3}),
}  # fmt: skip

_STEPS = {  # step: whether it exists
    "insurance_offer": {"select": 1, "contact": 1, "advise": 1, "measure": 1},
    "card_limits": {"select": 1, "check risk": 1, "raise": 1, "measure": 0},
    HARMFUL: {"score": 1, "set price": 1, "contact": 1, "measure": 0},
    "fee_waiver": {"select": 1, "approve": 1, "book": 1},
    "welcome": {"trigger": 0, "contact": 1, "first use": 0, "measure": 1},
    FAVOURITE: {"record complaint": 1, "call": 1, "solve": 1, "measure": 0},
    "adviser": {"assign": 0, "train": 0, "meet": 0, "review": 1, "measure": 0},
    "self_service": {"build": 1, "explain": 1, "switch": 1, "measure": 1},
    "reactivation_letter": {"select": 1, "print": 1, "send": 1, "measure": 1},
    "packaged_account": {"design": 1, "price": 0, "open": 0, "sell": 1, "measure": 0},
    "refer_a_friend": {"invite": 1, "credit": 1, "measure": 1},
    "comparison_site": {"list": 1, "apply": 1, "open": 1},
    "churn_triggers": {"collect": 0, "score": 0, "trigger": 0, "contact": 1, "measure": 1},
    "next_best_offer": {"collect": 0, "score": 0, "rank": 0, "offer": 1, "learn": 0, "measure": 1},
}
ASSETS = {  # type, cost to build, cost a wave, waves until it is ready, owned
    "customer_data": ("data", 9_000, 400, 2, True),
    "campaign_tool": ("system", 7_000, 500, 2, True),
    "contact_centre": ("people", 6_000, 900, 1, True),
    "event_stream": ("data", 900, 60, 1, False),
    "churn_model": ("analytics", 700, 60, 1, False),
    "offer_engine": ("analytics", 9_000, 400, 2, False),
    "adviser_team": ("people", 5_000, 1_500, 1, False),
    "core_interface": ("system", 20_000, 600, 5, False),  # not ready within `WAVES`
}
_NEEDS = {
    "insurance_offer": ("customer_data", "campaign_tool"),
    "card_limits": ("customer_data", "campaign_tool"),
    HARMFUL: ("customer_data", "campaign_tool"),
    "fee_waiver": ("customer_data",),
    "welcome": ("campaign_tool",),
    FAVOURITE: ("contact_centre",),
    "adviser": ("customer_data", "adviser_team"),
    "self_service": ("campaign_tool", "contact_centre"),
    "reactivation_letter": ("campaign_tool",),
    "packaged_account": ("campaign_tool", "core_interface"),
    "churn_triggers": ("event_stream", "churn_model", "contact_centre"),
    "next_best_offer": ("customer_data", "event_stream", "offer_engine"),
}
CAPS = (18_000, 6_000, 4_000, 4_000)  # EUR by wave


def plan_tables(settings: BankSettings) -> dict[str, pd.DataFrame]:
    """The input tables initiatives, processes, assets, requires, budgets: cells as text."""
    steps = [(i, step, _word(there)) for i, of in _STEPS.items() for step, there in of.items()]
    assets = [
        (name, kind, _scaled(settings, build), _scaled(settings, run), str(lead), _word(owned))
        for name, (kind, build, run, lead, owned) in ASSETS.items()
    ]
    requires = [(initiative, asset) for initiative, needed in _NEEDS.items() for asset in needed]
    budgets = [(str(wave), _scaled(settings, cap)) for wave, cap in enumerate(CAPS, start=1)]
    asset_columns = ["id", "type", "build_cost", "run_cost", "lead_waves", "owned"]
    return {
        "initiatives": _initiatives(settings),
        "processes": pd.DataFrame(steps, columns=["initiative", "step", "exists"]),
        "assets": pd.DataFrame(assets, columns=asset_columns),
        "requires": pd.DataFrame(requires, columns=["initiative", "asset"]),
        "budgets": pd.DataFrame(budgets, columns=["wave", "cap"]),
    }


def draw_effects(settings: BankSettings) -> pd.DataFrame:
    """True effect per adopter of each initiative in each of its segments.

    Returns
    -------
    DataFrame
        initiative, segment, effect_unit, effect: normal around the initiative's mean.
    """
    rng = settings.rng(0, "effects of initiatives")
    rows = [
        (name, segment, each.unit, each.truth[0] + each.truth[1] * rng.standard_normal())
        for name, each in INITIATIVES.items()
        for segment in each.segments
    ]
    effects = pd.DataFrame(rows, columns=["initiative", "segment", "effect_unit", "effect"])
    return effects.assign(effect=effects["effect"].round(5))


def _initiatives(settings: BankSettings) -> pd.DataFrame:
    optional = ("from_tier", "to_tier", "volume", "exclusive_group", "earliest_wave")
    rows = []
    for name, each in INITIATIVES.items():
        further: dict[str, str | float] = dict(each.further)
        if "volume" in further:
            further["volume"] = _scaled(settings, float(further["volume"]))
        rows.append(
            {
                "id": name,
                "name": each.name,
                **dict(zip(("lever", "horizon", "segments"), each.cell, strict=True)),
                "reach": f"{each.reach:g}",
                "take_up": f"{each.take_up:g}",
                "unit_cost": f"{each.unit_cost:g}",
                "fixed_cost": _scaled(settings, each.fixed_cost),
                "effect_unit": each.unit,
                "prior_mean": f"{each.prior[0]:g}",
                "prior_sd": f"{each.prior[1]:g}",
                "evidence": each.evidence,
                "half_life": f"{each.half_life:g}",
                **{key: str(further[key]) if key in further else None for key in optional},
            }
        )
    return pd.DataFrame(rows)


def _scaled(settings: BankSettings, amount: float) -> str:
    """An amount of the default bank in one of this size, at least 1."""
    share = settings.customers / BankSettings().customers
    return str(int(np.maximum(round(amount * share), 1)))


def _word(flag: bool | int) -> str:
    return "yes" if flag else "no"
