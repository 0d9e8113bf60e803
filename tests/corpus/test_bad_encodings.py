"""Encodings, byte-order marks, and names that look alike."""

import codecs

from corpus import GOOD, Case, accepted, every, refused, sales

CHINESE = sales("客户张伟,2024-01-13,1", "客户李娜,2024-02-14,2", "客户王芳,2024-03-15,3")
GERMAN = sales("Müller,2024-01-13,1", "Köhler,2024-02-14,2", "Groß,2024-03-15,3")
GUESS = "inputs.transactions.encoding: "

CASES = [
    Case("UTF-8 with a byte-order mark", b"\xef\xbb\xbf" + GERMAN.encode(),
         accepted(3, 3, says=("UTF-8 with byte-order mark",))),
    Case("UTF-16 with its mark", GERMAN.encode("utf-16"), accepted(3, 3, says=("UTF-16",))),
    Case("UTF-16 big-endian with its mark", codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
         accepted(3, 3)),
    Case("UTF-16 without a mark", GOOD.encode("utf-16-le"),
         refused("is UTF-16 without the byte-order mark", GUESS + "utf-16-le")),
    Case("UTF-16 of an odd number of bytes", GERMAN.encode("utf-16")[:-1],
         refused("is not utf-16 text: byte")),
    Case("UTF-32 with its mark", GERMAN.encode("utf-32"), accepted(3, 3)),
    Case("GB18030", CHINESE.encode("gb18030"),
         refused("is not UTF-8 text: byte 24", GUESS + "gb18030")),
    Case("GB18030, as stated", CHINESE.encode("gb18030"), accepted(3, 3),
         settings={"encoding": "gb18030"}),
    Case("Latin-1", GERMAN.encode("latin-1"),
         refused("is not UTF-8 text: byte 25", GUESS + "cp1252")),
    Case("Latin-1, as stated", GERMAN.encode("latin-1"), accepted(3, 3),
         settings={"encoding": "latin-1"}),
    Case("Shift JIS", sales("ヤマダ,2024-01-13,1", "たなか,2024-01-14,1").encode("shift_jis"),
         refused("is not UTF-8 text", GUESS + "shift_jis")),
    Case("UTF-8 stated, Latin-1 sent", GERMAN.encode("latin-1"),
         refused("is not UTF-8 text", GUESS + "cp1252"), settings={"encoding": "utf-8"}),
    Case("a bad byte late in the file",
         GERMAN.encode() + b"a,2024-01-13,1\n" * 100_000 + b"M\xfcller,2024-01-13,2\n",
         refused("is not UTF-8 text: byte 1,500,086", GUESS + "cp1252")),
    Case("ASCII stated, UTF-8 sent", GERMAN.encode(),
         refused("is not ascii text"), settings={"encoding": "ascii"}),
    Case("an encoding that does not exist", GOOD,
         refused("inputs.transactions.encoding", "`utf-88` is no text encoding", "Did you mean"),
         settings={"encoding": "utf-88"}),
    Case("an encoding that is no text", GOOD,
         refused("`base64` is no text encoding"), settings={"encoding": "base64"}),
    Case("an encoding that the mark contradicts", b"\xef\xbb\xbf" + GOOD.encode(),
         refused("starts with the mark of UTF-8 and is not latin-1",
                 "Leave out `inputs.transactions.encoding`"), settings={"encoding": "latin-1"}),
    Case("UTF-16 stated without a mark", GOOD.encode("utf-16-le"),
         refused("has no byte-order mark", GUESS + "utf-16-le"), settings={"encoding": "utf-16"}),
    Case("random bytes", bytes(range(128, 256)) * 40,
         refused("is not UTF-8 text: byte 0", "encoding")),
    Case("a lone surrogate", GERMAN.encode() + b"\xed\xa0\x80,2024-01-13,1\n",
         refused("is not UTF-8 text")),
    Case("Cyrillic а and Latin a stay two customers",
         sales("\u0430nna,2024-01-13,1", "anna,2024-01-13,1"),
         accepted(2, 2, says=("2 customers",))),
    Case("composed and decomposed umlauts stay two customers",
         sales("M\u00fcller,2024-01-13,1", "Mu\u0308ller,2024-01-13,1"),
         accepted(2, 2, says=("2 customers",))),
    Case("Arabic ids with marks of direction",
         sales("\u202bعميل\u202c,2024-01-13,1", "عميل,2024-01-13,1"),
         accepted(2, 2, says=("2 customers",))),
    Case("Arabic digits in amounts", sales("@,2024-01-13,١٢٫٥", "@,2024-01-13,١٢"),
         accepted(2, 2, says=("EUR 24.50",))),
]  # fmt: skip

test_bad_encodings = every(CASES)
