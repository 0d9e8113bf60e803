"""Where the data change the title changes, and its numbers stand in the new table, not the old."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import choice_pairs
import numpy as np
import pandas as pd
import pytest
import roi_pairs
import segment_pairs
import test_needs_exhibits as needs_exhibits
from small_base import START, Base, random_base, scorecard
from small_contracts import LEVEL, ahead_of, attributes, based, contracts, last_month
from small_contracts import SCOPE as CONTRACTS
from title_pairs import assert_follows, body

from crmlib import value
from crmlib.exhibits import Exhibit, client_data, summary, trace
from crmlib.exhibits import customers as customer_exhibits
from crmlib.exhibits import value as exhibits
from crmlib.intake.books import reconcile
from crmlib.intake.checks import Check
from crmlib.stats.intervals import Interval

BASE = random_base(seed=5, n=300, months=9, min_cell=10, early=True)
SCOPE, N = BASE.scope, BASE.n
BEST = BASE.customers["total_amount"].rank(ascending=False) <= N // 5


def with_amounts(base: Base, factor: pd.Series) -> Base:
    """The base with each customer's amounts times that customer's factor."""
    by_id = factor.set_axis(base.customers["customer_id"])
    days = base.days.assign(amount=base.days["amount"] * base.days["customer_id"].map(by_id))
    total = days.groupby("customer_id")["amount"].sum()
    customers = base.customers.assign(total_amount=base.customers["customer_id"].map(total))
    return replace(base, days=days, customers=customers)


RICHER = with_amounts(BASE, pd.Series(np.where(BEST, 3.0, 1.0)))


def data_checks(questions: int) -> Exhibit:
    asks = ["What?"] * questions + [""] * (6 - questions)
    checks = [Check("topic", "Found.", "ask", ask) for ask in asks]
    return client_data.data_checks(checks, N, SCOPE)


def control_totals(wrong: int) -> Exhibit:
    months = pd.date_range("2020-01-01", "2020-12-01", freq="MS")
    table = pd.DataFrame({"month": months, "rows": 1, "customers": 50, "revenue": 100.0})
    window = (START, dt.date(2020, 12, 31))
    facts = SimpleNamespace(customers=N, window_start=window[0], window_end=window[1])
    books = pd.DataFrame({"period": [f"{m:%Y-%m}" for m in months], "revenue": 100.0})
    books.loc[: wrong - 1, "revenue"] = 150.0
    by_day = table.rename(columns={"month": "date"})[["date", "revenue"]]
    found = reconcile(books, by_day, window, 0.01, "totals.csv")
    return client_data.control_totals(found, SimpleNamespace(by_month=table, facts=facts), SCOPE)


def row_ledger(excluded: int) -> Exhibit:
    """Two tables, of the first of which some rows are not used."""
    lines = [
        ("transactions", "read", "", 5_000, 1.0, None),
        ("transactions", "excluded", "missing date", excluded, excluded / 5_000, None),
        ("transactions", "used", "", 5_000 - excluded, 1 - excluded / 5_000, 8e4),
        ("customers", "read", "", 400, 1.0, None),
        ("customers", "used", "", 400, 1.0, None),
    ]
    columns = ["table", "status", "reason", "rows", "share", "amount"]
    ledger = pd.DataFrame(lines, columns=columns).assign(examples="", remedy="")
    return customer_exhibits.row_ledger(ledger, SCOPE)


def reading(notes: int) -> Exhibit:
    return client_data.reading(pd.DataFrame({"table": "a", "note": ["UTF-8."] * notes}), SCOPE)


def by_month(factor: float) -> Exhibit:
    months = BASE.months
    months.loc[months["revenue"].idxmax(), "revenue"] *= factor
    return customer_exhibits.by_month(months, N, SCOPE)


def customer_view(total: float) -> Exhibit:
    facts = SimpleNamespace(
        customers=N, orders=N + 50, purchase_days=N + 40, total_amount=total, has_order_id=True,
        days_between_purchases=30.0, days_without_purchase_share=0.1,
    )  # fmt: skip
    return customer_exhibits.customer_view(facts, SCOPE)


def purchase_days(returning: int) -> Exhibit:
    """So many of the customers who bought once buy a second time."""
    customers = BASE.customers.copy()
    once = customers.index[customers["frequency"] == 0][:returning]
    customers.loc[once, "frequency"] = 1
    return customer_exhibits.purchase_days(customers, SCOPE)


def concentration(base: Base) -> Exhibit:
    amounts = base.customers["total_amount"]
    redrawn = {share: Interval(0.5, 0.4, 0.6, 0.9) for share in (0.2, 0.5)}
    return exhibits.concentration(value.concentration(amounts), redrawn, N, SCOPE)


def deciles(base: Base) -> Exhibit:
    return exhibits.deciles(value.band_table(base.customers["total_amount"], 10), SCOPE)


def cohorts(column: str, factor: float, exhibit: Callable[..., Exhibit]) -> Exhibit:
    """The cells of the first month after acquisition times a factor."""
    cells = BASE.cells
    cells[column] = cells[column].where(cells["period_index"] != 1, cells[column] * factor)
    last = value.last_whole_month(BASE.end)
    found = value.shown_cohorts(cells, BASE.end, last, BASE.min_cell)
    return exhibit(found, N, SCOPE)


def holdout_tracking(after: float, actual: float = 20.0) -> Exhibit:
    tracking = pd.DataFrame(
        {
            "period_end": pd.date_range("2020-01-31", periods=4, freq="ME"),
            "actual": [10.0, 20.0, 20.0 + actual / 2, 20.0 + actual],
            "expected": [12.0, 22.0, 22.0 + after / 2, 22.0 + after],
            "sealed": [False, False, True, True],
            "periods": 1,
        }
    )
    return exhibits.holdout_tracking(tracking, N, SCOPE)


def holdout_by_frequency(swapped: bool) -> Exhibit:
    """The actual purchases of those without and with one repeat change places."""
    card = scorecard(BASE)
    rows = card.by_frequency.copy()
    if swapped:
        rows.loc[[0, 1], "actual"] = rows.loc[[1, 0], "actual"].to_numpy()
    return exhibits.holdout_by_frequency(replace(card, by_frequency=rows), N, SCOPE)


def holdout_by_decile(more: int) -> Exhibit:
    """The customers ranked best buy more than all are expected to."""
    bought = np.ones(N)
    bought[:40] += more
    card = replace(scorecard(BASE), predicted=np.linspace(2, 0.5, N))
    return exhibits.holdout_by_decile(card, pd.Series(bought), N, SCOPE)


def contract_holdout(actual: float) -> Exhibit:
    found = value.ContractHoldout(
        foretold=Interval(100.0, 90.0, 110.0, 0.9), actual=actual, as_before=130.0, start=START,
        end=BASE.end, customers=N,
    )  # fmt: skip
    return exhibits.contract_holdout(found, replace(SCOPE, margin_from="ledger"))


def holdout_money(predicted: float) -> Exhibit:
    money = pd.DataFrame(
        {"total_predicted": [predicted, 130.0], "total_actual": 100.0,
         "total_error": [predicted / 100 - 1, 0.3], "best_share": 0.2,
         "best_predicted": [0.7, 0.6], "best_actual": [0.5, 0.4], "n": N},
        index=["model", "previous_window"],
    )  # fmt: skip
    return exhibits.holdout_money(money, N, SCOPE)


def frequency_fit(swapped: bool) -> Exhibit:
    expected = BASE.customers["frequency"].clip(upper=7).value_counts().reindex(range(8))
    expected = expected.fillna(0).astype(float).sort_index() + 0.5
    if swapped:
        expected.loc[[0, 1]] = expected.loc[[1, 0]].to_numpy()
    return exhibits.frequency_fit(BASE.customers["frequency"], expected, N, SCOPE)


def ahead(factor: float) -> value.LifetimeValues:
    """Future values, and a best fifth's share of them, that rise with a factor."""
    future = 4.0 * factor
    customers = pd.DataFrame(
        {"current_value": 3.0, "future_value": future, "lifetime_value": 14.0 + future},
        index=range(N),
    )
    share = 0.4 * factor
    shares = {f"top_{p}": Interval(share, share - 0.1, share + 0.1, 0.9) for p in (10, 20)}
    equity = Interval(future * N, 0.8 * future * N, 1.3 * future * N, 0.9)
    return value.LifetimeValues(customers, equity, None, shares, pd.DataFrame(), "good", ())


