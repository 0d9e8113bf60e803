"""What a person sees: messages, exit codes, the last line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from crmlib import cli
from crmlib.book import runner, versions
from crmlib.book.runner import Outcome, Step

PARAMS = """\
engagement: shop
title: A shop
currency: EUR
observation_end: 2020-12-31
inputs:
  transactions:
    path: shop.csv
"""
SHOP = "customer_id,date,amount\na,2020-01-01,10.00\nb,2020-02-01,20.00\nb,oops,5.00\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params and transactions, as the current one."""
    (tmp_path / "shop.yml").write_text(
        PARAMS + "customers: {max_excluded_share: 0.5}\nprivacy: {min_cell: 1}\n"
    )
    (tmp_path / "shop.csv").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_REPORTS", "reports")
    return tmp_path


def crm(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def refused(*arguments: str) -> str:
    """The message of a command that ends with 2 and prints nothing else."""
    result = crm(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def make(root: Path, hash8: str = "0a0a0a0a") -> versions.Version:
    with versions.begin(root, "shop") as build:
        (build.path / "index.html").write_text("report")
        manifest = {"ended": "2021-01-01T00:00:00+00:00"}
        versions.write_manifest(build.path, manifest | {"files": versions.hash_files(build.path)})
        return build.publish(hash8)[0]


def answer(monkeypatch: pytest.MonkeyPatch, outcome: Outcome | BaseException) -> dict:
    """Put an outcome in the place of a run; what the run was asked is returned."""
    asked: dict = {}

    def run(params_file: Path, **options: object) -> Outcome:
        asked.update(options, params_file=params_file)
        options["progress"](Step("01_customers", "started"))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(runner, "run", run)
    return asked


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("horizont: 5", "horizont: unknown key."),
        ("value: {horizon_year: 5}", "Did you mean `horizon_years`?"),
        ("value: {horizon_years: long}", "value.horizon_years: found 'long'"),
        ("value: {horizon_years: 31}", "found 31; expected less than or equal to 30"),
        ("observation_start: 2021-01-01", "2021-01-01 is not before observation_end 2020-12-31"),
        ("title: Again", "key `title` stands twice"),
        ("value: [", "is not valid YAML"),
    ],
)  # fmt: skip
def test_a_params_file_that_is_wrong(here, command, line, message):
    (here / "shop.yml").write_text(PARAMS + line + "\n")
    said = refused(command, "shop.yml")
    assert said.startswith("shop.yml")
    assert message in said


def test_a_params_file_that_is_not_there(here):
    assert refused("run", "shup.yml") == (
        "shup.yml: there is no such file. Did you mean `shop.yml`?\n"
    )
    assert "is a folder; a params file (YAML) was expected." in refused("run", ".")


def test_an_input_that_is_not_there(here):
    (here / "shop.csv").rename(here / "store.csv")
    for command in ("run", "check"):
        said = refused(command, "shop.yml")
        assert "shop.csv" in said
        assert "inputs.transactions" in said
    assert not (here / "reports" / "shop").exists()


def test_an_input_without_a_column_we_need(here):
    (here / "shop.csv").write_text(SHOP.replace("amount", "money"))
    assert "amount" in refused("run", "shop.yml")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("horizon", "--set horizon: `section.key=value` was expected"),
        ("value.horizon=5", "value.horizon: unknown key. Did you mean `horizon_years`?"),
        ("value.horizon_years=0", "value.horizon_years: found 0; expected greater than 0"),
        ("title.short=A", "--set title.short=A: `title` has no keys below it."),
        ("value.horizon_years=[", "the value is not valid YAML"),
    ],
)
def test_a_setting_that_is_wrong(here, setting, message):
    assert message in refused("run", "shop.yml", "--set", setting)


def test_a_chapter_that_does_not_exist(here):
    said = refused("run", "shop.yml", "--only", "01_customers,2_value")
    assert said == "--only 2_value: there is no such chapter. Did you mean `02_value`?\n"


def test_a_reports_root_that_cannot_be(here):
    assert "is a file; a folder for reports was expected. Name another folder with --out." in (
        refused("run", "shop.yml", "--out", "shop.csv")
    )
    assert "cannot be made" in refused("run", "shop.yml", "--out", "/proc/reports")


def test_usage_errors_are_named_without_a_traceback(here):
    assert "--workers" in refused("run", "shop.yml", "--workers", "0")
    assert "Missing argument 'PARAMS'" in refused("run")
    assert "No such option" in refused("run", "shop.yml", "--fource")


def test_check_prints_a_data_request_with_the_row_ledger_aligned(here):
    result = crm("check", "shop.yml")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "A shop: can the data carry the analysis?"
    at = next(i for i, line in enumerate(lines) if line.startswith("table "))
    assert lines[at].split()[:5] == ["table", "status", "reason", "rows", "share"]
    end = lines[at].index("rows") + len("rows")
    assert [line[end - 1] for line in lines[at + 1 : at + 4]] == ["3", "1", "2"]
    assert "66.7%" in lines[at + 3] and "30.00" in lines[at + 3]
    assert re.search(r"^ ?\d+\. Please send revenue by month", result.stdout, re.MULTILINE)
    assert not (here / "reports").exists()


