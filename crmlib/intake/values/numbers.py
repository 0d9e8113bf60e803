"""Which number a cell of text states, in the ways that people and systems write one.

Asked of every amount, quantity and price at intake (chapter 1). A cell is read
whole or not at all: thousands marks must stand in groups of three, and a mark
that the stated decimal does not allow makes the cell unreadable, so that no
number is off by a factor of a thousand in silence.
"""

from __future__ import annotations

import re
from typing import Literal

import ibis
import ibis.expr.types as ir

Decimal = Literal[".", ","]

# Where a client's locale or keyboard writes another character for one of ours. Digits of the
# Arabic and Persian scripts mean one number only, so they are read and not refused.
_TIDY = {
    "０１２３４５６７８９": "0123456789",
    "٠١٢٣٤٥٦٧٨٩": "0123456789",
    "۰۱۲۳۴۵۶۷۸۹": "0123456789",
    "\u2212\uff0d\u2013\uff0b": "---+",  # minus sign, full-width hyphen, en dash, full-width plus
    "（）．，": "().,",
    "\u00a0\u202f\u2009\u2007\u3000\t": "      ",  # spaces that hold a number together
    "\u2019\u2018\u02bc\uff07": "''''",
    "￥＄￡￦": "¥$£₩",
}
_DROPPED = "\u200b\u200e\u200f\u061c\ufeff"  # invisible marks of direction and byte order

