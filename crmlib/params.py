"""The engagement as one typed object: what a params file may say, and its defaults.

Business defaults, units and ranges live here and nowhere else. Each notebook's
`parameters` cell repeats its chapter's fields at these defaults; a test holds
the two together. Loading refuses unknown keys, wrong types and impossible
ranges with the key's full name before any data are read.
"""

from __future__ import annotations

import datetime as dt
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from crmlib.errors import ParamsError, suggestion
from crmlib.settings_file import parse_yaml, read_yaml
from crmlib.tables import LINES, TABLES

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
# no character that acts on a terminal or turns the direction of writing
PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]
# What stands in titles of twelve words, and names columns.
_NOUN = r"^[^\W\d_]+([ -][^\W\d_]+){0,2}$"
Noun = Annotated[str, Field(max_length=40, pattern=_NOUN)]
_VERSION = r"^(v[1-9][0-9]{0,5}-[0-9a-f]{8})?$"
Position = Annotated[int, Field(ge=1, le=10_000)]
Span = Annotated[list[Position], Field(min_length=2, max_length=2)]
Day = Annotated[dt.date, Field(gt=dt.date(1901, 1, 1), lt=dt.date(2100, 1, 1))]

DAYS_PER_UNIT = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


class _Mistake(ValueError):
    """What contradicts something else in a section: the key below it, what is wrong, a remedy."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TableInput(_Section):
    """Where one of the client's tables lies and how to read it.

    A file (CSV, text of fixed width, Parquet, XLSX; text may be gzipped), several files
    of one kind, or a table of a database. What says `auto` is found from the data,
    reported, and refused where the data allow two readings.
    """

    path: Text | Annotated[list[Text], Field(min_length=1)] | None = Field(
        default=None, description="relative to the params file; `*` and lists name several files"
    )
    database: Text | None = Field(
        default=None, description="an Ibis URL without user and password, instead of a path"
    )
    table: Text | None = Field(default=None, description="the database's table")
    columns: dict[str, Text] = Field(default={}, description="our name: the client's column name")
    sheet: Text | None = Field(default=None, description="of a workbook with several")
    header: bool = Field(
        default=True, description="whether a line names the columns; if not: column_1, column_2 …"
    )
    skip_rows: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="lines above the header, or above the first row without one"
    )
    fields: dict[Text, Span] = Field(
        default={}, description="text of fixed width: name: [first, last] character, from 1"
    )
    encoding: Text = Field(default="auto", description="UTF-8 and UTF-16 are recognised")
    delimiter: str = Field(default="auto", description="one character, `tab` or `auto`")
    decimal: Literal["auto", ".", ","] = Field(default="auto", description="the decimal mark")
    date_format: Text = Field(default="auto", description="as in strptime, e.g. %d.%m.%Y")
    duplicates: Literal["drop", "keep_within_file", "keep"] = Field(
        default="drop", description="rows that repeat an earlier row in every column"
    )

    @model_validator(mode="after")
    def _one_place(self) -> TableInput:
        if (self.path is None) == (self.database is None):
            raise _Mistake("", "either `path` or `database` says where the table lies.")
        if (self.database is None) != (self.table is None):
            raise _Mistake("", "`database` and `table` belong together.")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """The path or paths as the params file has them; none for a database."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)


class TransactionsInput(TableInput):
    """Purchases, and what returns and free items among them mean."""

    returns: Literal["net_by_order", "exclude", "keep"] = Field(
        default="net_by_order", description="what happens to negative amounts"
    )
    zero_amounts: Literal["exclude", "keep"] = "exclude"
    amount_is: Noun = Field(
        default="revenue", description="what an amount is: revenue, or e.g. card spending"
    )

    @model_validator(mode="after")
    def _amount_is_no_key(self) -> TransactionsInput:
        if self.amount_is in ("customers", "month", "year"):
            raise _Mistake(
                "amount_is",
                f"found '{self.amount_is}', which tables count or sort by.",
                "Name what the money is, such as revenue or card spending.",
            )
        return self


class ExternalInput(TableInput):
    """Outside data, joined to customers by a column that both have."""

    key: Text = Field(default="customer_id", description="the customers' column to join by")


class ContactsInput(TableInput):
    """Who was contacted in campaigns, and what came of it."""

    costs: dict[Text, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default={}, description="cost of a contact that outcomes do not hold: `campaign: amount`"
    )


# What an engagement may start from, and what means nothing yet without purchases.
STARTING_POINTS = ("transactions", "survey", "choices", "maxdiff")
BESIDE_PURCHASES = ("contracts", "ledger", "control_totals")


