"""The command line: `crm run`, `check`, `new`, `demo`, `versions`, `compare`, `verify`, `score`.

Exit codes: 0 done; 2 the user can mend it (one message, no traceback); 1 a
result that is not as it should be (`run --force`, `compare`), or anything
else, with the place of the log. Commands import what they need when
they run, so that `crm --help` and a rejected params file answer at once.
"""

from __future__ import annotations

import functools
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmlib.errors import CrmError, VersionError, harmless, redacted, suggestion, visible

if TYPE_CHECKING:
    from crmlib.book.versions import Version

_KEY = re.compile(r"(inputs|customers|time_zone)\b")

app = typer.Typer(
    help="A reproducible research workbook for CRM strategy.",
    epilog="Start with `crm check params/demo_bank.yml`, then `crm run params/demo_bank.yml`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ParamsFile = Annotated[
    Path, typer.Argument(metavar="PARAMS", help="The engagement's params file (YAML).")
]


def _folder(name: str) -> Path:
    """A folder from the command line; an empty name would be taken for the current one."""
    if not name.strip():
        raise typer.BadParameter("an empty name is no folder; leave the option out for reports/.")
    return Path(name)


def _engagement_name(name: str) -> str:
    """A name that may stand in a params file and as a folder."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise typer.BadParameter("small letters, digits and _ were expected, a letter first.")
    return name


Out = Annotated[
    Path | None,
    typer.Option(
        parser=_folder,
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
        except typer.Exit:  # an end that the command has explained, and no defect
            raise
        except CrmError as error:
            _end(2, _in_file(str(error), kwargs.get("params_file")))
        except KeyboardInterrupt:
            _end(130, "Interrupted; nothing was published.")
        except Exception as error:
            folder = getattr(error, "folder", None)
            if folder is None:
                _end(1, f"{harmless(str(error)) or type(error).__name__}\n{_logged()}")
            kept = _shown(folder)
            _end(
                1,
                f"{error}\n{kept} keeps what was made, client data among it; "
                f"remove it once you have looked.\nThe log is {kept}/error.txt",
            )

    return answered


def _in_file(message: str, params_file: Path | None) -> str:
    """The message, with the params file before a place that is only a key in it."""
    if params_file is None or not _KEY.match(message):
        return message
    return f"{harmless(str(params_file))}: {message}"


def _end(code: int, message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _logged() -> str:
    """Where the traceback of a defect stands: in a file of its own."""
    text = visible(redacted(traceback.format_exc()), keep="\n\t")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="crm-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            log.write(text)
    except OSError as error:
        return f"There is no log: {harmless(str(error))}"
    return f"The log is {log.name}"


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
    for name in outcome.damaged:
        said = f"{name} is damaged and left as it is; {outcome.version.name} holds its result."
        typer.echo(said, err=True)
    if outcome.differences:
        typer.echo(f"The new result differs from {outcome.version.name}, which stands:", err=True)
        typer.echo("\n".join(f"  {harmless(line)}" for line in outcome.differences), err=True)
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
    """Check params and inputs: every row's fate, a verdict, and questions for the client."""
    from crmlib import params
    from crmlib.intake.reading.probe import probe

    engagement = params.load(params_file, settings or ())
    probe(engagement)
    if show_settings:
        typer.echo(params.to_yaml(engagement), nl=False)
        return
    from crmlib.exhibits.request import data_request
    from crmlib.intake import open_client

    typer.echo(data_request(open_client(engagement), engagement))


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
    from crmlib.intake.proposing.proposal import write

    path, draft = write(name, transactions, params)
    typer.echo(f"Wrote {_shown(path)}. Found in {transactions.name}:")
    typer.echo("".join(f"  {line}\n" for line in draft.found))
    typer.echo("What the file does not say:")
    typer.echo("".join(f"  - {question}\n" for question in draft.questions))
    typer.echo(f"Read the file, settle what it calls a GUESS, then: crm check {_shown(path)}")


@app.command()
@_answering
def demo(
    out: Annotated[
        Path,
        typer.Option(parser=_folder, metavar="DIR", help="Where data/ and params/ are made."),
    ],
    customers: Annotated[
        int,
        typer.Option(min=200, max=10_000_000, help="How many; prospects come on top."),
    ] = 6_000,
    name: Annotated[
        str, typer.Option(callback=_engagement_name, help="The engagement's name.")
    ] = "demo_bank",
    months: Annotated[
        int, typer.Option(min=12, max=120, help="Length of the window, which ends with 2025.")
    ] = 36,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of all random numbers.")] = 2024,
    seasonality: Annotated[
        bool, typer.Option(help="Whether card spending peaks in December.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that hold something else.")
    ] = False,
) -> None:
    """Make a synthetic bank with known truth: data, truth and a params file."""
    from crmlib.demo import BankSettings, write_bank

    settings = BankSettings(customers, months, seed, seasonality, name)
    with _ended_by_sigterm():
        made = write_bank(settings, out, force=force, progress=_customers_made)
    for table, rows in made.rows.items():
        typer.echo(f"{table:15}{rows:>12,} rows")
    was = "as they were" if not made.changed else f"{made.changed} of them new or changed"
    typer.echo(f"The data lie in {_shown(made.data)}, {was}; the truth beside them in truth/.")
    typer.echo(f"Next: crm check {_shown(made.params)}")


