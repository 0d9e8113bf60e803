"""A cell states one number or none; Python's decimal is the independent reader."""

from __future__ import annotations

import decimal
from collections.abc import Sequence

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlib.intake.values.numbers import codes_beside, in_other_currency, plain_number

ENGINE = ibis.duckdb.connect(threads=1)


def read(cells: Sequence[str | None], mark: str = ".", currency: str = "EUR") -> list[str | None]:
    table = ibis.memtable({"cell": list(cells)}, schema={"cell": "string"})
    return ENGINE.to_pyarrow(plain_number(table.cell, mark, currency).name("n")).to_pylist()


def in_other(cell: str, currency: str) -> bool:
    return ENGINE.to_pyarrow(in_other_currency(ibis.literal(cell), currency)).as_py()


CASES = [
    # cell, with a decimal point, with a decimal comma; plain
    ("5", "5", "5"),
    (" 5 ", "5", "5"),
    ("-12.50", "-12.50", None),
    ("-12,50", None, "-12.50"),
    ("007", "007", "007"),
    # signs
    ("+5", "5", "5"),
    ("\u22125", "-5", "-5"),
    ("- 5", "-5", "-5"),
    ("12,50-", None, "-12.50"),
    ("12.50 -", "-12.50", None),
    ("(1,234.50)", "-1234.50", None),
    ("( 5 )", "-5", "-5"),
    ("--5", None, None),
    ("+-5", None, None),
    ("-(5)", None, None),
    ("-5-", None, None),
    ("(5", None, None),
    # marks of thousands
    ("1,234", "1234", "1.234"),
    ("1.234", "1.234", "1234"),
    ("1,234,567.89", "1234567.89", None),
    ("1.234.567,89", None, "1234567.89"),
    ("1 234.5", "1234.5", None),
    ("1\u00a0234", "1234", "1234"),
    ("1\u202f234,5", None, "1234.5"),
    ("1'234.50", "1234.50", None),
    ("1’234’567", "1234567", "1234567"),
    ("12,34", None, "12.34"),
    ("1,2,3", None, None),
    ("1.2.3", None, None),
    ("1 2345", None, None),
    ("1,234 567", None, None),
    ("1,2345", None, "1.2345"),
    ("0,250", None, "0.250"),
    ("0.250", "0.250", None),
    ("1,23,456.00", None, None),  # in rupees only
    # decimal marks at the ends, powers of ten
    (".5", "0.5", None),
    ("-,5", None, "-0.5"),
    ("5.", "5", None),
    (".", None, None),
    ("1e3", "1000", "1000"),
    ("1.5E-3", "0.0015", None),
    ("-1,5e+2", None, "-150"),
    ("1e999", None, None),
    ("1e40", None, None),
    ("1e", None, None),
    # currencies
    ("€5", "5", "5"),
    ("5 €", "5", "5"),
    ("EUR 5", "5", "5"),
    ("5eur", "5", "5"),
    ("-€5", "-5", "-5"),
    ("€-5", "-5", "-5"),
    ("(€ 5)", "-5", "-5"),
    ("5- €", "-5", "-5"),
    ("€.50", "0.50", None),
    ("$5", None, None),
    ("5 USD", None, None),
    ("5 PCS", None, None),
    ("€", None, None),
    # other scripts
    ("１２３．４５", "123.45", None),
    ("（５）", "-5", "-5"),
    ("－５", "-5", "-5"),
    ("١٢٣٫٥", "123.5", "123.5"),
    ("\u200e5", "5", "5"),
    # no numbers
    ("", None, None),
    ("-", None, None),
    ("five", None, None),
    ("NaN", None, None),
    ("inf", None, None),
    ("5%", None, None),
    ("5-10", None, None),
    ("=5", None, None),
    ("1_000", None, None),
    ("0x10", None, None),
    (None, None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def stated() -> dict[str | None, tuple[str | None, str | None]]:
    """All cells at once: what each states with a decimal point and with a comma."""
    cells = [cell for cell, _, _ in CASES]
    return dict(zip(cells, zip(read(cells, "."), read(cells, ","), strict=True), strict=True))


@pytest.mark.parametrize("cell, with_point, with_comma", CASES)
def test_what_a_cell_states(stated, cell, with_point, with_comma):
    assert stated[cell] == (with_point, with_comma)


@pytest.mark.parametrize(
    "currency, own, foreign",
    [
        ("EUR", "€ 5", "£ 5"),
        ("USD", "US$5", "HK$5"),
        ("USD", "$5", "€5"),
        ("HKD", "HK$ 5", "US$ 5"),
        ("HKD", "$5", "¥5"),
        ("HKD", "5元", "5円"),
        ("GBP", "£5", "5 EUR"),
        ("JPY", "￥5", "$5"),
        ("JPY", "5円", "5 CNY"),
        ("CNY", "RMB 5", "NT$5"),
        ("CNY", "5 元", "5 TWD"),
        ("CHF", "Fr. 5", "5 €"),
        ("CHF", "CHF 5", "(5 €)"),
        ("INR", "₹ 5", "-$5"),
        ("PLN", "5 zł", "5- €"),
        ("SEK", "5 kr", "USD5"),
    ],
)
def test_a_sign_must_be_of_the_engagement_s_currency(currency, own, foreign):
    assert read([own, foreign], ".", currency) in (["5", None], ["-5", None])
    assert not in_other(own, currency)
    assert in_other(foreign, currency)


@pytest.mark.parametrize("cell", ["5", "-5.20", "5 pcs", "word", "", "5%", "A5", "Order 12"])
def test_what_is_no_currency_is_no_other_currency(cell):
    assert not in_other(cell, "EUR")


def test_indian_groups_are_read_where_the_currency_is_counted_so():
    assert read(["1,23,456.50", "12,34,567"], ".", "INR") == ["123456.50", "1234567"]


def test_codes_in_a_column_s_name():
    assert codes_beside("Amount (EUR)") == ["EUR"]
    assert codes_beside("price_usd") == ["USD"]
    assert codes_beside("European sales, all") == []


def _grouped(digits: str, mark: str) -> str:
    head = len(digits) % 3 or 3
    return mark.join([digits[:head], *(digits[i : i + 3] for i in range(head, len(digits), 3))])


@st.composite
def written(draw: st.DrawFn) -> tuple[decimal.Decimal, str, str]:
    """A number, a way in which somebody writes it, and the decimal mark of that way."""
    number = draw(st.decimals(-(10**12), 10**12, places=draw(st.integers(0, 4))))
    mark = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", " ", "\u00a0", "\u202f", "'", "’", ",."[mark == ","]]))
    whole, _, part = f"{abs(number):f}".partition(".")
    text = _grouped(whole, thousands) + (mark + part if part else "")
    sign, euro = draw(st.sampled_from([("€", ""), ("€ ", ""), ("", "€"), ("", " EUR"), ("", "")]))
    text = f"{sign}{text}{euro}"
    if number < 0:
        text = draw(st.sampled_from(["-{}", "\u2212{}", "({})", "{}-", "{} -"])).format(text)
    if draw(st.booleans()):
        text = text.translate({48 + i: 0xFF10 + i for i in range(10)})
    return number, text, mark


@settings(max_examples=20, deadline=None)
@given(st.lists(written(), min_size=20, max_size=40))
def test_a_number_is_read_back_from_every_way_of_writing_it(cases):
    for mark in ".,":
        mine = [(number, text) for number, text, m in cases if m == mark]
        found = read([text for _, text in mine], mark)
        for (number, text), plain in zip(mine, found, strict=True):
            assert plain is not None and decimal.Decimal(plain) == number, text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("0123456789.,+-eE ()€'x%", max_size=9), min_size=30, max_size=60))
def test_what_is_read_is_a_number_and_what_python_reads_is_read(cells):
    for cell, plain in zip(cells, read(cells), strict=True):
        if plain is not None:
            assert decimal.Decimal(plain).is_finite(), cell
        try:
            number = decimal.Decimal(cell)
        except decimal.InvalidOperation:
            continue
        if abs(number) < 10**20 and number == round(number, 12):
            assert plain is not None and decimal.Decimal(plain) == number, cell
