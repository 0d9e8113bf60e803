"""An attacker with all tables of a report cannot compute a figure of a small group.

Every published figure is an equation over the customers behind it. A group is
told where its own sum is a linear combination of what is published.
"""

import datetime as dt
import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_base import START, Base, random_base, scorecard, tells

from crmlib import value
from crmlib.exhibits import customers as customer_exhibits
from crmlib.exhibits import value as exhibits
from crmlib.stats.intervals import Interval
from crmlib.value import choosing

BASES = st.builds(
    random_base,
    st.integers(0, 10**6),
    st.integers(12, 90),
    st.integers(2, 15),
    st.sampled_from([4, 10]),
    st.booleans(),
)
SEARCH = settings(max_examples=25, deadline=None)
MANY = 40  # frequencies that an attacker must think possible


def small(customers: int, base: Base) -> bool:
    return 0 < customers < base.min_cell


def classes(label: str) -> np.ndarray:
    """The numbers that a label such as "2–4" or "5+" names, of 0 … MANY − 1."""
    first, last = re.fullmatch(r"(\d+)(?:–(\d+)|\+)?", label).groups()
    stop = MANY if label.endswith("+") else int(last or first) + 1
    return (np.arange(MANY) >= int(first)) & (np.arange(MANY) < stop)


@SEARCH
@given(BASES)
def test_groups_by_frequency(base):
    """Unknown: customers by frequency at the cut (or later comer) and at the end."""
    frequency = base.customers["frequency"].to_numpy()
    known = base.calibration.set_index("customer_id")["frequency"]
    at_cut = known.reindex(base.customers["customer_id"]).fillna(-1).to_numpy().astype(int)
    people = np.zeros((MANY + 1, MANY))
    np.add.at(people, (at_cut + 1, frequency), 1)
    possible = np.arange(-1, MANY)[:, None] <= np.arange(MANY)
    if (at_cut >= 0).all():
        possible[0] = False

    days = customer_exhibits.purchase_days(base.customers, base.scope)
    expected = pd.Series(1.0, index=range(8))
    fit = exhibits.frequency_fit(base.customers["frequency"], expected, base.n, base.scope)
    sealed = exhibits.holdout_by_frequency(scorecard(base), len(known), base.scope)

    at_end = np.broadcast_to(np.arange(MANY), people.shape)
    published = [np.ones(people.shape), at_end + 1.0, np.r_[0, np.ones(MANY)][:, None] * possible]
    for table, label, count, shift in (
        (days.table, "purchase_days", "customers", 1),
        (fit.table, "repeat_purchases", "actual", 0),
    ):
        for row in table.to_dict("records") if label in table else []:
            group = np.roll(classes(row[label]), -shift) & (at_end < MANY)
            assert people[group].sum() == row[count]
            published.append(group)
    for row in sealed.table.to_dict("records") if "n" in sealed.table else []:
        group = np.r_[False, classes(row["frequency"])][:, None] & possible
        assert people[group].sum() == row["n"]
        published.append(group)

    groups = [at_end == k for k in range(8)]
    groups += [(np.arange(-1, MANY) == k)[:, None] & possible for k in range(8)]
    groups += [
        (np.arange(-1, MANY) <= k)[:, None] & (np.arange(-1, MANY) >= 0)[:, None] & (at_end > k)
        for k in range(8)
    ]
    told = tells([p[possible] for p in published], [g[possible] for g in groups])
    for group in np.array(groups)[told]:
        assert not small(people[group & possible].sum(), base)


def shown_months(base: Base) -> pd.DataFrame:
    exhibit = customer_exhibits.by_month(base.months, base.n, base.scope)
    if "revenue" not in exhibit.table:
        return base.months.assign(revenue=np.nan, customers=np.nan)
    return exhibit.table


def sums_over_months(base: Base, months: pd.Series) -> list[np.ndarray]:
    """Revenue of the base, and of the last twelve months, as sums over months."""
    year = pd.Timestamp(base.end) - pd.Timedelta(days=364)
    late = base.days["date"] >= year
    buyers = [base.days["customer_id"][part].nunique() for part in (late, ~late)]
    if year.day > 1 or any(small(number, base) for number in buyers):
        return [np.ones(len(months), bool)]  # the twelve months are no months, or withheld
    return [np.ones(len(months), bool), (months >= year).to_numpy()]


