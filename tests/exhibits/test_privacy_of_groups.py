"""The attacker with the tables of profit, migration, balance, tests and wallets.

As in test_privacy: every published figure is an equation over what is unknown, and no
small group's sum may be a linear combination of what is published.
"""

import datetime as dt
from itertools import combinations

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_base import tells

from crmlib import value
from crmlib.exhibits import Scope
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal
from crmlib.value.strategic import TESTS

SEARCH = settings(max_examples=15, deadline=None)
SEEDS, CELLS = st.integers(0, 10**6), st.sampled_from([4, 6])
TIERS = ("high", "medium", "low")
REDRAWN = {"replications": 5, "seed": 1, "level": 0.9}


def scope(min_cell: int) -> Scope:
    return Scope("a test", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
                 "revenue", min_cell)  # fmt: skip


def bands(n: int, table: pd.DataFrame, share: str) -> list[np.ndarray]:
    """Best customers by rank, as a curve's points show them."""
    return [np.arange(n) < np.ceil(np.round(s * n, 6)) for s in table[share]]


def ledger(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Three products, one of them rare; three channels, one of them rare; costs that vary."""
    ids = [f"c{i:03}" for i in range(n)]
    rows = []
    for one in ids:
        way = rng.choice(["branch", "online", "phone"], p=[0.6, 0.32, 0.08])
        held = [p for p, share in (("account", 0.95), ("card", 0.6), ("fund", 0.15))
                if rng.random() < share] or ["account"]  # fmt: skip
        rows += [(one, p, "revenue", round(rng.lognormal(4, 1), 2), None) for p in held]
        cost = round(rng.lognormal(3, 1.5), 2)
        rows.append((one, held[0], "cost_to_serve", cost, way))
    columns = ["customer_id", "product", "line", "amount", "channel"]
    return pd.DataFrame(rows, columns=columns)


@SEARCH
@given(SEEDS, st.integers(45, 110), CELLS)
def test_profit_by_customer_product_channel_and_cost(seed, n, min_cell):
    """Unknown: profit of each customer with each product that he holds."""
    rows, sight = ledger(np.random.default_rng(seed), n), scope(min_cell)
    earned = value.profit(rows)
    profits = value.customer_profits(earned)
    curve = value.attempt(value.whale_curve, profits, [0.1, 0.2, 0.5], **REDRAWN)
    losing = value.unprofitable(profits, **REDRAWN)
    if isinstance(curve, Refusal):
        return
    held = rows[["customer_id", "product"]].drop_duplicates()
    order = earned.customers.sort_values(["profit", "customer_id"], ascending=[False, True])
    rank = held["customer_id"].map(pd.Series(range(n), index=order["customer_id"])).to_numpy()
    decile = held["customer_id"].map(earned.customers.set_index("customer_id")["profit_decile"])
    product = held["product"].to_numpy()
    published = [np.ones(len(held), bool)]
    drawn = exhibits.profit_curve(earned, curve, losing, n, sight).table
    if "customers" in drawn:
        best = drawn[drawn["group"] == "best customers"]
        published += [top[rank] for top in bands(n, best, "customers")]
    tenths = exhibits.profit_by_decile(earned, sight).table
    published += [(decile == d).to_numpy() for d in tenths.get("decile", [])]
    products = exhibits.profit_by_product(earned, sight).table
    named = [name for name in products.get("product", []) if name != "other products"]
    published += [product == name for name in named]
    heat = exhibits.profit_heat(earned, sight)
    if heat is not None and "profit" in heat.table:
        for row in heat.table.dropna(subset="profit").to_dict("records"):
            same = (product == row["product"]) if row["product"] in named else ~np.isin(
                product, named)  # fmt: skip
            published.append(same & (decile == row["decile"]).to_numpy())
            money = rows.assign(
                amount=rows["amount"].where(rows["line"] == "revenue", -rows["amount"])
            ).merge(held[published[-1]], on=["customer_id", "product"])["amount"]
            assert abs(money.sum() - row["profit"]) < 0.02, "the equation is the table's"
    people = pd.Series(held["customer_id"].to_numpy())
    own = rows.dropna(subset="channel").set_index("customer_id")["channel"]
    channels = exhibits.profit_by_channel(earned, sight).table
    seen = [c for c in channels.get("channel", []) if c != "other channels"]
    published += [(people.map(own) == c).to_numpy() for c in seen]
    costly = exhibits.costliest(earned, sight).table
    if "to_share" in costly:
        cost = rows["amount"].where(rows["line"] != "revenue", 0).groupby(rows["customer_id"]).sum()
        place = cost.sort_index().rank(ascending=False, method="first")
        ends = np.ceil(np.round(costly["to_share"] * n, 6))
        published += [(people.map(place) <= end).to_numpy() for end in ends]

    singles = [people.to_numpy() == one for one in people.unique()]
    few = [
        np.isin(rank, range(first, first + size))
        for size in range(1, min_cell)
        for first in range(n - size + 1)
    ]
    few += [(product == p) & (decile == d).to_numpy() for p in set(product) for d in range(1, 11)]
    few += [a & b for a, b in combinations(published, 2)] + [a & ~b for a in published
                                                            for b in published]  # fmt: skip
    for group in np.array([*singles, *few])[tells(published, [*singles, *few])]:
        assert not 0 < people[group].nunique() < min_cell


@SEARCH
@example(16816, 130, 4)  # two tiers' cells and the flows within tiers tell the third's three
@given(SEEDS, st.integers(40, 160), CELLS)
def test_migration_between_tiers(seed, n, min_cell):
    """Unknown: value of each cell between tiers, of those within one by flow."""
    rng, sight = np.random.default_rng(seed), scope(min_cell)
    parts = rng.lognormal(3, 1, (n, 1)) * rng.gamma(2, 0.5, (n, 8))
    fate = rng.random(n)
    parts[fate < 0.1, 4:], parts[fate > 0.9, :4] = 0, 0
    parts[(fate > 0.5) & (fate < 0.5 + rng.random() / 10)] = 0
    columns = [f"{name}_{at}" for name in ("first", "second") for at in range(1, 5)]
    rule = value.TierRule((0.5, 0.8), TIERS, of="value")
    moved = value.attempt(value.value_moved, pd.DataFrame(parts, columns=columns), rule, **REDRAWN)
    flows = exhibits.migration_flows(moved, True, n, sight)
    matrix = exhibits.migration_matrix(moved, sight)
    if "flow" not in flows.table:
        assert matrix is None and "customers" not in flows.table
        return
    there = moved.observed.customers.dropna()
    assert flows.n == len(there) and not 0 < n - len(there) < min_cell
    names = {
        "fell to a lower tier": ["down"], "brought less in their tier": ["less"],
        "stayed and brought less": ["down", "less"], "left": ["gone"],
        "rose to a higher tier": ["up"], "brought more in their tier": ["more"],
        "stayed and brought more": ["up", "more"], "came": ["new"],
        "brought more or came": ["up", "more", "new"],
    }  # fmt: skip
    atoms = there.drop_duplicates().reset_index(drop=True)
    counts = np.array([(there == atom).all(axis=1).sum() for _, atom in atoms.iterrows()])
    published = []
    for row in flows.table.to_dict("records"):
        published.append(atoms["flow"].isin(names[row["flow"]]).to_numpy())
        assert counts[published[-1]].sum() == row["customers"]
    for row in matrix.table.dropna(subset="customers").to_dict("records"):
        same = (atoms["tier_1"] == row["from"]) & atoms["tier_2"].isin(row["to"].split(" or "))
        published.append(same.to_numpy())
        assert counts[published[-1]].sum() == row["customers"]
        if not np.isnan(row["share"]):
            published.append((atoms["tier_1"] == row["from"]).to_numpy())
    groups = [*np.eye(len(atoms), dtype=bool)]
    groups += [(atoms[column] == tier).to_numpy() for column in ("tier_1", "tier_2")
               for tier in (*TIERS, "gone", "new")]  # fmt: skip
    groups += [(atoms["tier_1"] == a).to_numpy() & (atoms["tier_2"] == b).to_numpy()
               for a in (*TIERS, "new") for b in (*TIERS, "gone")]  # fmt: skip
    for group in np.array(groups)[tells(published, groups)]:
        assert not 0 < counts[group].sum() < min_cell


@SEARCH
@given(SEEDS, st.integers(20, 150), CELLS, st.integers(0, 12))
def test_balance_of_service(seed, n, min_cell, left):
    """Unknown: cost and value of each customer by rank; every stretch of a few is a group."""
    rng, sight = np.random.default_rng(seed), scope(min_cell)
    worth = rng.lognormal(3, 1, n)
    ids = [f"c{i:03}" for i in range(n)]
    served = [*ids, *(f"x{i}" for i in range(left))]
    cost = rng.gamma(9, 1, n + left)
    amounts = pd.DataFrame({"customer_id": served, "line": "cost_to_serve", "amount": cost})
    ahead = value.FutureValues(
        pd.DataFrame({"customer_id": ids, "future_value": worth}), "purchases"
    )
    found = value.attempt(
        value.service_balance, ahead, amounts, (0.5, 0.8), TIERS, bands=sight.bands(n, 10),
        min_cell=min_cell, **REDRAWN,
    )  # fmt: skip
    assert isinstance(found, Refusal) == (0 < left < min_cell)
    published = [np.ones(n, bool)]
    for exhibit in (exhibits.balance_by_decile(found, n, sight),
                    exhibits.balance_by_tier(found, sight)):  # fmt: skip
        if exhibit is not None and "cost" in exhibit.table:
            ends = exhibit.table["customers"].iloc[:-1].cumsum()
            published += [np.arange(n) < end for end in ends]
            ranked = np.sort(worth)[::-1].cumsum()
            assert np.allclose(
                exhibit.table["value"].iloc[:-1].cumsum(), ranked[ends - 1], atol=0.1
            )
    ranks = np.arange(n)
    groups = [(ranks >= first) & (ranks < first + size) for size in range(1, min_cell)
              for first in range(n - size + 1)]  # fmt: skip
    assert not tells(published, groups).any()


@SEARCH
@given(SEEDS, st.integers(20, 200), CELLS)
def test_strategic_customers(seed, n, min_cell):
    """Unknown: what each pattern of answers brought."""
    rng, sight = np.random.default_rng(seed), scope(min_cell)
    chance = rng.dirichlet([6, 1, 1], 3)
    answers = [rng.choice([True, False, None], n, p=p) for p in chance]
    people = pd.DataFrame(dict(zip(TESTS, answers, strict=True))).assign(customer_id=range(n))
    brought = pd.Series(rng.gamma(1, 10, n), name="profit")
    found = value.strategic_base(people, brought, min_cell)
    crossed = exhibits.strategic_customers(found, n, sight)
    if "kind" not in crossed.table:
        assert exhibits.strategic_tests(found, sight) is None
        return
    patterns = found.patterns.reset_index(drop=True)
    counts = patterns["customers"].to_numpy()
    states = patterns[list(TESTS)]
    passed = (states == "yes").all(axis=1)
    failed = (states == "no").any(axis=1)
    kinds = {"pass all three tests": passed, "fail a test": failed,
             "fail none, not all known": ~passed & ~failed}  # fmt: skip
    published, hidden = [np.ones(len(counts), bool)], np.ones(len(counts), bool)
    for row in crossed.table.to_dict("records"):
        if row["customers_who"] in kinds:
            published.append(kinds[row["customers_who"]].to_numpy())
        elif row["customers_who"] != "other combinations":
            one = np.isclose(patterns["value"].round(2), row["profit"]) & (
                counts == row["customers"])  # fmt: skip
            assert one.sum() == 1
            published.append(one)
            hidden &= ~one
        else:
            published.append(hidden.copy())
        assert counts[published[-1]].sum() == row["customers"]
    tests = exhibits.strategic_tests(found, sight)
    for row in [] if tests is None else tests.table.to_dict("records"):
        published.append((patterns[row["test"]] == row["answer"]).to_numpy())
        assert counts[published[-1]].sum() == row["customers"]
    groups = [*np.eye(len(counts), dtype=bool), *published]
    groups += [one & other for one, other in combinations(published, 2)]
    groups += [one & ~other for one in published for other in published]
    for group in np.array(groups)[tells(published, groups)]:
        assert not 0 < counts[group].sum() < min_cell


@SEARCH
@given(SEEDS, st.integers(20, 120), CELLS)
def test_share_of_wallet(seed, n, min_cell):
    """Who has a usable wallet in a tier, and who has not, are groups of their own."""
    rng, sight = np.random.default_rng(seed), scope(min_cell)
    ids = pd.Index(range(n))
    spent = pd.Series(rng.gamma(2, 100, n), ids)
    wallet = np.where(rng.random(n) < rng.random(), spent * rng.uniform(0.9, 4, n), np.nan)
    people = pd.DataFrame({"customer_id": ids, "wallet": wallet, "town": rng.choice(["a", "b"], n)})
    tier = pd.Series(rng.choice(TIERS, n, p=rng.dirichlet([3, 3, 3])), ids)
    found = value.attempt(
        value.wallet_potential, people, spent, tier, days_observed=400, min_cell=min_cell, **REDRAWN
    )
    table = exhibits.share_of_wallet(found, TIERS, n, sight).table
    if "used" not in table:
        return
    for counts in (table["customers"], table["used"], table["customers"] - table["used"]):
        parts = counts.iloc[:-1].sum()
        assert not counts.between(1, min_cell - 1).any() and parts in (0, counts.iloc[-1])
    likeness = exhibits.wallet_likeness(found, TIERS, sight)
    known = people["wallet"].notna()
    for row in [] if likeness is None else likeness.table.to_dict("records"):
        if row["respect"] == "town":
            for side in (known, ~known):
                count = int(((people["town"] == row["level"]) & side).sum())
                assert min_cell <= count and not 0 < side.sum() - count < min_cell