def future_concentration(factor: float) -> Exhibit:
    past = value.concentration(BASE.customers["total_amount"])
    return exhibits.future_concentration(past, ahead(factor), SCOPE)


def evidence(many: int) -> Exhibit:
    record = {"id": "x", "chapter": "02_value", "title": "A title", "n": 5, "population": "rows"}
    dates = {"observation_start": START, "observation_end": BASE.end}
    return summary.evidence([record] * many, SimpleNamespace(title="a test", **dates))


def account(brought: float = 1.0, lost: float = 100.0) -> value.Profit:
    """A ledger of 200 customers, of whom the last quarter costs `lost` more than it brings."""
    ids = [f"c{i:03}" for i in range(200)]
    rows = [(one, "loan", "revenue", brought * (200.0 - i)) for i, one in enumerate(ids)]
    rows += [(one, "card", "revenue", 60.0) for one in ids]
    rows += [(one, "card", "cost_to_serve", 110.0 + lost) for one in ids[150:]]
    columns = ["customer_id", "product", "line", "amount"]
    return value.profit(pd.DataFrame(rows, columns=columns))


def profit_curve(lost: float) -> Exhibit:
    earned, redrawn = account(lost=lost), {"replications": 20, "seed": 1, "level": 0.9}
    profits = value.customer_profits(earned)
    whale = value.whale_curve(profits, [0.1, 0.2, 0.5], **redrawn)
    return exhibits.profit_curve(earned, whale, value.unprofitable(profits, **redrawn), 0, SCOPE)