@SEARCH
@given(BASES)
def test_months(base):
    table, months = shown_months(base), base.months
    shown = table["revenue"].notna().to_numpy()
    assert (table["revenue"][shown] == months["revenue"][shown]).all()
    for customers in table["customers"].dropna():
        assert not small(customers, base) and not small(base.n - customers, base)
    hidden = np.flatnonzero(~shown)
    unions = [u for size in (1, 2, 3, 4) for u in combinations(hidden, size)]
    if not unions:
        return
    month = base.days["date"].dt.to_period("M").dt.to_timestamp()
    groups = [np.isin(np.arange(len(months)), u) for u in unions]
    published = [*np.eye(len(months))[shown], *sums_over_months(base, months["month"])]
    for group in np.array(groups)[tells(published, groups)]:
        people = base.days["customer_id"][month.isin(months["month"][group])].nunique()
        assert people >= min(base.min_cell, base.n)


@SEARCH
@given(BASES)
def test_bands_of_ranked_customers(base):
    """Unknown: the amount of each customer by rank; every stretch of a few ranks is a group."""
    amounts = np.sort(base.customers["total_amount"].to_numpy())[::-1]
    reached = np.r_[0, amounts.cumsum()] / amounts.sum()
    curve = value.concentration(base.customers["total_amount"])
    redrawn = {share: Interval(0.5, 0.4, 0.6, 0.9) for share in (0.2, 0.5)}
    drawn = exhibits.concentration(curve, redrawn, base.n, base.scope)
    tenths = exhibits.deciles(
        value.band_table(base.customers["total_amount"], base.scope.bands(base.n, 10)), base.scope
    )
    ahead = exhibits.future_concentration(curve, lifetime(base.n), base.scope)
    figures = []  # (customers, share of revenue)
    if drawn.figure is not None:
        line = drawn.figure.axes[0].lines[0].get_xydata()
        figures += [*line, *drawn.table.to_numpy(), *point_labels(drawn)]
    if "cumulative_share" in tenths.table:
        ends = tenths.table["customers"].cumsum() / base.n
        figures += [*zip(ends, tenths.table["cumulative_share"], strict=True)]
    if "past" in ahead.table:
        figures += [*zip(ahead.table["customers"], ahead.table["past"], strict=True)]
    published = [np.ones(base.n)]
    for share, figure in figures:
        customers = int(np.ceil(np.round(share * base.n, 6)))
        assert figure == pytest.approx(reached[customers])  # a sum over whole customers
        published.append(np.arange(base.n) < customers)
    ranks = np.arange(base.n)
    groups = [
        (ranks >= first) & (ranks < first + size)
        for size in range(1, base.min_cell)
        for first in range(base.n - size + 1)
    ]
    assert not tells(published, groups).any()


def point_labels(exhibit) -> list[tuple[float, float]]:
    """The marked point of the best customers, beside the two benchmarks."""
    marked = [line for line in exhibit.figure.axes[0].lines if line.get_marker() == "o"]
    return [tuple(marked[-1].get_xydata()[0])]


def lifetime(n: int, current: float = 3.0, realised: float = 10.0) -> value.LifetimeValues:
    customers = pd.DataFrame(
        {"current_value": current, "future_value": 4.0, "lifetime_value": 4.0 + realised},
        index=range(n),
    )
    shares = {f"top_{p}": Interval(0.5, 0.4, 0.6, 0.9) for p in (10, 20, 50)}
    equity = Interval(4.0 * n, 3.0 * n, 6.0 * n, 0.9)
    return value.LifetimeValues(customers, equity, None, shares, pd.DataFrame(), "good", ())


