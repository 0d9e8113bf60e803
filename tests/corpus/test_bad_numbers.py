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
    Case("cells that hold no one number",
         of("10%", "0x10", "0b1", "1_000", "=1+1", "=A1", "1. Feb", "02.01.2024", "10.00 20.00",
            "10/2", "1-2", "10.00.00", "--5", "+5.00"),
         accepted(14, 1, unreadable_amount=13)),
    Case("words in the place of amounts", of(SECRET, "ten", "n/a", "-", "10.00"),
         accepted(5, 1, unreadable_amount=4)),
    Case("nothing but words", of(f"{SECRET}", f"{SECRET}2"),
         refused("none of its 2 rows", '"unreadable amount"')),
    Case("NaN, infinity and powers",
         of("NaN", "inf", "-Infinity", "1e999", "1e3", "1.5E+2", "10.00"),
         accepted(7, 3, says=("EUR 1,160.00",), unreadable_amount=4)),
    Case("amounts beyond 10^15", of("999999999999999", "1000000000000000", "9" * 60, "1e15", "1"),
         accepted(5, 2, unreadable_amount=3)),
    Case("full-width digits and seven decimals", of("１０.００", "0.1234567", "5.00"),
         accepted(3, 3)),
    Case("empty amounts", of("", "  ", "5.00"), accepted(3, 1, missing_amount=2)),
    Case("zero amounts", of("0", "0.00", "-0", "5.00"), accepted(4, 1, zero_amount=3)),
    Case("zero amounts, kept", of("0", "5.00"), accepted(2, 2), settings={"zero_amounts": "keep"}),
    Case("quantity times price", pieces("2,1.50", "3,1"), accepted(2, 2, says=("EUR 6.00",))),
    Case("quantity times price beyond all sense, or one without the other",
         pieces("999999999999,999999999999", "1e11,1e11", "1000000000000,1", "2,", ",1.50",
                "2,1.50"),
         accepted(6, 1, unreadable_amount=3, missing_amount=2)),
    Case("negative quantities", pieces("2,1.50", "-1,1.50"),
         accepted(2, 1, return_without_its_purchase=1)),
    Case("ids that a spreadsheet would take for one",
         sales(*(f"{who},2024-01-13,1" for who in
                 ("007", "7", "07", "7.0", "9007199254740993", "9007199254740992"))),
         accepted(6, 6, says=("6 customers",))),
    Case("ids with blanks around", sales(" 12 ,2024-01-13,1", "12,2024-01-13,1"),
         accepted(2, 2, says=("1 customers",))),
    Case("missing ids", sales(",2024-01-13,1", "  ,2024-01-13,1", '"",2024-01-13,1',
         "@,2024-01-13,1"),
         accepted(4, 1, missing_customer_id=3)),
    Case("ids that say null", sales("NULL,2024-01-13,1", "nan,2024-01-13,1", "@,2024-01-13,1"),
         accepted(3, 3)),
]  # fmt: skip

test_bad_numbers = every(CASES)
