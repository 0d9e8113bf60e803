"""Data that can be read and still cannot carry an analysis, or only just."""

from corpus import GOOD, SECRET, Case, accepted, every, refused, sales


def purchases(customers: int, money: str = "10.00") -> list[str]:
    return [f"@,2024-{1 + at % 9:02}-{1 + at % 28:02},{money}" for at in range(customers)]


ORDERS = "customer_id,date,amount,order_id"
BAD_DATES = [*purchases(6), "@,?,1", "@,?,2"]
FEW = {"privacy": {"min_cell": 10}}


def share(allowed: float, **by_reason: float) -> dict:
    reasons = {name.replace("_", " "): value for name, value in by_reason.items()}
    limits = {"max_excluded_share": allowed, "max_excluded_by_reason": reasons}
    return {"customers": limits}


CASES = [
    Case("all amounts equal", sales(*purchases(20)),
         accepted(20, 20, says=("Every purchase day has the same amount",))),
    Case("one customer with half of all rows",
         sales(*purchases(10), *(f"{SECRET},2024-03-{day:02},5" for day in range(1, 11))),
         accepted(20, 20, says=("One customer id stands on at least half of all rows",))),
    Case("a single customer", sales("a,2024-01-13,1", "a,2024-01-14,1"), accepted(2, 2)),
    Case("fewer customers than a report may show", sales(*purchases(9)),
         refused("9 customers remain after cleaning; a report needs at least 10",
                 "privacy.min_cell"), params=FEW),
    Case("as many as a report needs", sales(*purchases(10)), accepted(10, 10), params=FEW),
    Case("nothing but returns", sales(*purchases(3, "-5.00")),
         refused("none of its 3 rows can be used", '"return without its purchase"',
                 "Ask for the order number")),
    Case("nothing but returns, kept", sales(*purchases(3, "-5.00")),
         refused("none of its 3 rows can be used"), settings={"returns": "keep"}),
    Case("nothing but returns, excluded", sales(*purchases(3, "-5.00")),
         refused("none of its 3 rows can be used", '"negative amount"'),
         settings={"returns": "exclude"}),
    Case("more returned than bought",
         sales("a,2024-01-13,5.00", "a,2024-02-14,-9.00"),
         refused("add up to EUR -4.00; a base needs positive revenue", "Check the sign"),
         settings={"returns": "keep"}),
    Case("an order returned in full",
         sales("@,2024-01-13,5.00,1", "b,2024-01-13,5.00,2", "b,2024-02-14,-5.00,2", head=ORDERS),
         accepted(3, 1, order_returned_in_full=2)),
    Case("an order returned in part",
         sales("b,2024-01-13,5.00,2", "b,2024-02-14,-2.00,2", head=ORDERS),
         accepted(2, 2, says=("EUR 3.00",))),
    Case("nothing but zeros", sales(*purchases(3, "0.00")),
         refused("none of its 3 rows can be used", '"zero amount"')),
    Case("nothing but zeros, kept", sales(*purchases(3, "0.00")),
         refused("add up to EUR 0.00; a base needs positive revenue"),
         settings={"zero_amounts": "keep"}),
    Case("nothing but one row and its duplicates", sales(*["a,2024-01-13,5.00"] * 5),
         accepted(5, 1, exact_duplicate_row=4)),
    Case("duplicates, kept", sales(*["a,2024-01-13,5.00"] * 5), accepted(5, 5),
         settings={"duplicates": "keep"}),
    Case("a quarter of the rows excluded", sales(*BAD_DATES),
         refused("25.0% of its rows (2 of 8) are excluded, more than the 20.0%",
                 '"unreadable date" (2 rows, such as row 7, 8)', "max_excluded_share"),
         params=share(0.2)),
    Case("a quarter of the rows excluded, allowed", sales(*BAD_DATES),
         accepted(8, 6, unreadable_date=2), params=share(0.25)),
    Case("too many for one reason", sales(*BAD_DATES),
         refused('25.0% of its rows (2 of 8) are excluded as "unreadable date"',
                 "customers.max_excluded_by_reason"), params=share(1, unreadable_date=0.1)),
    Case("a threshold for a reason that does not exist", GOOD,
         refused("customers.max_excluded_by_reason.unreadable dates",
                 "Did you mean `unreadable date`?"), params=share(1, unreadable_dates=0.1)),
    Case("one purchase on the last day", sales("@,2024-12-31,1"), accepted(1, 1)),
    Case("the first row is the end of the observation", sales("@,2024-01-13,1"), accepted(1, 1),
         params={"observation_end": "2024-01-13"}),
    Case("nothing but blanks in a needed column", sales(" ,2024-01-13,1", " ,2024-01-14,1"),
         refused("none of its 2 rows can be used", '"missing customer_id"',
                 "anonymous purchases")),
    Case("columns swapped", sales("2024-01-13,10.00,@", "2024-01-14,10.00,@"),
         refused("date")),
]  # fmt: skip

test_bad_content = every(CASES)