def profit_by_decile(times: float) -> Exhibit:
    return exhibits.profit_by_decile(account(lost=100.0 * times), SCOPE)


def profit_by_product(times: float) -> Exhibit:
    return exhibits.profit_by_product(account(brought=times), SCOPE)


def contract_export(card: float) -> Exhibit:
    return exhibits.contract_export(based(contracts(card=card)), CONTRACTS)


def contract_snapshot(lost: float) -> Exhibit:
    return exhibits.contract_export(last_month(lost), CONTRACTS)


def contract_survival(card: float) -> Exhibit:
    base = based(contracts(card=card))
    lasting = value.contract_survival(base, level=LEVEL)
    return exhibits.contract_survival(lasting, base, CONTRACTS)


def contract_models(term: int) -> Exhibit:
    base = based(contracts(term=term))
    models = value.model_contracts(base, level=LEVEL)
    return exhibits.contract_models(models, base, LEVEL, CONTRACTS)


def contract_drivers(seed: int) -> Exhibit:
    base = based(contracts())
    drivers = value.contract_drivers(base, attributes(base, seed), ["town"], level=LEVEL)
    return exhibits.contract_drivers(drivers, ["town"], base, CONTRACTS)


def contract_values(times: float) -> Exhibit:
    base = based(contracts().assign(margin=lambda table: table["margin"] * times))
    models = value.model_contracts(base, level=LEVEL)
    values = ahead_of(base, models)
    return exhibits.contract_values(values, base, 3.0, 0.1, CONTRACTS)


def served(dear: float = 2.0) -> value.Profit:
    """A ledger of 400 customers served in two channels, of whom some cost `dear` times as much."""
    rng = np.random.default_rng(3)
    ids = [f"c{i:03}" for i in range(400)]
    channel = rng.choice(["branch", "online"], 400)
    cost = rng.gamma(4, 10, 400) * np.where(
        (channel == "branch") & (rng.random(400) < 0.5), dear, 1
    )
    rows = [(one, "loan", "revenue", money, None) for one, money in
            zip(ids, rng.gamma(2, 60, 400), strict=True)]  # fmt: skip
    rows += [(one, "card", "cost_to_serve", spent, way) for one, spent, way in
             zip(ids, cost, channel, strict=True)]  # fmt: skip
    rows += [(one, "card", "revenue", 10.0, None) for one in ids]
    columns = ["customer_id", "product", "line", "amount", "channel"]
    return value.profit(pd.DataFrame(rows, columns=columns))


