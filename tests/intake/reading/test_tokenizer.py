"""Every line is a record, rejected, or blank, as the strict engine reads it where it can."""

from __future__ import annotations

import csv
import io

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.intake.reading.tokenizer import MAX_LINES, tokenize

SHORT = settings(max_examples=150, deadline=None, derandomize=True)


def read(text: str, n_fields: int = 3, delimiter: str = ",") -> list[tuple[str, list | None]]:
    return list(tokenize(io.StringIO(text, newline=""), n_fields, delimiter))


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in read(text)]


def test_quotes_delimiters_and_line_ends_inside_a_field():
    text = '1,"a, ""b""\r\nc",2\r\n"","",""\r\n'
    assert read(text) == [("record", ["1", 'a, "b"\r\nc', "2"]), ("record", ["", "", ""])]


def test_spaces_around_a_quoted_field_are_ignored_and_inner_quotes_are_text():
    assert read('1, "x" ,3\n a,5" disk,"c"') == [
        ("record", ["1", "x", "3"]),
        ("record", [" a", '5" disk', "c"]),
    ]


def test_ragged_lines_are_rejected_but_empty_fields_may_follow():
    assert kinds("1,2\n1,2,3\n1,2,3,4\n1,2,3,\n1,2,3,,4\n") == [
        "rejected", "record", "rejected", "record", "rejected"
    ]  # fmt: skip


def test_blank_lines_count_and_empty_fields_are_a_record():
    assert kinds("\n1,2,3\n  \r\n,,\n\n") == ["blank", "record", "blank", "record", "blank"]
    assert [kind for kind, _ in read("\t\t\n", delimiter="\t")] == ["record"]


def test_unclosed_quote_costs_its_own_line_only():
    assert read('1,"a,2\n3,b,4\n5,"c",6\n7,d,8\n') == [
        ("rejected", None),
        ("record", ["3", "b", "4"]),
        ("record", ["5", "c", "6"]),
        ("record", ["7", "d", "8"]),
    ]
    assert kinds('1,"a,2\n3,b,4\n5,c,6') == ["rejected", "record", "record"]


def test_text_after_a_closing_quote_is_rejected():
    assert kinds('1,"a"b,2\n1,2,3\n') == ["rejected", "record"]


@pytest.mark.parametrize("extra, kind", [(0, "record"), (1, "rejected")])
def test_a_quoted_field_has_a_longest_length(extra, kind):
    lines = "x\n" * (MAX_LINES - 1 + extra)
    assert kinds(f'1,2,"{lines}"\n')[0] == kind


def strictly(text: str, folder) -> list[tuple] | None:
    """The engine's reading of a headed file; None where it refuses."""
    path = folder / "random.csv"
    path.write_bytes(b"a,b,c\n" + text.encode())
    try:
        return duckdb.sql(
            f"SELECT * FROM read_csv('{path}', columns={{'a': 'VARCHAR', 'b': 'VARCHAR', "
            "'c': 'VARCHAR'}, header=true, delim=',', quote='\"', escape='\"', "
            "auto_detect=false, strict_mode=true)"
        ).fetchall()
    except duckdb.Error:
        return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("random")


FIELD = st.text(alphabet='ab1 ,"\n\r;é', max_size=6)


@SHORT
@given(rows=st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=8), crlf=st.booleans())
def test_agrees_with_the_engine_on_well_formed_files(folder, rows, crlf):
    out = io.StringIO(newline="")
    ending = "\r\n" if crlf else "\n"
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=ending).writerows(rows)
    assert read(out.getvalue()) == [("record", list(row)) for row in rows]
    if not crlf:  # the header of `strictly` ends in \n, and the engine refuses a mixture
        nulls = [tuple(field or None for field in row) for row in rows]
        assert strictly(out.getvalue(), folder) == nulls


@SHORT
@given(text=st.lists(st.sampled_from(["a", " ", ",", ",", '"', '"', "\n", "\n"]), max_size=40))
def test_agrees_with_the_engine_on_every_file_that_it_accepts(folder, text):
    text = "".join(text)
    found = strictly(text, folder)
    if found is not None:
        mine = [fields for kind, fields in read(text) if kind != "blank"]
        assert [tuple(f or None for f in fields or []) for fields in mine] == found


@SHORT
@given(text=st.text(alphabet='ab ,"\n\r', max_size=60))
def test_no_line_is_lost(text):
    """Lines of records + rejected + blank = physical lines, counted without the tokenizer."""
    found = read(text)
    inside = sum(
        len(io.StringIO(field, newline="").readlines()) - (not field.endswith(("\n", "\r")))
        for _, fields in found
        for field in fields or []
        if field
    )
    assert len(found) + inside == len(io.StringIO(text, newline="").readlines())
