"""The client's contracts and the attributes of customers, as the value chapter reads them.

Feeds how long contracts last, who ends them, and what they will still bring (V7, V8).
Intake has merged identities, and has excluded contracts with impossible dates.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crmlib.intake.customers import text_ids, to_frame
from crmlib.intake.reading.reader import connect

_OURS = ("customer_id", "contract_id", "product", "start_date", "end_date", "margin")


def read_contracts(path: Path) -> pd.DataFrame:
    """The cleaned contracts of an earlier chapter.

    Parameters
    ----------
    path : Path
        Parquet with customer_id, contract_id, product, start_date, end_date (empty
        while it runs) and monthly_margin where the client gave it.

    Returns
    -------
    DataFrame of shape (n_contracts, 5 or 6)
        The same with monthly_margin as margin (money a month), ordered by contract.
    """
    rows = text_ids(connect().read_parquet(str(path)))
    if "monthly_margin" in rows.columns:
        rows = rows.rename(margin="monthly_margin")
    kept = [name for name in _OURS if name in rows.columns]
    return to_frame(rows.select(kept).order_by("contract_id"))


def read_attributes(path: Path) -> pd.DataFrame:
    """What the client says of each customer, prospects included.

    Parameters
    ----------
    path : Path
        The cleaned table of customers of an earlier chapter.

    Returns
    -------
    DataFrame of shape (n_people, 1 + n_attributes)
        customer_id (text), then the attributes as the client names them.
    """
    return to_frame(text_ids(connect().read_parquet(str(path))).order_by("customer_id"))