TIERS = value.TierRule((0.5, 0.8), ("high", "medium", "low"), of="value")
REDRAWN = {"replications": 20, "seed": 1, "level": 0.9}


def migration(left: int, exhibit: Callable[..., Exhibit]) -> Exhibit:
    """So many of 800 customers leave, of all tiers."""
    rng = np.random.default_rng(4)
    parts = rng.lognormal(3, 0.8, (800, 1)) * rng.gamma(4, 0.25, (800, 8))
    gone = np.arange(800) < left
    parts[gone, 4:] = 0
    names = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]
    table = pd.DataFrame(parts, columns=names).assign(leaving=gone)
    return exhibit(value.value_moved(table, TIERS, **REDRAWN))


def balance(steep: float) -> value.ServiceBalance:
    """Future value of 400 customers, the steeper the more of it the best hold."""
    ids = [f"c{i:03}" for i in range(400)]
    worth = pd.DataFrame({"customer_id": ids, "future_value": (1.0 + np.arange(400)) ** steep})
    cost = np.random.default_rng(5).gamma(20, 1, 400)
    amounts = pd.DataFrame({"customer_id": ids, "line": "cost_to_serve", "amount": cost})
    return value.service_balance(
        value.FutureValues(worth, "purchases"), amounts, TIERS.cuts, TIERS.labels, bands=10,
        min_cell=10, **REDRAWN,
    )  # fmt: skip


def strategic(deciding: float) -> value.Strategic:
    """Two thousand customers, of whom a share decides and the next fifth was not asked."""
    share = np.arange(2000) / 2000
    decides = np.select([share < deciding, share < deciding + 0.2], [True, None], False)
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(2000)], "pays": True,
                           "decides": decides, "benefits": share[::-1] < 0.9})  # fmt: skip
    worth = pd.Series(1.0 + share, index=people["customer_id"]).rename("profit")
    return value.strategic_base(people, worth, 10)


def strategic_tests(known: float) -> Exhibit:
    found = strategic(0.5)
    table = found.by_test.copy()
    table.loc[table["answer"] == "unknown", ["customers", "customer_share"]] *= known
    return exhibits.strategic_tests(replace(found, by_test=table), SCOPE)


def wallets(share: float, odd: float = 0.0) -> value.WalletPotential:
    """Wallets are known of every second customer; `odd` of these live in one region alone."""
    rng = np.random.default_rng(6)
    ids = [f"c{i}" for i in range(600)]
    spent = pd.Series(rng.gamma(2, 100, 600), index=ids)
    known = np.arange(600) % 2 == 0
    wallet = np.where(known, spent / share, np.nan)
    region = np.where(known & (rng.random(600) < odd), "here", rng.choice(["here", "there"], 600))
    people = pd.DataFrame({"customer_id": ids, "wallet": wallet, "region": region})
    tier = pd.Series(np.where(spent > 200, "high", "low"), index=ids)
    return value.wallet_potential(people, spent, tier, days_observed=400, min_cell=10, **REDRAWN)


def season_and_trend(peak: float) -> Exhibit:
    """Three years of months, of which each December runs above the model."""
    factor = np.where(np.arange(12) == 11, peak, 1.0)
    months = pd.date_range("2020-01-01", periods=36, freq="MS")
    factors = pd.DataFrame({"calendar_month": range(1, 13), "factor": factor})
    found = value.SeasonAndTrend(
        months=pd.DataFrame({"month": months, "ratio": np.tile(factor, 3)}), left_out=0,
        season="season", trend="trend", season_p=0.001, trend_p=0.001, reason="",
        factors=factors.assign(lo=factor - 0.02, hi=factor + 0.02, level=0.9),
        yearly=Interval(1 - peak, 0.98 - peak, 1.02 - peak, 0.9),
    )  # fmt: skip
    return exhibits.season_and_trend(found, N, SCOPE)


