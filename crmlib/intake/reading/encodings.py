"""Which encoding a client's text is in: by its byte-order mark, as stated, or by trial.

UTF-8 and the marks of UTF-16 are certain and are used. A guess by trial decode
is only ever proposed: several encodings read the same bytes, each as other names.
"""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases

from crmlib.errors import InputError, suggestion

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte-order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# Codecs of Python's own notation, of host names and of the machine's locale.
_NO_EXPORT = {
    "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem",
}  # fmt: skip
_COMMON = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1250", "cp1251", "cp850", "latin-1",
    "iso8859-15", "gb18030", "gbk", "big5", "shift_jis", "euc_kr", "mac_roman",
)  # fmt: skip


_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_IN_WORD = re.compile(r"[A-Za-z][^\x00-\x7f]+|[^\x00-\x7f]+[A-Za-z]")


def choose_encoding(head: bytes, stated: str, key: str, place: str) -> tuple[str, str]:
    """Python's codec for a file that starts with `head`, and its name for the report.

    Parameters
    ----------
    head : bytes
        The first bytes, unpacked.
    stated : str
        What params say; *auto* where they leave it open.
    key, place : str
        Of the table and the file, for messages.

    Raises
    ------
    InputError
        A stated encoding that does not exist, or that the file's own mark contradicts.
    """
    mark = next((each for each in MARKS if head.startswith(each[0])), None)
    if stated == "auto":
        return (mark[1], mark[2]) if mark else ("utf-8-sig", "UTF-8")
    codec = _known(stated, f"{key}.encoding")
    if mark is None:
        if codec == "utf-8":
            return "utf-8-sig", "UTF-8"
        if codec in ("utf-16", "utf-32"):  # Python would take the machine's own order
            raise InputError(
                place,
                f"has no byte-order mark, so `{codec}` does not say how its bytes are ordered.",
                f"Set `{key}.encoding: {codec}-le`, or `{codec}-be`.",
            )
        return codec, stated
    family = mark[1].removesuffix("-sig")
    if not codec.startswith(family):
        raise InputError(
            place,
            f"starts with the mark of {mark[2].split()[0]} and is not {stated}.",
            f"Leave out `{key}.encoding`.",
        )
    return mark[1], mark[2]


def _known(stated: str, key: str) -> str:
    try:
        found = codecs.lookup(stated)
    except (LookupError, ValueError):
        found = None
    if found is None or not found._is_text_encoding or found.name in _NO_EXPORT:
        known = {alias.replace("_", "-") for alias in aliases.values()}
        near = suggestion(stated.lower(), known.union(_COMMON))
        near = near if near.startswith("Did") else f"Known are {', '.join(_COMMON)} and others."
        raise InputError(key, f"`{stated}` is no text encoding.", near)
    return "utf-8" if found.name == "utf-8-sig" else found.name


def name_encoding(sample: bytes) -> str | None:
    """The likeliest encoding of whole lines that are not UTF-8; None where nothing fits.

    GB18030 where nearly all that is not ASCII reads as everyday Chinese (the
    characters of GB 2312), Western European otherwise.

    >>> name_encoding("客户,日期\\n张伟,2024\\n".encode("gb18030"))
    'gb18030'
    >>> name_encoding("Name,Stadt\\nMüller,Köln\\n".encode("cp1252"))
    'cp1252'
    """
    order = unmarked_utf16(sample)
    if order:
        return order
    for codec, fits in (("gb18030", _is_chinese), ("shift_jis", _is_japanese)):
        try:
            text = sample.decode(codec)
        except UnicodeDecodeError:
            continue
        # Two umlauts side by side are a Chinese character, but one within a Latin word.
        if len(_IN_WORD.findall(text)) <= 0.3 * len(_FOREIGN.findall(text)) and fits(
            [c for c in text if not c.isascii()]
        ):
            return codec
    for codec in ("cp1252", "cp850"):
        try:
            sample.decode(codec)
        except UnicodeDecodeError:
            continue
        return codec
    return None


def unmarked_utf16(sample: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of plain text is zero."""
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > 0.4 * half:
        return "utf-16-le"
    return "utf-16-be" if sample[0::2].count(0) > 0.4 * half else None


def _is_chinese(foreign: list[str]) -> bool:
    everyday = 0
    for character in foreign:
        try:
            everyday += len(character.encode("gb2312")) == 2
        except UnicodeEncodeError:
            continue
    return everyday >= 0.9 * len(foreign) > 0


def _is_japanese(foreign: list[str]) -> bool:
    kana = sum("\u3040" <= c <= "\u30ff" for c in foreign)
    return kana >= 0.2 * len(foreign) > 0
