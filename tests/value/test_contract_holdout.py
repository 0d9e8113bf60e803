"""A sealed year of contribution: nothing of it is known beforehand, all of it is counted."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.value.contract_holdout import ContractHoldout, _as_of, contract_holdout

BANK = Path(__file__).parents[2] / "data" / "demo_bank"
YEARS = [(dt.date(each, 1, 1), dt.date(each, 12, 31)) for each in (2025, 2024, 2023)]
GIVEN = {
    "start": YEARS[2][0], "sealed_from": YEARS[0][0], "end": YEARS[0][1], "min_cell": 10,
    "seed": 2024, "level": 0.9,
}  # fmt: skip


@pytest.fixture(scope="module")
def bank() -> dict[str, pd.DataFrame]:
    """Contracts and three years of the ledger of the demo bank, households merged."""
    identities = pd.read_csv(BANK / "identities.csv", dtype=str)
    merged = identities.set_index("source_id")["customer_id"]
    contracts = pd.read_csv(BANK / "contracts.csv").rename(columns={"monthly_margin": "margin"})
    ledger = pd.read_parquet(BANK / "ledger.parquet")
    ledger["amount"] = ledger["amount"].astype(float)
    for table in (contracts, ledger):
        ids = table["customer_id"]
        table["customer_id"] = ids.map(merged).fillna(ids)
    keys, years = ["customer_id", "product", "line"], []
    for first, last in YEARS:
        rows = ledger[ledger["month"].between(first, last)]
        years.append(rows.groupby(keys, observed=True)["amount"].sum().reset_index())
    return dict(zip(("contracts", "sealed", "year", "before"), [contracts, *years], strict=True))


def foretold(bank, trend="continue", replications=60, **changes) -> ContractHoldout:
    tables = bank | {name: changes.pop(name) for name in list(changes) if name in bank}
    return contract_holdout(**tables, trend=trend, replications=replications, **(GIVEN | changes))


@pytest.fixture(scope="module")
def tested(bank) -> ContractHoldout:
    return foretold(bank)


def test_the_demo_bank_is_foretold_within_a_few_percent(tested):
    assert abs(tested.error) < 0.04
    assert tested.actual in tested.foretold
    assert tested.foretold.hi - tested.foretold.lo < 0.2 * tested.actual


def test_it_is_better_than_all_going_on_as_before_and_than_margins_that_stay(bank, tested):
    """The bank's customers spend less each year, and some leave."""
    still = foretold(bank, trend="none")
    as_before = tested.as_before / tested.actual - 1
    assert abs(tested.error) < abs(still.error) < abs(as_before)
    assert still.error > 0.04
    assert still.actual == tested.actual


def test_actual_is_what_contracts_of_the_seal_then_brought(bank, tested):
    """By hand: revenue less risk of pairs that ran, less cost to serve of those customers.

    Loans of 2022 and before run to ages at which nobody was seen by 2024.
    """
    assert tested.left_out == ("personal_loan",)
    contracts = bank["contracts"]
    contracts = contracts[contracts["product"] != "personal_loan"]
    ran = contracts[
        (contracts["start_date"] < "2025-01-01")
        & (contracts["end_date"].isna() | (contracts["end_date"] >= "2025-01-01"))
    ]
    pairs = set(zip(ran["customer_id"], ran["product"], strict=True))
    customers = set(ran["customer_id"])
    assert tested.customers == len(customers)
    total = 0.0
    for row in bank["sealed"].itertuples():
        if row.line in ("revenue", "risk_cost") and (row.customer_id, row.product) in pairs:
            total += row.amount if row.line == "revenue" else -row.amount
        elif row.line == "cost_to_serve" and row.customer_id in customers:
            total -= row.amount
    assert tested.actual == pytest.approx(total)


def test_later_ends_and_later_contracts_are_not_known():
    contracts = pd.DataFrame(
        {
            "customer_id": list("ABCD"),
            "start_date": ["2020-01-01", "2020-01-01", "2024-12-31", "2025-01-01"],
            "end_date": ["2024-12-31", "2025-01-01", None, None],
        }
    )
    known = _as_of(contracts, dt.date(2024, 12, 31))
    assert known["customer_id"].tolist() == ["A", "B", "C"]
    assert known["end_date"].isna().tolist() == [False, True, True]


def test_the_forecast_does_not_look_into_the_sealed_year(bank, tested):
    """Everyone leaves in January and pays ten times as much: foretold is the same."""
    contracts = bank["contracts"]
    ends = contracts["end_date"].where(contracts["end_date"] < "2025-01-01", "2025-01-31")
    later = contracts["start_date"] >= "2025-01-01"
    other = foretold(
        bank,
        contracts=contracts.assign(end_date=ends.where(~later)),
        sealed=bank["sealed"].assign(amount=10 * bank["sealed"]["amount"]),
    )
    assert other.foretold == tested.foretold
    assert other.actual == pytest.approx(10 * tested.actual)


def test_what_nobody_has_a_contract_for_is_in_the_forecast_and_in_the_actual(bank, tested):
    """Fees of 5 a month from everyone, who is a customer or not, in all three years."""
    ids = bank["sealed"]["customer_id"].unique()
    fees = pd.DataFrame({"customer_id": ids, "product": "fees", "line": "revenue", "amount": 60.0})
    years = {name: pd.concat([bank[name], fees]) for name in ("sealed", "year", "before")}
    richer = foretold(bank, **years)
    assert richer.actual - tested.actual == pytest.approx(60 * tested.customers, rel=0.02)
    assert richer.foretold.value - tested.foretold.value == pytest.approx(
        richer.actual - tested.actual, rel=0.08
    )


def test_a_product_that_is_new_in_the_sealed_year_is_in_neither(bank, tested):
    contracts = bank["contracts"]
    old = contracts[contracts["start_date"] < "2024-01-01"].drop_duplicates("customer_id")
    new = old.assign(
        contract_id="n" + old["contract_id"], product="pension", start_date="2025-02-01",
        end_date=None,
    )  # fmt: skip
    rows = {"customer_id": old["customer_id"], "product": "pension", "line": "revenue"}
    other = foretold(
        bank,
        contracts=pd.concat([contracts, new]),
        sealed=pd.concat([bank["sealed"], pd.DataFrame({**rows, "amount": 99.0})]),
    )
    assert (other.foretold, other.actual) == (tested.foretold, pytest.approx(tested.actual))


def test_without_a_year_before_the_seal_there_is_nothing_to_learn_from(bank):
    with pytest.raises(NotIdentified, match="less than a year was observed"):
        foretold(bank, start=dt.date(2024, 2, 1))
    with pytest.raises(NotIdentified, match="less than a year was observed"):
        foretold(bank, year=bank["year"].iloc[:0])


def test_a_year_without_revenue_is_refused_and_one_year_alone_is_enough(bank):
    with pytest.raises(NotIdentified, match="no revenue of a running contract"):
        foretold(bank, year=bank["year"][bank["year"]["line"] != "revenue"])
    alone = foretold(bank, before=bank["before"].iloc[:0], replications=20)
    # from the year before come trend and risk, and nothing else
    costs = bank["before"][bank["before"]["line"] == "cost_to_serve"]
    still = foretold(bank, before=costs, trend="none", replications=20)
    assert alone.foretold == still.foretold


def test_error_has_no_meaning_where_nothing_was_contributed(tested):
    values = {name: getattr(tested, name) for name in ("foretold", "as_before", "start", "end")}
    assert np.isnan(ContractHoldout(actual=0.0, customers=1, **values).error)