def season_untold(months: int) -> Exhibit:
    first = pd.date_range("2020-01-01", periods=months, freq="MS")
    table, none = pd.DataFrame({"month": first, "ratio": 1.0}), pd.DataFrame()
    untold = ("cannot be told", "cannot be told", none, None, np.nan, np.nan, "too short")
    return exhibits.season_and_trend(value.SeasonAndTrend(table, 0, *untold), N, SCOPE)


def repaid(cost: float) -> value.Payback:
    """Four hundred customers, won in two ways, who bring some 10 a month for two years."""
    rng = np.random.default_rng(7)
    money = pd.DataFrame(rng.gamma(2.0, 5.0, (400, 24)).cumsum(axis=1)).add_prefix("month_")
    ways = rng.integers(1, 3, 400)
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(400)], "observed": 23,
                          "joined": pd.Timestamp("2024-01-05"), "acquisition_cost": cost * ways,
                          "won_by": np.array(["", "web", "shop"])[ways]})  # fmt: skip
    return value.payback(table.join(money), min_cell=10, **REDRAWN)


def choice_of_findings(most: int) -> Exhibit:
    record = {"role": "finding", "kind": "census", "sentence": "So.", "size": 1.0}
    engagement = SimpleNamespace(title="a test", observation_start=START, observation_end=BASE.end)
    return summary.choice_of_findings([record] * 9, most, engagement)


PAIRS = {
    "data_checks": (data_checks, 2, 5),
    "control_totals": (control_totals, 2, 7),
    "row_ledger": (row_ledger, 30, 45),
    "reading": (reading, 3, 7),
    "by_month": (by_month, 1.0, 2.0),
    "customer_view": (customer_view, 6e4, 7e4),
    "purchase_days": (purchase_days, 0, 40),
    "concentration": (concentration, BASE, RICHER),
    "deciles": (deciles, BASE, RICHER),
    "cohort_retention": (
        lambda factor: cohorts("active_customers", factor, exhibits.cohort_retention), 1, 2,
    ),
    "cohort_revenue": (lambda factor: cohorts("revenue", factor, exhibits.cohort_revenue), 1, 3),
    "holdout_tracking": (holdout_tracking, 15.0, 27.0),
    "holdout_tracking of nobody": (lambda after: holdout_tracking(after, 0.0), 15.0, 37.0),
    "holdout_by_decile": (holdout_by_decile, 3, 5),
    "contract_holdout": (contract_holdout, 105.0, 120.0),
    "holdout_by_frequency": (holdout_by_frequency, False, True),
    "holdout_money": (holdout_money, 83.0, 117.5),
    "frequency_fit": (frequency_fit, False, True),
    "customer_equity": (lambda f: exhibits.customer_equity(ahead(f), 3, 0.1, SCOPE), 1.0, 1.2),
    "future_concentration": (future_concentration, 1.0, 1.2),
    "profit_curve": (profit_curve, 100.0, 300.0),
    "profit_by_decile": (profit_by_decile, 1.0, 2.0),
    "profit_by_product": (profit_by_product, 1.0, 5.0),
    "contract_export": (contract_export, 0.04, 0.02),
    "contract_export of a snapshot": (contract_snapshot, 0.3, 0.4),
    "contract_survival": (contract_survival, 0.04, 0.06),
    "contract_models": (contract_models, 24, 0),
    "contract_drivers": (contract_drivers, 1, 2),
    "contract_values": (contract_values, 1.0, 1.7),
    "profit_heat": (lambda dear: exhibits.profit_heat(served(dear), SCOPE), 2.0, 4.0),
    "profit_by_channel": (lambda dear: exhibits.profit_by_channel(served(dear), SCOPE), 2.0, 4.0),
    "costliest": (lambda dear: exhibits.costliest(served(dear), SCOPE), 2.0, 4.0),
    "migration_flows": (
        lambda left: migration(left, lambda m: exhibits.migration_flows(m, True, 800, SCOPE)),
        100, 250,
    ),
    "migration_matrix": (
        lambda left: migration(left, lambda m: exhibits.migration_matrix(m, SCOPE)), 100, 250,
    ),
    "balance_by_decile": (lambda s: exhibits.balance_by_decile(balance(s), N, SCOPE), 2.0, 4.0),
    "balance_by_tier": (lambda s: exhibits.balance_by_tier(balance(s), SCOPE), 2.0, 4.0),
    "strategic_customers": (
        lambda share: exhibits.strategic_customers(strategic(share), N, SCOPE), 0.5, 0.7,
    ),
    "strategic_tests": (strategic_tests, 1.0, 2.0),
    "share_of_wallet": (
        lambda share: exhibits.share_of_wallet(wallets(share), ("high", "low"), N, SCOPE), 0.3, 0.6,
    ),
    "wallet_likeness": (
        lambda odd: exhibits.wallet_likeness(wallets(0.3, odd), ("high", "low"), SCOPE), 0.0, 0.8,
    ),
    "season_and_trend": (season_and_trend, 1.28, 1.14),
    "season_and_trend of a short time": (season_untold, 18, 15),
    "acquisition_payback": (
        lambda cost: exhibits.acquisition_payback(repaid(cost), N, SCOPE), 45.0, 85.0,
    ),
    "acquisition_payback not reached": (
        lambda cost: exhibits.acquisition_payback(repaid(cost), N, SCOPE), 45.0, 850.0,
    ),
    "acquisition_quality": (
        lambda cost: exhibits.acquisition_quality(repaid(cost), SCOPE), 45.0, 85.0,
    ),
    "choice_of_findings": (choice_of_findings, 3, 7),
    "evidence": (evidence, 12, 19),
}  # fmt: skip


