"""Client text files as streams, and what is wrong with those that cannot be read.

A delimited file is UTF-8 with an optional byte-order mark, plain or gzip. A
file that is neither is refused with the place of the first wrong byte: silent
replacement characters would split one customer into two.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from crmlib.errors import InputError

CHUNK = 1 << 20


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def open_text(path: Path) -> TextIO:
    """The file's text with its line ends as they are, without a byte-order mark."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")


@contextmanager
def reading(path: Path, place: str) -> Iterator[None]:
    """Say in the user's words what stops a text file from being read.

    Raises
    ------
    InputError
        Bytes that are not UTF-8, a damaged gzip file, or no permission to read.
    """
    try:
        yield
    except UnicodeDecodeError:
        raise InputError(
            place,
            f"is not UTF-8 text: byte {first_bad_byte(path):,} belongs to another encoding.",
            "Save the file as UTF-8 and run again.",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(
            place,
            "is a damaged gzip file: it ends early or its checksum is wrong.",
            "Copy or export the file again.",
        ) from None
    except OSError as error:
        raise InputError(place, f"cannot be read ({error.strerror or error}).") from None


def first_bad_byte(path: Path) -> int:
    """Offset of the first byte, in the unpacked text, that is not UTF-8; -1 if there is none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    read = 0
    with open_bytes(path) as stream:
        while True:
            chunk = stream.read(CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return read - pending + error.start
            if not chunk:
                return -1
            read += len(chunk)


def has_blank_line(path: Path) -> bool:
    """Whether two line ends stand side by side, reading the file to its end.

    Inside a quoted field they do no harm, so a true answer means only that
    blank lines are possible. Reading to the end also proves a gzip file whole.
    """
    found, last = False, b""
    with open_bytes(path) as stream:
        while chunk := stream.read(CHUNK):
            if not found:
                text = last + chunk
                found = any(pair in text for pair in (b"\n\n", b"\n\r", b"\r\r"))
                last = chunk[-1:]
    return found
