"""New customers put into a version's segments from their raw rows: `crm score` (S8, B7).

The rows go the way that the version's went: the same reading and cleaning by the version's
own params, the same features as of a day, the same recipe. What comes out stands beside the
version, which never changes: one table of scores, one of each row and customer that could
not be scored, with the reason.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlib import intake, params, value
from crmlib.book import disk, fingerprint, graph, versions
from crmlib.errors import InputError, ParamsError, VersionError
from crmlib.exhibits import formats
from crmlib.intake.usual import Usual
from crmlib.params import Engagement
from crmlib.segments.scoring import Scored, ScoringModel, from_plain, score, to_plain
from crmlib.stats.refusal import Refusal

if TYPE_CHECKING:
    from crmlib.intake.opening import Client

CHAPTER, FILE = "03_segments", "scoring.json"
TABLES = ("transactions", "contracts", "ledger", "customers", "identities")
NOT_YET = "no purchase, contract or booking by the day that counts"
_AGAIN = "Run the book again; its new version can score."
_REFUSED = ["table", "file", "row", "rows", "customer_id", "reason"]


def record(model: ScoringModel | Refusal, usual: Usual, start: dt.date) -> dict[str, Any]:
    """What a version keeps to score others: `scoring.json`."""
    refused = model.reason if isinstance(model, Refusal) else None
    kept = None if isinstance(model, Refusal) else to_plain(model)
    first = start.isoformat()
    return {"refused": refused, "start": first, "usual": usual.to_plain(), "model": kept}


@dataclass(frozen=True)
class Scorer:
    """A version that can score.

    Attributes
    ----------
    folder : Path
    engagement : Engagement
        As the version was made.
    model : ScoringModel
    usual : Usual
    start : date
        First day that the version observed.
    """

    folder: Path
    engagement: Engagement
    model: ScoringModel
    usual: Usual
    start: dt.date

    @property
    def end(self) -> dt.date:
        """Last day that the version observed."""
        return self.engagement.observation_end

    @property
    def tables(self) -> list[str]:
        """The version's tables from which customers are known."""
        return [name for name in TABLES if name in self.engagement.inputs.given()]


@dataclass(frozen=True)
class Scores:
    """What was scored.

    Attributes
    ----------
    scored : Scored
    refused : DataFrame
        table, file, row, rows, customer_id, reason: each row that was not used, then each
        customer who was not scored.
    ledger : DataFrame
        table, read, used, refused (rows; the last line counts customers).
    notes : tuple of str
        What a reader must know, as sentences.
    as_of : date
    """

    scored: Scored
    refused: pd.DataFrame
    ledger: pd.DataFrame
    notes: tuple[str, ...]
    as_of: dt.date


def open_scorer(folder: Path) -> Scorer:
    """A version's scoring model.

    Raises
    ------
    VersionError
        The folder is no version, lacks the chapter, or has no segments to put anybody in.
    """
    manifest = versions.read_manifest(folder)
    place = str(folder)
    if CHAPTER not in manifest.get("chapters", {}):
        remedy = f"Make a version with it: crm run … --only {CHAPTER}"
        lacking = graph.wanting(graph.GRAPH, versions.inputs_given(folder)).get(CHAPTER)
        if lacking:
            wanted = " or ".join(f"inputs.{table}" for table in lacking)
            remedy = f"The chapter needs {wanted}, which its params do not give."
        raise VersionError(place, f"has no chapter {CHAPTER}, and so no segments.", remedy)
    if FILE not in manifest["files"]:
        raise VersionError(place, f"was made before versions kept a {FILE}.", _AGAIN)
    for name in (FILE, "params.yml", "tables/segments.parquet"):
        path = folder / name
        if not path.is_file() or fingerprint.of_file(path) != manifest["files"].get(name):
            raise VersionError(str(path), "is missing or not as it was published.", _AGAIN)
    kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    if kept["model"] is None:
        raise VersionError(
            place,
            f"has no behaviour segments to put anybody in: {kept['refused']}.",
            "Its segments are value tiers alone, which come from value and not from a score.",
        )
    raw = params.read_yaml(folder / "params.yml")
    engagement = params.resolve(raw, str(folder / "params.yml"), Path(manifest["params_folder"]))
    try:
        model = from_plain(kept["model"])
        usual = Usual.of_plain(kept["usual"])
    except (KeyError, TypeError, ValueError) as error:
        raise VersionError(
            str(folder / FILE), f"was written by another crm ({error}).", _AGAIN
        ) from None
    return Scorer(folder, engagement, model, usual, dt.date.fromisoformat(kept["start"]))