@settings(SEARCH, max_examples=60)
@example(random_base(0, 13, 4, 4, True))  # months and the base tell of the second cohort
@example(random_base(73, 63, 10, 10, True))  # two cohorts came back, 7 and 1, in one month
@given(BASES)
def test_cohorts(base):
    """Unknown: customers, and revenue, by cohort and month; beside them the table by month."""
    last = value.last_whole_month(base.end)
    found = value.attempt(value.shown_cohorts, base.cells, base.end, last, base.min_cell)
    if isinstance(found, value.Refusal):
        return
    retention = exhibits.cohort_retention(found, base.n, base.scope)
    revenue = exhibits.cohort_revenue(found, base.n, base.scope)
    cells = base.cells
    cohort = cells["cohort"].dt.to_period("M")
    age = cells["period_index"].to_numpy()
    month = cohort.array.asi8 + age
    people = cells["active_customers"].to_numpy()
    money = cells["revenue"].to_numpy()
    whole = month <= pd.Period(last, "M").ordinal
    sizes = cells[age == 0].set_index(cohort[age == 0])["cohort_size"]
    oldest = np.searchsorted(np.sort(sizes.index), cohort)

    counts, amounts = [age == 0], [np.ones(len(cells), bool)]
    before = 0.0
    rows = zip(retention.table.to_dict("records"), revenue.table.to_dict("records"), strict=True)
    for j, (rates, sums) in enumerate(rows):
        counted = (oldest < found.average["cohorts"].iloc[j]) & whole
        base_size = people[(age == 0) & counted].sum()
        if not np.isnan(rates["all_cohorts"]):
            assert rates["all_cohorts"] * base_size == pytest.approx(
                people[counted & (age == j)].sum()
            )
            counts += [counted & (age == 0), counted & (age == j)]
        if not np.isnan(sums["all_cohorts"]):
            step = (sums["all_cohorts"] - before) * base_size
            before = sums["all_cohorts"]
            assert step == pytest.approx(money[counted & (age == j)].sum(), abs=1e-6)
            amounts.append(counted & (age == j))
    for label in retention.table.columns[2:]:
        own = (cohort == pd.Period(label, "M")).to_numpy()
        assert not small(sizes[pd.Period(label, "M")], base)
        shares, cumulative = retention.table[label], revenue.table[label]
        counts += [own & (age == 0)] + [own & (age == j) for j in np.flatnonzero(shares.notna())]
        assert (shares.notna() | cumulative.isna()).all()
        steps = [own & (age == j) for j in np.flatnonzero(cumulative.notna())]
        ended = np.flatnonzero(cumulative.notna())
        for j, step in zip(ended, steps, strict=True):
            rise = cumulative[j] - (cumulative[j - 1] if j else 0)
            assert rise * sizes[pd.Period(label, "M")] == pytest.approx(money[step].sum(), abs=1e-6)
        amounts += steps
    table = shown_months(base)
    ordinals = pd.PeriodIndex(table["month"], freq="M").asi8
    counts += [month == t for t in ordinals[table["customers"].notna()]]
    amounts += [month == t for t in ordinals[table["revenue"].notna()]]
    amounts += [np.isin(month, ordinals[sums]) for sums in sums_over_months(base, table["month"])]

    atoms = list(np.eye(len(cells), dtype=bool))
    newcomers = [(age == 0) & (month > t) for t in ordinals]
    returning = [(age > 0) & (month == t) for t in ordinals]
    for published, groups in (
        (counts, [*atoms, *newcomers, *returning]),
        (amounts, [*atoms, *returning]),
    ):
        groups = [group for group in groups if group.any()]
        for group in np.array(groups)[tells(published, groups)]:
            assert not small(people[group].sum(), base)


def test_a_base_of_thirty_shows_no_small_count():
    """All exhibits of a small base are made, and no count or n of them is small."""
    base = random_base(seed=3, n=30, months=8, min_cell=10)
    curve = value.concentration(base.customers["total_amount"])
    redrawn = {0.5: Interval(0.5, 0.4, 0.6, 0.9)}
    last = value.last_whole_month(base.end)
    cohorts = value.attempt(value.shown_cohorts, base.cells, base.end, last, 10)
    money = value.Refusal("the spend model is refused")
    known, scope = len(base.calibration), base.scope
    shown = [
        customer_exhibits.by_month(base.months, base.n, scope),
        customer_exhibits.purchase_days(base.customers, scope),
        exhibits.concentration(curve, redrawn, base.n, scope),
        exhibits.deciles(value.band_table(base.customers["total_amount"], 2), scope),
        exhibits.cohort_retention(cohorts, base.n, scope),
        exhibits.cohort_revenue(cohorts, base.n, scope),
        exhibits.holdout_by_frequency(scorecard(base), known, scope),
        exhibits.holdout_money(money, known, scope),
        exhibits.frequency_fit(base.customers["frequency"], pd.Series(1.0, range(8)), 30, scope),
        exhibits.future_concentration(curve, lifetime(30), scope),
    ]
    for exhibit in shown:
        for name in {"customers", "actual", "n"} & set(exhibit.table.columns):
            figures = pd.to_numeric(exhibit.table[name], errors="coerce").dropna()
            counts = figures[figures == figures.round()]
            assert not counts.between(2, 9).any(), exhibit.id
        assert not 0 < exhibit.n < 8 and exhibit.png if exhibit.figure else True
    halves = next(e for e in shown if e.id == "deciles")
    assert halves.title.startswith("A top-half customer") and "2 equal bands" in halves.note


def one_rare_month() -> pd.DataFrame:
    months = pd.date_range("2020-01-01", "2020-12-01", freq="MS")
    customers = [40, 30, 25, 20, 3, 22, 24, 26, 28, 30, 32, 18]
    return pd.DataFrame({"month": months, "customers": customers, "revenue": 100.0})


def test_a_rare_month_is_a_gap_and_so_is_the_next_smallest():
    scope = random_base(1, 60, 8, 10).scope
    exhibit = customer_exhibits.by_month(one_rare_month(), 60, scope)
    empty = exhibit.table["revenue"].isna()
    assert exhibit.table["month"][empty].dt.month.tolist() == [5, 12]
    assert "1 month in which fewer than 10 customers bought" in exhibit.note
    assert "and the next smallest are withheld" in exhibit.note
    for ax in exhibit.figure.axes:
        assert np.isnan(ax.lines[0].get_ydata()[4]), "a gap, not a zero"


