"""What the client's tables may hold: the columns of each input, in the field's words.

Names here are ours; a params file maps the client's names to them. A column has
one kind, which decides how its cells are read; a table has a key, which says
when a row stands twice, and references, which say what must exist elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "day", "month", "amount", "number", "count", "share", "flag", "text"]


@dataclass(frozen=True)
class Column:
    """One column of an input table.

    Attributes
    ----------
    kind : str
        How a cell is read: *id* and *text* as they stand, *day* and *month* as dates,
        *amount* as exact money, *number*, *count* (whole, from 0), *share* (0 to 1),
        *flag* (yes or no).
    says : str
        What a cell holds, for messages and for the request to the client.
    needed : bool
        Whether the table must have the column.
    filled : bool
        Whether a row without it is excluded; only for needed columns.
    choices : tuple of str
        The words a cell may hold; any where empty.
    """

    kind: Kind
    says: str
    needed: bool = True
    filled: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One input table.

    Attributes
    ----------
    columns : mapping
        Our column names, in the order in which they are asked for.
    key : tuple of str
        Columns that name a row; a second row with the same key is excluded.
    keeps_others : bool
        Whether the file's other columns are kept, as attributes, items or levels.
    references : mapping
        Column: the (table, column) in which its cells must stand.
    span : (str, str), optional
        Columns of a row's first and last day; it begins while we observe and does not
        end before it begins.
    unit : tuple of str
        Columns that name the rows which are used together or not at all, such as a task.
    marked_once : tuple of str
        Flags of which each holds for exactly one row of a unit, and no two for the same.
    positive : tuple of str
        Columns that are above 0 in every row, where the file has them.
    """

    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    keeps_others: bool = False
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    span: tuple[str, str] | None = None
    unit: tuple[str, ...] = ()
    marked_once: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()


def _optional(kind: Kind, says: str, choices: tuple[str, ...] = ()) -> Column:
    return Column(kind, says, needed=False, choices=choices)


LINES = ("revenue", "cost_to_serve", "risk_cost", "marketing")
LEVERS = ("acquire", "activate", "retain", "grow", "win_back")
EFFECT_UNITS = ("retention_pp", "margin_pct", "reactivation_pp", "migration_pp", "cpa")
ASSET_TYPES = ("data", "analytics", "system", "people")
_WHO = Column("id", "the customer")

