"""What a file really holds, whatever its name says: told from its first bytes.

Exports are often renamed instead of converted: a workbook named .csv, a page
of HTML named .xls. Each is refused under its true name, with the name or the
step that mends it.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from pathlib import Path

from crmlib.errors import InputError
from crmlib.intake.reading.encodings import unmarked_utf16

TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".dat")
WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ENDINGS = {
    **{f"{ending}{gz}": "text" for ending in TEXT_ENDINGS for gz in ("", ".gz")},
    ".parquet": "parquet",
    **dict.fromkeys(WORKBOOK_ENDINGS, "workbook"),
}
HEAD = 4096

SIGNATURES = (
    (b"\x1f\x8b", "gzip"),
    (b"PAR1", "parquet"),
    (b"PARE", "an encrypted Parquet file"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a Rich Text document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"$FL2", "an SPSS file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
# `ORC` and `BZh` may begin a column's name; what follows tells.
_TEXT_GOES_ON = re.compile(rb"^(ORC|BZh|Rar!|PAR1|PARE)[\x20-\x7e\r\n\t;,|]{8}")

_HTML = re.compile(rb"^\s*<(!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml|^\s*<[a-z]+[:>](?!\s*[,;\t|])", re.IGNORECASE)
_JSON = re.compile(rb'^\s*(\{\s*"|\[\s*[\[{])')


def ending(path: Path) -> str | None:
    """The ending of its name that we read, longest first; None for any other."""
    name = path.name.lower()
    known = [each for each in ENDINGS if name.endswith(each)]
    return max(known, key=len) if known else None


def what_it_is(head: bytes, path: Path) -> str:
    """*text*, *gzip*, *parquet*, a workbook's ending, or a few words for what is not read."""
    if not _TEXT_GOES_ON.match(head):
        for signature, what in SIGNATURES:
            if head.startswith(signature):
                return {"zip": _zip, "ole": _ole}[what](path) if what in ("zip", "ole") else what
    start = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(start):
        return "a page of HTML"
    if _XML.match(start):
        return "an XML file"
    return "a JSON file" if _JSON.match(start) else "text"


def check_content(path: Path, place: str) -> str:
    """The kind of the file, if its content is what its name says.

    Returns
    -------
    str
        *text*, *parquet* or *workbook*.

    Raises
    ------
    InputError
        Names what the file really is and how to mend it.
    """
    named = ending(path)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    is_ = what_it_is(head, path)
    if named is None:
        _refuse_name(is_, path, place)
    if named.endswith(".gz"):
        expected = "gzip"
    else:
        expected = named if ENDINGS[named] == "workbook" else ENDINGS[named]
    if (is_ == "xlsx" and expected in (".xlsx", ".xlsm")) or f".{is_}" == expected:
        return "workbook"
    if is_ != expected:
        if is_ == "text" and _is_binary(head):
            is_ = "of no kind that is read, or damaged"
        raise InputError(place, *_mended(is_, named, path))
    return ENDINGS[named]


def check_unpacked(head: bytes, path: Path, place: str) -> None:
    """Refuse a gzip file whose content is no text; raises InputError."""
    is_ = what_it_is(head, Path("unpacked"))
    if is_ != "text":
        what = _WORDS.get(is_, is_)
        raise InputError(place, f"is {what}, packed with gzip.", "Unpack it first.")


def _is_binary(head: bytes) -> bool:
    """Whether more control bytes stand in it than in any text, UTF-16 apart."""
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return controls > 0.05 * len(head) and unmarked_utf16(head) is None


_WORDS = {
    "text": "plain text",
    "gzip": "a gzip file",
    "parquet": "a Parquet file",
    "xlsx": "an Excel workbook",
    "xlsb": "a binary Excel workbook",
    "xls": "an old Excel workbook (.xls)",
    "ods": "an OpenDocument spreadsheet",
}
_RENAME = {
    "text": ".csv", "gzip": ".csv.gz", "parquet": ".parquet", "xlsx": ".xlsx", "xlsb": ".xlsb",
    "xls": ".xls", "ods": ".ods",
}  # fmt: skip


def _mended(is_: str, named: str, path: Path) -> tuple[str, str]:
    """(what is wrong, what to do) of a file that is not what its name says."""
    what = _WORDS.get(is_, is_)
    if is_ in _RENAME:
        new = ".txt" if is_ == "text" and named == ".xls" else _RENAME[is_]
        return f"is {what} named {named}.", f"Rename it to {new}."
    if "encrypted Parquet" in what:
        return f"is {what}.", "Export it without encryption."
    if "password" in what:
        return f"is {what}.", "Save it without a password."
    if "damaged" in what:
        return f"is {what}.", "Save or export it again, or copy it again."
    if "archive" in what:
        return f"is {what} named {named}.", "Unpack it and name the file inside."
    if is_ in ("a page of HTML", "an XML file"):
        return f"is {what} named {named}.", "Open it in Excel and save it as .xlsx, or as CSV."
    return f"is {what} named {named}.", "Export the table as CSV, Parquet or XLSX."


def _refuse_name(is_: str, path: Path, place: str) -> None:
    if is_ in _RENAME and is_ != "text":
        what = _WORDS[is_]
        ends = f"named {path.suffix}" if path.suffix else "without an ending"
        raise InputError(place, f"is {what} {ends}.", f"Rename it to {_RENAME[is_]}.")
    raise InputError(
        place,
        "this kind of file is not read; its name must end in "
        f"{', '.join(e for e in ENDINGS if not e.endswith('.gz'))} (text also with .gz).",
        "Rename a text file to .csv; export anything else as one of these.",
    )


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.bin" in names:
                return "xlsb"
            if any(name.startswith("xl/") for name in names):
                return "xlsx"
            if "mimetype" in names and "content.xml" in names:
                return "ods"
            return "a ZIP archive"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged ZIP archive or workbook"


def _ole(path: Path) -> str:
    """An old workbook, or a new one behind a password: both lie in the same container."""
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            return "a workbook behind a password"
        is_book = any(content.find(name.encode("utf-16-le")) >= 0 for name in ("Workbook", "Book"))
        return "xls" if is_book else "an old Office document"
