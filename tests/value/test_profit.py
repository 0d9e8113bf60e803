"""Profit: against plain loops, invariances, reconciliation, odd bases, the demo bank's truth."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.refusal import Refusal, attempt
from crmlib.value.profit import (
    COSTS,
    LINES,
    NOT_SERVED,
    NOT_STATED,
    costliest_groups,
    profit,
    unprofitable,
    whale_curve,
)

DEMO_BANK = Path(__file__).parents[2] / "data" / "demo_bank"
OPTIONS = {"replications": 50, "seed": 4, "level": 0.9}
MONEY = [*LINES, "profit"]


def ledger(customers: int = 60, seed: int = 0) -> pd.DataFrame:
    """Rows of some customers on three products, most of them with costs."""
    rng = np.random.default_rng(seed)
    size = customers * 8
    line = rng.choice(LINES, size, p=[0.4, 0.3, 0.15, 0.15])
    rows = pd.DataFrame(
        {
            "customer_id": rng.choice([f"C{i:03d}" for i in range(customers)], size),
            "product": rng.choice(["account", "card", "loan"], size),
            "line": line,
            "amount": np.round(rng.gamma(1, 40, size) - 3, 2),
        }
    )
    channel = rng.choice(["branch", "online", None], size, p=[0.4, 0.5, 0.1])
    return rows.assign(channel=np.where(line == "cost_to_serve", channel, None))


def row(customer: str, line: str, amount: float, channel: str | None = None) -> dict[str, object]:
    values = {"customer_id": customer, "line": line, "amount": amount, "channel": channel}
    return {"product": "p", **values}


def test_profit_by_customer_and_product_by_hand():
    rows = ledger()
    by_customer, by_product = defaultdict(float), defaultdict(float)
    for line in rows.itertuples():
        signed = line.amount if line.line == "revenue" else -line.amount
        by_customer[line.customer_id] += signed
        by_product[line.product] += signed
    found = profit(rows)
    assert dict(zip(found.customers["customer_id"], found.customers["profit"], strict=True)) == (
        pytest.approx(dict(by_customer))
    )
    assert found.products["profit"].to_dict() == pytest.approx(dict(by_product))
    assert found.products["profit"].is_monotonic_decreasing
    for product, holders in found.products["customers"].items():
        assert holders == rows.loc[rows["product"] == product, "customer_id"].nunique()


@pytest.mark.parametrize("name", ["products", "product_deciles", "channels"])
def test_every_table_adds_up_to_the_ledger(name):
    rows = ledger()
    found = profit(rows)
    table = getattr(found, name)
    for line in LINES:
        total = rows.loc[rows["line"] == line, "amount"].sum()
        assert table[line].sum() == pytest.approx(total, rel=1e-9)
        assert found.customers[line].sum() == pytest.approx(total, rel=1e-9)
    assert table["profit"].sum() == pytest.approx(found.total, rel=1e-9)


def test_each_customer_has_one_main_channel_and_service_costs_arise_where_they_are_booked():
    rows = ledger()
    found = profit(rows)
    assert found.channels["customers"].sum() == rows["customer_id"].nunique()
    assert found.channels["unprofitable"].sum() == (found.customers["profit"] < 0).sum()
    served = rows[rows["line"] == "cost_to_serve"].fillna({"channel": NOT_STATED})
    cost = served.groupby("channel")["amount"].sum()
    assert found.service["cost_to_serve"].to_dict() == pytest.approx(cost.to_dict())
    assert found.service["share"].sum() == pytest.approx(1)
    reached = served.groupby("channel")["customer_id"].nunique()
    assert found.service["customers"].to_dict() == reached.to_dict()
    for customer in found.customers.itertuples():
        own = served[served["customer_id"] == customer.customer_id]
        expected = NOT_SERVED if own.empty else own.groupby("channel")["amount"].sum().idxmax()
        assert customer.main_channel == expected


def test_without_channels_the_channel_tables_are_refused_and_the_rest_stands():
    found = profit(ledger().drop(columns="channel"))
    assert isinstance(found.channels, Refusal) and "channel" in found.channels.reason
    assert isinstance(found.service, Refusal)
    assert "main_channel" not in found.costliest and "main_channel" not in found.customers


def test_product_deciles_count_holders_and_members():
    rows = ledger()
    found = profit(rows)
    table = found.product_deciles
    assert len(table) == 30
    members = found.customers["profit_decile"].value_counts()
    assert (table["decile_customers"] == table["profit_decile"].map(members)).all()
    assert (table["customers"] <= table["decile_customers"]).all()
    by_decile = found.customers.groupby("profit_decile")["profit"].sum()
    assert table.groupby("profit_decile")["profit"].sum().to_dict() == pytest.approx(
        by_decile.to_dict()
    )
    assert by_decile.is_monotonic_decreasing


def test_order_and_months_do_not_matter_and_currency_scales_money_alone():
    rows = ledger()
    shuffled = rows.sample(frac=1, random_state=1)
    halves = pd.concat([rows.assign(amount=rows["amount"] / 2)] * 2)
    one = profit(rows)
    for other, factor in (
        (profit(shuffled), 1),
        (profit(halves), 1),
        (profit(rows.assign(amount=rows["amount"] * 100)), 100),
    ):
        for name in ("customers", "products", "product_deciles", "channels", "costliest"):
            before, after = getattr(one, name).copy(), getattr(other, name)
            money = [c for c in before if c in MONEY or c.startswith("mean_")]
            before[money] = before[money] * factor
            pd.testing.assert_frame_equal(before, after, rtol=1e-9, check_dtype=False)


def test_the_costliest_are_groups_of_whole_customers():
    rows = ledger(100)
    found = profit(rows)
    groups = found.costliest
    assert groups["customers"].tolist() == [1, 9, 90]
    assert groups["from_share"].tolist() == [0, 0.01, 0.1]
    assert groups["to_share"].tolist() == [0.01, 0.1, 1]
    cost = found.customers[list(COSTS)].sum(axis=1)
    ranked = cost.sort_values(ascending=False)
    assert groups["mean_cost"][1] == pytest.approx(ranked.iloc[1:10].mean())
    assert groups["cost_share"][1] == pytest.approx(ranked.iloc[1:10].sum() / cost.sum())
    members = found.customers.loc[ranked.index[1:10]]
    assert groups["mean_revenue"][1] == pytest.approx(members["revenue"].mean())
    assert groups["unprofitable"][1] == (members["profit"] < 0).sum()
    own = rows[rows["customer_id"].isin(members["customer_id"]) & (rows["line"] == "cost_to_serve")]
    by_channel = own.fillna({"channel": NOT_STATED}).groupby("channel")["amount"].sum()
    assert groups["main_channel"][1] == by_channel.idxmax()
    assert groups["main_channel_share"][1] == pytest.approx(by_channel.max() / by_channel.sum())
    assert costliest_groups(found.customers, (0.07,))["customers"].tolist() == [7, 93]
    with pytest.raises(ValueError, match="shares must increase"):
        costliest_groups(found.customers, (0.1, 0.01))


def test_whale_curve_by_hand():
    """100 + 20 − 40: the peak is 120 of 80, after two of three customers."""
    whale = whale_curve([20.0, -40.0, 100.0] * 20, (1 / 3,), **OPTIONS)
    assert whale.peak.value == pytest.approx(1.5)
    assert whale.peak_at.value == pytest.approx(2 / 3)
    assert whale.top_shares[1 / 3].value == pytest.approx(1.25)
    assert whale.curve.banded(3)["value"].tolist() == pytest.approx([0, 1.25, 1.5, 1.0])
    loss = unprofitable([20.0, -40.0, 100.0], **OPTIONS)
    assert (loss.customers, loss.loss, loss.n) == (1, -40.0, 3)
    assert loss.share.value == pytest.approx(1 / 3)


def test_intervals_do_not_depend_on_order_or_currency():
    values = np.random.default_rng(1).normal(30, 40, 200)
    one = whale_curve(values, (0.1, 0.2), **OPTIONS)
    other = whale_curve(values[::-1] * 100, (0.1, 0.2), **OPTIONS)
    for share in (0.1, 0.2):
        assert one.top_shares[share].lo == pytest.approx(other.top_shares[share].lo)
    assert one.peak.hi == pytest.approx(other.peak.hi)
    share, scaled = unprofitable(values, **OPTIONS), unprofitable(values[::-1] * 100, **OPTIONS)
    assert share.share == scaled.share and scaled.loss == pytest.approx(100 * share.loss)


def test_interval_widths_agree_with_theory_and_repeated_sampling():
    """Share of losses is binomial; the peak's spread over fresh samples (both ±25 %)."""
    rng = np.random.default_rng(2)
    options = {"replications": 400, "seed": 1, "level": 0.9}
    sample = rng.normal(30, 40, 500)
    share = unprofitable(sample, **options).share
    p = share.value
    assert share.hi - share.lo == pytest.approx(2 * 1.645 * np.sqrt(p * (1 - p) / 500), rel=0.25)
    fresh = rng.normal(30, 40, (400, 500))
    lo, hi = np.quantile(np.maximum(fresh, 0).sum(axis=1) / fresh.sum(axis=1), [0.05, 0.95])
    peak = whale_curve(sample, (0.1,), **options).peak
    assert peak.hi - peak.lo == pytest.approx(hi - lo, rel=0.25)


