"""The bank as files: the same bytes again, nothing overwritten, nothing half written."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crmlib import params
from crmlib.demo import BankSettings, cards, write_bank, writing
from crmlib.demo.bank import make_block
from crmlib.demo.plans import plan_tables
from crmlib.demo.settings import BLOCK
from crmlib.errors import CrmError

ROOT = Path(__file__).parents[2]
SMALL = BankSettings(customers=200, months=12, name="small")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; gzipped ones unpacked, as another zlib packs otherwise."""
    return {
        path.relative_to(folder).as_posix(): _unpacked(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank, written."""
    folder = tmp_path_factory.mktemp("small")
    write_bank(SMALL, folder)
    return folder


def test_the_committed_bank_is_what_the_command_makes(tmp_path):
    """Byte for byte, packed files included."""
    made = write_bank(BankSettings(), tmp_path)
    committed = ROOT / "data" / "demo_bank"
    names = {p.relative_to(made.data) for p in made.data.rglob("*") if p.is_file()}
    assert names == {p.relative_to(committed) for p in committed.rglob("*") if p.is_file()}
    for name in sorted(names):
        assert (made.data / name).read_bytes() == (committed / name).read_bytes(), name
    assert made.params.read_bytes() == (ROOT / "params" / "demo_bank.yml").read_bytes()


def test_committed_files_are_small_together():
    files = (ROOT / "data" / "demo_bank").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file()) < 4_000_000


def test_the_same_bank_twice_is_the_same_bytes_and_changes_nothing(small, tmp_path):
    again = write_bank(SMALL, tmp_path)
    for path in small.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(small)).read_bytes(), path
    assert again.changed == 28
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_bank(SMALL, tmp_path).changed == 0
    files = [path for path in before if path.is_file()]
    assert {path: path.stat().st_mtime_ns for path in files} == {p: before[p] for p in files}


def test_another_seed_is_another_bank(small, tmp_path):
    write_bank(BankSettings(customers=200, months=12, name="small", seed=5), tmp_path)
    ours, others = contents(small), contents(tmp_path)
    same = {name for name in ours if ours[name] == others[name]}
    told = [f"truth/{name}.json" for name in ("archetypes", "needs", "initiatives")]
    plans = [f"{name}.csv" for name in plan_tables(SMALL)]
    assert same == {f"data/small/{name}" for name in [*told, *plans]}


def test_a_gzip_file_keeps_no_time(small):
    head = (small / "data" / "small" / "card_transactions.csv.gz").read_bytes()[:10]
    assert head[:2] == b"\x1f\x8b" and head[4:8] == bytes(4)


def test_the_params_are_complete_and_find_their_files(small):
    engagement = params.load(small / "params" / "small.yml")
    assert engagement.engagement == "small"
    assert (engagement.time_unit, engagement.currency) == ("month", "EUR")
    assert str(engagement.observation_start) == "2025-01-01"
    for table in engagement.inputs.given().values():
        assert (engagement.folder / table.path).is_file()


def test_the_truth_states_rows_settings_and_what_was_planted(small):
    data = small / "data" / "small"
    told = json.loads((data / "truth" / "bank.json").read_text())
    assert told["settings"] == {
        "customers": 200, "months": 12, "seed": 2024, "seasonality": True, "name": "small"
    }  # fmt: skip
    assert told["window"] == ["2025-01-01", "2025-12-31"]
    assert told["rows"]["ledger"] == pq.ParquetFile(data / "ledger.parquet").metadata.num_rows
    for name in ("customers", "contracts", "identities", "external", "survey", "control_totals"):
        assert told["rows"][name] == len(pd.read_csv(data / f"{name}.csv")), name
    rows = pd.read_csv(data / "card_transactions.csv.gz", dtype=str)
    assert told["rows"]["transactions"] == len(rows)
    planted = told["planted_in_transactions"]
    assert planted["missing customer_id"] == rows["customer_id"].isna().sum() > 0
    assert set(cards.DEFECTS) <= set(planted)
    customers = pd.read_csv(data / "truth" / "customers.csv.gz")
    assert told["counts"]["customers"] == len(customers) == 200
    assert told["money"]["profit"] == pytest.approx(customers["profit"].sum())
    assert len(json.loads((data / "truth" / "archetypes.json").read_text())) == 6


def test_the_books_are_the_ledger_but_for_one_quarter(small):
    data = small / "data" / "small"
    ledger = pd.read_parquet(data / "ledger.parquet").astype({"amount": float})
    books = pd.read_csv(data / "control_totals.csv").set_index("period")
    quarter = pd.to_datetime(ledger["month"]).dt.to_period("Q").astype(str)
    quarter = quarter.str[:4] + "-" + quarter.str[4:]
    earned = ledger["line"] == "revenue"
    revenue = ledger["amount"].where(earned, 0).groupby(quarter).sum()
    margin = ledger["amount"].where(earned, -ledger["amount"]).groupby(quarter).sum()
    planted = json.loads((data / "truth" / "bank.json").read_text())["planted_in_control_totals"]
    assert planted == {"period": "2025-Q3", "books_above_export": 0.034}
    off = (books["revenue"] - revenue).round(2)
    assert off[off != 0].index.tolist() == ["2025-Q3"]
    assert off["2025-Q3"] == pytest.approx(0.034 * revenue["2025-Q3"], abs=0.01)
    assert ((books["margin"] - margin).round(2) == off).all()


def test_a_window_that_cuts_quarters_states_only_whole_ones(tmp_path):
    made = write_bank(BankSettings(customers=200, months=14, name="odd"), tmp_path)
    books = pd.read_csv(made.data / "control_totals.csv")
    assert books["period"].tolist() == ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]


def test_nothing_is_overwritten_unless_asked(small, tmp_path):
    write_bank(SMALL, tmp_path)
    spoilt = tmp_path / "data" / "small" / "contracts.csv"
    spoilt.write_text("mine")
    with pytest.raises(CrmError) as caught:
        write_bank(SMALL, tmp_path)
    assert str(caught.value) == (
        f"{spoilt}: holds something else than this bank would. "
        "Give another --name or --out, or replace it with --force."
    )
    assert spoilt.read_text() == "mine"
    with pytest.raises(CrmError, match=r"README.md: holds .*, and so do 19 more files"):
        write_bank(dataclasses.replace(SMALL, seed=1), tmp_path)
    assert write_bank(SMALL, tmp_path, force=True).changed == 1
    assert contents(tmp_path) == contents(small)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fails(settings, number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.bank, "make_prospects", fails)
    with pytest.raises(CrmError) as caught:
        write_bank(SMALL, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: cannot be written (No space left on device).")
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "params").write_text("")
    with pytest.raises(CrmError) as caught:
        write_bank(SMALL, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'params'}: cannot be written (")
    with pytest.raises(CrmError):
        write_bank(SMALL, tmp_path / "params")


def test_a_larger_bank_repeats_the_full_blocks_of_a_smaller_one():
    one, two = BankSettings(customers=BLOCK), BankSettings(customers=BLOCK + 500)
    small, large = make_block(one, 0), make_block(two, 0)
    assert all(small.tables[name].equals(large.tables[name]) for name in small.tables)
    assert small.truth.equals(large.truth)
    assert make_block(two, 1).tables["contracts"].num_rows > 0
    other = make_block(BankSettings(customers=BLOCK, seed=1), 0)
    assert not any(small.tables[name].equals(other.tables[name]) for name in small.tables)


def test_every_table_of_every_block_has_random_numbers_of_its_own():
    usual, other = BankSettings(), BankSettings(seed=1)
    streams = [
        (usual, 0, "people"),
        (usual, 0, "lives"),
        (usual, 1, "people"),
        (other, 0, "people"),
    ]
    draws = {settings.rng(block, table).random() for settings, block, table in streams}
    assert len(draws) == len(streams)
    assert usual.rng(0, "people").random() in draws


def test_blocks_share_no_id_and_no_number():
    settings = BankSettings(customers=3 * BLOCK)
    blocks = [make_block(settings, at).tables for at in range(3)]
    for table, column in (
        ("customers", "customer_id"), ("contracts", "contract_id"), ("identities", "source_id")
    ):  # fmt: skip
        ids = pd.concat([block[table][column].to_pandas() for block in blocks])
        assert ids.is_unique, column
    orders = [set(block["transactions"]["order_id"].to_pylist()) for block in blocks]
    assert not (orders[0] & orders[1] or orders[1] & orders[2])


def test_card_numbers_of_the_largest_bank_are_unique():
    """A sample of blocks up to ten million customers."""
    numbers = [set(cards.card_ids(block, BLOCK).ravel()) for block in range(0, 5_000, 250)]
    assert len(set().union(*numbers)) == sum(map(len, numbers)) == 20 * 2 * BLOCK
