"""The engagement as one typed object: what a params file may say, and its defaults.

Business defaults, units and ranges live here and nowhere else. Each notebook's
`parameters` cell repeats its chapter's fields at these defaults; a test holds
the two together. Loading refuses unknown keys, wrong types and impossible
ranges with the key's full name before any data are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from crmlib.errors import ParamsError, suggestion
from crmlib.tables import TABLES

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Position = Annotated[int, Field(ge=1, le=10_000)]
Span = Annotated[list[Position], Field(min_length=2, max_length=2)]
Day = Annotated[dt.date, Field(gt=dt.date(1901, 1, 1), lt=dt.date(2100, 1, 1))]

DAYS_PER_UNIT = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class TableInput(_Section):
    """Where one of the client's tables lies and how to read it.

    A file (CSV, text of fixed width, Parquet, XLSX; text may be gzipped), several files
    of one kind, or a table of a database. What says `auto` is found from the data,
    reported, and refused where the data allow two readings.
    """

    path: Text | list[Text] | None = Field(
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
            raise ValueError("either `path` or `database` says where the table lies.")
        if (self.database is None) != (self.table is None):
            raise ValueError("`database` and `table` belong together.")
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


class ExternalInput(TableInput):
    """Outside data, joined to customers by a column that both have."""

    key: Text = Field(default="customer_id", description="the customers' column to join by")


class Inputs(_Section):
    transactions: TransactionsInput
    contracts: TableInput | None = None
    ledger: TableInput | None = None
    customers: TableInput | None = None
    identities: TableInput | None = None
    control_totals: TableInput | None = None
    external: ExternalInput | None = None
    survey: TableInput | None = None
    choices: TableInput | None = None
    initiatives: TableInput | None = None
    processes: TableInput | None = None
    assets: TableInput | None = None
    requires: TableInput | None = None
    budgets: TableInput | None = None
    pilots: TableInput | None = None
    contacts: TableInput | None = None

    @model_validator(mode="after")
    def _columns_are_ours(self) -> Inputs:
        for table, settings in self.given().items():
            known = TABLES[table].columns
            for name in settings.columns:
                if name not in known:
                    raise ValueError(
                        f"{table}.columns: `{name}` is not one of our columns. "
                        + suggestion(name, known)
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
    margin_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="contribution per unit of revenue; 1 states value as revenue"
    )
    holdout_share: Annotated[float, Field(ge=0.1, le=0.5)] = Field(
        default=0.5, description="share of the observed time that is sealed for the holdout"
    )
    interval_level: OpenShare = 0.90
    bootstrap_replications: Annotated[int, Field(ge=20, le=10_000)] = 200
    tier_cuts: list[OpenShare] = Field(
        default=[0.5, 0.8], description="cumulative shares of value at which tiers end"
    )
    tier_labels: list[str] = Field(default=["high", "medium", "low"])

    @model_validator(mode="after")
    def _cuts_match_labels(self) -> ValueChapter:
        if sorted(set(self.tier_cuts)) != self.tier_cuts:
            raise ValueError(f"tier_cuts: {self.tier_cuts} must rise from one cut to the next.")
        if len(self.tier_labels) != len(self.tier_cuts) + 1:
            raise ValueError(
                f"tier_labels: {len(self.tier_cuts)} cuts make {len(self.tier_cuts) + 1} tiers, "
                f"but {len(self.tier_labels)} labels are given."
            )
        if len(set(self.tier_labels)) != len(self.tier_labels):
            raise ValueError(f"tier_labels: {self.tier_labels} must differ from each other.")
        return self


class SummaryChapter(_Section):
    """06_summary: the findings a board should hear first."""

    max_findings: Annotated[int, Field(ge=1, le=20)] = 7


class Privacy(_Section):
    min_cell: Annotated[int, Field(ge=1)] = Field(
        default=10, description="a base with fewer customers is refused"
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
    observation_end: Day = Field(description="last day the export covers")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    inputs: Inputs
    customers: CustomersChapter = CustomersChapter()
    value: ValueChapter = ValueChapter()
    summary: SummaryChapter = SummaryChapter()
    privacy: Privacy = Privacy()

    _base: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _observation_has_length(self) -> Engagement:
        if self.observation_start and self.observation_start >= self.observation_end:
            raise ValueError(
                f"observation_start: {self.observation_start} is not before "
                f"observation_end {self.observation_end}."
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


CHAPTER_SECTIONS = {"01_customers": "customers", "02_value": "value", "06_summary": "summary"}


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
    for override in overrides:
        _override(raw, override)
    return resolve(raw, str(path), path.parent)


def resolve(raw: dict[str, Any], name: str, base: Path) -> Engagement:
    """Check a mapping of settings; `name` is what messages call it."""
    try:
        engagement = Engagement.model_validate(raw)
    except ValidationError as error:
        first, *others = [
            ParamsError(f"{name}: {place}" if place else name, problem, remedy)
            for place, problem, remedy in map(_explain, error.errors())
        ]
        first.others = tuple(others)
        raise first from None
    engagement._base = Path(base)
    return engagement


def to_yaml(engagement: Engagement) -> str:
    """Every setting with its resolved value, in the models' order."""
    return yaml.safe_dump(
        engagement.model_dump(mode="python"), sort_keys=False, allow_unicode=True, width=100
    )


