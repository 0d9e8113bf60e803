"""Columns that stand below each other: every line counted, none cut unseen."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from crmlib.errors import InputError
from crmlib.intake.reading.fixed_width import find_fields, slice_lines
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw

MASTER = Path(find_spec("lifetimes").origin).parent / "datasets" / "CDNOW_master.txt"
FIELDS = {"customer_id": [1, 4], "date": [6, 13], "amount": [14, 20]}
ROWS = " 001 20200101   5.10\n 002 20200102 107.00\n"


def said(engagement) -> str:
    with pytest.raises(InputError) as caught:
        locate(engagement)
    return str(caught.value)


def rows(engagement) -> list[tuple]:
    found = read_raw(connect(), locate(engagement)).order_by("record").to_pyarrow().to_pylist()
    return [tuple(row.values())[3:] for row in found]


TWO = [("record", "001", "20200101", "5.10"), ("record", "002", "20200102", "107.00")]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_fields_are_cut_and_trimmed(client, ends):
    assert rows(client(ROWS.replace("\n", ends), "t.txt", fields=FIELDS)) == TWO


def test_cdnow_as_published_is_read_in_full(client):
    fields = {"customer_id": [1, 6], "date": [8, 15], "cds": [16, 18], "amount": [19, 26]}
    content = MASTER.read_bytes().partition(b"\n")[2]  # the package puts a header before it
    raw = read_raw(connect(), locate(client(content, "master.txt", fields=fields)))
    assert raw.kind.value_counts().to_pyarrow().to_pylist() == [
        {"kind": "record", "kind_count": 69_659}
    ]
    assert raw.c0.nunique().execute() == 23_570
    assert str(raw.c3.cast("decimal(12, 2)").sum().execute()) == "2500315.63"


def test_a_header_line_is_skipped_where_it_is_stated(client):
    content = "id   date   amount\n" + ROWS
    assert rows(client(content, "t.txt", fields=FIELDS, header=True)) == TWO
    assert rows(client(content, "t.txt", fields=FIELDS, skip_rows=1)) == TWO


def test_cut_lines_and_text_outside_are_rejected_and_blank_ones_counted(client):
    content = ROWS * 20 + " 003 20200103   5.1\n\n 004x20200104   5.10\n 005 20200105   5.10 x\n"
    kinds = [row[0] for row in rows(client(content, "t.txt", fields=FIELDS))]
    assert kinds == ["record"] * 40 + ["rejected", "blank", "rejected", "rejected"]


def test_where_lines_end_with_their_text_a_short_one_is_whole(client):
    fields = FIELDS | {"amount": [15, 30]}
    content = " 001 20200101 5.10\n 002 20200102 107.00\n 003 20200103\n"
    found = rows(client(content, "t.txt", fields=fields))
    assert found == [*TWO, ("rejected", None, None, None)]


def test_characters_are_counted_and_not_bytes(client):
    content = "Kölnä20200101   5.10\nBonn 20200102   1.00\n"
    for encoding in ("utf-8", "cp1252"):
        found = rows(
            client(
                content.encode(encoding), "t.txt", fields=FIELDS | {"customer_id": [1, 5]},
                encoding=encoding,
            )
        )  # fmt: skip
        assert found[0] == ("record", "Kölnä", "20200101", "5.10")


def test_fields_that_cannot_be(client):
    assert "[9, 5] ends before it starts." in said(
        client(ROWS, "t.txt", fields=FIELDS | {"date": [9, 5]})
    )
    assert "`customer_id` and `date` overlap at character 4." in said(
        client(ROWS, "t.txt", fields=FIELDS | {"date": [4, 13]})
    )
    assert "most lines hold text from character 14 onwards, where no field is." in said(
        client(ROWS, "t.txt", fields={"customer_id": [1, 4], "date": [6, 13]})
    )
    assert "there is no column `amount`" in said(
        client(ROWS, "t.txt", fields={"customer_id": [1, 4], "date": [6, 13], "sum": [14, 20]})
    )


def test_fields_are_found_from_blanks():
    assert find_fields(ROWS.splitlines()) == ((1, 4), (6, 13), (14, 20))
    assert find_fields([]) == ()


def test_every_line_has_a_kind():
    lines = ["\n", "a\0b c\n", "ab\n", "ab cd"]
    kinds = [kind for kind, _ in slice_lines(lines, ((1, 2), (4, 5)), 5)]
    assert kinds == ["blank", "rejected", "rejected", "record"]
