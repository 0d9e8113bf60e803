"""`crm run` on a base that goes on from an earlier version of itself.

The base is one of three kinds of buyers. In the later export some more customers stand, and
the seed is another one: names must stay with the customers whom they stood for.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

CRM = Path(sys.executable).parent / "crm"
PARAMS = """\
engagement: shop
title: A shop
currency: EUR
observation_start: 2019-01-01
observation_end: 2020-12-31
seed: {seed}
baseline: "{baseline}"
inputs:
  transactions:
    path: {path}
value:
  bootstrap_replications: 20
  purchase_model: bg_nbd
segments:
  stability_replications: 10
  most_behaviour_segments: 3
"""
KINDS = [(70, 15.0), (20, 25.0), (20, 25.0), (12, 300.0)]  # purchases, mean amount


def purchases(customers: int) -> pd.DataFrame:
    """Purchases of so many customers; the first ones are the same however many there are."""
    days = pd.date_range("2019-01-01", "2020-12-31")
    lines = []
    for number in range(customers):
        rng = np.random.default_rng([7, number])
        mean, ticket = KINDS[number % 4]
        for day in rng.choice(days, min(1 + rng.poisson(mean), 200), replace=False):
            amount = round(ticket * rng.gamma(8, 1 / 8), 2)
            lines.append((f"C{number:04d}", pd.Timestamp(day).date(), amount))
    return pd.DataFrame(lines, columns=["customer_id", "date", "amount"])


def run(folder: Path, lines: str, seed: int, baseline: str = "") -> subprocess.CompletedProcess:
    """`crm run` up to the segments, in a process of its own."""
    path = folder / "shop.yml"
    path.write_text(PARAMS.format(path=lines, seed=seed, baseline=baseline))
    command = [CRM, "run", path, "--only", "03_segments", "--out", folder / "reports"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def made(folder: Path, done: subprocess.CompletedProcess) -> Path:
    assert done.returncode == 0, done.stderr
    return (folder / done.stdout.splitlines()[-1]).parent


def segments_of(version: Path) -> pd.DataFrame:
    return pd.read_parquet(version / "tables" / "segments.parquet").set_index("customer_id")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A version, and one of 1 % more customers with another seed that goes on from it."""
    folder = tmp_path_factory.mktemp("shop")
    purchases(300).to_csv(folder / "then.csv", index=False)
    purchases(303).to_csv(folder / "now.csv", index=False)
    first = made(folder, run(folder, "then.csv", seed=1))
    again = run(folder, "now.csv", seed=99, baseline=first.name)
    return SimpleNamespace(folder=folder, first=first, second=made(folder, again))


@pytest.mark.slow
def test_names_stay_with_another_seed_and_new_customers(shop):
    before, after = segments_of(shop.first), segments_of(shop.second)
    assert before["behaviour_segment"].nunique() >= 2 and len(after) == len(before) + 3
    for rung in ("behaviour_segment", "segment"):
        assert set(after[rung]) == set(before[rung])
        assert (after.loc[before.index, rung] == before[rung]).mean() >= 0.95
    since = pd.read_csv(shop.second / "exhibits" / "segments_since.csv")
    assert set(since["fate"].dropna()) == {"continued"}
    told = since.set_index(["rung", "segment"]).loc[("ladder", "all segments")]
    kept = (after.loc[before.index, "segment"] == before["segment"]).mean()
    assert (told["before"], told["now"]) == (300, 303)
    assert np.isnan(told["kept_share"]) if 0 < (1 - kept) * 300 < 10 else told["kept_share"] == kept
    assert not (shop.first / "exhibits" / "segments_since.csv").exists()


@pytest.mark.slow
def test_the_audit_knows_how_many_moved(shop):
    audits = [pd.read_csv(v / "exhibits" / "segment_audit.csv") for v in (shop.first, shop.second)]
    moved = [a.set_index("check").loc["moved"] for a in audits]
    assert moved[0]["outcome"] == "unknown" and "`baseline`" in moved[0]["sentence"]
    assert moved[1]["outcome"] == "pass"


@pytest.mark.slow
def test_what_was_read_of_the_baseline_stands_in_the_manifest(shop):
    manifest = json.loads((shop.second / "manifest.json").read_text())
    was = json.loads((shop.first / "manifest.json").read_text())
    assert manifest["baseline"]["version"] == shop.first.name
    tables = {"tables/segments.parquet": was["files"]["tables/segments.parquet"]}
    assert manifest["baseline"]["tables"] == manifest["fingerprint"]["baseline"] == tables
    noted = json.loads((shop.folder / "reports" / "shop" / "index.json").read_text())
    assert manifest["baseline"]["manifest"] == noted[shop.first.name]
    # its name is in no page: only what it holds decides
    page = (shop.second / "03_segments.html").read_text()
    assert tables["tables/segments.parquet"] in (shop.second / "index.html").read_text() + page
    assert "baseline" not in was


def test_a_name_that_no_version_can_have_is_refused_at_once(tmp_path):
    (tmp_path / "none.csv").write_text("customer_id,date,amount\n")
    done = run(tmp_path, "none.csv", seed=1, baseline="../bank/v1-00000000")
    assert done.returncode == 2 and done.stderr.strip() == (
        f"{tmp_path / 'shop.yml'}: baseline: found '../bank/v1-00000000'; expected a version's "
        "name, such as v3-1a2b3c4d, or nothing."
    )