def read_options(**stated: Iterable[str]) -> dict[str, dict[str, str]]:
    """How files are written, by table, from what the command line says.

    Parameters
    ----------
    **stated : iterable of str
        By setting: `table=value`, or the value alone for the transactions.

    >>> read_options(decimal=[",", "ledger=."])
    {'transactions': {'decimal': ','}, 'ledger': {'decimal': '.'}}
    """
    found: dict[str, dict[str, str]] = {}
    for setting, texts in stated.items():
        for text in texts:
            table, equals, rest = text.partition("=")
            named = bool(equals) and table in TABLES
            found.setdefault(table if named else TABLES[0], {})[setting] = rest if named else text
    return found


def score_files(
    scorer: Scorer,
    files: Mapping[str, Path],
    *,
    as_of: dt.date | None = None,
    written: Mapping[str, Mapping[str, str]] | None = None,
) -> Scores:
    """Score the customers in raw files.

    Parameters
    ----------
    scorer : Scorer
    files : mapping of our table's name to a file
        `transactions`, and whatever else of the version's tables there is.
    as_of : date, optional
        The day from which recency is counted; the version's last day by default.
    written : mapping of table to settings, optional
        How a file writes dates and decimals (`date_format`, `decimal`), where it is not as
        the version's params say.

    Raises
    ------
    InputError
        A file that cannot be read or lacks a column; rows behind the day that counts, where
        that was not stated; nobody to score.
    ParamsError
        A day before the version's first.
    """
    asked = _engagement(scorer, files, as_of, written or {})
    try:
        client = intake.open_some(asked)
    except InputError as error:
        raise _with_options(error) from None
    if as_of is None:
        _refuse_later_rows(client, scorer, files)
    everyone = client.customer_view()
    if everyone.empty:
        _nobody(client.refused, files, scorer)
    temporary = Path(tempfile.gettempdir())
    with (
        disk.writing(temporary, "no score was written"),
        tempfile.TemporaryDirectory(prefix="crm-score-") as scratch,
    ):
        features, contributed = _described(client, everyone, scorer, asked, Path(scratch))
    tiers = pd.read_parquet(scorer.folder / "tables" / "segments.parquet")
    tiers = tiers.set_index("customer_id")["value_tier"]
    scored = score(scorer.model, features, contributed, tiers)
    ids = everyone["customer_id"]
    unknown = ids[~ids.isin(features["customer_id"])]
    not_yet = pd.DataFrame({"customer_id": unknown, "reason": NOT_YET})
    lost = pd.concat([scored.refused, not_yet], ignore_index=True).assign(table="", file="", rows=0)
    refused = pd.concat([client.refused, lost], ignore_index=True)[_REFUSED]
    refused["row"] = refused["row"].astype("Int64")
    if scored.scores.empty:
        _nobody(refused, files, scorer)
    ledger = _counted(client.ledger, len(scored.scores), len(lost))
    notes = _notes(scored, scorer, asked, contributed is not None)
    return Scores(scored, refused, ledger, notes, asked.observation_end)


def require_beside(folder: Path) -> None:
    """Refuse a folder in which scores must not be written.

    Raises
    ------
    VersionError
        It lies in a version, which never changes.
    """
    above = (folder.resolve(), *folder.resolve().parents)
    inside = [each for each in above if (each / versions.MANIFEST).exists()]
    if inside:
        raise VersionError(
            str(folder),
            f"lies in the version {inside[0].name}, which never changes.",
            "Name a folder beside it with --out.",
        )


def write_scores(scores: Scores, folder: Path) -> tuple[Path, Path]:
    """Write scores.csv and refused.csv, both or neither; their paths.

    Raises
    ------
    VersionError
        The folder lies in a version, or cannot be written.
    """
    require_beside(folder)
    tables = {"refused.csv": scores.refused, "scores.csv": scores.scored.scores}
    texts = {
        name: formats.safe_table(table).to_csv(index=False, lineterminator="\n")
        for name, table in tables.items()
    }
    with disk.writing(folder, "no score was written"):
        folder.mkdir(parents=True, exist_ok=True)
        disk.put_all({folder / name: text for name, text in texts.items()})
    return folder / "scores.csv", folder / "refused.csv"


