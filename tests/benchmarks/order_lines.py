"""Half a million order lines as a web shop exports them (the layout of UCI Online Retail).

A quarter of the lines has no customer, some come twice, some are free; a return bears
the number of its order or, as a cancellation, a number of its own that begins with C.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv

ROWS = 500_000
COLUMNS = {
    "customer_id": "CustomerID",
    "date": "InvoiceDate",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
    "order_id": "InvoiceNo",
}
_ORDERS, _CUSTOMERS, _PRODUCTS = 22_000, 4_400, 3_900
_NAMES = (
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "SET 7 BABUSHKA NESTING BOXES, BOXED",
    'FRENCH BLUE METAL DOOR SIGN "NO 0"',
    "JUMBO BAG; RED RETROSPOT",
    'POSTER "KEEP CALM, CARRY ON"',
)


def write_order_lines(path: Path, rows: int = ROWS, seed: int = 1) -> Path:
    """Write the lines as CSV, by invoice; the same seed gives the same bytes.

    Planted: 0.5 % exact duplicates (some of them far behind the first), 1 % free lines,
    2 % returns under the number of their order, days later, at once or, wrongly, a day
    before, 2 % cancelled orders under a number of their own, orders of a line or two that
    come back whole, and a week beyond the last day observed.
    """
    rng = np.random.default_rng(seed)
    sizes = np.cumsum(rng.gamma(0.5, 1.0, _ORDERS))
    order = np.searchsorted(sizes / sizes[-1], np.sort(rng.random(rows)))
    minute = np.sort(rng.integers(0, 380 * 24 * 60, _ORDERS))
    customer = 12_346 + (_CUSTOMERS * rng.random(_ORDERS) ** 2).astype(int)
    anonymous, cancelled = rng.random(_ORDERS) < 0.25, rng.random(_ORDERS) < 0.02
    quantity = np.ceil(rng.lognormal(1.2, 1.0, rows)).astype(int)
    price = np.round(rng.lognormal(0.7, 0.9, rows), 2)
    price[rng.random(rows) < 0.01] = 0
    price[rng.random(rows) < 0.001] = 0.001
    product = rng.integers(0, _PRODUCTS, rows)
    when = minute[order]

    returned = np.flatnonzero(rng.random(rows) < 0.02)
    returned = returned[returned > 0]
    same_goods = returned[rng.random(returned.size) < 0.5]  # the line above comes back whole
    for cells in (order, product, quantity, price):
        cells[same_goods] = cells[same_goods - 1]
    later = rng.integers(-24 * 60, 20 * 24 * 60, returned.size) * (rng.random(returned.size) < 0.5)
    when[returned] = minute[order[returned]] + later
    negative = cancelled[order]
    negative[returned] = True
    quantity = np.where(negative, -np.abs(quantity), quantity)

    number = np.char.mod("%d", 536_365 + np.arange(_ORDERS))
    number = np.where(cancelled, np.char.add("C", number), number)
    start = np.datetime64("2010-12-01T08:26:00")
    stamps = np.char.replace(
        np.datetime_as_string(start + when.astype("timedelta64[m]"), unit="s"), "T", " "
    )
    table = pyarrow.table(
        {
            "InvoiceNo": pyarrow.array(number[order]),
            "StockCode": pyarrow.array(np.char.mod("%05d", 10_000 + product)),
            "Description": pyarrow.array(np.array(_NAMES)[product % len(_NAMES)]),
            "Quantity": pyarrow.array(quantity),
            "InvoiceDate": pyarrow.array(stamps),
            "UnitPrice": pyarrow.array(np.char.mod("%g", price)),
            "CustomerID": pyarrow.array(customer[order], mask=anonymous[order]),
            "Country": pyarrow.array(
                np.where(customer % 9 == 0, "France", "United Kingdom")[order]
            ),
        }
    )
    place = np.arange(rows)
    twice = np.flatnonzero(rng.random(rows) < 0.005)
    place[twice] = np.maximum(0, twice - np.where(rng.random(twice.size) < 0.5, 1, 40_000))
    pyarrow.csv.write_csv(table.take(place), path)
    return path