_DOLLARS = [
    "USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "BMD", "BBD",
    "BSD", "JMD", "NAD", "FJD", "BRL", "UYU",
]  # fmt: skip
_RUPEES = ["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]
_CROWNS = ["SEK", "NOK", "DKK", "ISK"]
_SIGNS: dict[str, list[str]] = {
    "$": _DOLLARS, "US$": ["USD"], "A$": ["AUD"], "AU$": ["AUD"], "C$": ["CAD"], "CA$": ["CAD"],
    "HK$": ["HKD"], "NZ$": ["NZD"], "S$": ["SGD"], "NT$": ["TWD"], "MX$": ["MXN"], "R$": ["BRL"],
    "€": ["EUR"], "EURO": ["EUR"], "£": ["GBP", "EGP"], "¥": ["JPY", "CNY"], "円": ["JPY"],
    "元": ["CNY", "HKD", "TWD"], "圆": ["CNY"], "RMB": ["CNY"], "CNH": ["CNY"], "₩": ["KRW"],
    "원": ["KRW"], "₹": ["INR"], "Rs": _RUPEES, "Rs.": _RUPEES, "₽": ["RUB"], "руб": ["RUB"],
    "руб.": ["RUB"], "₺": ["TRY"], "TL": ["TRY"], "zł": ["PLN"], "Kč": ["CZK"], "kr": _CROWNS,
    "kr.": _CROWNS, "Ft": ["HUF"], "lei": ["RON"], "₪": ["ILS"], "฿": ["THB"], "₫": ["VND"],
    "₱": ["PHP"], "Rp": ["IDR"], "RM": ["MYR"], "R": ["ZAR"], "Fr": ["CHF"], "Fr.": ["CHF"],
    "SFr.": ["CHF"], "₴": ["UAH"], "₦": ["NGN"],
}  # fmt: skip

CURRENCIES = frozenset(
    re.findall(
        "[A-Z]{3}",
        """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN
    BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES
    KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL""",
    )
)
"""Codes of ISO 4217 in use, and the kuna for older files."""

_WORDS = {"ALL", "TOP", "TRY", "CUP", "PEN", "MOP", "MAD", "GEL", "SOS"}  # of a name, too
_LAKH = frozenset({"INR", "PKR", "BDT", "NPR", "LKR", "BTN", ""})  # 12,34,567.00 is usual there
_EXPONENT = r"[eE][+-]?[0-9]{1,2}"
_WIDE = "decimal(38, 12)"
_MARK = "\x1f"


def plain_number(text: ir.StringValue, decimal: Decimal, currency: str) -> ir.StringValue:
    """The number that a cell states, as plain text (`-1234.56`); null where it states none.

    Parameters
    ----------
    text : ibis.StringValue
        The cell. Signs may stand before or behind the number, or as parentheses;
        thousands marks in groups of three (in Indian groups where the currency is
        counted so); a percentage is no amount.
    decimal : str
        The decimal mark; the other one may then stand between thousands.
    currency : str
        Code of the currency whose signs and code are allowed beside the number;
        any currency's where it is empty.
    """
    text = text.strip()
    point = re.escape(decimal)
    pointed = text if decimal == "." else text.replace(",", ".")
    # The engine takes a later way for those cells alone that match no earlier one.
    return ibis.cases(
        (text.re_search(rf"^-?[0-9]+(?:{point}[0-9]+)?$"), pointed),
        (text.re_search(rf"^[+-]?{_digits(decimal)}{_EXPONENT}$"), _without_power(pointed)),
        else_=_written_out(_bare(text, decimal, currency), decimal, currency),
    )


def in_other_currency(text: ir.StringValue, currency: str) -> ir.BooleanValue:
    """Whether a number carries the sign or code of a currency that is not the engagement's."""
    text = text.strip()
    foreign = _either(set(_marks("")) - set(_marks(currency)))
    beside = (
        rf"(?i)^[(+-]? ?(?:{foreign}) ?[(+-]? ?[.,]?[0-9]"
        rf"|[0-9][.,]?(?: ?-)? ?(?:{foreign})(?: ?[-)])?$"
    )
    plain = text.re_search(r"^-?[0-9.,]*$")
    return plain.ifelse(False, _tidy(text, ".").re_search(beside))


def codes_beside(name: str) -> list[str]:
    """Currency codes among the words of a column's name, such as `Amount (EUR)`.

    >>> codes_beside("price_usd")
    ['USD']
    """
    words = [word.upper() for word in re.findall(r"[A-Za-z]+", name)]
    return [word for word in words if word in CURRENCIES - _WORDS]


def currencies_of(mark: str) -> list[str]:
    """Codes of the currencies that a sign or code beside an amount may mean, likeliest first.

    >>> currencies_of("HK$"), currencies_of("eur"), currencies_of("pcs")
    (['HKD'], ['EUR'], [])
    """
    if mark.upper() in CURRENCIES:
        return [mark.upper()]
    return next((codes for sign, codes in _SIGNS.items() if sign.lower() == mark.lower()), [])


def _marks(currency: str) -> list[str]:
    """Signs and codes that may stand beside a number in this currency (in any, if empty)."""
    codes = [currency] if currency else list(CURRENCIES)
    return codes + [sign for sign, known in _SIGNS.items() if not currency or currency in known]


def _either(marks: set[str] | list[str]) -> str:
    """A pattern of alternatives, longest first: `HK$` before `$`."""
    return "|".join(re.escape(mark) for mark in sorted(marks, key=lambda m: (-len(m), m)))


def _tidy(text: ir.StringValue, decimal: Decimal) -> ir.StringValue:
    """One character for each that means the same, and no invisible ones."""
    thousands = "," if decimal == "." else "."
    theirs = "".join(_TIDY) + "٫٬" + _DROPPED  # the engine deletes what has no counterpart
    ours = "".join(_TIDY.values()) + decimal + thousands
    # Translating costs three times a search: most cells need none.
    return text.re_search(f"[{theirs}]").ifelse(text.translate(theirs, ours).strip(), text)


def _bare(text: ir.StringValue, decimal: Decimal, currency: str) -> ir.StringValue:
    """The cell without the currency's signs and code before or behind the number."""
    marks = _either(_marks(currency))
    before = _tidy(text, decimal).re_replace(rf"(?i)^([(+-]? ?)(?:{marks}) ?", r"\1")
    return before.re_replace(rf"(?i)([0-9.,)-]) ?(?:{marks})( ?[-)]?)$", r"\1\2")


def _written_out(bare: ir.StringValue, decimal: Decimal, currency: str) -> ir.StringValue:
    """A number with marks and signs as a plain one; null where the cell is none.

    Each step uses the one before once: an expression that is used twice is
    computed twice. So the first step marks what is a number, by a character no cell has.
    """
    number = _number(decimal, currency)
    shape = rf"^(?:([+-]?) ?({number})|({number}) ?(-)|(\() ?({number}) ?\))$"
    found = bare.re_replace(shape, _MARK + r"\1\4\5\2\3\6").replace("(", "-")
    digits = found.re_replace(f"[+ '{',' if decimal == '.' else '.'}]", "")
    pointed = digits if decimal == "." else digits.replace(",", ".")
    whole = pointed.re_replace(rf"^({_MARK}-?)\.", r"\10.")  # group 1, then `0.`
    return whole.re_extract(rf"^{_MARK}(.*?)\.?$", 1).nullif("")


def _without_power(text: ir.StringValue) -> ir.StringValue:
    """`1.5e3` as 1500; null beyond 26 digits."""
    return text.try_cast(_WIDE).cast("string").re_replace(r"\.?0*$", "")


def _digits(decimal: Decimal) -> str:
    point = re.escape(decimal)
    return rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)"


def _number(decimal: Decimal, currency: str) -> str:
    """Pattern of a number without its sign: marks where they belong, and one kind of them."""
    # A group that begins with 0 is no thousands: 0,250 is a quarter or a mistake.
    groups = "|".join(
        rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+"
        for mark in (" ", "'", "," if decimal == "." else r"\.")
    )
    if decimal == "." and currency in _LAKH:
        groups += r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
    return rf"(?:{_digits(decimal)}|(?:{groups})(?:{re.escape(decimal)}[0-9]*)?)"
