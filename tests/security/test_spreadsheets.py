"""No cell of a CSV file starts a formula, and every text can be read back as it was."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlib.book.chapter import Chapter
from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit

FORMULAS = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "＝1+1", "＋1", "－1", "＠SUM(A1)", "=", "-", "+49 30 1234",
]  # fmt: skip
PLAIN = ["", "high", "-3", "-0.5", "1e-7", "-1.5e+10", "a=b", "'quoted'", "O'Hara", " =1", "5-10"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text_and_can_be_read_back(text):
    assert formats.safe_cell(text) == f"'{text}"
    assert formats.plain_cell(f"'{text}") == text


@pytest.mark.parametrize("text", PLAIN)
def test_numbers_and_words_stay_as_they_are(text):
    assert formats.safe_cell(text) == text == formats.plain_cell(text)


@given(st.text(alphabet="'=+-@＝\t a1."))
def test_every_text_comes_back(text):
    safe = formats.safe_cell(text)
    assert formats.plain_cell(safe) == text
    assert not safe.startswith(("=", "+", "@", "＝", "\t")) or formats.NUMBER.fullmatch(safe)


@pytest.fixture
def chapter(tmp_path):
    return Chapter("01_customers", None, tmp_path, tmp_path)


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tier": ["=1+1", "low"],
            "+kind": pd.Categorical(["@a", "b"]),
            "mixed": pd.Series(["-x", -1.5], dtype=object),
            "figure": [-1.25, 0.1],
            "whole": [-3, 4],
            "day": pd.to_datetime(["2020-01-01", "2020-01-02"]),
            "empty": [None, "＝x"],
        }
    )


EXPECTED = """\
tier,'+kind,mixed,figure,whole,day,empty
'=1+1,'@a,'-x,-1.25,-3,2020-01-01,
low,b,-1.5,0.1,4,2020-01-02,'＝x
"""


def test_exhibits_and_the_intake_ledger_are_written_so(chapter, tmp_path, monkeypatch):
    monkeypatch.setattr("crmlib.book.chapter.display", lambda _: None)
    chapter.keep_csv("intake", table())
    assert (tmp_path / "intake.csv").read_text() == EXPECTED
    chapter.show(Exhibit("tiers", "Two are shown", table(), "shop", "2020", 2, "people", "a bar"))
    assert (tmp_path / "exhibits" / "tiers.csv").read_text() == EXPECTED


def test_a_table_without_formulas_is_written_as_pandas_writes_it():
    plain = pd.DataFrame({"a": ["x", None], "b": [0.1 + 0.2, float("nan")], "c": [True, False]})
    plain["d"] = pd.array([1, None], dtype="Int64")
    plain["e"] = pd.period_range("2020-01", periods=2, freq="M")
    assert formats.safe_table(plain).to_csv(index=False) == plain.to_csv(index=False)


def test_the_page_shows_what_was_meant_and_hands_out_what_is_safe(tmp_path):
    import base64

    from crmlib.book import data_table
    from crmlib.book.links import Evidence

    formats.safe_table(table()).to_csv(tmp_path / "x.csv", index=False, lineterminator="\n")
    data = data_table.read(Evidence(tmp_path, {}), "x", "x")
    assert data.header[1] == "+kind"
    assert [row[0] for row in data.rows] == ["=1+1", "low"]
    handed = base64.b64decode(data.href.partition(",")[2]).decode()
    assert list(csv.reader(io.StringIO(handed))) == list(csv.reader(io.StringIO(EXPECTED)))