def default_folder(scorer: Scorer, files: Mapping[str, Path], as_of: dt.date) -> Path:
    """Where scores stand beside their version: one folder for the same files and day."""
    version = scorer.folder.resolve()
    what = {name: fingerprint.of_file(path) for name, path in sorted(files.items())}
    what |= {"version": fingerprint.of_file(version / versions.MANIFEST), "as_of": str(as_of)}
    return version.parent / "scores" / f"{version.name}-{fingerprint.digest(what)[:8]}"


def _engagement(
    scorer: Scorer,
    files: Mapping[str, Path],
    as_of: dt.date | None,
    written: Mapping[str, Mapping[str, str]],
) -> Engagement:
    """The version's engagement with the new files in place of its own, and with its mapping."""
    day = as_of or scorer.end
    if day <= scorer.start:
        raise ParamsError(
            f"--as-of {day}", f"a day after {scorer.start} was expected, the version's first."
        )
    raw = scorer.engagement.model_dump(mode="python")
    given = scorer.engagement.inputs.given()
    inputs: dict[str, Any] = {}
    for name, path in files.items():
        if name not in given:
            raise ParamsError(
                f"--{name}", f"{scorer.folder.name} was made without a table of {name}.",
                "Leave the option out: its segments do not rest on such a table.",
            )  # fmt: skip
        if not path.exists():
            raise InputError(str(path), "there is no such file.", "Check the path.")
        place = {"path": str(path.absolute()), "database": None, "table": None}
        inputs[name] = raw["inputs"][name] | place | dict(written.get(name, {}))
    if "identities" in given and "identities" not in inputs:
        own = scorer.folder / "tables" / "client_identities.parquet"
        inputs["identities"] = {"path": str(own.absolute())}
    settled = {"inputs": inputs, "observation_start": scorer.start, "observation_end": day}
    # what the chapter of value asks of the tables was asked of the version's
    kept = {key: part for key, part in raw.items() if key not in ("value", "customers")}
    return params.resolve(kept | settled, scorer.folder.name, Path.cwd())


def _with_options(error: InputError) -> InputError:
    """A few rows may allow two readings: say which option states the one that is meant."""
    options = {"date_format": "--date-format", "decimal": "--decimal"}
    named = [option for key, option in options.items() if f".{key}" in error.remedy]
    here = f" Here {' and '.join(named)} states it." if named else ""
    return InputError(error.place, error.problem, f"{error.remedy}{here}", error.others)


def _refuse_later_rows(client: Client, scorer: Scorer, files: Mapping[str, Path]) -> None:
    """Rows behind the version's last day say that the export ends later; but not when."""
    late = {"transactions": "after observation_end", "contracts": "starts after observation_end"}
    for table, reason in late.items():
        lines = client.ledger[
            (client.ledger["table"] == table) & (client.ledger["reason"] == reason)
        ]
        if not lines.empty:
            line = lines.iloc[0]
            raise InputError(
                str(files[table]),
                f"{line['rows']:,} of its rows lie after {scorer.end}, the version's last day "
                f"(rows such as {line['examples']}).",
                "Say with --as-of on which day the export ends: how long ago somebody bought "
                f"is counted from it. --as-of {scorer.end} leaves these rows out.",
            )


