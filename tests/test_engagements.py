"""Whole runs of the command line on small bases, with the real notebooks.

What a base cannot tell must be said in its report; what it can tell must be
there.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.exhibits import formats

CRM = Path(sys.executable).parent / "crm"
DEMO_PARAMS = Path(__file__).parents[1] / "params" / "demo_bank.yml"
PARAMS = """\
engagement: shop
title: A shop
currency: EUR
observation_start: 2020-01-01
observation_end: 2020-12-31
inputs:
  transactions:
    path: {path}
    columns: {{customer_id: Kunde, date: Tag, quantity: Menge, unit_price: Preis}}
    date_format: "%d.%m.%Y"
    delimiter: ";"
value:
  bootstrap_replications: 20
segments:
  stability_replications: 10
"""


def order_lines(max_purchases: int) -> pd.DataFrame:
    """Lines of 150 customers who buy on up to so many days, in the client's own words."""
    rng = np.random.default_rng(2020)
    days = pd.date_range("2020-01-01", "2020-12-31")
    lines = [
        (f"<i>kunde-{customer}-k</i>", day, int(rng.integers(1, 4)), round(rng.gamma(2, 10), 2))
        for customer in range(150)
        for day in rng.choice(days[: 366 - customer], rng.integers(1, max_purchases + 1), False)
    ]
    table = pd.DataFrame(lines, columns=["Kunde", "Tag", "Menge", "Preis"])
    return table.assign(Tag=pd.to_datetime(table["Tag"]).dt.strftime("%d.%m.%Y"))


def run(folder: Path, lines: pd.DataFrame, *options: str) -> subprocess.CompletedProcess:
    """`crm run` on these lines, in a process of its own."""
    lines.to_csv(folder / "lines.csv", index=False, sep=";")
    (folder / "shop.yml").write_text(PARAMS.format(path="lines.csv"))
    command = [CRM, "run", folder / "shop.yml", "--out", folder / "reports", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.mark.slow
def test_repeat_buyers_get_a_value_each(tmp_path, untraced_in):
    lines = order_lines(max_purchases=8)
    done = run(tmp_path, lines)
    assert done.returncode == 0, done.stderr
    version = (tmp_path / done.stdout.splitlines()[-1]).parent
    value = pd.read_parquet(version / "tables" / "value.parquet")
    spent = (lines["Menge"] * lines["Preis"]).groupby(lines["Kunde"]).sum()
    realised = (value["lifetime_value"] - value["future_value"]).set_axis(value["customer_id"])
    pd.testing.assert_series_equal(realised, spent, check_names=False)
    assert (value["future_value_lo"] <= value["future_value_hi"]).all()
    findings = json.loads((version / "findings.json").read_text())
    total = next(f for f in findings if f["id"] == "revenue_observed")
    assert total["value"] == pytest.approx(spent.sum())
    assert formats.money(spent.sum(), "EUR") in (version / "index.html").read_text()
    assert untraced_in(version) == []
    for page in version.glob("*.html"):
        assert "kunde-" not in page.read_text(), page


@pytest.mark.slow
def test_one_time_buyers_get_a_report_that_says_what_it_cannot_say(tmp_path, untraced_in):
    done = run(tmp_path, order_lines(max_purchases=1))
    assert done.returncode == 0, done.stderr
    version = (tmp_path / done.stdout.splitlines()[-1]).parent
    page = (version / "02_value.html").read_text()
    assert "Customer equity cannot be computed from these data" in page
    assert "no customer has a repeat purchase" in page
    value = pd.read_parquet(version / "tables" / "value.parquet")
    assert value["future_value"].isna().all() and value["lifetime_value"].notna().all()
    findings = json.loads((version / "findings.json").read_text())
    assert {f["kind"] for f in findings if f["chapter"] != "03_segments"} == {"census"}
    segments = pd.read_parquet(version / "tables" / "segments.parquet")
    assert segments["customer_id"].tolist() == value["customer_id"].tolist()
    assert untraced_in(version) == []


@pytest.mark.slow
def test_a_mistake_found_in_a_kernel_ends_with_one_message(tmp_path):
    done = run(tmp_path, order_lines(max_purchases=2).iloc[:0])
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"{tmp_path / 'shop.yml'}: inputs.transactions.path: lines.csv: has a header and no row "
        "below it. Export the table again."
    )
    assert "Traceback" not in done.stdout + done.stderr
    left = [p.name for p in (tmp_path / "reports" / "shop").iterdir()]
    assert left == [".lock"]


