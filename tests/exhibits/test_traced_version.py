"""In a whole run every number of a title or finding stands in that exhibit's CSV."""

import csv
import json
import shutil

import pytest

from crmlib.exhibits import trace

MOST_WORDS = 12


@pytest.fixture(params=["demo_version", "cdnow_version"])
def version(request):
    return request.getfixturevalue(request.param)


def test_every_number_of_a_run_stands_in_its_table(version, untraced_in):
    assert untraced_in(version) == []


def test_every_number_of_answers_alone_stands_in_its_table(electricity_version, untraced_in):
    assert untraced_in(electricity_version) == []
    exhibits = json.loads((electricity_version / "exhibits.json").read_text())
    assert sum(len(trace.numbers(exhibit["title"])) > 0 for exhibit in exhibits) > 5


def test_titles_and_findings_say_numbers_at_all(version):
    """A report of words alone would pass every other test of this file."""
    exhibits = json.loads((version / "exhibits.json").read_text())
    findings = json.loads((version / "findings.json").read_text())
    said = [len(trace.numbers(e["title"])) for e in exhibits]
    said += [len(trace.numbers(f["sentence"])) for f in findings]
    assert sum(count > 0 for count in said) > 20 and sum(said) > 45
    assert all(len(e["title"].split()) <= MOST_WORDS for e in exhibits)


@pytest.mark.parametrize(
    ("exhibit", "landings"),
    [
        ("data_checks", [("all of these", "questions")]),
        ("by_month", [("1997-03-01", "month"), ("1997-03-01", "share_of_revenue")]),
        ("customer_view", [("customers", "value"),
                           ("revenue from 1997-01-01 to 1998-06-30", "value"),
                           ("revenue per customer", "value")]),
        ("concentration", [("0.2", "customers"), ("0.2", "revenue")]),
        ("deciles", [("1", "decile"), ("1", "times_average")]),
        ("cohort_retention", [("1", "all_cohorts"), ("1", "month"), ("12", "all_cohorts"),
                              ("12", "month")]),
        ("cohort_revenue", [("12", "month"), ("12", "all_cohorts")]),
        ("holdout_tracking", [("1998-06-30", "holdout_error")]),
        ("customer_equity", [("expected in the next 3 years, discounted", "value"),
                             ("expected in the next 3 years, discounted", "measure")]),
    ],
)  # fmt: skip
def test_a_click_on_a_number_lands_on_its_row(cdnow_version, exhibit, landings):
    """Rows by their first cell; large tables hold many figures that round to the same text."""
    records = json.loads((cdnow_version / "exhibits.json").read_text())
    title = next(record["title"] for record in records if record["id"] == exhibit)
    with (cdnow_version / "exhibits" / f"{exhibit}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    found = trace.trace(title, header, rows)
    assert [(rows[reference.row][0], reference.column) for reference in found] == landings


def test_a_month_is_its_own_row_and_not_a_share_that_rounds_to_it(demo_version):
    records = json.loads((demo_version / "exhibits.json").read_text())
    title = next(r["title"] for r in records if r["id"] == "cohort_retention")
    with (demo_version / "exhibits" / "cohort_retention.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    found = trace.trace(title, header, rows)
    landings = [(rows[reference.row][0], reference.column) for reference in found]
    assert landings == [
        ("1", "all_cohorts"),
        ("1", "month"),
        ("12", "all_cohorts"),
        ("12", "month"),
    ]


def test_a_table_that_says_something_else_is_noticed(cdnow_version, untraced_in, tmp_path):
    """Every figure of every table is raised by a third: all findings are lost, and titles.

    Not of tables with a hundred shares, some of which then happen to round to the old text:
    what these titles say is held to its row above.
    """
    shutil.copytree(cdnow_version / "exhibits", tmp_path / "exhibits")
    for name in ("exhibits.json", "findings.json"):
        shutil.copy(cdnow_version / name, tmp_path)
    for path in (tmp_path / "exhibits").glob("*.csv"):
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *([raised(c) for c in row] for row in rows)])
    lost = {line.partition(":")[0] for line in untraced_in(tmp_path)}
    findings = json.loads((cdnow_version / "findings.json").read_text())
    # what the audit says stands in its table as sentences, whose numbers are not raised
    said = {f["id"] for f in findings if trace.numbers(f["sentence"])} - {"segments_go_live"}
    assert said <= lost
    assert {"concentration", "customer_view", "customer_equity", "deciles"} <= lost


def raised(cell: str) -> str:
    try:
        return repr(float(cell) * 1.337)
    except ValueError:
        return cell
