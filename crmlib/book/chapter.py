"""The run folder as a notebook sees it: upstream tables in, tables, exhibits, findings out.

The runner executes notebooks inside the folder that is being built and injects
`run_dir = "."`. By hand `run_dir` is empty: then the newest version under
$CRM_REPORTS that holds the chapters before this one is read, and what the
notebook writes goes to scratch: a published version never changes.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython.display import display
from pyarrow import ArrowInvalid

from crmlib import intake, params
from crmlib.book import scoring
from crmlib.errors import ParamsError, VersionError
from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit, Paragraph
from crmlib.exhibits.finding import Decision, Finding, FindingList
from crmlib.stats.refusal import Refusal, attempt

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from crmlib.intake.usual import Usual
    from crmlib.segments.scoring import ScoringModel


@dataclass
class Chapter:
    """One chapter's view of the run folder.

    Attributes
    ----------
    name : str
        The notebook's name, e.g. "02_value".
    engagement : params.Engagement
        The resolved settings of this version.
    source : Path
        Where upstream tables are read.
    target : Path
        Where this chapter writes.
    """

    name: str
    engagement: params.Engagement
    source: Path
    target: Path
    _exhibits: list[dict[str, Any]] = field(default_factory=list)
    _findings: list[dict[str, Any]] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)

    def table_path(self, name: str) -> Path:
        """Path of a customer-level table, this chapter's own first."""
        for folder in (self.target, self.source):
            path = folder / "tables" / f"{name}.parquet"
            if path.exists():
                return path
        raise VersionError(
            str(self.source),
            f"has no table `{name}`.",
            f"{self.name} needs it: run the whole book.",
        )

    def given(self, name: str) -> Path | Refusal:
        """Path of a table of the client's, cleaned, or why there is none."""
        if name not in self.engagement.inputs.given():
            return Refusal(f"the client gave no {name} (inputs.{name})")
        return self.table_path(f"client_{name}")

    def kept(self, name: str) -> Path | Refusal:
        """Path of a table that an earlier chapter keeps where the inputs ask for it."""
        try:
            return self.table_path(name)
        except VersionError:
            return Refusal(f"the version keeps no table `{name}`")

    def answers(self, name: str) -> pd.DataFrame | Refusal:
        """Rows of the client's survey, choices or maxdiff, or why there are none."""
        return attempt(pd.read_parquet, self.given(name))

    def by_customer(self, name: str) -> pd.DataFrame | Refusal:
        """A customer-level table of an earlier chapter, index customer_id, or why there is none."""
        if "transactions" not in self.engagement.inputs.given():
            return self.given("transactions")
        return attempt(lambda path: pd.read_parquet(path).set_index("customer_id"), self.kept(name))

    def read(self, name: str) -> pd.DataFrame:
        """A customer-level table of this version."""
        path = self.table_path(name)
        try:
            return pd.read_parquet(path)
        except (ArrowInvalid, OSError) as error:
            raise _damaged(path, str(error)) from None

    def earlier(self, name: str) -> pd.DataFrame | Refusal:
        """A customer-level table of the baseline version, or why there is none.

        The version being made lies beside it, as the version read by hand does.
        """
        version = self.engagement.baseline
        if not version:
            return Refusal("the params name no earlier version (`baseline`)")
        path = self.source.resolve().parent / version / "tables" / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except (ArrowInvalid, OSError) as error:
            reason = "is not there" if not path.exists() else f"cannot be read ({error})"
            remedy = f"{self.name} goes on from it: name another `baseline` and run the book again."
            raise VersionError(f"baseline {version}: {name}", f"{reason}.", remedy) from None

    def require_known(
        self, setting: str, names: Iterable[str], known: Iterable[str] | Refusal
    ) -> None:
        """Refuse a setting that names something which this chapter has not found.

        Nothing is refused where it could not be looked for.

        Raises
        ------
        ParamsError
            With all that it could have named, one a line.
        """
        if isinstance(known, Refusal):
            return
        there = sorted(set(known))
        for name in names:
            if name not in there:
                raise ParamsError(
                    self._place(setting, name),
                    "is nothing that this version has found.",
                    "Take one of these, or leave it out:",
                    there,
                )

    def require_free(self, setting: str, taken: Iterable[str] | Refusal) -> None:
        """Refuse own names that stand for something else already.

        Raises
        ------
        ParamsError
            With the first of the keys.
        """
        for name in () if isinstance(taken, Refusal) else taken:
            raise ParamsError(
                self._place(setting, name),
                "gives a name that another segment has.",
                "Take another word.",
            )

    def _place(self, setting: str, key: str) -> str:
        return f"params: {params.CHAPTER_SECTIONS[self.name]}.{setting}.{key}"

    def write(self, name: str, table: pd.DataFrame | ir.Table | Refusal | None) -> None:
        """Keep a customer-level table, in pandas or in the engine, in the version.

        Nothing is kept of one that is None or refused: the client's tables do not tell it.
        """
        if table is None or isinstance(table, Refusal):
            return
        path = self.target / "tables" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        if isinstance(table, pd.DataFrame):
            table.to_parquet(path, index=False, compression="zstd")
        else:
            intake.write(table, path)
        self._keep(f"tables/{name}.parquet")

    def write_all(self, tables: Mapping[str, ir.Table]) -> None:
        """Keep several tables, by name."""
        for name, table in tables.items():
            self.write(name, table)

    def keep_csv(self, name: str, table: pd.DataFrame) -> None:
        """Keep a small table (intake.csv) at the top of the version."""
        _write_csv(table, self.target / f"{name}.csv")
        self._keep(f"{name}.csv")

    def keep_scoring(self, model: ScoringModel | Refusal, usual: Usual, start: dt.date) -> None:
        """Keep all that it takes to put other customers into this version's segments."""
        text = json.dumps(scoring.record(model, usual, start), ensure_ascii=False, allow_nan=False)
        (self.target / scoring.FILE).write_text(text + "\n", encoding="utf-8")
        self._keep(scoring.FILE)

    def show(self, exhibit: Exhibit | None) -> None:
        """Display an exhibit and keep its figures, picture and caption.

        Nothing is shown in place of one that is None: another has said why.
        """
        if exhibit is None:
            return
        folder = self.target / "exhibits"
        folder.mkdir(exist_ok=True)
        _write_csv(exhibit.table, folder / f"{exhibit.id}.csv")
        if exhibit.figure is not None:
            (folder / f"{exhibit.id}.png").write_bytes(exhibit.png())
        self._exhibits.append(exhibit.record(self.name))
        self._save()
        # by hand a notebook holds the pixels: it stays small, and shows them untrusted, too
        by_hand = {"exclude": ["image/svg+xml"]} if self.source != self.target else {}
        display(exhibit.heading())
        display(exhibit, **by_hand)
        display(exhibit.caption())

    def display(self, said: FindingList | Decision | Paragraph | None) -> None:
        """Display what rests on findings that other chapters have kept, or a paragraph."""
        if said is not None:
            display(said)

    def conclude(self, findings: Sequence[Finding]) -> None:
        """Display the chapter's findings and keep them for the summary."""
        self._findings = [finding.record(self.name) for finding in findings]
        self._save()
        display(FindingList(self._findings))

    def findings(self) -> list[dict[str, Any]]:
        """The findings of the other chapters, chapter by chapter."""
        return self._of_others("findings")

    def exhibits(self) -> list[dict[str, Any]]:
        """The captions of the other chapters' exhibits, chapter by chapter."""
        return self._of_others("exhibits")

    def _of_others(self, kind: str) -> list[dict[str, Any]]:
        """A finished version, read by hand, also holds this chapter's own records."""
        path = self.source / f"{kind}.json"
        try:
            records = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(path, str(error)) from None
        return [record for record in records if record["chapter"] != self.name]

    def _keep(self, file: str) -> None:
        """Note whose file it is: the runner reuses a chapter with all that it wrote."""
        if file not in self._files:
            self._files.append(file)
        self._save()

    def _save(self) -> None:
        folder = self.target / "chapters"
        folder.mkdir(exist_ok=True)
        record = {
            "exhibits": self._exhibits,
            "findings": self._findings,
            "files": self._files,
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    formats.safe_table(table).to_csv(path, index=False, lineterminator="\n")


def _damaged(path: Path, reason: str) -> VersionError:
    remedy = "Run the book again: that makes a new version beside a damaged one."
    return VersionError(str(path), f"cannot be read ({reason.rstrip('.')}).", remedy)


def open_chapter(name: str, engagement: str, run_dir: str = "", **settings: Any) -> Chapter:
    """Open the run folder for a notebook.

    Parameters
    ----------
    name : str
        The notebook's name.
    engagement : str
        Which engagement; read from the newest version where `run_dir` is empty.
    run_dir : str
        The folder being built, or "" by hand.
    **settings
        This chapter's settings where the notebook's own cell decides them.
    """
    if run_dir:
        source = target = Path(run_dir)
    else:
        from crmlib.book import graph, versions

        root = versions.default_root()
        given = versions.inputs_given(versions.newest(root, engagement).path)
        needed = graph.upstream(graph.select(graph.GRAPH, [name], given), name)
        source = versions.newest(root, engagement, holding=needed).path
        target = Path(tempfile.mkdtemp(prefix=f"crm-{name}-"))
    manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    raw = params.read_yaml(source / "params.yml")
    raw.setdefault(params.CHAPTER_SECTIONS[name], {}).update(settings)
    resolved = params.resolve(raw, str(source / "params.yml"), Path(manifest["params_folder"]))
    return Chapter(name, resolved, source, target)