@pytest.mark.slow
def test_a_changed_setting_moves_what_rests_on_it_and_nothing_else(demo_version, tmp_path):
    root = tmp_path / "reports"
    shutil.copytree(demo_version.parents[1], root)
    setting = "value.annual_discount_rate=0.3"
    command = [CRM, "run", DEMO_PARAMS, "--set", setting, "--out", root]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = (demo_version.name, Path(done.stdout.splitlines()[-1]).parent.name)

    command = [CRM, "compare", "demo_bank", *names, "--out", root]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    summary, page = done.stdout, Path(tmp_path / done.stdout.splitlines()[-1])
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[1].startswith("  customer_equity: moved ")
    counted = r"1 parameter changed; 8 of \d+ findings moved, 1 beyond its interval"
    assert re.search(counted, summary)
    assert "  value.annual_discount_rate: 0.1 → 0.3\n" in summary

    text = page.read_text()
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", text) == [
        "Beyond tolerance", "Parameters changed", "Findings", "Exhibits",
    ]  # fmt: skip
    moved = re.findall(r'id="finding-(\w+)"', text)
    assert moved[0] == "customer_equity"
    ranked = {"service_to_move", "future_top_fifth_share", "open_wallet", "best_segment"}
    # needs are told from value tiers, too, and every investment is weighed by value
    invested = {"plan_returns", "harmful_initiative"}
    assert set(moved[1:]) == {*ranked, *invested, "projection_of_needs"}
    touched = re.findall(r'<section class="touched" id="exhibit-(\w+)"', text)
    ahead = ["contract_values", "customer_equity", "future_concentration"]
    ranked_by_it = ["balance_by_decile", "balance_by_tier", "share_of_wallet", "wallet_likeness"]
    # segments are cut by value; what customers do, and so what they are called, is not touched
    cut_by_it = [
        "ladder_merges", "segment_rules", "segment_audit", "segment_values", "segment_cards",
        "segment_portraits", "lifecycle_mix", "conventional_dynamic", "segment_accounts",
    ]  # fmt: skip
    told_by_it = [
        "projection_accuracy", "projected_shares", "needs_ladder", "needs_audit", "what_to_offer",
    ]  # fmt: skip
    summary_of_it = ["choice_of_findings", "evidence"]
    records = json.loads((demo_version / "exhibits.json").read_text())
    invested_by_it = {each["id"] for each in records if each["chapter"] == "05_roi"}
    assert [each for each in touched if each not in invested_by_it] == [
        *ahead, *ranked_by_it, *cut_by_it, *told_by_it, *summary_of_it,
    ]  # fmt: skip
    assert {"start_monday", "initiative_worth", "roadmap_plan", "asset_values"} <= set(touched)
    # what trials have shown hangs on no discount rate
    shown = {"initiative_assets", "effects_known", "trial_effect", "targeting_policies", "qini"}
    assert not shown & set(touched)
    for version in names:
        finding = next(f for f in read_findings(root, version) if f["id"] == "customer_equity")
        for part in ("value", "lo", "hi"):
            assert formats.count(finding[part]) in text
    assert len(text) < 1_000_000


def read_findings(root: Path, version: str) -> list[dict]:
    return json.loads((root / "demo_bank" / version / "findings.json").read_text())
