"""From a raw file alone to the settings that read it."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import pytest
import xlsxwriter

from crmlib.errors import InputError
from crmlib.intake.proposing.layout import propose
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw

DATA = Path(find_spec("lifetimes").origin).parent / "datasets"
LINES = "customer_id,date,amount\n" + "".join(f"{n},2020-01-{n},{n}.50\n" for n in range(10, 30))


def proposed(folder: Path, content: str | bytes, name: str = "t.csv"):
    content = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(content)
    return propose(folder / name)


def test_an_ordinary_file_needs_nothing(tmp_path):
    found = proposed(tmp_path, LINES)
    assert (found.settings, found.unsure) == ({}, ())
    assert found.header == ("customer_id", "date", "amount")
    assert proposed(tmp_path, gzip.compress(LINES.encode()), "t.csv.gz").settings == {}
    assert proposed(tmp_path, LINES.encode("utf-16"), "u.csv").settings == {}


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (LINES.replace(",", ";"), {"delimiter": ";"}),
        (LINES.replace(".", ",").replace(",2020", ";2020").replace(",1", ";1"), None),
        (LINES.replace(",", "\t"), {"delimiter": "tab"}),
        (LINES.replace(",", " "), {"delimiter": " "}),
        ("Report of 2020\n\n" + LINES, {"skip_rows": 2}),
        (LINES.partition("\n")[2], {"header": False}),
        (LINES.replace("a", "ä").encode("cp1252"), {"encoding": "cp1252"}),
        (LINES.replace("date", "日期").encode("gb18030"), {"encoding": "gb18030"}),
        (LINES.encode("utf-16-be"), {"encoding": "utf-16-be"}),
    ],
)
def test_what_is_not_found_by_itself_is_set(tmp_path, content, settings):
    found = proposed(tmp_path, content)
    if settings is not None:
        assert found.settings == settings
    assert bool(found.unsure) == bool({"encoding", "header"} & set(found.settings))


def test_decimal_commas_are_no_delimiters(tmp_path):
    rows = "".join(f"{n};2020-01-{n};{n},50\n" for n in range(10, 30))
    found = proposed(tmp_path, "customer_id;date;amount\n" + rows)
    assert found.settings == {"delimiter": ";"}


@pytest.mark.parametrize("name", ["CDNOW_master.txt", "CDNOW_sample.txt"])
def test_what_is_proposed_reads_every_line(client, name):
    found = propose(DATA / name)
    roles = dict(zip(["customer_id", "date", "amount"], _three(found.header), strict=True))
    settings = found.settings | {"columns": roles}
    raw = read_raw(connect(), locate(client(None, name, folder=DATA, **settings)))
    lines = (DATA / name).read_bytes().count(b"\n")
    kinds = raw.kind.value_counts().to_pyarrow().to_pylist()
    assert kinds == [{"kind": "record", "kind_count": lines - found.settings.get("skip_rows", 0)}]
    assert "Where the columns begin and end was found from" in found.unsure[-1]


def _three(header: tuple[str, ...]) -> tuple[str, str, str]:
    return header[0], header[-3], header[-1]


def test_the_names_of_cdnow_are_those_of_its_header():
    assert propose(DATA / "CDNOW_master.txt").header == (
        "customer_id", "date", "number_of_cds", "dollar_value"
    )  # fmt: skip


def test_a_workbook(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        book.add_worksheet("Notes").write(0, 0, "made by me")
        sheet = book.add_worksheet("Data")
        sheet.write(0, 0, "Sales")
        for at, line in enumerate(LINES.splitlines(), start=2):
            sheet.write_row(at, 0, line.split(","))
    found = propose(tmp_path / "t.xlsx")
    assert found.settings == {"sheet": "Data", "skip_rows": 2}
    assert found.header == ("customer_id", "date", "amount")
    assert found.unsure == ("`sheet: Data` is the largest of 2.",)


def test_a_file_that_is_not_what_it_says(tmp_path):
    with pytest.raises(InputError, match="is a PDF document named"):
        proposed(tmp_path, "%PDF-1.4 and so on")
    with pytest.raises(InputError, match="there is no such file"):
        propose(tmp_path / "none.csv")
