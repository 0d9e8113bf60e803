"""The bank as files: data, truth and a params file, written beside and moved when whole."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from crmlib.demo import (
    bank,
    books,
    cards,
    needs_truth,
    outside,
    pilots,
    plans,
    plans_truth,
    texts,
)
from crmlib.demo.files import TableFile, create
from crmlib.demo.settings import BankSettings
from crmlib.demo.truth import BankTruth, archetypes_json
from crmlib.errors import CrmError

Progress = Callable[[int, int], None]
TRUTH = "truth/customers.csv.gz"
_DRAFT = ".demo-"


@dataclass(frozen=True)
class Written:
    """What `write_bank` has made.

    Attributes
    ----------
    params : Path
        The params file.
    data : Path
        The folder of data.
    rows : dict
        Rows of every input table.
    changed : int
        Files that were not there before as they are now.
    """

    params: Path
    data: Path
    rows: dict[str, int]
    changed: int


def write_bank(
    settings: BankSettings,
    out: Path,
    *,
    force: bool = False,
    progress: Progress = lambda done, of: None,
) -> Written:
    """Make a bank below `out`: data/<name>/ and params/<name>.yml.

    Parameters
    ----------
    settings : BankSettings
        Which bank.
    out : Path
        A folder, made where it is missing.
    force : bool
        Replace files that hold something else.
    progress : callable
        Told after each block how many customers are made, and of how many.

    Raises
    ------
    CrmError
        A file that holds something else is in the way, or the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=out) as draft:
            rows = _write(settings, Path(draft), progress)
            names = sorted(p.relative_to(draft) for p in Path(draft).rglob("*") if p.is_file())
            changed = [name for name in names if not _same(Path(draft, name), out / name)]
            taken = [name for name in changed if os.path.lexists(out / name)]
            if taken and not force:
                raise CrmError(
                    str(out / taken[0]),
                    f"holds something else than this bank would{_and_more(taken)}.",
                    "Give another --name or --out, or replace it with --force.",
                )
            for name in changed:
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                Path(draft, name).replace(out / name)
    except OSError as error:
        inside = error.filename is None or _DRAFT in str(error.filename)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CrmError(
            str(out if inside else error.filename),
            f"cannot be written ({reason}).",
            "Name another folder with --out, or free some space there.",
        ) from None
    params = out / "params" / f"{settings.name}.yml"
    return Written(params, out / "data" / settings.name, rows, len(changed))


def _and_more(taken: list[Path]) -> str:
    return f", and so do {len(taken) - 1} more files" if len(taken) > 1 else ""


def _same(draft: Path, there: Path) -> bool:
    return there.is_file() and filecmp.cmp(draft, there, shallow=False)


def _write(settings: BankSettings, draft: Path, progress: Progress) -> dict[str, int]:
    """Everything, into an empty folder; rows by input table."""
    data = draft / "data" / settings.name
    (data / "truth").mkdir(parents=True)
    truth = BankTruth(settings)
    _write_tables(settings, data, truth, progress)
    told = {
        "archetypes": archetypes_json(),
        "bank": truth.as_json(),
        "needs": needs_truth.needs_json(),
        "initiatives": plans_truth.plans_json(),
    }
    for name, content in told.items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (data / "truth" / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (data / "README.md").write_text(_readme(settings, truth), encoding="utf-8")
    (data / "SHA256SUMS").write_text(_checksums(data), encoding="utf-8")
    (draft / "params").mkdir()
    params = draft / "params" / f"{settings.name}.yml"
    params.write_text(texts.params_text(settings), encoding="utf-8")
    return dict(truth.rows)


def _write_tables(settings: BankSettings, data: Path, truth: BankTruth, progress: Progress) -> None:
    """All blocks, then the prospects behind the customers, then the bank's books and plans."""
    blocks, by_month, made = range(len(settings.block_sizes)), [], 0
    with _open(data) as files:
        for number in blocks:
            block = bank.make_block(settings, number)
            for name, rows in block.tables.items():
                files[name].add(rows)
                truth.rows[name] += len(rows)
            files["truth"].add(bank.as_table(block.truth))
            for name, latent in block.needs_truth.items():
                files[name].add(bank.as_table(latent))
            truth.add(block.truth, block.active_months, block.planted)
            by_month.append(block.by_month)
            made += settings.block_sizes[number]
            progress(made, settings.customers)
        for number in blocks:
            for name, rows in bank.make_prospects(settings, number).items():
                files[name].add(rows)
                truth.rows[name] += len(rows)
                truth.counts["prospects"] += len(rows) * (name == "customers")
        totals: pa.Table = bank.as_table(books.control_totals_table(settings, sum(by_month)))
        files["control_totals"].add(totals)
        truth.rows["control_totals"] = len(totals)
        effects = plans.draw_effects(settings)
        files["effects"].add(bank.as_table(effects))
        tried = {"pilots": pilots.pilots_table(settings, effects)}
        for name, plan in {**plans.plan_tables(settings), **tried}.items():
            files[name].add(bank.as_table(plan))
            truth.rows[name] = len(plan)


@contextlib.contextmanager
def _open(data: Path) -> Iterator[dict[str, TableFile]]:
    """A file for each input table, and those of the truth by row."""
    with contextlib.ExitStack() as stack:
        files = {}
        known = {"truth": TRUTH, **needs_truth.FILES, "effects": plans_truth.FILE}
        for name, file in {**texts.INPUT_FILES, **known}.items():
            files[name] = create(data / file)
            stack.callback(files[name].close)
        yield files


def _readme(settings: BankSettings, truth: BankTruth) -> str:
    return texts.readme_text(
        settings,
        prospects=truth.counts["prospects"],
        known=outside.KNOWN,
        planted={reason: truth.planted[reason] for reason in cards.DEFECTS},
        quarter=books.differing_quarter(settings),
        difference=books.DIFFERENCE,
    )


def _checksums(data: Path) -> str:
    """A line for each file of data, as `sha256sum` writes them."""
    names = {p.relative_to(data).as_posix() for p in data.rglob("*") if p.is_file()}
    lines = []
    for name in sorted(names - {"README.md"}):
        with (data / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines)
