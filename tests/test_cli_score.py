"""`crm score`: new customers into a version's segments, as a person at the terminal sees it."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner, Result

from crmlib import cli
from crmlib.book import scoring

sys.path.append(str(Path(__file__).parent))
from small_scoring_version import FILES, Bank, make, publish

ROOT = Path(__file__).parents[1]
TOLD = ["value_tier", "behaviour_segment", "segment"]


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    return make(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def own(bank) -> tuple[Result, Path]:
    """What scoring the version's own rows says, and the folder beside it in which it wrote."""
    before = digests(bank.version)
    result = crm(bank.version, bank.files())
    assert result.exit_code == 0, result.output
    assert digests(bank.version) == before
    return result, Path(result.stdout.splitlines()[-1]).parent


@pytest.fixture(scope="module")
def strangers(bank, tmp_path_factory) -> pd.DataFrame:
    """Scores of the same rows under ids that the version does not know."""
    folder = tmp_path_factory.mktemp("strangers")
    result = crm(bank.version, renamed(bank, folder / "new", "N-"), "--out", str(folder))
    assert result.exit_code == 0, result.output
    return scores(folder)


def digests(version: Path) -> dict[str, str]:
    files = [path for path in version.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def crm(version: Path, files: dict[str, Path], *more: str) -> Result:
    options = [
        word for name, path in files.items() if name != "transactions"
        for word in (f"--{name}", str(path))
    ]  # fmt: skip
    arguments = ["score", str(version), str(files["transactions"]), *options, *more]
    return CliRunner().invoke(cli.app, arguments)


def scores(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "scores.csv", dtype={"customer_id": str}, keep_default_na=False)
    return table.set_index("customer_id")


def refused(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "refused.csv", dtype=str, keep_default_na=False)


def renamed(bank: Bank, folder: Path, prefix: str, most: int | None = None) -> dict[str, Path]:
    """The bank's files, of all or of some customers, under other ids, which the version lacks."""
    folder.mkdir()
    identities = pd.read_csv(bank.data / FILES["identities"], dtype=str)
    ids = sorted(bank.segments["customer_id"])[:most]
    own = set(ids) | set(identities.loc[identities["customer_id"].isin(ids), "source_id"])
    files = {}
    for name, path in bank.files().items():
        files[name] = folder / Path(path.name).with_suffix("" if path.suffix == ".gz" else ".csv")
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
        if name == "identities":
            table = table[table["source_id"].isin(own)]
        else:
            table = table[table["customer_id"].isin(own)]
        for column in table.columns.intersection(["customer_id", "source_id"]):
            table = table.assign(**{column: prefix + table[column].astype(str)})
        table.to_csv(files[name], index=False)
    return files


def test_own_raw_rows_give_the_segments_again(bank, own):
    result, folder = own
    found, before = scores(folder), bank.segments.set_index("customer_id")
    assert sorted(found.index) == sorted(before.index)
    pd.testing.assert_frame_equal(found[TOLD], before.loc[found.index, TOLD], check_dtype=False)
    assert found["confidence"].between(0, 1).all()
    assert (found["in_version"].astype(str) == "True").all()
    assert f"{len(before)} of the customers are in the version" in result.stdout


def test_rows_read_are_used_or_refused(own):
    result, folder = own
    counts = [line.replace(",", "").split() for line in result.stdout.splitlines()]
    counts = [line for line in counts if line[-1] == "refused"]
    assert len(counts) == len(FILES) + 1  # tables, and customers
    listed = refused(folder).astype({"rows": int})
    for *name, read, _, used, _, lost, _ in counts:
        assert int(read) == int(used) + int(lost)
        if name != ["all", "customers"]:
            assert listed.loc[listed["table"] == name[0], "rows"].sum() == int(lost)


def test_the_same_rows_under_other_ids_go_to_the_same_behaviour(bank, strangers):
    own = bank.segments.set_index("customer_id")
    found = strangers.set_axis(strangers.index.str.removeprefix("N-"))
    assert sorted(found.index) == sorted(own.index)
    same = own.loc[found.index, "behaviour_segment"]
    assert (found["behaviour_segment"] == same).all()
    assert (found["value_tier"] == own.loc[found.index, "value_tier"]).mean() > 0.9
    assert (found["in_version"].astype(str) == "False").all()
    # who is less sure is more often wrong about the tier
    wrong = found["segment"] != own.loc[found.index, "segment"]
    assert found.loc[wrong, "confidence"].mean() < found.loc[~wrong, "confidence"].mean()


def test_few_customers_get_what_they_get_among_all(bank, strangers, tmp_path):
    some = crm(bank.version, renamed(bank, tmp_path / "new", "N-", 7), "--out", str(tmp_path))
    assert some.exit_code == 0, some.output
    few = scores(tmp_path)
    assert len(few) == 7
    pd.testing.assert_frame_equal(few, strangers.loc[few.index])


def test_scores_do_not_depend_on_the_order_of_rows(bank, strangers, tmp_path):
    files = renamed(bank, tmp_path / "new", "N-", 40)
    for path in files.values():
        pd.read_csv(path, dtype=str).iloc[::-1].to_csv(path, index=False)
    result = crm(bank.version, files, "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    found = scores(tmp_path)
    pd.testing.assert_frame_equal(found, strangers.loc[found.index])


def test_scores_stand_beside_the_version(bank, own):
    _, folder = own
    assert folder.parent == bank.version.parent / "scores"
    assert folder.name.startswith(f"{bank.version.name}-")
    before = digests(bank.version)
    inside = crm(bank.version, bank.files(), "--out", str(bank.version / "scores"))
    mistaken(inside, "never changes", "Name a folder beside it")
    assert digests(bank.version) == before


def test_ids_cannot_start_a_formula_and_refused_rows_are_named(bank, tmp_path):
    files = renamed(bank, tmp_path / "new", "=1+", 5)
    sent = pd.read_csv(files["transactions"], dtype=str)
    sent.loc[sent.index[1], "amount"] = "lots"
    sent.to_csv(files["transactions"], index=False)
    result = crm(bank.version, files, "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert scores(tmp_path).index.str.startswith("'=1+").all()
    lost = refused(tmp_path)
    line = lost[lost["reason"] == "unreadable amount"].iloc[0]
    assert (line["table"], line["row"], line["rows"]) == ("transactions", "2", "1")
    assert line["customer_id"].startswith("'=1+")


def mistaken(result: Result, *said: str) -> None:
    """Exit code 2 and one message without a traceback."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    for words in said:
        assert words in result.stderr, result.stderr


def test_without_the_other_tables_it_says_what_to_give(bank, tmp_path):
    only = {"transactions": bank.files()["transactions"]}
    result = crm(bank.version, only, "--out", str(tmp_path / "out"))
    mistaken(result, "nobody in it can be scored", "--contracts FILE", "--ledger FILE")
    assert not (tmp_path / "out").exists()


def test_later_rows_need_the_day_on_which_the_export_ends(bank, tmp_path):
    files = renamed(bank, tmp_path / "new", "N-", 20)
    sent = pd.read_csv(files["transactions"], dtype=str)
    later = sent.head(1).assign(date="2026-02-03")
    pd.concat([sent, later]).to_csv(files["transactions"], index=False)
    mistaken(
        crm(bank.version, files, "--out", str(tmp_path)),
        files["transactions"].name, "1 of its rows lie after 2025-12-31", f"{len(sent) + 1:,}",
        "--as-of",
    )  # fmt: skip
    result = crm(bank.version, files, "--as-of", "2026-02-28", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "Scored as of 2026-02-28" in result.stdout


def test_a_missing_column_is_named(bank, tmp_path):
    files = renamed(bank, tmp_path / "new", "N-", 5)
    pd.read_csv(files["transactions"], dtype=str).drop(columns="amount").to_csv(
        files["transactions"], index=False
    )
    mistaken(crm(bank.version, files), files["transactions"].name, "amount")


def test_dates_of_two_readings_are_stated_by_an_option(bank, tmp_path):
    files = renamed(bank, tmp_path / "new", "N-", 5)
    sent = pd.read_csv(files["transactions"], dtype=str)
    days = pd.to_datetime(sent["date"]).dt.strftime("%Y-%m-") + "07"
    sent["date"] = pd.to_datetime(days).dt.strftime("%d/%m/%Y")
    sent.to_csv(files["transactions"], index=False)
    mistaken(crm(bank.version, files), "Here --date-format states it.")
    result = crm(bank.version, files, "--date-format", "%d/%m/%Y", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output


def test_a_file_that_is_not_there(bank, tmp_path):
    missing = {"transactions": tmp_path / "none.csv"}
    mistaken(crm(bank.version, missing), "none.csv", "there is no such file")


def test_a_file_without_rows(bank, tmp_path):
    files = renamed(bank, tmp_path / "new", "N-", 0)
    mistaken(crm(bank.version, files, "--out", str(tmp_path / "out")), "no row")
    assert not (tmp_path / "out").exists()


def test_a_day_before_the_version(bank):
    mistaken(crm(bank.version, bank.files(), "--as-of", "2001-01-01"), "--as-of", "2024-01-01")


def test_a_folder_that_is_no_version(bank, tmp_path):
    mistaken(crm(tmp_path, bank.files()), "holds no readable manifest.json")


@pytest.fixture
def another(bank, tmp_path) -> Path:
    """A copy of the version, to be spoilt."""
    return Path(shutil.copytree(bank.version, tmp_path / "v2-0a0b0c0d"))


def test_a_version_without_the_chapter(bank, another):
    manifest = json.loads((another / "manifest.json").read_text())
    del manifest["chapters"][scoring.CHAPTER]
    (another / "manifest.json").write_text(json.dumps(manifest))
    mistaken(crm(another, bank.files()), "has no chapter 03_segments")


def test_a_version_from_before_scoring(bank, another):
    (another / scoring.FILE).unlink()
    publish(another, None, another)
    mistaken(crm(another, bank.files()), "was made before", "Run the book again")


def test_a_version_whose_segments_were_refused(bank, another):
    kept = json.loads((another / scoring.FILE).read_text())
    kept |= {"model": None, "refused": "no number of segments passes"}
    publish(another, kept, another)
    mistaken(crm(another, bank.files()), "no number of segments passes")


def test_a_damaged_model(bank, another):
    with (another / scoring.FILE).open("a") as file:
        file.write(" ")
    mistaken(crm(another, bank.files()), "scoring.json", "not as it was published")


def test_a_table_that_the_version_did_not_have(bank, another):
    raw = yaml.safe_load((another / "params.yml").read_text(encoding="utf-8"))
    raw["inputs"]["identities"] = None
    (another / "params.yml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    publish(another, None, another)
    mistaken(crm(another, bank.files()), "--identities", "without a table of identities")


@pytest.mark.slow
def test_a_published_version_gives_its_segments_again(demo_version, tmp_path):
    files = {name: ROOT / "data" / "demo_bank" / file for name, file in FILES.items()}
    _gives_its_segments_again(demo_version, files, tmp_path)


@pytest.mark.slow
def test_a_version_of_purchases_alone_gives_its_segments_again(cdnow_version, tmp_path):
    sent = ROOT / "data" / "cdnow" / "transactions.csv.gz"
    _gives_its_segments_again(cdnow_version, {"transactions": sent}, tmp_path)


def _gives_its_segments_again(version: Path, files: dict[str, Path], out: Path) -> None:
    result = crm(version, files, "--out", str(out))
    assert result.exit_code == 0, result.output
    own = pd.read_parquet(version / "tables" / "segments.parquet").set_index("customer_id")
    found = scores(out)
    assert sorted(found.index) == sorted(own.index)
    pd.testing.assert_frame_equal(found[TOLD], own.loc[found.index, TOLD], check_dtype=False)
