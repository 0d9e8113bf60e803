"""Workbooks are ZIP archives: proven whole and of sane size before anything unpacks them.

The sizes that an archive states need not be true, so every member is inflated
once as a stream and counted. The bounds are those of packed text.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from crmlib.errors import InputError
from crmlib.intake.reading.textfile import CHUNK, most_unpacked, unpacks_too_far

LOCAL_HEADER = 30  # bytes before a member's name


def check_archive(path: Path, place: str) -> None:
    """Inflate every member once.

    Raises
    ------
    InputError
        A damaged archive, one behind a password, or one made to fill the memory.
    """
    allowed = most_unpacked(path.stat().st_size)
    damaged = InputError(place, "is a damaged workbook.", "Save it again, or copy it again.")
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            members = archive.infolist()
            if any(member.flag_bits & 1 for member in members):
                raise InputError(
                    place, "is a workbook behind a password.", "Save it without a password."
                )
            if sum(member.file_size for member in members) > allowed:
                raise unpacks_too_far(place)
            unpacked = 0
            for member in members:
                size = checksum = 0
                for chunk in _inflate(stream, member):
                    size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
                    if unpacked + size > allowed:
                        raise unpacks_too_far(place)
                if (size, checksum) != (member.file_size, member.CRC):
                    raise damaged
                unpacked += size
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise damaged from None  # OSError: a member's place lies before the file's first byte


def _inflate(stream: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's content as its bytes say, whatever size the archive states."""
    stream.seek(member.header_offset)
    head = stream.read(LOCAL_HEADER)
    if len(head) < LOCAL_HEADER or not head.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile
    skip = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    stream.seek(skip, 1)
    left = member.compress_size
    if member.compress_type == zipfile.ZIP_STORED:
        while left and (chunk := stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise NotImplementedError
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while left and (packed := stream.read(min(CHUNK, left))):
        left -= len(packed)
        while packed:
            yield inflater.decompress(packed, CHUNK)
            packed = inflater.unconsumed_tail
    while rest := inflater.decompress(inflater.unconsumed_tail, CHUNK):
        yield rest
    if not inflater.eof:
        raise EOFError


ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*["']([^"']*)["']""")


def attributes(tag: bytes) -> dict[str, str]:
    """The attributes of one XML tag, without their namespaces."""
    found = {}
    for name, value in ATTRIBUTE.findall(tag):
        found[name.decode().rpartition(":")[2]] = _unescaped(value.decode("utf-8", "replace"))
    return found


def tags(xml: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of every tag of a name, whatever its namespace."""
    pattern = rb"<(?:\w+:)?" + name.encode() + rb"\b[^>]*>"
    return [attributes(tag) for tag in re.findall(pattern, xml)]


def _unescaped(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
