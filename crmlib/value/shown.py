"""What of a base may be shown, so that no small group is told or found by subtraction.

The rules of `stats.disclosure` on the groups of this workbook: customers by
number of purchases, by month, by cohort and month, and before and after the
seal. Statistics are computed on all customers; here it is decided which of them
stand in a report. Chapters that show the same customers in different groups ask
the same function, so that one does not tell what the other withholds.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.stats.disclosure import BoolArray, Withheld, is_small, merge_small, told, withhold
from crmlib.stats.optimise import NotIdentified
from crmlib.value.cohorts import Cohorts, average_over, cohorts

MOST_REPEATS = 7  # repeat purchases from here on form one group
_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True)
class FrequencyGroups:
    """Customers by repeat purchases 0, 1, … 7 or more, merged until no group is small.

    Attributes
    ----------
    starts : tuple of int
        Fewest repeat purchases of each group, from 0; the last group has no end.
    """

    starts: tuple[int, ...]

    def of(self, frequency: ArrayLike) -> NDArray[np.int64]:
        """The group, 0, 1, …, of each number of repeat purchases."""
        return np.searchsorted(self.starts, np.asarray(frequency), side="right") - 1

    def up_to(self, most: int) -> FrequencyGroups:
        """The same groups with the last from at most so many repeat purchases on.

        A union of groups each: subtracting this table from the finer one gives
        groups that the finer one shows.
        """
        return FrequencyGroups(tuple(start for start in self.starts if start <= most))

    def labels(self, shift: int = 0) -> list[str]:
        """Names such as "0", "1–3", "4+"; `shift` is added to the numbers."""
        names = []
        for start, following in zip(self.starts, [*self.starts[1:], None], strict=True):
            if following is None:
                names.append(f"{start + shift}+")
            elif following - start == 1:
                names.append(f"{start + shift}")
            else:
                names.append(f"{start + shift}–{following - 1 + shift}")
        return names


def frequency_groups(counts: ArrayLike, min_cell: int, crossing: ArrayLike = ()) -> FrequencyGroups:
    """Groups of customers by repeat purchases that may be shown.

    Where no group is small all stay, empty ones included. Otherwise empty groups
    are merged too: with the purchases of all customers known, a merged group
    "2–3" beside "nobody has more" would be two equations for two unknowns.

    Parameters
    ----------
    counts : array of shape (8,)
        Customers with 0, 1, … 6, and with 7 or more repeat purchases.
    crossing : array of shape (8,), optional
        Customers with at most i before the seal and more at the end. The tables
        by frequency before the seal and at the end differ by exactly these.
    """
    numbers = np.asarray(counts)
    passed = np.zeros(numbers.size, dtype=int) if np.size(crossing) == 0 else np.asarray(crossing)
    if not is_small(numbers, min_cell).any() and not is_small(passed, min_cell).any():
        return FrequencyGroups(tuple(range(numbers.size)))
    merged = merge_small(numbers, min_cell, passed)
    return FrequencyGroups(tuple(first for first, _ in merged))


def count_frequencies(frequency: ArrayLike, most: int = MOST_REPEATS) -> NDArray[np.int64]:
    """Customers with 0, 1, … repeat purchases, the last with `most` or more."""
    capped = np.minimum(np.asarray(frequency), most).astype(np.int64)
    return np.bincount(capped, minlength=most + 1)


@dataclass(frozen=True)
class WithheldMonths:
    """Months whose customers and revenue must not be shown.

    Attributes
    ----------
    small : array of bool, shape (n_months,)
        Fewer customers than allowed bought in the month, or did not.
    withheld : array of bool, shape (n_months,)
        These, and the months withheld against subtraction.
    totals : array of bool, shape (n_totals, n_months)
        Sums over months that are shown elsewhere.
    """

    small: BoolArray
    withheld: BoolArray
    totals: BoolArray


def withheld_months(months: pd.DataFrame, n: int, end: dt.date, min_cell: int) -> WithheldMonths:
    """Months to withhold from a table of customers and revenue by month.

    Revenue adds up over months to the revenue of the base and, where whole months
    make up the last 365 days, to that of the last twelve months: what is withheld
    of either must hold a month with enough customers. A customer buys in several
    months, so numbers of customers do not add up; but with the size of the base
    they tell how many did *not* buy in a month (in the first month: who came
    later), and these must not be few either.

    Parameters
    ----------
    months : DataFrame
        month (its first day), customers, revenue.
    n : int
        Customers of the base.
    end : date
        Last day observed.
    """
    customers = months["customers"].to_numpy()
    # money without a customer: goods were returned, by somebody
    people = np.where(customers > 0, customers, months["revenue"].to_numpy() != 0).astype(int)
    small = is_small(people, min_cell) | is_small(n - people, min_cell)
    totals = [np.ones(len(months), dtype=bool)]
    year = pd.Timestamp(end - _YEAR + dt.timedelta(days=1))
    late = (months["month"] >= year).to_numpy()
    # a part that is one small month is not shown: see the exhibit of customer equity
    alone = any(people[part].max(initial=0) == people[part].sum() for part in (late, ~late))
    if year.day == 1 and not alone:
        totals += [late, ~late]
    hidden = withhold(people, totals, min_cell, also=small, overlapping=True).cells
    return WithheldMonths(small, hidden, np.array(totals))


def withheld_periods(
    periods: BoolArray, months: pd.DataFrame, n: int, end: dt.date, min_cell: int
) -> BoolArray:
    """Quarters, years and the like whose revenue must not be shown beside that of months.

    A period is withheld where its months that are withheld hold too few customers, or
    where it would, with the periods shown before it, tell of them by subtraction. Long
    periods come first.

    Parameters
    ----------
    periods : array of bool, shape (n_periods, n_months)
        The months of each period that lie in the table.
    months, n, end
        As for `withheld_months`.

    Returns
    -------
    array of bool, shape (n_periods,)
    """
    found = withheld_months(months, n, end, min_cell)
    hidden, customers = found.withheld, months["customers"].to_numpy()
    people = np.where(customers > 0, customers, months["revenue"].to_numpy() != 0)[hidden]
    small, shown = np.diag(found.small)[found.small][:, hidden], found.totals[:, hidden]
    withheld = np.zeros(len(periods), dtype=bool)
    for place in sorted(range(len(periods)), key=lambda place: -int(periods[place].sum())):
        part = np.asarray(periods[place], dtype=bool)[hidden]
        remainders = [part, *(total & ~part for total in shown if (part <= total).all())]
        few = any(is_small(people[rest].max(initial=0), min_cell) for rest in remainders)
        withheld[place] = few or told(np.vstack([shown, part]), small).any()
        if not withheld[place]:
            shown = np.vstack([shown, part])
    return withheld


def shown_cohorts(cells: pd.DataFrame, end: dt.date, last_month: dt.date, min_cell: int) -> Cohorts:
    """Cohort matrices with every figure left empty that would tell of a small group.

    What a reader could subtract: the customers of a cohort who bought in a month
    add up over cohorts to the all-cohorts average of that age, and to the month's
    customers in the table by month; their revenue likewise, and over the months
    withheld there to the rest of the revenue. Sizes add up to the base, and each
    share tells the size it was divided by. So

    - cells with few customers, or with few of the cohort who did not buy, are
      withheld together with others of the same age and month (`withhold`);
    - a cohort whose size must not be known is left out altogether;
    - averages are taken over the oldest cohorts that end with a safe group of
      cohorts (`merge_small` on their sizes): from one age to the next their
      customers differ by enough or not at all;
    - revenue is cumulative: it ends before the first withheld month of a cohort,
      since a later point would tell the sum over the gap.

    Parameters
    ----------
    cells : DataFrame
        As `cohorts` takes them, up to `end`: a last month that is cut short is
        not shown but belongs to the base.
    end : date
        Last day observed.
    last_month : date
        Last day of the last whole month, which is the last shown.

    Raises
    ------
    NotIdentified
        If no month after the first is left to show, or as `cohorts`.
    """
    stamps = cells.assign(cohort=pd.PeriodIndex(cells["cohort"], freq="M"))
    month = stamps["cohort"].array.asi8 + stamps["period_index"].to_numpy()
    whole = month <= pd.Period(last_month, freq="M").ordinal
    every = cohorts(stamps[whole], end=last_month)
    atoms = _Atoms(
        cohort=stamps["cohort"].array.asi8,
        age=stamps["period_index"].to_numpy(),
        month=month,
        # money without a customer: goods were returned, by somebody
        people=np.where(
            stamps["active_customers"] > 0, stamps["active_customers"], stamps["revenue"] != 0
        ).astype(np.int64),
        size=stamps["cohort_size"].to_numpy(),
        whole=whole,
    )
    also = ~whole | (is_small(atoms.size - atoms.people, min_cell) & (atoms.age > 0))
    months = _shown_months(stamps, atoms, end, min_cell)
    first = atoms.age == 0
    sizes = atoms.size[first][np.argsort(atoms.cohort[first])]
    ends = [end for _, end in merge_small(sizes, min_cell)]
    while True:
        sums = _Sums.of(atoms, every, months, ends)
        found = withhold(
            atoms.people,
            sums.totals,
            min_cell,
            also=also,
            published=sums.published,
            groups=_sensitive(atoms),
        )
        kept = [end for end, gone in zip(ends, found.totals, strict=False) if not gone]
        if not found.safe:
            raise NotIdentified(
                "beside the table by month, any table by cohort would tell of fewer than "
                f"{min_cell} customers"
            )
        if kept == ends:
            return _without(every, atoms, sums, found, min_cell)
        ends = kept  # averages over fewer cohorts: other sums, so look again


@dataclass(frozen=True)
class _Atoms:
    """One row per cohort and month in which something happened."""

    cohort: NDArray[np.int64]
    age: NDArray[np.int64]
    month: NDArray[np.int64]
    people: NDArray[np.int64]
    size: NDArray[np.int64]
    whole: BoolArray  # the month is observed to its end


def _shown_months(
    stamps: pd.DataFrame, atoms: _Atoms, end: dt.date, min_cell: int
) -> list[BoolArray]:
    """Sums over cohorts that the table by month tells: its months, and what is left of totals."""
    table = stamps.groupby(atoms.month).agg(
        customers=("active_customers", "sum"), revenue=("revenue", "sum")
    )
    periods = pd.PeriodIndex.from_ordinals(table.index, freq="M")
    n = int(atoms.size[atoms.age == 0].sum())
    months = withheld_months(table.assign(month=periods.to_timestamp()), n, end, min_cell)
    sums = [table.index[[i]] for i in np.flatnonzero(~months.withheld)]
    sums += [table.index[total & months.withheld] for total in months.totals]
    return [np.isin(atoms.month, some) for some in sums if len(some)]


def _sensitive(atoms: _Atoms) -> BoolArray:
    """Customers who came back in a month, and who first came after it: they have names too."""
    months = np.unique(atoms.month)[:, None]
    back = (atoms.month == months) & (atoms.age > 0)
    later = (atoms.cohort > months) & (atoms.age == 0)
    return np.vstack([back, later])


@dataclass(frozen=True)
class _Sums:
    """Sums over atoms that a reader is given.

    Attributes
    ----------
    totals : array of bool, shape (n_sums, n_atoms)
        First customers acquired up to each end, then months, then ages.
    published : array of bool, shape (n_sums,)
        Shown in any case: the base, months, and age 0.
    counted : DataFrame of bool, shape (n_cohorts, n_periods)
        Where a cohort counts in the average of an age: the oldest, up to the last
        end that is observed.
    """

    totals: BoolArray
    published: BoolArray
    counted: pd.DataFrame

    @classmethod
    def of(cls, atoms: _Atoms, every: Cohorts, months: list[BoolArray], ends: list[int]) -> _Sums:
        acquired = np.sort(atoms.cohort[atoms.age == 0])
        observable = every.observable
        safe = [max([0, *(end for end in ends if end <= seen)]) for seen in observable.sum()]
        counted = observable & (np.arange(len(observable))[:, None] < np.array(safe))
        up_to = [(atoms.age == 0) & (atoms.cohort <= acquired[end - 1]) for end in ends]
        ordinals = pd.PeriodIndex(counted.index).asi8
        by_age = [
            (atoms.age == age) & atoms.whole & np.isin(atoms.cohort, ordinals[counted[age]])
            for age in counted.columns
        ]
        fixed = [False] * (len(ends) - 1) + [True] * (1 + len(months) + 1)
        published = np.array(fixed + [False] * (len(by_age) - 1))
        return cls(np.array([*up_to, *months, *by_age]), published, counted)


def _without(every: Cohorts, atoms: _Atoms, sums: _Sums, found: Withheld, min_cell: int) -> Cohorts:
    """The cohorts without what is withheld."""
    withheld = np.zeros(every.retention.shape, dtype=bool)
    inside = found.cells & atoms.whole
    places = pd.PeriodIndex(every.sizes.index).asi8.searchsorted(atoms.cohort[inside])
    withheld[places, atoms.age[inside]] = True
    hidden = pd.DataFrame(withheld, index=every.sizes.index, columns=every.retention.columns)
    named = ~hidden[0]
    increments = every.revenue_per_customer.diff(axis=1).fillna(every.revenue_per_customer)
    average = average_over(every.retention, increments, every.sizes, sums.counted)
    idle = (average["customers"] * (1 - average["retention"])).round()
    gone = is_small(idle, min_cell) | found.totals[-len(average) :] | (average["customers"] == 0)
    average["retention"] = average["retention"].mask(gone)
    average["revenue_per_customer"] = average["revenue_per_customer"].mask(gone.cummax())
    later = average["retention"].iloc[1:]
    if later.isna().any() and not (later > 0).any():
        raise NotIdentified(
            f"in no later month did at least {min_cell} customers come back: smaller groups "
            "are not shown"
        )
    return replace(
        every,
        sizes=every.sizes[named],
        retention=every.retention.mask(hidden)[named],
        revenue_per_customer=every.revenue_per_customer.mask(hidden.cummax(axis=1))[named],
        average=average,
        observable=every.observable[named],
        left_out=int((~named).sum()),
    )


def shown_periods(
    tracking: pd.DataFrame,
    calibration: pd.DataFrame,
    customers: pd.DataFrame,
    seal: dt.date,
    min_cell: int,
) -> pd.DataFrame:
    """Periods of a cumulative purchase curve, merged until enough customers bought in each.

    The rise from one point to the next is what a few customers bought. In any
    stretch of time at least as many bought as bought there for the last time, and
    each customer does so once: a count that adds up. Time before and after the
    seal is merged apart.

    Parameters
    ----------
    tracking : DataFrame
        period_end, sealed, …, as `track_purchases` returns it.
    calibration : DataFrame
        customer_id, first_date, frequency, recency and observed_time as of the seal
        of the customers who are followed.
    customers : DataFrame
        customer_id and last_date at the end of observation.
    seal : date
        Last day before the sealed time.

    Returns
    -------
    DataFrame
        The rows of `tracking` that may be shown, and `periods`: how many each covers.
    """
    last = calibration[["customer_id"]].merge(customers, on="customer_id")["last_date"]
    repeated = calibration[calibration["frequency"] > 0]
    share = repeated["recency"] / repeated["observed_time"]  # of the days up to the seal
    passed = (pd.Timestamp(seal) - repeated["first_date"]) * share
    last_before = (repeated["first_date"] + passed).dt.round("D")
    last_after = last[last > pd.Timestamp(seal)]
    shown = np.zeros(len(tracking), dtype=bool)
    ends = tracking["period_end"].to_numpy()
    for sealed, days in ((False, last_before), (True, last_after)):
        rows = np.flatnonzero(tracking["sealed"].to_numpy() == sealed)
        if rows.size:
            place = np.searchsorted(ends[rows], days.to_numpy())
            counts = np.bincount(place[place < rows.size], minlength=rows.size)
            shown[[rows[end - 1] for _, end in merge_small(counts, min_cell)]] = True
    covered = np.diff(np.flatnonzero(shown), prepend=-1)
    return tracking[shown].assign(periods=covered).reset_index(drop=True)