class Inputs(_Section):
    transactions: TransactionsInput | None = None
    contracts: TableInput | None = None
    ledger: TableInput | None = None
    customers: TableInput | None = None
    identities: TableInput | None = None
    control_totals: TableInput | None = None
    external: ExternalInput | None = None
    survey: TableInput | None = None
    choices: TableInput | None = None
    maxdiff: TableInput | None = None
    initiatives: TableInput | None = None
    processes: TableInput | None = None
    assets: TableInput | None = None
    requires: TableInput | None = None
    budgets: TableInput | None = None
    pilots: TableInput | None = None
    contacts: ContactsInput | None = None

    @model_validator(mode="after")
    def _one_can_be_started_from(self) -> Inputs:
        given = self.given()
        if "transactions" in given:
            return self
        for table in BESIDE_PURCHASES:
            if table in given:
                raise _Mistake(
                    table,
                    "is not supported yet without inputs.transactions, which are not given.",
                    "Give purchases, too, or leave this table out.",
                )
        if not any(table in given for table in STARTING_POINTS):
            raise _Mistake(
                "transactions",
                "is not given, and neither are survey, choices or maxdiff; one of them is needed.",
                "Name its file, e.g. under `inputs.transactions.path`.",
            )
        return self

    @model_validator(mode="after")
    def _columns_are_ours(self) -> Inputs:
        for table, settings in self.given().items():
            known = TABLES[table].columns
            for name in settings.columns:
                if name not in known:
                    raise _Mistake(
                        f"{table}.columns.{name}",
                        "is not one of our columns.",
                        suggestion(name, known),
                    )
        return self

    def given(self) -> dict[str, TableInput]:
        """The tables that the params name, in the order of the models."""
        tables = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: settings for name, settings in tables.items() if settings is not None}


class CustomersChapter(_Section):
    """01_customers: can these data carry the analysis?"""

    max_excluded_share: Share = Field(
        default=0.20, description="intake stops when a larger share of a table's rows is excluded"
    )
    max_excluded_by_reason: dict[str, Share] = Field(
        default={}, description="the same for single reasons of the row ledger: `reason: share`"
    )
    control_tolerance: Share = Field(
        default=0.01, description="relative difference from the client's books that is accepted"
    )


class ValueChapter(_Section):
    """02_value: where the value is, how sure we are, what it will be."""

    horizon_years: Annotated[float, Field(gt=0, le=30)] = 3.0
    annual_discount_rate: Annotated[float, Field(ge=0, lt=1)] = 0.10
    margin_from: Literal["transactions", "contracts", "ledger"] = Field(
        default="transactions", description="the one table whose money is value"
    )
    margin_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="contribution per unit of revenue; 1 states value as revenue"
    )
    margin_trend: Literal["continue", "none"] = Field(
        default="continue",
        description="whether margins in the ledger go on to change as in the last year",
    )
    purchase_model: Literal["auto", "bg_nbd", "mbg_nbd", "pareto_nbd"] = Field(
        default="auto", description="auto takes what foretells a sealed holdout best"
    )
    spend_model: Literal["auto", "gamma_gamma", "by_frequency"] = Field(
        default="auto", description="auto lets spend depend on frequency where it does"
    )
    holdout_share: Annotated[float, Field(ge=0.1, le=0.5)] = Field(
        default=0.5, description="share of the observed time that is sealed for the holdout"
    )
    interval_level: OpenShare = 0.90
    bootstrap_replications: Annotated[int, Field(ge=20, le=10_000)] = 200
    tier_cuts: list[OpenShare] = Field(
        default=[0.5, 0.8], description="cumulative shares of value at which tiers end"
    )
    tier_labels: list[Text] = Field(default=["high", "medium", "low"])
    tier_thresholds: list[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default=[], description="lifetime values from which tiers begin, instead of shares"
    )
    contract_drivers: list[Text] = Field(
        default=[], description="attributes of customers that are held against who leaves"
    )
    acquired_by: Annotated[str, Field(max_length=200, pattern=PLAIN)] = Field(
        default="", description="attribute of customers that says how they were won"
    )

    @model_validator(mode="after")
    def _cuts_match_labels(self) -> ValueChapter:
        if sorted(set(self.tier_cuts)) != self.tier_cuts:
            raise _Mistake("tier_cuts", f"{self.tier_cuts} must rise from one cut to the next.")
        if len(self.tier_labels) != len(self.tier_cuts) + 1:
            raise _Mistake(
                "tier_labels",
                f"{len(self.tier_cuts)} cuts make {len(self.tier_cuts) + 1} tiers, "
                f"but {len(self.tier_labels)} labels are given.",
            )
        if sorted(set(self.tier_thresholds), reverse=True) != self.tier_thresholds:
            raise _Mistake(
                "tier_thresholds",
                f"{self.tier_thresholds} must fall from one tier to the next.",
            )
        if self.tier_thresholds and len(self.tier_labels) != len(self.tier_thresholds) + 1:
            raise _Mistake(
                "tier_thresholds",
                f"{len(self.tier_labels)} tiers begin at {len(self.tier_labels) - 1} thresholds, "
                f"but {len(self.tier_thresholds)} are given.",
            )
        if len(set(self.tier_labels)) != len(self.tier_labels):
            raise _Mistake("tier_labels", f"{self.tier_labels} must differ from each other.")
        if len(set(self.contract_drivers)) != len(self.contract_drivers):
            raise _Mistake(
                "contract_drivers", f"{self.contract_drivers} must differ from each other."
            )
        return self


Measure = Literal["customers", "revenue", "cost_to_serve", "risk_cost", "marketing", "profit"]