@pytest.mark.parametrize("values", [[-1.0, -2.0], [1.0, -1.0], [0.0]])
def test_without_a_profit_there_is_no_curve_but_a_share_of_losses(values):
    refused = attempt(whale_curve, values, (0.1,), **OPTIONS)
    assert isinstance(refused, Refusal) and "total value is" in refused.reason
    found = unprofitable(values, **OPTIONS)
    assert found.customers == sum(v < 0 for v in values) and np.isfinite(found.share.hi)


def test_a_total_near_zero_has_no_bounds():
    refused = attempt(whale_curve, [20.0, -40.0, 30.0], (0.1,), **OPTIONS)
    assert isinstance(refused, Refusal) and "near zero" in refused.reason


def test_a_base_in_the_red_still_has_its_tables():
    found = profit(pd.DataFrame([row("a", "revenue", 1.0), row("b", "marketing", 9.0)]))
    assert found.total == -8
    assert found.products["profit_share"].isna().all()
    assert found.products["profit"].tolist() == [-8]


def test_one_customer_and_equal_customers():
    one = profit(pd.DataFrame([row("a", "revenue", 5.0), row("a", "cost_to_serve", 2.0, "web")]))
    assert one.customers.loc[0, ["profit", "profit_decile", "main_channel"]].tolist() == [
        3.0,
        1,
        "web",
    ]
    assert one.costliest["customers"].tolist() == [1]
    whale = whale_curve(one.customers["profit"], (0.1,), **OPTIONS)
    assert whale.peak.value == whale.peak_at.value == 1
    equal = whale_curve(np.full(20, 5.0), (0.1,), **OPTIONS)
    assert equal.curve.gini == pytest.approx(0) and equal.top_shares[0.1].lo == pytest.approx(0.1)


