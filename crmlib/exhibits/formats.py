"""Numbers as readers see them: one place for money, shares, counts and intervals.

And cells as spreadsheets see them: text that would start a formula there is
kept as text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
# With their full-width twins, which East Asian spreadsheets take for the same.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def count(value: float) -> str:
    """Thousands separated.

    >>> count(23570)
    '23,570'
    """
    return f"{value:,.0f}"


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 as a percentage.

    >>> percent(0.2346), percent(0.2346, 1)
    ('23%', '23.5%')
    """
    return f"{100 * share:.{digits}f}%"


def percent_1(share: float) -> str:
    """A share with one decimal.

    >>> percent_1(0.0457)
    '4.6%'
    """
    return percent(share, 1)


def signed_percent(change: float | None) -> str:
    """A change or an error with its sign and one decimal; nothing where there is none.

    >>> signed_percent(0.137), signed_percent(None)
    ('+13.7%', '')
    """
    return "" if change is None or pd.isna(change) else f"{100 * change:+.1f}%"


def years(number: float) -> str:
    """A number of years behind "the next".

    >>> years(1), years(3)
    ('year', '3 years')
    """
    return "year" if number == 1 else plural(number, "year")


def level(coverage: float) -> str:
    """An interval's nominal coverage, never rounded to certainty.

    >>> level(0.9), level(0.995)
    ('90%', '99.5%')
    """
    return f"{100 * coverage:g}%"


def money(value: float, currency: str = "") -> str:
    """Money at three significant figures, as a board says it.

    >>> money(2_500_315, "USD"), money(99.5), money(999_600), money(-1234)
    ('USD 2.50 m', '99.50', '1.00 m', '-1,234')
    """
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size < 10_000:
        text = f"{size:,.0f}" if size >= 100 else f"{size:.2f}"
        return f"{currency} {sign}{text}".strip()
    rounded = float(f"{size:.3g}")
    divisor, suffix = next(
        (d, s) for d, s in ((1e9, " bn"), (1e6, " m"), (1e3, " k")) if rounded >= d
    )
    scaled = rounded / divisor
    digits = max(0, 2 - math.floor(math.log10(scaled)))
    return f"{currency} {sign}{scaled:.{digits}f}{suffix}".strip()


def interval(lo: float, hi: float, written: Callable[..., str], *args: Any) -> str:
    """Both ends of an interval in one manner of writing.

    >>> interval(0.61, 0.66, percent)
    '61% to 66%'
    """
    return f"{written(lo, *args)} to {written(hi, *args)}"


def plural(number: float, one: str) -> str:
    """A number with its noun.

    >>> plural(1, "year"), plural(2.5, "year"), plural(0, "customer")
    ('1 year', '2.5 years', '0 customers')
    """
    return f"{number:,g} {one}" if number == 1 else f"{number:,g} {one}s"


def capitalised(words: str) -> str:
    """Words as a sentence begins with them; the others stay as they are.

    >>> capitalised("card spending"), capitalised("UK revenue")
    ('Card spending', 'UK revenue')
    """
    return words[:1].upper() + words[1:]


def sentences(*remarks: str) -> str:
    """Remarks in lower case and without a full stop, as sentences.

    >>> sentences("q is small", "3 starts agree")
    'Q is small. 3 starts agree.'
    """
    return " ".join(f"{capitalised(text)}." for text in remarks)


def shortened(words: str, most: int = 32) -> str:
    """A client's words as a label: the end cut off where they are long.

    >>> shortened("current account"), shortened("a very long name of a product", 11)
    ('current account', 'a very lon…')
    """
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def significant(value: float, digits: int) -> str:
    """A number at so many significant digits, never in powers of ten above 1.

    >>> significant(1234567.891, 6), significant(0.000123456789, 6)
    ('1234570', '0.000123457')
    """
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text else text


def cell(value: Any, digits: int = 6) -> str:
    """One cell of a table as text: empty where missing, dates as ISO days."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return significant(value, digits)
    return str(value)


def datum(text: str) -> str:
    """A cell of an exhibit's CSV for reading: at six digits, and in units from 10,000 on.

    >>> datum("0.123456789"), datum("2357"), datum("216392.02"), datum("high")
    ('0.123457', '2357', '216,392', 'high')
    """
    if not NUMBER.fullmatch(text):
        return text
    value = float(text)
    if abs(value) >= 10_000:
        return count(value)
    return text if text.lstrip("-").isdigit() else f"{value:.6g}"


def table_text(table: pd.DataFrame, digits: int = 6) -> str:
    """A table as plain text with numbers at six significant digits.

    The last digits of a float differ between processors; six are stable and
    still show a change of one in ten thousand.
    """
    written = table.astype(object).map(lambda value: cell(value, digits))
    return written.to_string(index=False, max_colwidth=60)


def safe_cell(text: str) -> str:
    """A text for a CSV file that cannot start a formula in a spreadsheet; numbers stay numbers.

    An apostrophe goes before it, and before a text that has such apostrophes
    already, so that `plain_cell` gives every text back as it was.

    >>> safe_cell("=SUM(A1)"), safe_cell("-12.5"), safe_cell("'=x")
    ("'=SUM(A1)", '-12.5', "''=x")
    """
    return f"'{text}" if _starts_formula(text.lstrip("'")) else text


def plain_cell(text: str) -> str:
    """The text that `safe_cell` was given.

    >>> plain_cell("'=SUM(A1)"), plain_cell("'quoted'")
    ('=SUM(A1)', "'quoted'")
    """
    marked = text.startswith("'") and _starts_formula(text.lstrip("'"))
    return text[1:] if marked else text


def _starts_formula(text: str) -> bool:
    return text.startswith(_FORMULA) and not NUMBER.fullmatch(text)


def safe_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table for a CSV file: no text in it, nor a column's name, can start a formula."""
    safe = table.rename(columns=lambda name: safe_cell(name) if isinstance(name, str) else name)
    for position, kind in enumerate(table.dtypes):
        if not (pd.api.types.is_any_real_numeric_dtype(kind) or kind.kind in "bcmM"):
            cells = [
                safe_cell(cell) if isinstance(cell, str) else cell
                for cell in table.iloc[:, position]
            ]
            safe.isetitem(position, pd.Series(cells, index=safe.index, dtype=object))
    return safe