def _customers_made(done: int, of: int) -> None:
    """A line that counts up, where somebody watches."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done:,} of {of:,} customers", err=True, nl=done == of)


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
    book.require_folder(root)
    found = book.list_folders(root, engagement)
    if not found:
        known = {version.engagement for version in book.list_versions(root)}
        place = str(root / engagement) if engagement else str(root)
        remedy = suggestion(engagement or "", known) or "`crm run` makes one."
        raise VersionError(place, "has no version yet.", remedy, _kept(root, engagement))
    width = max(len(version.engagement) for version in found)
    for version in found:
        typer.echo(f"{version.engagement:{width}}  {version.name}  {_state(version)}")
    for line in _kept(root, engagement):
        typer.echo(line, err=True)


def _kept(root: Path, engagement: str | None) -> list[str]:
    """What failed runs have left, which is not for ever."""
    from crmlib.book import versions as book

    failed = book.list_failed(root, engagement)
    what = "a failed run, with client data in it; remove it once you have looked."
    return [f"{_shown(folder)}: {what}" for folder in failed]


def _state(version: Version) -> str:
    """When a version was finished and its first page, or what it misses."""
    missing = version.missing()
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"damaged: {harmless(missing[0])}{more}"
    return f"{harmless(str(version.manifest().get('ended', '')))}  {_shown(version.index)}"


@app.command(
    epilog="Ends with 0 within the tolerances of B's params, with 1 if a finding vanished or moved "
    "further than `tolerances` there allow: by default any change of a count, and an estimate "
    "that leaves its interval."
)
@_answering
def compare(
    engagement: Annotated[str, typer.Argument(help="Whose versions, e.g. cdnow.")],
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", help="The earlier version: v3, 3, v3-0a1b2c3d, newest or previous."
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The later version, in the same words.")],
    out: Out = None,
) -> None:
    """Compare two versions: what was changed, and which figures moved more than they may."""
    from crmlib.book.choosing import choose

    root = _root(out)
    old, new = (choose(root, engagement, word) for word in (a, b))
    from crmlib.book import compare_page, compare_words

    page, comparison = compare_page.publish(root, old, new)
    typer.echo("\n".join(compare_words.summary(comparison)))
    if comparison.broken:
        typer.echo("Beyond tolerance:", err=True)
        for broken in comparison.broken:
            typer.echo(f"  {harmless(str(broken))}", err=True)
    typer.echo(_shown(page))
    if comparison.broken:
        raise typer.Exit(1)


@app.command()
@_answering
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A version's folder.")],
) -> None:
    """Hash a version again and compare it with its manifest."""
    from crmlib.book import versions as book

    problems = book.verify(folder)
    if problems:
        raise VersionError(_shown(folder), "is not as it was published:", others=problems)
    typer.echo(f"{_shown(folder)}: every file is as it was published.")


def _file_of(what: str) -> Any:
    return typer.Option(metavar="FILE", help=f"{what}, if the version has such a table.")


@app.command(
    epilog="A customer whom the version knows keeps its value tier. Others get the likeliest "
    "one: what the customer has contributed to date, with the values ahead of the version's "
    "customers of the same behaviour segment who contributed as much in the last year. Confidence "
    "is the probability of the segment. Without the table that carries the margin there is a "
    "behaviour segment and no segment."
)
@_answering
def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A version's folder.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The customers' transactions, with columns as the version's had."
        ),
    ],
    contracts: Annotated[Path | None, _file_of("Their contracts")] = None,
    ledger: Annotated[Path | None, _file_of("Their rows of the ledger")] = None,
    customers: Annotated[Path | None, _file_of("What is known of them")] = None,
    identities: Annotated[
        Path | None, _file_of("Which ids are one customer; the version's own by default")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help="The export's last day, from which recency is counted. By default the version's "
            "last day; files with later rows are then refused.",
        ),
    ] = None,
    date_format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[TABLE=]FORMAT",
            help="How FILE, or another table, writes dates, e.g. %d.%m.%Y or contracts=%d.%m.%Y.",
        ),
    ] = None,
    decimal: Annotated[
        list[str] | None,
        typer.Option(metavar="[TABLE=]MARK", help="The decimal mark, stated in the same way."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=_folder,
            metavar="DIR",
            help="Where scores.csv and refused.csv are written. By default scores/ beside the "
            "version.",
        ),
    ] = None,
) -> None:
    """Put new customers into a version's segments, each with its confidence."""
    from crmlib.book import scoring

    if out is not None:
        scoring.require_beside(out)
    scorer = scoring.open_scorer(folder)
    given = {
        "transactions": file,
        "contracts": contracts,
        "ledger": ledger,
        "customers": customers,
        "identities": identities,
    }
    files = {name: path for name, path in given.items() if path is not None}
    day = None if as_of is None else as_of.date()
    written = scoring.read_options(date_format=date_format or (), decimal=decimal or ())
    scores = scoring.score_files(scorer, files, as_of=day, written=written)
    target = out or scoring.default_folder(scorer, files, scores.as_of)
    table, refused = scoring.write_scores(scores, target)
    for line in scores.ledger.itertuples():
        typer.echo(f"{line.table:17}{line.read:>10,} read{line.used:>10,} used"
                   f"{line.refused:>10,} refused")  # fmt: skip
    for note in scores.notes:
        typer.echo(harmless(note))
    typer.echo(f"Each row and customer refused: {_shown(refused)}")
    typer.echo(_shown(table))


def _root(out: Path | None) -> Path:
    from crmlib.book import versions as book

    return out or book.default_root()


def _shown(path: Path) -> str:
    """A path as people read it: from here where it lies below."""
    absolute, here = path.resolve(), Path.cwd()
    return visible(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))


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