def test_who_breaks_even_brings_no_loss():
    """0.30 − 0.10 − 0.20 is negative in binary."""
    lines = {"revenue": 0.3, "cost_to_serve": 0.1, "marketing": 0.2}
    found = profit(pd.DataFrame([row("a", line, amount) for line, amount in lines.items()]))
    assert found.customers["profit"].tolist() == [0.0]


def test_customers_without_a_row_count_with_nothing():
    found = profit(pd.DataFrame([row("b", "revenue", 5.0)]), customer_ids=["c", "b", "a"])
    assert found.customers["customer_id"].tolist() == ["a", "b", "c"]
    assert found.customers["profit"].tolist() == [0.0, 5.0, 0.0]
    with pytest.raises(ValueError, match="1 customers of the ledger are not in the base"):
        profit(pd.DataFrame([row("b", "revenue", 5.0)]), customer_ids=["a"])
    with pytest.raises(ValueError, match="customer a is listed twice"):
        profit(pd.DataFrame([row("a", "revenue", 5.0)]), customer_ids=["a", "a"])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda rows: rows.drop(columns="line"), "ledger lacks line"),
        (lambda rows: rows.assign(line="cost"), "must be one of revenue, .* found cost"),
        (lambda rows: rows.assign(line=None), "found an empty one"),
        (lambda rows: rows.assign(amount=np.nan), "found none at row 0"),
        (lambda rows: rows.iloc[:0], "no row"),
    ],
)
def test_unusable_ledgers_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        profit(change(ledger()))


def test_the_demo_bank_shows_what_is_planted():
    """A fifth holds some four fifths of profit, a quarter brings a loss: its README."""
    truth = pd.read_csv(DEMO_BANK / "truth" / "customers.csv.gz")
    rows = pd.read_parquet(DEMO_BANK / "ledger.parquet").astype({"amount": float})
    keys = ["customer_id", "product", "line", "channel"]
    found = profit(rows.groupby(keys, dropna=False, as_index=False)["amount"].sum())
    told = truth.set_index("customer_id")["profit"]
    own = found.customers.set_index("customer_id")["profit"]
    assert (own - told.reindex(own.index)).abs().max() < 1e-6
    whale = whale_curve(own, (0.2,), replications=50, seed=1, level=0.9)
    assert 0.78 < whale.top_shares[0.2].lo < whale.top_shares[0.2].hi < 0.84
    assert whale.peak.lo > 1.05
    loss = unprofitable(own, replications=50, seed=1, level=0.9)
    assert 0.25 in loss.share or loss.share.value == pytest.approx(0.25, abs=0.01)
    assert found.costliest["mean_profit"][0] < 0
