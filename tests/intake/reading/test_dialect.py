"""How a text file is laid out: found where it is certain, else said and proposed."""

from __future__ import annotations

import gzip
import zlib

import pytest
import xlsxwriter

from crmlib.errors import InputError
from crmlib.intake.reading.encodings import name_encoding
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect, read_raw

GOOD = "customer_id,date,amount\n1,2020-01-01,5\n2,2020-01-02,7\n"


def said(engagement, *, reading: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        source = locate(engagement)
        if reading:
            read_raw(connect(), source)
    return str(caught.value)


def cells(engagement) -> list[tuple]:
    found = read_raw(connect(), locate(engagement)).order_by("record").to_pyarrow().to_pylist()
    return [tuple(row.values())[3:] for row in found]


TWO = [("record", "1", "2020-01-01", "5"), ("record", "2", "2020-01-02", "7")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.tsv", "t.dat"])
def test_the_delimiter_is_found(client, delimiter, name):
    assert cells(client(GOOD.replace(",", delimiter), name)) == TWO


def test_commas_in_numbers_do_not_hide_the_delimiter(client):
    content = "customer_id;date;amount\n1;2020-01-01;5,0\n2;2020-01-02;7,5\n"
    assert cells(client(content))[1] == ("record", "2", "2020-01-02", "7,5")


def test_names_go_before_counts(client):
    """The header splits by commas, too, and into more fields."""
    content = "customer_id|date|amount|a,b,c,d,e\n1|2020-01-01|5|x,x,x,x,x\n"
    assert locate(client(content)).parts[0].delimiter == "|"


@pytest.mark.parametrize("word", ["tab", "\t"])
def test_a_tab_may_be_stated(client, word):
    assert cells(client(GOOD.replace(",", "\t"), delimiter=word)) == TWO


@pytest.mark.parametrize("mark", ["~", "^", "\x1f"])
def test_an_unusual_delimiter_is_proposed_and_taken_when_stated(client, mark):
    assert "Set `inputs.transactions.delimiter: " in said(client(GOOD.replace(",", mark)))
    assert cells(client(GOOD.replace(",", mark), delimiter=mark)) == TWO


def test_columns_below_each_other_are_told(client):
    content = "customer_id  date        amount\n1            2020-01-01       5\n"
    assert "text of fixed width: `inputs.transactions.fields" in said(client(content))


def test_titles_above_the_header_are_told_by_line(client):
    title = "Sales report\nmade; 2024, by me\n\n"
    assert said(client(title + GOOD)) == (
        "inputs.transactions.path: t.csv: line 1 does not name the columns; line 4 does. "
        "Set `inputs.transactions.skip_rows: 3`."
    )
    assert cells(client(title + GOOD, skip_rows=3)) == TWO
    assert "line 2 does not name the columns; line 1 does" in said(client(GOOD, skip_rows=1))
    assert "ends before line 8." in said(client(GOOD, skip_rows=7))


def test_an_open_quote_above_the_header_does_no_harm(client):
    assert cells(client('the "best shop\n' + GOOD, skip_rows=1)) == TWO


def test_without_a_header_columns_are_numbered(client):
    rows = GOOD.partition("\n")[2]
    roles = {"customer_id": "column_1", "date": "column_2", "amount": "column_3"}
    assert cells(client(rows, header=False, columns=roles)) == TWO
    assert cells(client("\n" + rows, header=False, columns=roles)) == [("blank", *[None] * 3), *TWO]


def test_a_row_taken_for_the_header_is_not_repeated(client):
    text = said(client(GOOD.partition("\n")[2]))
    assert "set `header: false`" in text
    assert "2020-01-01" not in text


def test_names_are_cleaned_of_what_cannot_be_seen(client):
    content = "\ufeffcustomer_id\u200b, date\u00a0,amount \n1,2020-01-01,5\n"
    assert locate(client(content)).header == ("customer_id", "date", "amount")


def test_a_header_over_two_lines(client):
    content = 'customer_id,date,"amount\nin EUR"\n1,2020-01-01,5\n2,2020-01-02,7\n'
    assert cells(client(content, columns={"amount": "amount in EUR"})) == TWO


@pytest.mark.parametrize("line", ['customer_id,"date,amount', 'customer_id,"date"x,amount'])
def test_a_broken_quote_in_the_header_is_told_without_the_text(client, line):
    text = said(client(line + "\n1,2,3\n", delimiter=","))
    assert "line 1, its header, has a quote that is not closed or that text follows." in text
    assert "amount" not in text


@pytest.mark.parametrize(
    "content",
    [
        "customer_id,date,amount,,\n1,2020-01-01,5\n2,2020-01-02,7\n",
        "customer_id,date,amount\n1,2020-01-01,5,\n2,2020-01-02,7,\n",
    ],
)
def test_delimiters_at_the_end_of_lines(client, content):
    assert cells(client(content)) == TWO


def test_rows_of_another_width_than_the_header_are_told_by_their_cause(client):
    content = "customer_id,date,amount\n" + "1,2020-01-01,5,50\n" * 6
    assert "its header names 3 columns, but its rows have 4 fields." in said(client(content))


def test_single_lines_of_another_width_are_rejected(client):
    found = cells(client(GOOD + "Total;;12\n"))
    assert found == [*TWO, ("rejected", None, None, None)]


@pytest.mark.parametrize("ends", ["\r", "\r\n"])
def test_line_ends_of_other_systems(client, ends):
    assert cells(client(GOOD.replace("\n", ends))) == TWO


def test_a_very_long_field_and_very_many_columns(client):
    long = "x" * 5_000_000
    found = cells(client(f"customer_id,date,amount,note\n1,2020-01-01,5,{long}\n2,2020-01-02,7,\n"))
    assert [row[:4] for row in found] == TWO
    assert len(found[0][4]) == 5_000_000
    more = ",".join(f"a rather long name of a column {n}" for n in range(5_000))
    wide = client(f"customer_id,date,amount,{more}\n1,2020-01-01,5{',' * 5000}\n")
    assert cells(wide)[0][:4] == TWO[0]


def test_a_nul_costs_its_line(client):
    content = GOOD.replace("7", "7\0")
    assert cells(client(content)) == [TWO[0], ("rejected", None, None, None)]


@pytest.mark.parametrize("content", ["\ufeff", "\n\n  \n", "\ufeff\r\n"])
def test_files_of_nothing(client, content):
    assert "holds nothing but blank lines." in said(client(content))


NAMES = "customer_id,date,amount,Städte\n1,2020-01-01,5,Köln\n2,2020-01-02,7,Zürich\n"
CHINESE = "customer_id,date,amount,城市\n1,2020-01-01,5,上海\n2,2020-01-02,7,北京\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_recognised(client, encoding):
    found = cells(client(CHINESE.encode(encoding)))
    assert [row[4] for row in found] == ["上海", "北京"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (NAMES, "cp1252"), (NAMES, "utf-16-le"), (NAMES, "utf-16-be"), (CHINESE, "gb18030"),
        (NAMES, "mac_roman"), (CHINESE, "big5"), (CHINESE, "utf-32-le"),
    ],
)  # fmt: skip
def test_a_stated_encoding_is_read(client, content, encoding):
    last = [line.rpartition(",")[2] for line in content.splitlines()[1:]]
    found = cells(client(content.encode(encoding), encoding=encoding))
    assert [row[4] for row in found] == last


@pytest.mark.parametrize(
    ("content", "encoding"), [(NAMES, "cp1252"), (CHINESE, "gb18030"), (NAMES, "utf-16-le")]
)
def test_another_encoding_is_proposed(client, content, encoding):
    text = said(client(content.encode(encoding)))
    assert f"set `inputs.transactions.encoding: {encoding}`" in text.replace("Set", "set")


def test_the_first_byte_of_another_encoding_is_named_in_the_file_as_it_is(client):
    head = "customer_id,date,amount\n".encode("utf-16-le")
    content = b"\xff\xfe" + head + "1,2020-01-01,5\n".encode("utf-16-le") * 100_000
    text = said(client(content + b"\x00\xdc\n\x00", encoding="auto"), reading=True)
    assert f"is not utf-16 text: byte {len(content):,} belongs to another encoding" in text


def test_a_damaged_line_is_not_taken_for_another_encoding(client):
    lines = "".join(f"{n},2020-01-01,5,Zürich\n" for n in range(20)).encode()
    content = NAMES.encode() + b"3,2020-01-03,9,K\xf6ln\n" + lines
    assert "The lines around it are in order: mend that line" in said(client(content))
    cut = CHINESE.encode("utf-16")[:-1]
    assert "The lines around it are in order" in said(client(cut))


def test_encodings_that_are_none(client):
    assert said(client(GOOD, encoding="utf8x")) == (
        "inputs.transactions.encoding: `utf8x` is no text encoding. Did you mean `utf-8`?"
    )
    for word in ("base64", "rot13", "idna", "unicode_escape", "undefined"):
        assert "is no text encoding" in said(client(GOOD, encoding=word))
    assert "has no byte-order mark" in said(client(GOOD.encode("utf-16-le"), encoding="utf-16"))
    assert "starts with the mark of UTF-8 and is not cp1252" in said(
        client(GOOD.encode("utf-8-sig"), encoding="cp1252")
    )


def test_guesses_of_encodings():
    assert name_encoding("Straße;größe;Müßiggang".encode("cp1252")) == "cp1252"
    assert name_encoding("東京の顧客".encode("shift_jis")) == "shift_jis"


LIES = [
    (
        gzip.compress(GOOD.encode(), mtime=0),
        "t.csv",
        "is a gzip file named .csv. Rename it to .csv.gz.",
    ),
    (GOOD, "t.csv.gz", "is plain text named .csv.gz. Rename it to .csv."),
    (GOOD, "t.xlsx", "is plain text named .xlsx. Rename it to .csv."),
    (GOOD, "t.xls", "is plain text named .xls. Rename it to .txt."),
    (GOOD, "t.parquet", "is plain text named .parquet. Rename it to .csv."),
    (bytes(range(256)) * 4, "t.parquet", "is of no kind that is read, or damaged."),
    (b"PAR1" + bytes(20) + b"PAR1", "t.csv", "is a Parquet file named .csv."),
    (b"PARE" + bytes(20), "t.parquet", "is an encrypted Parquet file."),
    ("<html><table><tr><td>1", "t.xls", "is a page of HTML named .xls. Open it in Excel"),
    ('[{"customer_id": 1}]', "t.csv", "is a JSON file named .csv."),
    ("%PDF-1.7", "t.csv", "is a PDF document named .csv."),
    (
        b"PK\x03\x04" + bytes(30),
        "t.xlsx",
        "is a damaged ZIP archive or workbook. Save or export it",
    ),
    (
        gzip.compress(gzip.compress(b"x", mtime=0), mtime=0),
        "t.csv.gz",
        "is a gzip file, packed with gzip.",
    ),
]


@pytest.mark.parametrize(("content", "name", "message"), LIES)
def test_a_file_is_known_by_its_content(client, content, name, message):
    assert message in said(client(content, name))


def test_a_workbook_named_csv(client, tmp_path):
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        book.add_worksheet().write(0, 0, "x")
    content = (tmp_path / "x.xlsx").read_bytes()
    assert "is an Excel workbook named .csv. Rename it to .xlsx." in said(client(content))
    assert "is an Excel workbook without an ending." in said(client(content, "x"))


def test_words_that_begin_like_other_files_are_text(client):
    for word in ("PARENT", "ORCID", "BZh", "Rar!"):
        content = f"{word},customer_id,date,amount\nx,1,2020-01-01,5\n"
        assert locate(client(content)).header[0] == word


def test_packed_files_of_several_members_are_read_whole(client):
    first, _, rest = GOOD.partition("1,")
    packed = gzip.compress(first.encode()) + gzip.compress(b"1," + rest.encode())
    assert cells(client(packed, "t.csv.gz")) == TWO


def test_something_behind_a_packed_file_is_told(client):
    content = gzip.compress(GOOD.encode() * 20_000) + b"something else"
    assert "is a gzip file with something else behind its end." in said(
        client(content, "t.csv.gz"), reading=True
    )


def test_a_packed_file_made_to_fill_the_disk_is_refused(client, monkeypatch):
    monkeypatch.setattr("crmlib.intake.reading.textfile.MOST_UNPACKED", 1 << 20)
    content = gzip.compress(GOOD.encode() + b"1,2020-01-01,5\n" * 500_000)
    assert "unpacks to more than 200 times its size" in said(
        client(content, "t.csv.gz"), reading=True
    )


def test_a_packed_line_without_end_is_refused(client):
    packer = zlib.compressobj(9, wbits=31)
    content = b"".join(packer.compress(bytes(1 << 20).replace(b"\0", b"x")) for _ in range(20))
    text = said(client(content + packer.flush(), "t.csv.gz"))
    assert "has no line end in its first 8,388,608 characters." in text


def test_a_file_that_changes_is_told(client, tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    source = locate(client(None, folder=tmp_path))
    (tmp_path / "t.csv").write_text(GOOD + "3,2020-01-03,9\n")
    with pytest.raises(InputError, match="changed while it was read"):
        read_raw(connect(), source)