class SegmentsChapter(_Section):
    """03_segments: which segments there are, whether they hold, and where they move."""

    behaviour_days: Annotated[int, Field(ge=30, le=3_660)] = Field(
        default=365, description="days of behaviour, up to the last observed, that count"
    )
    tail: Annotated[float, Field(ge=0, le=0.1)] = Field(
        default=0.01, description="share of customers at either end whose features are drawn in"
    )
    leave_out: list[Text] = Field(default=[], description="behaviour features that are not used")
    methods: Annotated[list[Literal["classes", "kmeans", "mixture"]], Field(min_length=1)] = Field(
        default=["classes"],
        description="latent classes, or kmeans, mixture, or several: it takes longer",
    )
    most_behaviour_segments: Annotated[int, Field(ge=2, le=20)] = Field(
        default=8, description="behaviour segments that are wanted, at most"
    )
    stability_replications: Annotated[int, Field(ge=10, le=1_000)] = Field(
        default=50, description="resamples of customers behind the stability gate"
    )
    names: dict[Text, Text] = Field(
        default={}, description="own names of behaviour segments: `proposed: own`"
    )
    capacity: Annotated[int, Field(ge=2, le=100)] = Field(
        default=12, description="segments that the company can serve, at most"
    )
    min_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.02, description="smallest segment, as a share of customers"
    )
    min_customers: Annotated[int, Field(ge=1)] = Field(
        default=30, description="smallest segment, in customers, and fewest whom a rule places"
    )
    new_months: Annotated[float, Field(gt=0, le=60)] = Field(
        default=6.0, description="months for which a customer is new"
    )
    at_risk_below: OpenShare = Field(
        default=0.5, description="probability of being active below which a customer is at risk"
    )
    lapsed_below: OpenShare = Field(
        default=0.1, description="the same, below which a customer has lapsed"
    )
    spend_fall: OpenShare = Field(
        default=0.5, description="fall of spend from period to period that is a risk"
    )
    fall_level: OpenShare = Field(
        default=0.05, description="probability below which such a fall is no chance"
    )
    silent_months: Annotated[float, Field(gt=0, le=60)] = Field(
        default=12.0, description="months without a purchase after which one is a return"
    )
    repositioned_months: Annotated[float, Field(gt=0, le=60)] = Field(
        default=6.0, description="months for which a customer who came back is repositioned"
    )
    most_rules: Annotated[int, Field(ge=2, le=100)] = Field(
        default=16, description="rules by which a salesperson places a customer, at most"
    )
    held_out_share: Annotated[float, Field(ge=0.1, le=0.5)] = Field(
        default=0.3, description="share of customers on whom the rules are checked"
    )
    most_share: OpenShare = Field(
        default=0.5, description="share of customers from which a segment tells too little apart"
    )
    reachable_share: OpenShare = Field(
        default=0.5, description="share of a segment that a channel must reach, with consent"
    )
    moved_share: OpenShare = Field(
        default=0.2, description="share of customers in another segment than before to warn of"
    )
    test_level: OpenShare = Field(
        default=0.01, description="family-wise rate of false alarms of every test"
    )
    trigger_usual_months: Annotated[int, Field(ge=3, le=24)] = Field(
        default=6, description="months that say what is usual for a customer"
    )
    trigger_lead_months: Annotated[int, Field(ge=1, le=12)] = Field(
        default=3, description="months ahead of which a sign must show"
    )
    further_product_months: Annotated[int, Field(ge=1, le=60)] = Field(
        default=12, description="months after the first product from which one more is growth"
    )
    card_lines: Annotated[int, Field(ge=1, le=20)] = Field(
        default=5, description="differences on a segment's card, at most"
    )
    owners: dict[Text, Text] = Field(
        default={}, description="who answers for a segment, `segment: name`"
    )
    targets: dict[Text, dict[Measure, float]] = Field(
        default={}, description="figures of a year to reach, `segment: {profit: 500000}`"
    )

    @model_validator(mode="after")
    def _stages_and_names_are_apart(self) -> SegmentsChapter:
        if self.lapsed_below >= self.at_risk_below:
            raise _Mistake(
                "lapsed_below",
                f"{self.lapsed_below} is not below at_risk_below {self.at_risk_below}.",
            )
        if len(set(self.names.values())) != len(self.names):
            raise _Mistake("names", "gives two segments one name.", "Name each differently.")
        return self

    @model_validator(mode="after")
    def _targets_can_be(self) -> SegmentsChapter:
        for segment, figures in self.targets.items():
            for measure, figure in figures.items():
                if figure < 0 and measure != "profit":
                    raise _Mistake(
                        f"targets.{segment}.{measure}",
                        f"found {figure:g}; expected a number of 0 or more.",
                        "Costs are stated as positive numbers." if measure in LINES else "",
                    )
        return self


# Columns of choices that describe no offer; seconds are how long a task took.
NO_ATTRIBUTE = (*TABLES["choices"].columns, "seconds")