def test_every_title_of_a_run_that_holds_a_number_is_tried(demo_version):
    records = json.loads((demo_version / "exhibits.json").read_text())
    needs = {needs_exhibits.PAIRS[name](value).id for name, value in needs_exhibits.TRIED}
    # the third rung is shown as the second one is
    tried = {*PAIRS, *segment_pairs.PAIRS, *choice_pairs.PAIRS, *needs, *roi_pairs.PAIRS}
    tried.add("needs_ladder")
    assert {record["id"] for record in records if trace.numbers(record["title"])} <= tried


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_title_follows_the_data_and_its_table(pair):
    assert_follows(pair)


def test_two_customers_who_change_purses_leave_what_only_ranks_money_as_it_is():
    """Concentration knows no histories; purchase days know them, and only money moves there."""
    customers = BASE.customers
    often, once = customers["frequency"].idxmax(), customers["frequency"].idxmin()
    swapped = customers.copy()
    pair = customers["total_amount"].to_dict()
    swapped.loc[[often, once], "total_amount"] = [pair[once], pair[often]]
    assert pair[often] != pytest.approx(pair[once])
    after = replace(BASE, customers=swapped)
    for exhibit in (concentration, deciles):
        assert body(exhibit(BASE)) == body(exhibit(after))
        assert exhibit(BASE).title == exhibit(after).title
    tables = [customer_exhibits.purchase_days(c, SCOPE).table for c in (customers, swapped)]
    counts, money = ["purchase_days", "customers", "share_of_customers"], "share_of_revenue"
    pd.testing.assert_frame_equal(tables[0][counts], tables[1][counts])
    moved = (tables[0][money] - tables[1][money]).abs() > 1e-9
    assert moved.tolist() == [True, *[False] * (len(moved) - 2), True]


def test_who_grows_richer_in_the_best_fifth_changes_money_and_nothing_counted():
    before, after = (customer_exhibits.purchase_days(b.customers, SCOPE) for b in (BASE, RICHER))
    assert before.title == after.title
    counted = ["purchase_days", "customers", "share_of_customers"]
    pd.testing.assert_frame_equal(before.table[counted], after.table[counted])
    assert not np.allclose(before.table["share_of_revenue"], after.table["share_of_revenue"])
