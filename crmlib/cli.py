"""The command line: `crm run`, `check`, `new`, `versions`, `verify`.

Exit codes: 0 done; 2 the user can mend it (one message, no traceback); 1
anything else, with the place of the log. Commands import what they need when
they run, so that `crm --help` and a rejected params file answer at once.
"""

from __future__ import annotations

import functools
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmlib.errors import CrmError, VersionError, suggestion

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="A reproducible research workbook for CRM strategy.",
    epilog="Start with `crm check params/cdnow.yml`, then `crm run params/cdnow.yml`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ParamsFile = Annotated[
    Path, typer.Argument(metavar="PARAMS", help="The engagement's params file (YAML).")
]
Out = Annotated[
    Path | None,
    typer.Option(
        envvar="CRM_REPORTS",
        metavar="DIR",
        help="The reports root. By default reports/ beside crmlib.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a setting of the params file, e.g. value.horizon_years=5. May be repeated.",
    ),
]


def main() -> None:
    """Entry point of `crm`."""
    app()


def _answering(command: Callable[..., None]) -> Callable[..., None]:
    """End a command with the exit code and the message that its failure calls for."""

    @functools.wraps(command)
    def answered(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CrmError as error:
            _end(2, str(error))
        except KeyboardInterrupt:
            _end(130, "Interrupted; nothing was published.")
        except Exception as error:
            _end(1, f"{error or type(error).__name__}\nThe log is {_log_of(error)}")

    return answered


def _end(code: int, message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _log_of(error: Exception) -> str:
    """Where the traceback stands: beside the failed chapter, or in a file of its own."""
    folder = getattr(error, "folder", None)
    if folder is not None:
        return _shown(folder / "error.txt")
    with tempfile.NamedTemporaryFile(
        "w", prefix="crm-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(traceback.format_exc())
    return log.name


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"crm {version('crmlib')}")
        raise typer.Exit


@app.callback()
def _crm(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
@_answering
def run(
    params_file: ParamsFile,
    only: Annotated[
        str,
        typer.Option(
            metavar="CHAPTERS",
            help="Make these chapters and those they need, e.g. 02_value,06_summary.",
        ),
    ] = "",
    settings: Set = None,
    workers: Annotated[
        int, typer.Option(min=1, help="How many chapters may run side by side.")
    ] = 2,
    out: Out = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Execute every chapter anew; if the version stands already, compare with it.",
        ),
    ] = False,
) -> None:
    """Make a version: run the book on a client's data and render the report."""
    from crmlib.book import progress, runner

    chapters = [name.strip() for name in only.split(",") if name.strip()]
    with _ended_by_sigterm(), progress.watching() as report:
        outcome = runner.run(
            params_file,
            out=_root(out),
            only=chapters,
            overrides=settings or (),
            workers=workers,
            force=force,
            progress=report,
        )
    if outcome.differences:
        typer.echo(f"The new result differs from {outcome.version.name}, which stands:", err=True)
        typer.echo("\n".join(f"  {line}" for line in outcome.differences), err=True)
    elif outcome.executed and outcome.existing:
        typer.echo(f"The new result is {outcome.version.name}, file by file.", err=True)
    elif outcome.existing:
        typer.echo(f"Nothing has changed since {outcome.version.name}.", err=True)
    typer.echo(_shown(outcome.version.index))
    if outcome.differences:
        raise typer.Exit(1)


@app.command()
@_answering
def check(
    params_file: ParamsFile,
    settings: Set = None,
    show_settings: Annotated[
        bool,
        typer.Option("--settings", help="Print every setting with its value instead of the rows."),
    ] = False,
) -> None:
    """Check params and inputs, and print what becomes of every input row."""
    from crmlib import params
    from crmlib.intake.probe import probe

    engagement = params.load(params_file, settings or ())
    probe(engagement)
    if show_settings:
        typer.echo(params.to_yaml(engagement), nl=False)
        return
    from crmlib.intake import open_transactions

    typer.echo(_ledger_text(open_transactions(engagement).ledger))


@app.command()
@_answering
def new(
    name: Annotated[str, typer.Argument(help="The engagement's name, e.g. city_bank.")],
    transactions: Annotated[
        Path, typer.Option(metavar="FILE", help="The client's file of purchases.")
    ],
    params: Annotated[Path, typer.Option(metavar="DIR", help="The folder of params files.")] = Path(
        "params"
    ),
) -> None:
    """Propose a params file from a raw file; nothing is overwritten."""
    from crmlib.intake.proposal import write

    path, draft = write(name, transactions, params)
    typer.echo(f"Wrote {_shown(path)}. Found in {transactions.name}:")
    typer.echo("".join(f"  {line}\n" for line in draft.found))
    typer.echo("What the file does not say:")
    typer.echo("".join(f"  - {question}\n" for question in draft.questions))
    typer.echo(f"Read the file, settle what it calls a GUESS, then: crm check {_shown(path)}")


@app.command()
@_answering
def versions(
    engagement: Annotated[
        str | None, typer.Argument(help="Only this engagement's versions.")
    ] = None,
    out: Out = None,
) -> None:
    """List the versions that were made."""
    from crmlib.book import versions as book

    root = _root(out)
    found = book.list_versions(root, engagement)
    if not found:
        known = {version.engagement for version in book.list_versions(root)}
        place = str(root / engagement) if engagement else str(root)
        remedy = suggestion(engagement or "", known) or "`crm run` makes one."
        raise VersionError(place, "has no version yet.", remedy)
    width = max(len(version.engagement) for version in found)
    for version in found:
        ended, page = version.manifest().get("ended", ""), _shown(version.index)
        typer.echo(f"{version.engagement:{width}}  {version.name}  {ended}  {page}")


@app.command()
@_answering
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A version's folder.")],
) -> None:
    """Hash a version again and compare it with its manifest."""
    from crmlib.book import versions as book

    problems = book.verify(folder)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise VersionError(_shown(folder), f"is not as it was published:{listed}")
    typer.echo(f"{_shown(folder)}: every file is as it was published.")


def _root(out: Path | None) -> Path:
    from crmlib.book import versions as book

    return out or book.default_root()


def _shown(path: Path) -> str:
    """A path as people read it: from here where it lies below."""
    absolute, here = path.resolve(), Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def _ledger_text(ledger: pd.DataFrame) -> str:
    """The row ledger as an aligned table, text to the left and numbers to the right."""
    import pandas as pd

    from crmlib.exhibits import formats

    numbers = {
        "rows": formats.count,
        "share": lambda share: formats.percent(share, 1),
        "amount": lambda amount: f"{amount:,.2f}",
    }
    columns = []
    for name in ledger:
        write, align = numbers.get(name, formats.cell), str.rjust if name in numbers else str.ljust
        cells = [name, *("" if pd.isna(value) else write(value) for value in ledger[name])]
        width = max(len(text) for text in cells)
        columns.append([align(text, width) for text in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the run in order: kernels first, then the build folder."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