class Questions(_Section):
    """What the client's survey and choices asked, and the client's own figures beside them."""

    weights_are: Literal["relative", "customers"] = Field(
        default="relative", description="or customers: for how many each respondent stands"
    )
    benefits: dict[Text, Annotated[list[Text], Field(min_length=1)]] = Field(
        default={}, description="survey items on benefits by block, `functional: [wants_price]`"
    )
    reasons: list[Text] = Field(
        default=[], description="further items that tell needs segments apart, such as yes or no"
    )
    words: dict[Text, Text] = Field(
        default={},
        description="what a reader calls an item or attribute, `wants_price: low prices`",
    )
    loyalty_items: dict[
        Literal["reassessment", "attachment", "satisfaction", "life_change"], Text
    ] = Field(default={}, description="survey items behind loyalty profiles, `attachment: item`")
    satisfaction_scale: Annotated[list[float], Field(min_length=2, max_length=2)] = Field(
        default=[1.0, 10.0], description="worst and best answer on satisfaction"
    )
    issues: list[Text] = Field(
        default=[], description="survey items on issues that may drive satisfaction"
    )
    issue_costs: dict[Text, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="what it costs a year to raise an issue by a point: `item: money`"
    )
    issue_fixed_costs: dict[Text, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="what it costs a year to work on an issue at all"
    )
    choice_attributes: list[Text] = Field(
        default=[], description="columns of `choices` that describe an offer"
    )
    choice_price: Annotated[str, Field(max_length=200, pattern=PLAIN)] = Field(
        default="", description="the attribute in money that willingness to pay is measured by"
    )
    choice_money: Annotated[str, Field(max_length=40, pattern=PLAIN)] = Field(
        default="", description="what the price is in, `EUR a year`; the currency where empty"
    )
    choice_better: dict[Text, Text | list[Text]] = Field(
        default={}, description="what all prefer, `fee: low`, or levels from best to worst"
    )
    choice_base: dict[Text, Text] = Field(
        default={}, description="levels that others are compared with, `service: call_centre`"
    )
    offers: dict[Text, dict[Text, float | Text]] = Field(
        default={}, description="offers to simulate, `basic: {fee: 0, rewards: points}`"
    )
    offer_margins: dict[Text, float] = Field(
        default={}, description="money that the taker of an offer brings over the horizon"
    )
    offer_costs: dict[Text, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="money that it costs to have an offer at all"
    )
    capabilities: dict[Text, float] = Field(
        default={}, description="the client's own score of how well it serves a benefit item"
    )
    capability_scale: Annotated[list[float], Field(min_length=2, max_length=2)] = Field(
        default=[1.0, 5.0], description="worst and best of those scores"
    )
    disciplines: dict[
        Text, Literal["product leadership", "operational excellence", "customer intimacy"]
    ] = Field(default={}, description="discipline that a benefit item asks for")

    @property
    def benefit_items(self) -> list[str]:
        """Items of all blocks of benefits."""
        return [item for block in self.benefits.values() for item in block]

    def say(self, item: str) -> str:
        """What a reader calls a survey item: its own word, or its name without what all share.

        Of `wants_price` and `wants_speed` the first word tells nothing.
        """
        for group in (self.benefit_items, self.issues):
            if item in group and item not in self.words:
                first, _, rest = item.partition("_")
                shared = len(group) > 1 and all(each.startswith(f"{first}_") for each in group)
                return rest if shared and rest else item
        return self.words.get(item, item)

    def said(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Figures by item as a reader calls it."""
        return {self.say(item): figure for item, figure in figures.items()}

    @model_validator(mode="after")
    def _scales_run_upwards(self) -> Questions:
        for key in ("satisfaction_scale", "capability_scale"):
            worst, best = getattr(self, key)
            if not worst < best:
                raise _Mistake(key, f"{worst:g} is not below {best:g}.", "State worst, then best.")
        return self

    @model_validator(mode="after")
    def _items_stand_once(self) -> Questions:
        lists = {"issues": self.issues, "choice_attributes": self.choice_attributes}
        for name, better in self.choice_better.items():
            if not isinstance(better, str):
                lists[f"choice_better.{name}"] = better
        for key, names in lists.items():
            for name in names:
                if names.count(name) > 1:
                    raise _Mistake(key, f"names `{name}` twice.", "Name each once.")
        explained: dict[str, str] = {}
        for key, item in self.loyalty_items.items():
            if item in explained:
                raise _Mistake(
                    f"loyalty_items.{key}",
                    f"`{item}` is the item of {explained[item]}, too.",
                    "Name a question of its own.",
                )
            explained[item] = key
        satisfaction = self.loyalty_items.get("satisfaction")
        if satisfaction in self.issues:
            raise _Mistake(
                "issues",
                f"names `{satisfaction}`, which is satisfaction itself (`loyalty_items`).",
                "Leave it out: it would explain all of itself.",
            )
        return self

    @model_validator(mode="after")
    def _attributes_can_be(self) -> Questions:
        for name in self.choice_attributes:
            if name in NO_ATTRIBUTE:
                raise _Mistake(
                    "choice_attributes",
                    f"`{name}` is a column of every table of choices and describes no offer.",
                    "Leave it out.",
                )
        if self.choice_attributes == [self.choice_price]:
            raise _Mistake(
                "choice_price",
                f"`{self.choice_price}` is the only attribute; nothing is left to pay for.",
                "Name further `choice_attributes`, or leave the price out.",
            )
        if self.offers and not self.choice_attributes:
            raise _Mistake(
                "offers",
                "are described, but no `choice_attributes` are named.",
                "Name the columns of `choices` that describe an offer.",
            )
        for name, better in self.choice_better.items():
            if isinstance(better, str) and better not in ("low", "high"):
                raise _Mistake(
                    f"choice_better.{name}",
                    f"found '{better}'; expected `low`, `high` or a list of levels.",
                    "List levels from best to worst: `[full, basic]`.",
                )
        for name in self.offers:
            if name.strip().lower() == "none":
                raise _Mistake(
                    f"offers.{name}",
                    "is what the option to take no offer is called.",
                    "Take another word.",
                )
        return self

    @model_validator(mode="after")
    def _settings_belong_together(self) -> Questions:
        items = self.benefit_items
        for item in (*items, *self.reasons):
            if (*items, *self.reasons).count(item) > 1:
                raise _Mistake("benefits", f"names `{item}` twice.", "Put each item in one block.")
        belonging = {
            "capabilities": (self.capabilities, items, "benefits"),
            "disciplines": (self.disciplines, items, "benefits"),
            "offer_margins": (self.offer_margins, list(self.offers), "offers"),
            "offer_costs": (self.offer_costs, list(self.offers), "offers"),
            "issue_costs": (self.issue_costs, self.issues, "issues"),
            "issue_fixed_costs": (self.issue_fixed_costs, list(self.issue_costs), "issue_costs"),
            "choice_better": (self.choice_better, self.choice_attributes, "choice_attributes"),
            "choice_base": (self.choice_base, self.choice_attributes, "choice_attributes"),
        }
        for key, (names, known, where) in belonging.items():
            for name in names:
                if name not in known:
                    raise _Mistake(
                        f"{key}.{name}", f"is not one of `{where}`.", suggestion(name, known)
                    )
        return self

    @model_validator(mode="after")
    def _offers_are_described(self) -> Questions:
        if self.choice_price and self.choice_price not in self.choice_attributes:
            raise _Mistake(
                "choice_price",
                f"`{self.choice_price}` is not one of `choice_attributes`.",
                suggestion(self.choice_price, self.choice_attributes),
            )
        for name, offer in self.offers.items():
            unknown = [key for key in offer if key not in self.choice_attributes]
            missing = [key for key in self.choice_attributes if key not in offer]
            if unknown or missing:
                said = f"does not say {', '.join(missing)}." if missing else "says more."
                raise _Mistake(
                    f"offers.{name}", said, f"An offer says {', '.join(self.choice_attributes)}."
                )
        for group in (self.benefit_items + self.reasons, self.issues):
            words = [self.say(item) for item in group]
            for item, word in zip(group, words, strict=True):
                if words.count(word) > 1:
                    raise _Mistake(
                        f"words.{item}", f"`{word}` is what another item is called, too.",
                        "Give it a word of its own.",
                    )  # fmt: skip
        low, high = self.capability_scale
        for item, score in self.capabilities.items():
            if not low <= score <= high:
                raise _Mistake(
                    f"capabilities.{item}", f"found {score:g}; expected {low:g} to {high:g}."
                )
        return self


_Profile = Literal[
    "emotive", "deliberative_stay", "inertial", "lifestyle", "deliberative_go", "dissatisfied",
    "unanswered",
]  # fmt: skip


class NeedsChapter(_Section):
    """04_needs: what customers want, why they stay, and what it costs to fix."""

    most_needs_segments: Annotated[int, Field(ge=1, le=12)] = Field(
        default=6, description="needs segments that are looked for, at most"
    )
    starts: Annotated[int, Field(ge=1, le=200)] = Field(
        default=10, description="starts from which each number of classes is looked for"
    )
    likelihood_ratio_replications: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=19, description="simulated surveys that test one class more; 0: no test"
    )
    names: dict[Text, Text] = Field(
        default={}, description="own names of needs segments: `proposed: own`"
    )
    described_by: list[Text] = Field(
        default=[],
        description="columns that describe who is in a needs segment; none: all attributes",
    )
    projected_from: list[Text] = Field(
        default=[],
        description="columns that needs are carried over to all by; none: all attributes",
    )
    capacity: Annotated[int, Field(ge=1)] = Field(
        default=20, description="segments of value, behaviour and needs that can be served"
    )
    most_choice_classes: Annotated[int, Field(ge=1, le=12)] = Field(
        default=5, description="classes of people who weigh offers alike, at most"
    )
    leave_out_respondents: list[Literal["same_position", "speeder", "always_none"]] = Field(
        default=["same_position", "speeder"], description="signs of choices not made in earnest"
    )
    held_out_tasks: Annotated[int, Field(ge=1, le=20)] = Field(
        default=2, description="last tasks of each person that decide between choice models"
    )
    attached_from: float = Field(default=4.0, description="answer from which one is attached")
    reassesses_from: float = Field(
        default=4.0, description="answer from which one compares and reconsiders"
    )
    life_changed_from: float = Field(default=1.0, description="answer from which life has changed")
    dissatisfied_below: float = Field(
        default=6.0, description="answer below which one is dissatisfied"
    )
    loyalty_labels: dict[_Profile, Text] = Field(
        default={}, description="own names of loyalty profiles: `emotive: fans`"
    )
    reduced_stages: list[Text] = Field(
        default=["at risk"], description="lifecycle stages that count as spend reduced"
    )
    gone_stages: list[Text] = Field(
        default=["lapsed"], description="lifecycle stages that count as gone"
    )
    kept_when_reduced: Share = Field(
        default=0.5, description="share of spend that who reduces it still has"
    )
    test_level: OpenShare = Field(
        default=0.05, description="family-wise rate of false findings of every test"
    )
    replications: Annotated[int, Field(ge=20, le=10_000)] = Field(
        default=200, description="resamples of respondents behind intervals"
    )
    interval_level: OpenShare = 0.90


Grade = Literal["A", "B", "C", "D", "E"]
Lever = Literal["acquire", "activate", "retain", "grow", "win_back"]


class RoiChapter(_Section):
    """05_roi: which increment of investment pays next, how sure that is, and when to stop."""

    wave_months: Annotated[int, Field(ge=1, le=24)] = Field(
        default=3, description="months from one wave of the budgets to the next"
    )
    draws: Annotated[int, Field(ge=500, le=100_000)] = Field(
        default=10_000, description="possible worlds in which every initiative is reckoned"
    )
    take_up_cv: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.2, description="how far take-up may be off, standard deviation over mean"
    )
    segment_spread: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.5, description="spread of an effect between segments, in units of prior_sd"
    )
    grade_factors: dict[Grade, Annotated[float, Field(ge=1, le=100)]] = Field(
        default={"B": 1.25, "C": 1.5, "D": 2.0},
        description="by which a prior is widened, by grade of its evidence",
    )
    trim_reach: bool = Field(
        default=True, description="leave out segments in which an adopter brings less than he costs"
    )
    pilot_share: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.2, description="share of the reached that one arm of a pilot may hold"
    )
    pilot_cost_share: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.25, description="cost of holding a pilot, as a share of the fixed cost"
    )
    pilot_waves: Annotated[int, Field(ge=0, le=40)] = Field(
        default=1,
        description="waves that a pilot takes before its initiative may start; of retention a year",
    )
    margin_sd: Annotated[float, Field(gt=0, le=100)] = Field(
        default=0.5, description="spread of the change of margin between customers, if not measured"
    )
    harm_level: OpenShare = Field(
        default=0.05, description="chance of a good effect below which an initiative does harm"
    )
    risk_aversion: Share = Field(
        default=0.3, description="weight of the worst outcomes against the mean: 0 none, 1 all"
    )
    tail: OpenShare = Field(default=0.1, description="share of outcomes that are the worst")
    self_funding: bool = Field(
        default=False, description="whether what came back may be spent in later waves"
    )
    minimum_share: dict[Lever, Share] = Field(
        default={}, description="least share of cost by lever: `acquire: 0.1`"
    )
    budget_step: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="by which budgets are raised and lowered, as a share of a wave's"
    )
    reach_steps: Annotated[int, Field(ge=2, le=50)] = Field(
        default=10, description="steps in which the next customers are reached"
    )
    pilot_days: Annotated[int, Field(ge=7, le=1_000)] = Field(
        default=180,
        description="days after which a pilot is read for good; one of retention after a year",
    )
    looks: Annotated[int, Field(ge=1, le=12)] = Field(
        default=3, description="looks at the effect of a pilot, the last included"
    )
    boundary: Literal["obrien_fleming", "pocock"] = Field(
        default="obrien_fleming", description="how the looks share the rate of false alarms"
    )
    guard_rails: list[Text] = Field(
        default=["complaints", "opt-outs"], description="figures that are watched every day"
    )
    test_level: OpenShare = Field(default=0.05, description="rate of false alarms of every test")
    power: OpenShare = Field(
        default=0.8, description="chance that a test with a fixed end sees the expected effect"
    )
    targeted_by: list[Text] = Field(
        default=[], description="columns by which to choose whom to contact; none: all attributes"
    )
    folds: Annotated[int, Field(ge=2, le=20)] = Field(
        default=10, description="parts of a trial that judge rules found in the others"
    )
    holdout_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.1, description="share of every list that is left alone, by lot"
    )
    interval_level: OpenShare = 0.90


class SummaryChapter(_Section):
    """06_summary: the findings a board should hear first."""

    max_findings: Annotated[int, Field(ge=1, le=7)] = 7
    decision: Annotated[str, Field(max_length=300, pattern=PLAIN)] = Field(
        default="",
        description="the decision that the report asks for; worked out from the findings if empty",
    )


class Privacy(_Section):
    min_cell: Annotated[int, Field(ge=1)] = Field(
        default=10,
        description="smaller groups of customers are merged or withheld; a smaller base is refused",
    )


Change = Annotated[float, Field(ge=0)]


class Tolerances(_Section):
    """How far a figure may move from one version to the next before `crm compare` fails.

    The later version's tolerances decide. They change no result, so no chapter is
    executed anew when they do.
    """

    census: Change = Field(default=0.0, description="relative change of a count that passes")
    assumption: Change = Field(
        default=0.0, description="relative change of an assumed figure that passes"
    )
    estimate: Change = Field(
        default=1.0,
        description="move of an estimate that passes: 1 reaches from it to its interval's end",
    )
    findings: dict[Text, Change] = Field(
        default={}, description="the same for single findings: `finding: relative change`"
    )


class Engagement(_Section):
    """One client engagement: its settings per chapter and its input tables."""

    params_version: Literal[1] = Field(default=1, description="of this file's keys")
    engagement: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    title: Text
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_unit: Literal["day", "week", "month", "year"] = "week"
    time_zone: Text | None = Field(
        default=None, description="whose days count where times carry a zone, e.g. Asia/Hong_Kong"
    )
    observation_start: Day | None = Field(
        default=None, description="first day the export covers; the first row's day if not given"
    )
    observation_end: Day | None = Field(
        default=None, description="last day the export covers; needed where there are purchases"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    baseline: Annotated[str, Field(pattern=_VERSION)] = Field(
        default="",
        description="the version whose segments go on by name, e.g. v3-1a2b3c4d; none if empty",
    )
    inputs: Inputs
    customers: CustomersChapter = CustomersChapter()
    value: ValueChapter = ValueChapter()
    segments: SegmentsChapter = SegmentsChapter()
    questions: Questions = Questions()
    needs: NeedsChapter = NeedsChapter()
    roi: RoiChapter = RoiChapter()
    summary: SummaryChapter = SummaryChapter()
    privacy: Privacy = Privacy()
    tolerances: Tolerances = Tolerances()

    _base: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _observation_has_length(self) -> Engagement:
        start, end = self.observation_start, self.observation_end
        if end is None and self.inputs.transactions is not None:
            raise _Mistake(
                "observation_end",
                "is required and not given.",
                "It says: last day the export covers.",
            )
        if start and end and start >= end:
            raise _Mistake(
                "observation_start",
                f"{start} is not before observation_end {end}.",
            )
        return self

    @model_validator(mode="after")
    def _margin_is_given(self) -> Engagement:
        source, given = self.value.margin_from, self.inputs.given()
        # the ledger says how much, contracts say how long it goes on
        needed = {"ledger": ("ledger", "contracts"), "contracts": ("contracts",)}
        for table in needed.get(source, ()):
            if table not in given:
                raise _Mistake(
                    "value.margin_from",
                    f"`{source}` needs inputs.{table}, which is not given.",
                    "Give the table, or set margin_from: transactions.",
                )
        return self

    @model_validator(mode="after")
    def _attributes_have_a_table(self) -> Engagement:
        if self.value.contract_drivers and self.inputs.customers is None:
            raise _Mistake(
                "value.contract_drivers",
                "names attributes of customers, but no input holds any.",
                "Give the table under `inputs.customers`, or leave the list empty.",
            )
        if self.value.acquired_by and self.inputs.customers is None:
            raise _Mistake(
                "value.acquired_by",
                "names an attribute of customers, but no input holds any.",
                "Give the table under `inputs.customers`, or leave the name empty.",
            )
        return self

    @property
    def days_per_unit(self) -> float:
        """Days in one `time_unit`."""
        return DAYS_PER_UNIT[self.time_unit]

    @property
    def units_per_year(self) -> float:
        """How many of `time_unit` make a year."""
        return DAYS_PER_UNIT["year"] / self.days_per_unit

    @property
    def folder(self) -> Path:
        """The params file's folder, which input paths are relative to."""
        return self._base

    def settings(self, chapter: str) -> dict[str, Any]:
        """A chapter's settings as literals, in the order of its model."""
        return getattr(self, CHAPTER_SECTIONS[chapter]).model_dump(mode="json")


CHAPTER_SECTIONS = {
    "01_customers": "customers",
    "02_value": "value",
    "03_segments": "segments",
    "04_needs": "needs",
    "05_roi": "roi",
    "06_summary": "summary",
}
# what a chapter and those behind it see beside its own section
SEEN_FROM = {"questions": "04_needs"}
UNSEEN_SECTIONS = {"tolerances", "baseline"}  # no chapter reads one, nor the other's name


def load(path: Path | str, overrides: Iterable[str] = ()) -> Engagement:
    """Read and check a params file.

    Parameters
    ----------
    path : Path or str
        YAML file; input paths in it are relative to its folder.
    overrides : iterable of str
        `section.key=value` settings that replace what the file says.

    Raises
    ------
    ParamsError
        One message for each mistake, with the key's full name.
    """
    path = Path(path)
    raw = read_yaml(path)
    replaced = [_override(raw, override) for override in overrides]
    return resolve(raw, str(path), path.parent, replaced)


def resolve(
    raw: dict[str, Any], name: str, base: Path, replaced: Iterable[tuple[str, ...]] = ()
) -> Engagement:
    """Check a mapping of settings.

    Parameters
    ----------
    raw : dict
        The settings.
    name : str
        What messages call their file.
    base : Path
        What input paths are relative to.
    replaced : iterable of tuple of str
        Keys that were set by `--set`, which messages then name instead of the file.

    Raises
    ------
    ParamsError
        One message for each mistake.
    """
    try:
        engagement = Engagement.model_validate(raw)
    except ValidationError as error:
        first, *others = [
            ParamsError(
                f"{'--set' if _is_set(place, replaced) else name}: {place}".removesuffix(": "),
                problem,
                remedy,
            )
            for place, problem, remedy in _once(map(_explain, _findings(error)))
        ]
        first.others = tuple(others)
        raise first from None
    engagement._base = Path(base)
    return engagement


def _is_set(place: str, replaced: Iterable[tuple[str, ...]]) -> bool:
    """Whether a key, or a section that it lies in, was replaced on the command line."""
    return any(f"{place}.".startswith(f"{'.'.join(keys)}.") for keys in replaced)


def to_yaml(engagement: Engagement) -> str:
    """Every setting with its resolved value, in the models' order."""
    return yaml.safe_dump(
        engagement.model_dump(mode="python"), sort_keys=False, allow_unicode=True, width=100
    )


def _override(raw: dict[str, Any], override: str) -> tuple[str, ...]:
    """Apply one `section.key=value`, whose value is read as YAML; the keys."""
    key, equals, text = override.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or not all(keys):
        raise ParamsError(
            f"--set {override}", "`section.key=value` was expected,", "e.g. value.horizon_years=5."
        )
    value = parse_yaml(text, f"--set {override}", "the value is")
    *sections, last = keys
    for section in sections:
        if raw.get(section) is None:
            raw[section] = {}
        raw = raw[section]
        if not isinstance(raw, dict):
            raise ParamsError(f"--set {override}", f"`{section}` has no keys below it.")
    raw[last] = value
    return keys


def _once(mistakes: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    """Mistakes without a remedy that has been said."""
    said: set[str] = set()
    for place, problem, remedy in mistakes:
        yield place, problem, "" if remedy in said else remedy
        said.add(remedy)


def _findings(error: ValidationError) -> list[dict[str, Any]]:
    """Pydantic's findings, one for a path that may be text or a list of texts."""
    return [
        finding
        for finding in error.errors()
        if not (_IN_TEXT in finding["loc"] and isinstance(finding["input"], list))
        and not (_IN_LIST in finding["loc"] and finding["type"] == "list_type")
    ]


def _explain(detail: dict[str, Any]) -> tuple[str, str, str]:
    """(key, what is wrong, what to do) of one of pydantic's findings."""
    loc = tuple(part for part in detail["loc"] if part not in (_IN_TEXT, _IN_LIST))
    place = ".".join(str(part) for part in loc)
    kind, found = detail["type"], _shown(detail.get("input"))
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return place, "unknown key.", suggestion(str(loc[-1]), _model_at(loc[:-1]).model_fields)
    if kind == "missing":
        field = _model_at(loc[:-1]).model_fields[loc[-1]]
        hint = f"It says: {field.description}." if field.description else ""
        return place, "is required and not given.", hint
    if kind == "value_error":
        key, problem, *remedy = context["error"].args
        return f"{place}.{key}".strip("."), problem, "".join(remedy)
    if kind == "literal_error" and loc[-1:] == ("[key]",):
        parents = [str(part) for part in loc if part != "[key]"]
        return ".".join(parents), "unknown key.", suggestion(parents[-1], get_args(Measure))
    if kind == "invalid_key" or loc[-1:] == ("[key]",):
        key = "null" if detail["input"] is None else found
        parents = [str(part) for part in loc if part != "[key]"][:-1]
        place = ".".join([*parents, key])
        return place, "is no word, which every key must be.", f'Put it in quotes: `"{key}"`.'
    if kind == "string_pattern_mismatch":
        return place, f"found {found}; {_PATTERNS[context['pattern']]}.", ""
    if kind == "literal_error" and place == "params_version":
        return (
            place,
            f"found {found}, but this crm reads version {context['expected']}.",
            "Use the crm that the file was written for, or bring its keys up to date.",
        )
    if kind in _EXPECTED:
        return place, f"found {found}; expected {_EXPECTED[kind].format(**context)}.", ""
    message = detail["msg"].removeprefix("Input should be ")
    return place, f"found {found}; expected {message}.", ""


_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother, _REPR.maxlong = 2, 200, 200, 40
_REPR.maxlist = _REPR.maxdict = _REPR.maxset = 4


def _shown(found: Any) -> str:
    """A value for a message; short, since aliases can make a small file endless."""
    if found is None or isinstance(found, bool):
        return {None: "nothing", True: "true", False: "false"}[found]
    return found.isoformat() if isinstance(found, dt.date) else _REPR.repr(found)


# Where a field may be one of two types, pydantic puts the type that it tried into the place.
_IN_TEXT, _IN_LIST = "constrained-str", "list[constrained-str]"
_EXPECTED = {
    "model_type": "settings below it, as `key: value` lines",
    "dict_type": "settings below it, as `key: value` lines",
    "date_type": "a day such as 2024-12-31, without quotes",
    "bool_type": "true or false",
    "string_type": "text; put it in quotes",
    "string_too_short": "at least one character",
    "string_too_long": "at most {max_length} characters",
    "list_type": "a list, such as [a, b]",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}


_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,39}$": (
        "expected up to 40 lower-case letters, digits and underscores, a letter first"
    ),
    _NOUN: "expected one to three words of letters, such as card spending",
    PLAIN: "expected text without control characters",
    _VERSION: "expected a version's name, such as v3-1a2b3c4d, or nothing",
    r"^[A-Z]{3}$": "expected a three-letter currency code such as EUR",
}


def _model_at(loc: tuple[Any, ...]) -> type[BaseModel]:
    """The model of a section; a table may be given or not, so its type is one of two."""
    model: type[BaseModel] = Engagement
    for part in loc:
        kinds = model.model_fields[part].annotation
        model = next((kind for kind in get_args(kinds) if kind is not type(None)), kinds)
    return model