def test_twelve_months_are_an_equation_of_their_own():
    """Withheld in each of both halves is a month with enough customers, or none."""
    months = one_rare_month()
    scope = random_base(1, 60, 8, 10).scope.during(START, dt.date(2020, 12, 30))
    late = scope.during(START, dt.date(2021, 2, 28))  # 365 days from March on
    for end, withheld in ((scope, [5, 12]), (late, [5, 12])):
        table = customer_exhibits.by_month(months, 60, end).table
        assert table["month"][table["revenue"].isna()].dt.month.tolist() == withheld
    months.loc[1, "customers"] = 4
    table = customer_exhibits.by_month(months, 60, late).table
    assert table["month"][table["revenue"].isna()].dt.month.tolist() == [1, 2, 5, 12]


def test_a_month_in_which_nearly_everyone_bought_tells_of_those_who_did_not():
    months = one_rare_month().assign(customers=[57, *[30] * 11])
    table = customer_exhibits.by_month(months, 60, random_base(1, 60, 8, 10).scope).table
    assert table["customers"].isna().tolist() == [True] + [False] * 11


def test_returns_without_a_purchase_are_somebodys():
    months = one_rare_month().assign(customers=[0, *[30] * 11])
    months.loc[0, "revenue"] = -5.0
    table = customer_exhibits.by_month(months, 60, random_base(1, 60, 8, 10).scope).table
    assert table["revenue"].isna().tolist()[0]


@pytest.mark.parametrize(
    ("current", "realised", "told"), [(3.0, 10.0, True), (3.0, 3.0, True), (0.0, 3.0, True)]
)
def test_twelve_months_are_shown_unless_a_few_customers_are_behind_them(current, realised, told):
    scope = random_base(1, 60, 15, 10).scope.during(START, dt.date(2021, 3, 31))
    values = lifetime(60, current, realised)
    first = exhibits.customer_equity(values, 3, 0.1, scope).table["measure"].iloc[0]
    assert first.startswith("realised in the last twelve") == told
    values.customers.loc[:2, ["current_value", "lifetime_value"]] += [7.0, 9.0]
    exhibit = exhibits.customer_equity(values, 3, 0.1, scope)
    few = current == 0 or realised == current
    assert (exhibit.table["measure"].iloc[0] == "realised to date") == few
    assert ("The last twelve months are withheld" in exhibit.note) == few


@pytest.mark.parametrize(
    ("n", "frequency", "purchases", "who"),
    [
        (45, [1] * 40, [1] * 40, "fewer than 10 customers first bought after the seal"),
        (40, [1] * 5 + [0] * 35, [1] * 40, "bought again before the seal"),
        (40, [1] * 40, [0] * 35 + [1] * 5, "fewer than 10 customers bought after the seal"),
    ],
)
def test_a_holdout_that_would_tell_of_a_few_is_refused(n, frequency, purchases, who):
    known = pd.DataFrame(
        {"frequency": frequency, "recency": np.multiply(frequency, 2.0), "observed_time": 9.0,
         "holdout_purchases": purchases}
    )  # fmt: skip
    refusal = value.attempt(choosing.check_sealed, known, n, 10)
    assert who in refusal.reason
    exhibit = exhibits.holdout_tracking(refusal, len(known), random_base(1, 60, 8, 10).scope)
    assert exhibit.n == 0, "the size of the test would tell who is not in it"


@SEARCH
@given(st.integers(0, 10**6), st.integers(30, 120))
def test_between_two_points_of_the_tracking_curve_enough_customers_bought(seed, n):
    base = random_base(seed, n, 9, 5, early=True)
    ends = pd.date_range(pd.Timestamp(base.cut) - pd.Timedelta(weeks=30), base.end, freq="7D")
    ends = ends[ends >= pd.Timestamp(START)]
    ends = ends.union([pd.Timestamp(base.cut), pd.Timestamp(base.end)])
    tracking = pd.DataFrame({"period_end": ends, "sealed": ends > pd.Timestamp(base.cut)})
    shown = value.shown_periods(tracking, base.calibration, base.customers, base.cut, base.min_cell)
    assert shown["periods"].sum() == len(tracking)
    assert {pd.Timestamp(base.cut), pd.Timestamp(base.end)} <= set(shown["period_end"])
    first = base.days.groupby("customer_id")["date"].transform("min")
    repeats = base.days[base.days["date"] > first]
    place = shown["period_end"].searchsorted(repeats["date"])
    buyers = repeats.groupby(place)["customer_id"].nunique().reindex(range(len(shown)))
    for sealed in (False, True):
        side = buyers[shown["sealed"].to_numpy() == sealed]
        assert len(side) == 1 or side.min() >= base.min_cell
