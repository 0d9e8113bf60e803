"""Share of wallet: by hand, implausible wallets, projection, likeness, coverage, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.refusal import Refusal, attempt
from crmlib.value.balance import NO_GROUP
from crmlib.value.potential import (
    BELOW_SPEND,
    NEGATIVE_SPEND,
    NOT_POSITIVE,
    UNKNOWN,
    USED,
    compare_known,
    potential,
    wallet_reasons,
)

DEMO_BANK = Path(__file__).parents[2] / "data" / "demo_bank"
OPTIONS = {"replications": 200, "seed": 2, "level": 0.9}


def base(customers: int = 500, seed: int = 0, known: float = 0.6) -> tuple[np.ndarray, ...]:
    """Wallets by group, of which we have a beta-distributed share; some are not known."""
    rng = np.random.default_rng(seed)
    groups = np.array(list("abcd"))[rng.integers(0, 4, customers)]
    wallet = rng.lognormal(6, 0.6, customers) * (1 + (groups == "a"))
    spend = wallet * rng.beta(3, 6, customers)
    return spend, np.where(rng.random(customers) < known, wallet, np.nan), groups


def test_two_groups_by_hand():
    spend = [10.0, 30, 20, 60, 5]
    wallet = [40.0, 60, np.nan, 100, 50]
    found = potential(spend, wallet, list("aaabb"), **OPTIONS)
    groups = found.groups
    assert groups["customers"].tolist() == [3, 2] and groups["used"].tolist() == [2, 2]
    assert groups["share_of_wallet"].tolist() == pytest.approx([0.4, 65 / 150])
    assert groups["headroom"].tolist() == [60, 85]
    assert groups["headroom_all"].tolist() == [90, 85]  # 30 each of three customers
    assert found.share_of_wallet.value == pytest.approx(105 / 250)
    assert found.headroom_all.value == 175
    assert found.reasons.loc[UNKNOWN, "customers"] == 1 and found.n == 5


def test_every_wallet_that_cannot_be_right_is_counted_under_its_reason():
    spend = np.array([10.0, 10, 10, -10, 10, 0])
    wallet = np.array([20.0, np.nan, 0, 20, 9, 5])
    reasons = wallet_reasons(spend, wallet)
    assert reasons.tolist() == [USED, UNKNOWN, NOT_POSITIVE, NEGATIVE_SPEND, BELOW_SPEND, USED]
    assert wallet_reasons([10.0], [10.0]).tolist() == [USED]  # all of it is ours
    found = potential(spend, wallet, ["a"] * 6, **OPTIONS)
    assert found.reasons["customers"].sum() == 6
    assert found.reasons["spend"].sum() == pytest.approx(spend.sum())
    assert found.groups.loc["a", ["known", "used", "implausible"]].tolist() == [5, 2, 3]
    assert found.share_of_wallet.value == pytest.approx(10 / 25)
    # the other reading: 10 of 20, 0 of 5, and twice all of what is at least 10
    assert found.capped == pytest.approx(30 / 45)


def test_sums_reconcile_and_order_and_currency_do_not_matter():
    spend, wallet, groups = base()
    one = potential(spend, wallet, groups, **OPTIONS)
    shuffle = np.random.default_rng(1).permutation(spend.size)
    other = potential(spend[shuffle], wallet[shuffle], groups[shuffle], **OPTIONS)
    cents = potential(spend * 100, wallet * 100, groups, **OPTIONS)
    used = ~np.isnan(wallet)
    assert one.groups["wallet"].sum() == pytest.approx(wallet[used].sum(), rel=1e-9)
    assert one.groups["headroom_all"].sum() == pytest.approx(one.headroom_all.value, rel=1e-9)
    bounds = [c for c in one.groups if c.endswith(("_lo", "_hi"))]
    pd.testing.assert_frame_equal(
        one.groups.drop(columns=bounds), other.groups.drop(columns=bounds)
    )
    money = [c for c in one.groups if c.startswith(("spend", "wallet", "headroom", "mean"))]
    scaled = cents.groups.assign(**{name: cents.groups[name] / 100 for name in money})
    pd.testing.assert_frame_equal(one.groups, scaled)
    assert cents.share_of_wallet.lo == pytest.approx(one.share_of_wallet.lo)


@pytest.mark.slow
def test_intervals_cover_the_headroom_of_all_customers():
    """200 bases of 500, wallets missing at random: 99 % binomial bounds of 90 % intervals."""
    held = {"share": 0, "headroom": 0}
    for seed in range(200):
        spend, wallet, groups = base(seed=seed, known=0.2)
        every = base(seed=seed, known=1.1)[1]
        found = potential(spend, wallet, groups, **OPTIONS)
        held["share"] += spend.sum() / every.sum() in found.share_of_wallet
        held["headroom"] += (every - spend).sum() in found.headroom_all
    # of a base of which a fifth is known the rest is nearly as uncertain as a fresh draw:
    # the interval without the finite population's correction is a little wide
    assert 169 <= held["share"] <= 197 and 169 <= held["headroom"] <= 197, held


def test_single_wallets_have_no_bounds_and_groups_without_one_are_said():
    found = potential([10.0, 5, 7, 8], [20.0, 10, 30, np.nan], list("aabc"), **OPTIONS)
    assert found.groups.loc["b", "share_of_wallet"] == pytest.approx(7 / 30)
    assert np.isnan(found.groups.loc["b", "share_of_wallet_lo"])
    assert np.isnan(found.groups.loc["c", "headroom_all"])
    assert found.not_covered == 1
    assert found.headroom_all.value == 10 + 5 + 23
    assert np.isfinite([found.headroom_all.lo, found.headroom_all.hi]).all()
    one = potential([1.0], [4.0], ["a"], **OPTIONS)
    assert one.share_of_wallet.value == 0.25 and np.isnan(one.share_of_wallet.lo)


def test_equal_customers_have_one_share():
    found = potential([5.0] * 20, [20.0] * 20, [None] * 20, **OPTIONS)
    assert found.groups.index.tolist() == [NO_GROUP]
    assert (found.share_of_wallet.lo, found.share_of_wallet.hi) == (0.25, 0.25)
    assert found.headroom_all.value == 300


def test_groups_count_by_their_size_in_the_whole():
    found = potential([10.0] * 90 + [2.0] * 10, [20.0] * 100, ["a"] * 90 + ["b"] * 10, **OPTIONS)
    assert (
        found.share_of_wallet.lo == pytest.approx(0.46) == pytest.approx(found.share_of_wallet.hi)
    )
    assert found.headroom_all.lo == pytest.approx(1080) == pytest.approx(found.headroom_all.hi)


@pytest.mark.parametrize("wallet", [[np.nan, np.nan], [1.0, np.nan]])
def test_without_a_usable_wallet_it_is_refused(wallet):
    refused = attempt(potential, [5.0, 5.0], wallet, ["a", "b"], **OPTIONS)
    assert isinstance(refused, Refusal) and "no wallet can be used" in refused.reason


def test_likeness_by_hand():
    table = pd.DataFrame({"spend": [1.0, 3, 2, np.nan, 6], "region": ["n", "n", "s", "n", None]})
    found = compare_known(table, [True, True, False, False, False]).set_index(["column", "level"])
    spend = found.loc[("spend", "")]
    assert (spend["known"], spend["others"]) == (2, 4)
    assert spend["difference"] == pytest.approx(-2 / np.sqrt((1 + 4) / 2))
    assert (spend["n_known"], spend["n_others"]) == (2, 2) and not spend["alike"]
    north = found.loc[("region", "n")]
    assert (north["known"], north["others"]) == (1, pytest.approx(1 / 3))
    assert (north["level_known"], north["level_others"]) == (2, 1)
    assert (spend["level_known"], spend["level_others"]) == (2, 2)
    assert found.loc[("region", NO_GROUP), "others"] == pytest.approx(1 / 3)


def test_likeness_knows_chance_from_selection():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"value": rng.normal(size=20_000), "own": rng.random(20_000) < 0.5})
    at_random = compare_known(table, rng.random(20_000) < 0.5)
    assert at_random["alike"].all() and set(at_random["level"]) == {"", "True", "False"}
    selected = compare_known(table, table["value"] > 0).set_index("column")
    assert not selected.loc["value", "alike"] and selected.loc["own", "alike"].all()


def test_constant_columns_and_nobody_to_compare():
    table = pd.DataFrame({"same": [1.0] * 4, "apart": [1.0, 1, 2, 2], "none": [np.nan] * 4})
    found = compare_known(table, [True, True, False, False]).set_index("column")
    assert found.loc["same", "difference"] == 0 and found.loc["same", "alike"]
    assert found.loc[["apart", "none"], "difference"].isna().all()
    assert not found.loc[["apart", "none"], "alike"].any()
    assert isinstance(attempt(compare_known, table, [True] * 4), Refusal)


@pytest.mark.parametrize(
    "spend, wallet, groups, message",
    [
        ([1.0], [1.0, 2], ["a"], "have shapes"),
        ([np.nan], [1.0], ["a"], "spend must be finite"),
        ([1.0], [np.inf], ["a"], "wallet finite or missing"),
        ([1.0], [2.0], ["a", "b"], "groups has shape"),
    ],
)
def test_impossible_columns_are_named(spend, wallet, groups, message):
    with pytest.raises(ValueError, match=message):
        potential(spend, wallet, groups, **OPTIONS)


def test_the_demo_bank_has_most_of_its_customers_wallets_elsewhere():
    """Wallets are of 70 % at random (its README): those known are like the others."""
    truth = pd.read_csv(DEMO_BANK / "truth" / "customers.csv.gz").set_index("customer_id")
    wallet = pd.read_csv(DEMO_BANK / "external.csv").set_index("customer_id")["wallet"]
    wallet = wallet.reindex(truth.index)
    yearly = truth["card_rate"] * truth["card_ticket"] * 12
    found = potential(yearly, wallet, truth["archetype"], **OPTIONS)
    assert 0.1 < found.share_of_wallet.lo < found.share_of_wallet.hi < 0.6
    assert found.reasons["customers"].sum() == 6000
    assert 0.65 < found.groups["known"].sum() / 6000 < 0.75
    like = compare_known(truth[["profit", "archetype"]], wallet.notna())
    assert like["alike"].all()
