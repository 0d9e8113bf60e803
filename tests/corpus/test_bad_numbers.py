"""Amounts and quantities: marks, signs, currencies, words, and sizes beyond all sense."""

from corpus import SECRET, Case, accepted, every, refused, sales


def of(*amounts: str, quote: str = '"') -> str:
    """A purchase of each amount."""
    return sales(*(f"@,2024-01-13,{quote}{amount}{quote}" for amount in amounts))


def pieces(*rows: str) -> str:
    """Rows of quantity and price."""
    return sales(*(f"@,2024-01-13,{row}" for row in rows),
                 head="customer_id,date,quantity,unit_price")  # fmt: skip


DECIMAL = "inputs.transactions.decimal"

CASES = [
    Case("decimal commas", of("10,50", "3,25"), accepted(2, 2, says=("EUR 13.75",))),
    Case("decimal commas with thousands points", of("1.234,50", "3,25"),
         accepted(2, 2, says=("EUR 1,237.75",))),
    Case("thousands commas", of("1,234.50", "3.25"), accepted(2, 2, says=("EUR 1,237.75",))),
    Case("thousands blanks, apostrophes and no-break blanks",
         of("1 234.50", "1'234.50", "1\u00a0234.50", "1\u202f234.50", "1\u2019234.50"),
         accepted(5, 5, says=("EUR 6,172.50",))),
    Case("a mark that may be decimal or thousands", of("1,234", "2,345"),
         refused("may have a decimal or a thousands mark", f'State `{DECIMAL}: "."`')),
    Case("a mark that may be either, as stated", of("1,234", "2,345"),
         accepted(2, 2, says=("EUR 3,579.00",)), settings={"decimal": "."}),
    Case("decimal points and commas mixed", of("10.50", "10,50"),
         refused("has a decimal point and", "a decimal comma", DECIMAL)),
    Case("decimal points and commas mixed, one stated", of("10.50", "10,50"),
         accepted(2, 1, unreadable_amount=1), settings={"decimal": "."}),
    Case("groups of the wrong size", of("1,23,456.00", "12,34.00", "1,2345.00", "5.00"),
         accepted(4, 1, unreadable_amount=3)),
    Case("Indian groups in rupees", of("12,34,567.00", "5.00"),
         accepted(2, 2, says=("INR 1,234,572.00",)), params={"currency": "INR"}),
    Case("currency signs and codes", of("€10.00", "10.00 EUR", "EUR 10.00", "10.00€"),
         accepted(4, 4, says=("EUR 40.00",))),
    Case("mixed currencies", of("€10.00", "$10.00", "10.00 GBP", "CHF 10.00", "10.00"),
         accepted(5, 2, amount_in_another_currency=3)),
    Case("all in another currency", of("$10.00", "$20.00"),
         refused("none of its 2 rows", '"amount in another currency"', "in one currency")),
    Case("parentheses, trailing and Unicode minus",
         sales(*(f"a,2024-01-13,{amount}" for amount in
                 ("100.00", "(10.00)", "10.00-", "\u221210.00", "-10.00"))),
         accepted(5, 5, says=("EUR 60.00",))),
    Case("a percent sign", of("10%", "10.00"), accepted(2, 1, unreadable_amount=1)),
    Case("words in the place of amounts", of(SECRET, "ten", "n/a", "-", "10.00"),
         accepted(5, 1, unreadable_amount=4)),
    Case("nothing but words", of(f"{SECRET}", f"{SECRET}2"),
         refused("none of its 2 rows", '"unreadable amount"')),
    Case("NaN, infinity and powers",
         of("NaN", "inf", "-Infinity", "1e999", "1e3", "1.5E+2", "10.00"),
         accepted(7, 3, says=("EUR 1,160.00",), unreadable_amount=4)),
    Case("amounts beyond 10^15", of("999999999999999", "1000000000000000", "9" * 60, "1e15", "1"),
         accepted(5, 2, unreadable_amount=3)),
    Case("hexadecimal, binary and underscores", of("0x10", "0b1", "1_000", "10.00"),
         accepted(4, 1, unreadable_amount=3)),
    Case("two numbers in a cell", of("10.00 20.00", "10/2", "1-2", "10.00.00", "--5", "5.00"),
         accepted(6, 1, unreadable_amount=5)),
    Case("seven decimals", of("0.1234567", "0.1"), accepted(2, 2)),
    Case("amounts in full-width digits", of("１０.００", "5.00"), accepted(2, 2)),
    Case("empty amounts", of("", "  ", "5.00"), accepted(3, 1, missing_amount=2)),
    Case("zero amounts", of("0", "0.00", "-0", "5.00"), accepted(4, 1, zero_amount=3)),
    Case("zero amounts, kept", of("0", "5.00"), accepted(2, 2), settings={"zero_amounts": "keep"}),
    Case("formulas in text", of("=1+1", "=A1", "+5.00", "5.00"),
         accepted(4, 2, unreadable_amount=2)),
    Case("amounts as dates that a spreadsheet made", of("1. Feb", "02.01.2024", "5.00"),
         accepted(3, 1, unreadable_amount=2)),
    Case("quantity times price", pieces("2,1.50", "3,1"), accepted(2, 2, says=("EUR 6.00",))),
    Case("quantity times price beyond all sense",
         pieces("999999999999,999999999999", "1e11,1e11", "1000000000000,1", "2,1.50"),
         accepted(4, 1, unreadable_amount=3)),
    Case("negative quantities", pieces("2,1.50", "-1,1.50"),
         accepted(2, 1, return_without_its_purchase=1)),
    Case("a quantity without a price", pieces("2,", ",1.50", "2,1.50"),
         accepted(3, 1, missing_amount=2)),
    Case("ids beyond 2^53",
         sales("9007199254740993,2024-01-13,1", "9007199254740992,2024-01-13,1"),
         accepted(2, 2, says=("2 customers",))),
    Case("ids with leading zeros", sales("007,2024-01-13,1", "7,2024-01-13,1", "07,2024-01-13,1"),
         accepted(3, 3, says=("3 customers",))),
    Case("ids as floats in text", sales("123.0,2024-01-13,1", "123,2024-01-13,1"),
         accepted(2, 2, says=("2 customers",))),
    Case("ids with blanks around", sales(" 12 ,2024-01-13,1", "12,2024-01-13,1"),
         accepted(2, 2, says=("1 customers",))),
    Case("missing ids", sales(",2024-01-13,1", "  ,2024-01-13,1", '"",2024-01-13,1',
         "@,2024-01-13,1"),
         accepted(4, 1, missing_customer_id=3)),
    Case("ids that say null", sales("NULL,2024-01-13,1", "nan,2024-01-13,1", "@,2024-01-13,1"),
         accepted(3, 3)),
]  # fmt: skip

test_bad_numbers = every(CASES)