# What the loader raises for values that contradict their own tag, e.g. `!!bool abc`.
_UNREADABLE = (
    yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError,
)  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, refusing keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key `{key}` stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings of a params file, not yet checked; raises ParamsError."""
    if path.is_dir():
        raise ParamsError(str(path), "is a folder; a params file (YAML) was expected.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        others = [p.name for p in path.parent.glob("*.yml")] if path.parent.is_dir() else []
        raise ParamsError(
            str(path), "there is no such file.", suggestion(path.name, others)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(str(path), f"cannot be read as UTF-8 text ({error}).") from None
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ParamsError(f"{path}{line}", f"is not valid YAML: {error.problem}.") from None
    except _UNREADABLE as error:
        raise ParamsError(str(path), f"is not valid YAML: {error}.") from None
    if not isinstance(raw, dict):
        raise ParamsError(str(path), "holds no settings; `key: value` lines were expected.")
    return raw


def _override(raw: dict[str, Any], override: str) -> None:
    """Apply one `section.key=value`; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ParamsError(
            f"--set {override}", "`section.key=value` was expected,", "e.g. value.horizon_years=5."
        )
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except _UNREADABLE:
        raise ParamsError(f"--set {override}", "the value is not valid YAML.") from None
    *sections, last = key.strip().split(".")
    for section in sections:
        if raw.get(section) is None:
            raw[section] = {}
        raw = raw[section]
        if not isinstance(raw, dict):
            raise ParamsError(f"--set {override}", f"`{section}` has no keys below it.")
    raw[last] = value


def _explain(detail: dict[str, Any]) -> tuple[str, str, str]:
    """(key, what is wrong, what to do) of one of pydantic's findings."""
    place = ".".join(str(part) for part in detail["loc"])
    kind, found = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        model = _model_at(detail["loc"][:-1])
        return place, "unknown key.", suggestion(str(detail["loc"][-1]), model.model_fields)
    if kind == "missing":
        field = _model_at(detail["loc"][:-1]).model_fields[detail["loc"][-1]]
        hint = f"It says: {field.description}." if field.description else ""
        return place, "is required and not given.", hint
    if kind == "value_error":
        return place, str(detail["ctx"]["error"]), ""
    if kind == "string_pattern_mismatch":
        return place, f"found {found!r}; {_PATTERNS[detail['ctx']['pattern']]}.", ""
    if kind in _EXPECTED:
        return place, f"found {found!r}; expected {_EXPECTED[kind]}.", ""
    message = detail["msg"].removeprefix("Input should be ")
    return place, f"found {found!r}; expected {message}.", ""


_EXPECTED = {
    "model_type": "settings below it, as `key: value` lines",
    "dict_type": "settings below it, as `key: value` lines",
    "date_type": "a day such as 2024-12-31, without quotes",
    "string_type": "text; put it in quotes",
    "string_too_short": "at least one character",
}


_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,39}$": (
        "expected up to 40 lower-case letters, digits and underscores, a letter first"
    ),
    r"^[^\x00-\x1f\x7f]*$": "expected text without control characters",
    r"^[A-Z]{3}$": "expected a three-letter currency code such as EUR",
}


def _model_at(loc: tuple[Any, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Engagement
    for part in loc:
        model = model.model_fields[part].annotation
    return model