def test_check_settings_prints_params_that_can_be_used_again(here):
    result = crm("check", "shop.yml", "--settings", "--set", "value.horizon_years=5")
    assert result.exit_code == 0
    assert "  horizon_years: 5.0\n" in result.stdout
    (here / "again.yml").write_text(result.stdout)
    assert crm("check", "again.yml", "--settings").stdout == result.stdout


def test_versions_lists_what_was_made(here):
    make(here / "reports")
    make(here / "reports", "1b1b1b1b")
    result = crm("versions")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["shop", name, "2021-01-01T00:00:00+00:00", f"reports/shop/{name}/index.html"]
        for name in ("v1-0a0a0a0a", "v2-1b1b1b1b")
    ]
    assert crm("versions", "shop", "--out", "reports").stdout == result.stdout


def test_versions_of_an_unknown_engagement(here):
    make(here / "reports")
    assert "has no version yet. Did you mean `shop`?" in refused("versions", "shup")
    assert "`crm run` makes one." in refused("versions", "--out", "elsewhere")


def test_verify_says_what_is_wrong(here):
    version = make(here / "reports")
    folder = f"reports/shop/{version.name}"
    assert crm("verify", folder).stdout == f"{folder}: every file is as it was published.\n"
    (version.path / "index.html").write_text("Report")
    assert refused("verify", folder) == (
        f"{folder}: is not as it was published:\n  index.html: altered\n"
    )


@pytest.mark.parametrize("folder", [".", "nowhere", "shop.yml"])
def test_verify_on_what_is_no_version(here, folder):
    assert "holds no readable manifest.json" in refused("verify", folder)


def test_a_run_hands_its_options_on_and_prints_the_page_last(here, monkeypatch):
    version = make(here / "reports")
    asked = answer(monkeypatch, Outcome(version, existing=False, executed=("01_customers",)))
    result = crm(
        "run", "shop.yml", "--only", "01_customers, 02_value", "--set", "seed=2",
        "--set", "value.horizon_years=5", "--workers", "3", "--force",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout == f"reports/shop/{version.name}/index.html\n"
    assert "01_customers  started" in result.stderr
    del asked["progress"]
    assert asked == {
        "params_file": Path("shop.yml"),
        "out": Path("reports"),
        "only": ["01_customers", "02_value"],
        "overrides": ["seed=2", "value.horizon_years=5"],
        "workers": 3,
        "force": True,
    }


def test_an_unchanged_run_says_so(here, monkeypatch):
    version = make(here / "reports")
    answer(monkeypatch, Outcome(version, existing=True))
    result = crm("run", "shop.yml")
    assert "Nothing has changed since v1-0a0a0a0a." in result.stderr
    assert result.stdout.splitlines()[-1].endswith("v1-0a0a0a0a/index.html")


def test_a_result_that_cannot_be_reproduced_ends_with_1(here, monkeypatch):
    version = make(here / "reports")
    differences = ("tables/value.parquet: altered",)
    answer(monkeypatch, Outcome(version, True, ("02_value",), differences))
    result = crm("run", "shop.yml", "--force")
    assert result.exit_code == 1
    assert "differs from v1-0a0a0a0a" in result.stderr
    assert "tables/value.parquet: altered" in result.stderr
    assert "The log is" not in result.stderr


def test_a_failed_chapter_ends_with_1_and_the_place_of_its_log(here, monkeypatch):
    kept = here / "reports" / "shop" / "failed-1"
    answer(monkeypatch, runner.ChapterFailed("02_value", "KeyError", "'amount'", kept))
    result = crm("run", "shop.yml")
    assert result.exit_code == 1
    assert "02_value failed: KeyError: 'amount'\n" in result.stderr
    assert result.stderr.endswith("The log is reports/shop/failed-1/error.txt\n")
    assert "Traceback" not in result.output


def test_a_defect_ends_with_1_and_its_traceback_in_a_file(here, monkeypatch):
    answer(monkeypatch, RuntimeError("an unexpected thing"))
    result = crm("run", "shop.yml")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    log = Path(result.stderr.rpartition("The log is ")[2].strip())
    assert "RuntimeError: an unexpected thing" in log.read_text()
    log.unlink()


def test_an_interrupted_run_ends_with_130(here, monkeypatch):
    answer(monkeypatch, KeyboardInterrupt())
    result = crm("run", "shop.yml")
    assert result.exit_code == 130
    assert "nothing was published" in result.stderr


def test_help_and_refusal_import_nothing_heavy(here):
    heavy = {"pandas", "papermill", "nbconvert", "nbformat", "matplotlib", "duckdb", "IPython"}
    script = "import sys; from crmlib.cli import app; app(sys.argv[1:], standalone_mode=False)"
    script = (
        f"try: exec({script!r})\nexcept BaseException: pass\nprint(*{heavy!r} & set(sys.modules))"
    )
    commands = (["--help"], ["run", "--help"], ["run", "shop.yml", "--set", "value.x=1"])
    for arguments in (*commands, ["compare", "--help"], ["compare", "shop", "1", "2"]):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys\n{script}", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == ""


def test_every_option_has_help():
    import typer

    for name, command in typer.main.get_command(cli.app).commands.items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


def test_python_m_crmlib_is_crm():
    from importlib.metadata import version

    done = subprocess.run(
        [sys.executable, "-m", "crmlib", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"crm {version('crmlib')}\n"