def _described(
    client: Client, everyone: pd.DataFrame, scorer: Scorer, asked: Engagement, scratch: Path
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Features and contributions of the customers, made as chapters 01 to 03 make them."""
    everyone.to_parquet(scratch / "customers.parquet", index=False)
    intake.write(client.transactions.ordered(), scratch / "purchases.parquet")
    tables: dict[str, Path | Refusal] = {}
    for name in ("contracts", "ledger"):
        tables[name] = Refusal(f"no {name} are given")
        if name in client.tables:
            tables[name] = scratch / f"{name}.parquet"
            intake.write(client.tables[name].rows, scratch / f"{name}.parquet")
    for name, table in client.transactions.kept_parts().items():
        tables[name] = scratch / f"{name}.parquet"
        intake.write(table, scratch / f"{name}.parquet")
    end = asked.observation_end
    features = intake.read_behaviour(
        scratch / "customers.parquet", intake.read_purchases(scratch / "purchases.parquet"),
        tables["contracts"], tables["ledger"],
        as_of=end, days=scorer.engagement.segments.behaviour_days, usual=scorer.usual,
        parts=tables.get("purchase_parts"),
    )  # fmt: skip
    if _joined_is_missing(scorer, everyone):
        features = features.drop(columns="tenure", errors="ignore")
    return features, _contributed(scorer, everyone, tables, end)


def _joined_is_missing(scorer: Scorer, everyone: pd.DataFrame) -> bool:
    """Whether the version counted tenure from a day that the new customers' rows do not say."""
    version = pd.read_parquet(scorer.folder / "tables" / "customers.parquet")
    return "joined" in version and "joined" not in everyone


def _contributed(
    scorer: Scorer, everyone: pd.DataFrame, tables: Mapping[str, Path | Refusal], end: dt.date
) -> pd.DataFrame | None:
    """What customers have contributed by the stream that carries the margin, as in 02_value."""
    settings, ledger = scorer.engagement.value, tables["ledger"]
    if isinstance(tables.get(settings.margin_from), Refusal):
        return None
    booked = intake.booked_days(ledger, scorer.start, end)
    return value.stream_contributions(
        settings.margin_from, everyone, margin_rate=settings.margin_rate,
        account=value.attempt(intake.read_account, ledger, scorer.start, end),
        year=value.attempt(intake.read_account, ledger, *value.years_before(booked[1], 0)),
        contracts=value.attempt(intake.read_contracts, tables["contracts"]),
        start=scorer.start, end=end,
    )  # fmt: skip


def _nobody(refused: pd.DataFrame, files: Mapping[str, Path], scorer: Scorer) -> None:
    """Say why nobody can be scored, and what to send."""
    place = str(files["transactions"])
    if refused.empty:
        raise InputError(place, "has no row with a customer to score.", "Export the table again.")
    counts = refused["reason"].value_counts()  # the commonest first
    missing = [name for name in scorer.tables if name not in files and name != "identities"]
    remedy = "Check the file against the version's params."
    if missing:
        options = " ".join(f"--{name} FILE" for name in missing)
        remedy = f"The version also rests on {', '.join(missing)}: give {options}."
    raise InputError(
        place, f"nobody in it can be scored; most often: {counts.index[0]}.", remedy,
        others=[f"{count:,} × {reason}" for reason, count in counts.items()],
    )  # fmt: skip


def _counted(ledger: pd.DataFrame, scored: int, lost: int) -> pd.DataFrame:
    """Rows read, used and refused by table; then customers."""
    rows = []
    for table, lines in ledger.groupby("table", sort=False):
        by_status = lines.groupby("status")["rows"].sum()
        counts = [int(by_status.get(name, 0)) for name in ("read", "used", "excluded")]
        rows.append((str(table), *counts))
    rows.append(("all customers", scored + lost, scored, lost))
    return pd.DataFrame(rows, columns=["table", "read", "used", "refused"])


def _notes(scored: Scored, scorer: Scorer, asked: Engagement, with_money: bool) -> tuple[str, ...]:
    """What was known, whose tier was known, and how sure the segments are."""
    table, model = scored.scores, scorer.model
    said = [f"Scored as of {asked.observation_end} by {scorer.folder.resolve().name}."]
    given = asked.inputs.given()
    missing = [name for name in scorer.tables if name not in given]
    known = f"{table['features_known'].mean():.0%} of what segments are told by is known on average"
    least = f"customers of whom less than {model.enough:.0%} is known are refused"
    said.append(f"{known}; {least}.")
    if missing:
        said.append(f"The version also rests on {', '.join(missing)}, not given here.")
    if table["in_version"].any():
        count = int(table["in_version"].sum())
        said.append(f"{count:,} of the customers are in the version and keep its value tier.")
    new = int((~table["in_version"]).sum())
    if new and with_money:
        said.append(
            f"Value tiers of the {new:,} others are the likeliest by the version's customers like "
            f"them; of those {model.odds.agreement:.0%} would have been given their own."
        )
    elif new:
        said.append(
            f"{new:,} have a behaviour segment and no segment: without the table of "
            f"{scorer.engagement.value.margin_from} their value tier is not known."
        )
    said.append(f"Mean confidence is {table['confidence'].mean():.0%}.")
    return tuple(said)