TABLES: Mapping[str, Table] = {
    "transactions": Table(
        {
            "customer_id": Column("id", "who bought"),
            "date": Column("day", "the day of the purchase"),
            "amount": Column("amount", "money paid for the row"),
            "quantity": _optional("number", "pieces in the row (where there is no amount)"),
            "unit_price": _optional("amount", "money per piece (where there is no amount)"),
            "order_id": _optional("id", "which rows belong to one order"),
            "margin": _optional("amount", "contribution of the row"),
            "product": _optional("text", "what was bought"),
            "channel": _optional("text", "where it was bought"),
        }
    ),
    "contracts": Table(
        {
            "customer_id": _WHO,
            "contract_id": Column("id", "the contract"),
            "product": Column("text", "what the contract is for"),
            "start_date": Column("day", "its first day"),
            "end_date": Column("day", "its last day, empty while it runs", filled=False),
            "monthly_margin": _optional("amount", "contribution per month"),
        },
        key=("contract_id",),
        span=("start_date", "end_date"),
    ),
    "ledger": Table(
        {
            "customer_id": _WHO,
            "month": Column("month", "the month"),
            "product": Column("text", "the product"),
            "line": Column("text", "the line of the account", choices=LINES),
            "amount": Column("amount", "money; costs are positive"),
            "channel": _optional("text", "the channel"),
        }
    ),
    "customers": Table(
        {
            "customer_id": _WHO,
            "joined": _optional("day", "the first day as a customer"),
            "preferred_channel": _optional("text", "how the customer wants to be reached"),
            "consent": _optional("flag", "whether the customer may be contacted"),
            "is_prospect": _optional("flag", "not yet a customer"),
            "pays": _optional("flag", "brings the revenue"),
            "decides": _optional("flag", "decides the purchase"),
            "benefits": _optional("flag", "benefits from it"),
            "acquisition_cost": _optional("amount", "what winning the customer cost"),
        },
        key=("customer_id",),
        keeps_others=True,
    ),
    "identities": Table(
        {
            "source_id": Column("id", "an account or person as the other tables name it"),
            "customer_id": Column("id", "the customer or household it belongs to"),
        },
        key=("source_id",),
    ),
    "control_totals": Table(
        {
            "period": Column("text", "a year, quarter or month: 2024, 2024-Q1, 2024-01"),
            "revenue": Column("amount", "revenue in the client's books"),
            "margin": _optional("amount", "contribution in the client's books"),
        },
        key=("period",),
    ),
    "external": Table(
        {
            "customer_id": _optional("id", "the customer, where the key is no attribute"),
            "wallet": _optional("amount", "what the customer spends with everybody"),
        },
        keeps_others=True,
    ),
    "survey": Table(
        {
            "respondent_id": Column("id", "who answered"),
            "customer_id": _optional("id", "the customer, where known"),
            "weight": _optional("number", "how many people the answer stands for"),
        },
        key=("respondent_id",),
        keeps_others=True,
        positive=("weight",),
    ),
    "choices": Table(
        {
            "respondent_id": Column("id", "who chose"),
            "task": Column("id", "the choice task"),
            "alternative": Column("id", "the alternative"),
            "chosen": Column("flag", "whether it was chosen"),
            "seconds": _optional("number", "how long the task took"),
        },
        key=("respondent_id", "task", "alternative"),
        keeps_others=True,
        unit=("respondent_id", "task"),
        marked_once=("chosen",),
    ),
    "maxdiff": Table(
        {
            "respondent_id": Column("id", "who chose"),
            "task": Column("id", "the task"),
            "item": Column("text", "one of the things to choose from"),
            "best": Column("flag", "whether it was chosen as the best"),
            "worst": Column("flag", "whether it was chosen as the worst"),
        },
        key=("respondent_id", "task", "item"),
        unit=("respondent_id", "task"),
        marked_once=("best", "worst"),
    ),
    "initiatives": Table(
        {
            "id": Column("id", "the initiative"),
            "name": Column("text", "its name"),
            "lever": Column("text", "what it moves", choices=LEVERS),
            "horizon": Column("text", "on existing assets or a build", choices=("early", "build")),
            "segments": Column(
                "text",
                "whom it is for: `all`, or names of tiers, stages and segments, joined "
                "by `&` (both) and `;` (either)",
            ),
            "reach": Column("share", "share of them that is reached"),
            "take_up": Column("share", "share of the reached that takes it up"),
            "unit_cost": Column("amount", "cost per adopter"),
            "fixed_cost": Column("amount", "cost whatever the take-up"),
            "effect_unit": Column("text", "what the effect changes", choices=EFFECT_UNITS),
            "prior_mean": Column(
                "number",
                "expected effect per adopter, as a share: 0.03 is three points or per "
                "cent; of cpa the cost per customer",
            ),
            "prior_sd": Column("number", "its standard deviation"),
            "evidence": Column("text", "grade of the evidence", choices=("A", "B", "C", "D", "E")),
            "half_life": Column("number", "years after which half of the effect is left"),
            "from_tier": _optional("text", "tier that customers leave"),
            "to_tier": _optional("text", "tier that they move to"),
            "volume": _optional("number", "customers won"),
            "exclusive_group": _optional("text", "of which only one may start"),
            "earliest_wave": _optional("count", "first wave in which it may start"),
        },
        key=("id",),
    ),
    "processes": Table(
        {
            "initiative": Column("id", "the initiative"),
            "step": Column("text", "a step of its process"),
            "exists": Column("flag", "whether the step exists"),
        },
        key=("initiative", "step"),
        references={"initiative": ("initiatives", "id")},
    ),
    "assets": Table(
        {
            "id": Column("id", "the asset"),
            "type": Column("text", "its type", choices=ASSET_TYPES),
            "build_cost": Column("amount", "cost to build"),
            "run_cost": Column("amount", "cost per wave"),
            "lead_waves": Column("count", "waves from the start of its build until it can be used"),
            "owned": Column("flag", "whether it exists"),
        },
        key=("id",),
    ),
    "requires": Table(
        {
            "initiative": Column("id", "the initiative"),
            "asset": Column("id", "an asset it needs"),
        },
        key=("initiative", "asset"),
        references={"initiative": ("initiatives", "id"), "asset": ("assets", "id")},
    ),
    "budgets": Table(
        {
            "wave": Column("count", "the wave"),
            "cap": Column("amount", "what may be spent in it"),
        },
        key=("wave",),
    ),
    "pilots": Table(
        {
            "initiative": Column("id", "the initiative"),
            "segment": Column("text", "where it was tried"),
            "arm": Column("text", "treated or control"),
            "n": Column("count", "customers in the arm"),
            "mean": Column("number", "mean outcome"),
            "sd": Column("number", "standard deviation of the outcome"),
            "outcome": Column(
                "text",
                "what was measured: retained, margin_change, reactivated or moved_up",
            ),
            "window_days": Column("count", "days of measurement; a year for retained"),
            "estimand": Column("text", "per whom", choices=("assigned", "adopter")),
            "start": Column("day", "first day of the trial"),
            "look": Column("count", "which look at the data"),
        },
        key=("initiative", "segment", "arm", "outcome", "look"),
        references={"initiative": ("initiatives", "id")},
    ),
    "contacts": Table(
        {
            "customer_id": _WHO,
            "campaign": Column("id", "the campaign"),
            "arm": Column("text", "treated or control"),
            "channel": Column("text", "the channel"),
            "sent_at": Column("day", "when it was sent"),
            "responded_at": _optional("day", "when the customer answered"),
            "outcome": _optional("number", "what came of it"),
        }
    ),
}
"""Every input table, by the name it has in a params file."""
