"""Client text files as streams, and what is wrong with those that cannot be read.

A file is read in one stated encoding, plain or gzip, and every byte must
belong to it: silent replacement characters would split one customer into two.
`prepare` gives the engine a file that it can read as it stands: the client's
own where that is plain UTF-8, else a copy without what stands above the rows.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from crmlib.errors import InputError
from crmlib.intake.reading.encodings import name_encoding
from crmlib.intake.reading.source import Part

CHUNK = 1 << 20
MOST_UNPACKED = 64 << 20  # bytes that any packed file may unpack to …
MOST_RATIO = 200  # … and beyond them, no more than this many times its packed size
# Real exports pack 3- to 30-fold; deflate's own limit is 1032.


def open_bytes(path: Path, packed: bool) -> BinaryIO:
    """The file's bytes, unpacked where it is packed."""
    return gzip.open(path, "rb") if packed else path.open("rb")


def open_text(part: Part) -> TextIO:
    """The file's text with its line ends as they are, without a byte-order mark."""
    stream = open_bytes(part.path, part.packed)
    return io.TextIOWrapper(stream, encoding=part.encoding, newline="")


@contextmanager
def reading(part: Part, key: str) -> Iterator[None]:
    """Say in the user's words what stops a text file from being read.

    Raises
    ------
    InputError
        Bytes of another encoding, a damaged gzip file, or one that cannot be read.
    """
    try:
        yield
    except UnicodeDecodeError:
        raise wrong_encoding(part, key) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if "Not a gzipped file" in str(error):
            problem = "is a gzip file with something else behind its end."
        else:
            problem = "is a damaged gzip file: it ends early or its checksum is wrong."
        raise InputError(part.place, problem, "Copy or export the file again.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            part.place, f"cannot be read ({reason}).", "Check the disk and the permissions."
        ) from None


def wrong_encoding(part: Part, key: str) -> InputError:
    """The first byte that does not belong to the encoding, and which one would fit."""
    at, around = first_bad_byte(part)
    named = {"utf-8-sig": "UTF-8"}.get(part.encoding, part.encoding)
    where = f"byte {at:,}{' of the unpacked text' if part.packed else ''}"
    guess = name_encoding(around)
    if part.encoding.startswith("utf") and _mostly_readable(around, part.encoding):
        remedy = "The lines around it are in order: mend that line, or export the file again."
    elif guess is None or guess == part.encoding:
        remedy = f"Save the file as UTF-8, or set `{key}.encoding` to its encoding."
    else:
        remedy = (
            f"It reads as {guess}: set `{key}.encoding: {guess}` and check some names with umlauts "
            "or Chinese characters, or save the file as UTF-8."
        )
    return InputError(
        part.place, f"is not {named} text: {where} belongs to another encoding.", remedy
    )


def _mostly_readable(lines: bytes, encoding: str) -> bool:
    """Whether a few bytes are damaged in text that is in the encoding otherwise."""
    if encoding != "utf-8-sig":  # marked, or stated: the mark is no guess
        return True
    foreign = [line for line in lines.splitlines() if not line.isascii()]
    readable = 0
    for line in foreign:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            continue
        readable += 1
    return readable > len(foreign) / 2


def first_bad_byte(part: Part) -> tuple[int, bytes]:
    """Offset, in the unpacked text, of the first byte outside the encoding, and bytes around it.

    The bytes start and end with a line where the lines are short enough. (-1, b"")
    where every byte fits.
    """
    decoder = codecs.getincrementaldecoder(part.encoding)()
    read, last = 0, b""
    allowed = most_unpacked(part.path.stat().st_size) if part.packed else float("inf")
    with open_bytes(part.path, part.packed) as stream:
        while True:
            chunk = stream.read(CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = error.start - pending
                text = last + chunk + stream.read(CHUNK)
                return read + at, _lines_around(text, len(last) + at)
            if not chunk:
                return -1, b""
            read, last = read + len(chunk), chunk
            if read > allowed:
                raise unpacks_too_far(part.place)


def _lines_around(text: bytes, at: int, reach: int = 20_000) -> bytes:
    start = text.rfind(b"\n", 0, max(0, at - reach)) + 1 if at > reach else 0
    end = text.find(b"\n", at + reach)
    return text[start : end if end >= 0 else len(text)]


@dataclass
class Survey:
    """What a file's bytes say about its lines, gathered chunk by chunk."""

    blank: bool = False  # two line ends side by side; inside a quoted field they do no harm
    crlf: bool = False
    lone_lf: bool = False
    lone_cr: bool = False
    nul: bool = False
    size: int = 0
    _last: bytes = b"\n"  # so that a blank first line has a line end before it

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes of UTF-8 text."""
        text = self._last + chunk
        self.size += len(chunk)
        self.blank = self.blank or any(pair in text for pair in (b"\n\n", b"\n\r", b"\r\r"))
        self.nul = self.nul or b"\x00" in chunk
        # A carriage return at the very end is judged with the chunk that follows it.
        pairs = text.count(b"\r\n")
        self.crlf = self.crlf or pairs > 0
        self.lone_lf = self.lone_lf or text.count(b"\n") > pairs + (self._last == b"\n")
        self.lone_cr = self.lone_cr or text.count(b"\r") - text.endswith(b"\r") > pairs
        self._last = text[-1:]

    @property
    def strict(self) -> bool:
        """Whether the strict engine may read it: one kind of line end, no blank line, no NUL."""
        if self._last == b"\r":
            self.lone_cr = True
        ends = self.crlf + self.lone_lf + self.lone_cr
        return ends <= 1 and not self.blank and not self.nul


@dataclass(frozen=True)
class Prepared:
    """A file as the engine reads it: UTF-8, with or without its header line."""

    path: Path
    headed: bool
    strict: bool  # see `Survey.strict`


def prepare(part: Part, scratch: Path) -> Prepared:
    """Read a text file once to its end, and copy it where it is not plain UTF-8.

    Reading to the end proves a packed file whole before anything is made of it.

    Parameters
    ----------
    part : Part
        Of kind *text* or *fixed_width*.
    scratch : Path
        Where a copy may stand; the caller removes it.

    Raises
    ------
    InputError
        A packed file that unpacks beyond all measure, or no room for the copy.
    UnicodeDecodeError, EOFError, zlib.error, OSError
        For `reading` to put into words.
    """
    survey = Survey()
    plain = part.encoding == "utf-8-sig" and not part.packed
    if plain and part.head_lines == 1 and part.whole_header:
        with part.path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                survey.feed(chunk)
        return Prepared(part.path, True, survey.strict)
    copy = scratch / "rows.csv"
    allowed = most_unpacked(part.path.stat().st_size)
    with open_text(part) as stream, _writing(copy, part.place) as write:
        for _ in range(part.head_lines):
            stream.readline()
        while text := stream.read(CHUNK):
            chunk = text.encode("utf-8", "surrogatepass")
            survey.feed(chunk)
            if part.packed and survey.size > allowed:
                raise unpacks_too_far(part.place)
            write(chunk)
    return Prepared(copy, False, survey.strict)


def most_unpacked(packed: int) -> int:
    """Bytes that a packed file of this size may unpack to."""
    return max(MOST_UNPACKED, MOST_RATIO * packed)


def unpacks_too_far(place: str) -> InputError:
    """The refusal of a file made to fill the disk."""
    return InputError(
        place,
        f"unpacks to more than {MOST_RATIO} times its size, which no export does.",
        "Where it is what it should be, unpack it and name the unpacked file.",
    )


@contextmanager
def _writing(path: Path, place: str) -> Iterator:
    """A file's `write`; a full disk is said to be the temporary folder's."""

    def write(chunk: bytes) -> None:
        try:
            stream.write(chunk)
        except OSError as error:
            raise InputError(
                place,
                f"its copy cannot be written to {path.parent} ({error.strerror or error}).",
                "Make room there, or set TMPDIR to a folder with room.",
            ) from None

    with path.open("wb", buffering=0) as stream:
        yield write
