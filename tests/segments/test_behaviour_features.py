"""Features made ready for clustering: comparable, without gaps, each kind with one vote."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.features import active, kind_of, prepare
from crmlib.stats.optimise import NotIdentified

TAIL = 0.01


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    """800 customers of two habits, with gaps, a skewed amount and a share."""
    rng = np.random.default_rng(3)
    n = 800
    habit = rng.random(n) < 0.4
    frequency = rng.poisson(np.where(habit, 12, 3)).astype(float)
    spend = frequency * rng.lognormal(3, 0.8, n)
    branch = rng.beta(np.where(habit, 2, 6), 4)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "recency": rng.integers(0, 300, n).astype(float),
            "frequency": frequency,
            "spend": spend,
            "mean_ticket": np.where(frequency > 0, spend / np.maximum(frequency, 1), np.nan),
            "trend": rng.normal(0, 1, n),
            "revenue": rng.normal(np.where(habit, 60, 20), 15),
            "cost_share_branch": branch,
            "cost_share_mobile": 1 - branch,
            "tenure": rng.gamma(2, 40, n),
        }
    )


def column(prepared, name: str) -> np.ndarray:
    return prepared.matrix[:, prepared.names.index(name)]


def test_no_gap_is_left_and_each_column_has_its_weight(features):
    found = prepare(features, tail=TAIL)
    table = found.recipe.table().set_index("name")
    assert np.isfinite(found.matrix).all() and found.matrix.shape == (800, len(found.names))
    whole = [name for name in found.names if table.loc[name, "missing"] == 0]
    for name in whole:
        assert column(found, name).mean() == pytest.approx(0, abs=1e-9)
        assert column(found, name).std() == pytest.approx(table.loc[name, "weight"])
    lacking = features["mean_ticket"].isna().to_numpy()
    assert lacking.any() and (column(found, "mean_ticket")[lacking] == 0).all()


def test_the_recipe_gives_the_same_numbers_for_the_same_rows(features):
    found = prepare(features, tail=TAIL)
    np.testing.assert_array_equal(found.recipe.apply(features), found.matrix)
    some = features.iloc[::-7]
    np.testing.assert_allclose(found.recipe.apply(some), found.matrix[::-7])
    fewer = found.recipe.apply(features.drop(columns="revenue"))
    assert (fewer[:, found.names.index("revenue")] == 0).all(), "a feature that another day lacks"


def test_units_do_not_matter(features):
    """Cents for euros, weeks for days, years for months."""
    units = {"spend": 100, "mean_ticket": 100, "revenue": 100, "recency": 1 / 7, "tenure": 1 / 12}
    other = features.assign(**{name: features[name] * by for name, by in units.items()})
    found, scaled = prepare(features, tail=TAIL), prepare(other, tail=TAIL)
    assert found.names == scaled.names
    np.testing.assert_allclose(scaled.matrix, found.matrix, atol=1e-9)


def test_order_of_rows_does_not_matter(features):
    mixed = features.sample(frac=1, random_state=2)
    found, other = prepare(features, tail=TAIL), prepare(mixed, tail=TAIL)
    np.testing.assert_allclose(other.matrix, found.matrix[mixed.index], atol=1e-9)


def test_the_data_decide_on_the_logarithm(features):
    table = prepare(features, tail=TAIL).recipe.table().set_index("name")["transform"]
    assert table["spend"] == "logarithm" and table["tenure"] == "logarithm"
    assert table["revenue"] == "as it is" and table["recency"] == "as it is"
    assert table["cost_share_branch"] == "square root" and table["trend"] == "as it is"


def test_losses_keep_their_sign(features):
    skewed = features.assign(revenue=features["spend"] - 40)
    assert 0.1 < (skewed["revenue"] < 0).mean() < 0.9
    found = prepare(skewed.drop(columns="spend"), tail=TAIL)
    table = found.recipe.table().set_index("name")
    assert table.loc["revenue", "transform"] == "logarithm"
    order = np.argsort(skewed["revenue"].to_numpy())
    assert (np.diff(column(found, "revenue")[order]) >= -1e-12).all()


def test_extremes_are_drawn_in(features):
    extreme = features.assign(spend=features["spend"].where(features.index != 5, 1e9))
    plain, found = prepare(features, tail=TAIL), prepare(extreme, tail=TAIL)
    assert column(found, "spend")[5] == column(found, "spend").max()
    others = features.index != 5
    np.testing.assert_allclose(
        column(found, "spend")[others], column(plain, "spend")[others], atol=0.05
    )


def test_constants_and_repetitions_are_dropped_with_a_reason(features):
    more = features.assign(
        visits=7.0,
        rare=np.where(features.index < 3, 1.0, 0.0),
        spend_in_cents=100 * features["spend"],
        empty=np.nan,
    )
    found = prepare(more, tail=TAIL, leave_out=["trend"])
    reasons = found.dropped.set_index("feature")["reason"]
    assert set(reasons.index) == {
        "visits", "rare", "spend_in_cents", "empty", "trend", "cost_share_mobile"
    }  # fmt: skip
    assert reasons["spend_in_cents"] == "says what spend says (correlation 1.00)"
    assert reasons["trend"] == "left out by the params"
    assert "same for all" in reasons["rare"]
    assert not set(reasons.index) & set(found.names)


def test_many_columns_of_a_kind_do_not_outvote_another(features):
    rng = np.random.default_rng(8)
    alike = {f"cost_in_{i}": features["tenure"] + rng.normal(0, 40, 800) for i in range(8)}
    found = prepare(features.assign(**alike), tail=TAIL)
    table = found.recipe.table()
    use = found.matrix[:, (table["kind"] == "channel use").to_numpy()]
    assert use.shape[1] == 8
    tenure = column(found, "tenure")
    assert np.linalg.norm(use, 2) < 1.3 * np.linalg.norm(tenure)


def test_what_goes_with_nothing_else_counts_less(features):
    weights = prepare(features, tail=TAIL).recipe.table().set_index("name")["weight"]
    assert weights["trend"] < 0.6 * weights["frequency"]


def test_a_gap_is_marked_where_nothing_else_tells_of_it(features):
    rng = np.random.default_rng(4)
    hidden = features.assign(revenue=features["revenue"].where(rng.random(800) < 0.6))
    assert "revenue missing" in prepare(hidden, tail=TAIL).names
    told = features.assign(recency=features["recency"].where(features["frequency"] > 3))
    told["frequency"] = np.where(told["frequency"] > 3, 10.0, 0.0) + features["frequency"] / 50
    assert "recency missing" not in prepare(told, tail=TAIL).names
    rare = features.assign(revenue=features["revenue"].where(features.index > 10))
    assert "revenue missing" not in prepare(rare, tail=TAIL).names


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_customers_who_do_not_differ_are_refused(features, rows):
    alike = features.iloc[np.zeros(rows, dtype=int)]
    with pytest.raises(NotIdentified, match="no behaviour feature differs"):
        prepare(alike, tail=TAIL)


def test_a_feature_to_be_left_out_must_exist(features):
    with pytest.raises(
        NotIdentified, match=r"no behaviour feature is called `spendx`.*; there are"
    ):
        prepare(features, tail=TAIL, leave_out=["spendx"])
    # one that these data happen to lack may be named
    assert prepare(features, tail=TAIL, leave_out=["returned_share", "cost_in_branch"])


def test_every_feature_that_intake_reads_has_a_kind():
    for name in ("recency", "peak_share", "returned_share", "cost_in_web", "cost_share_web",
                 "products", "revenue_from_loan", "tenure", "revenue", "products_bought",
                 "spend_on_tea", "spend_in_web", "spend_share_web"):  # fmt: skip
        assert kind_of(name) != name or name in ("products", "tenure")


def test_who_neither_holds_nor_buys_is_not_active():
    table = pd.DataFrame({"frequency": [0.0, 2, 0, 1], "products": [0.0, 0, 1, 3]})
    assert active(table).tolist() == [False, False, True, True]
    assert active(table[["frequency"]]).tolist() == [False, True, False, True]
    assert active(table[["products"]]).tolist() == [False, False, True, True]


def booked(n: int = 600) -> pd.DataFrame:
    """Customers with a ledger by product and channel, some of them known for three months."""
    rng = np.random.default_rng(5)
    tenure = np.where(rng.random(n) < 0.3, 3.0, 40.0)
    years = np.minimum(tenure, 12) / 12
    card, loan = rng.gamma(2, 60, n) * years, rng.gamma(2, 90, n) * years * (rng.random(n) < 0.4)
    branch, online = rng.gamma(2, 20, n) * years, rng.gamma(2, 9, n) * years
    return pd.DataFrame(
        {
            "frequency": rng.poisson(9 * years).astype(float),
            "mean_ticket": rng.lognormal(3, 0.5, n),
            "products": 1.0 + (loan > 0),
            "revenue": card + loan,
            "cost_to_serve": branch + online,
            "risk_cost": 0.2 * loan * rng.lognormal(0, 0.3, n),
            "cost_in_branch": branch,
            "cost_in_online": online,
            "revenue_from_card": card,
            "revenue_from_loan": loan,
            "cost_share_branch": branch / (branch + online),
            "cost_share_online": online / (branch + online),
            "tenure": tenure,
        }
    )


def test_said_once_sums_shares_and_counts_of_what_is_booked_are_left_out():
    found = prepare(booked(), tail=TAIL, once=True)
    assert found.names == (
        "mean_ticket", "risk_cost", "cost_in_branch", "cost_in_online", "revenue_from_card",
        "revenue_from_loan", "tenure",
    )  # fmt: skip
    reasons = found.dropped.set_index("feature")["reason"]
    assert reasons["revenue"] == "is the sum of revenue by product"
    assert reasons["products"] == "counts the products that revenue comes from"
    assert reasons["frequency"] == "is in the revenue of the product"
    assert reasons["cost_share_online"] == "is made of cost by channel"
    assert {"revenue", "frequency"} <= set(prepare(booked(), tail=TAIL).names)


def test_said_once_without_a_ledger_purchases_speak_for_themselves(features):
    kept = features.drop(columns=["revenue", "cost_share_branch", "cost_share_mobile"])
    found = prepare(kept, tail=TAIL, once=True)
    assert found.names == ("recency", "frequency", "mean_ticket", "trend", "tenure")
    assert found.dropped["feature"].tolist() == ["spend"]


def shop(n: int = 600) -> pd.DataFrame:
    """Customers of a shop whose rows name products and channels."""
    rng = np.random.default_rng(6)
    tea, cake = rng.gamma(2, 30, n), rng.gamma(2, 50, n) * (rng.random(n) < 0.6)
    web, phone = rng.uniform(0, 0.7, (2, n)) / 1.4
    frequency = rng.poisson(9, n) + 1.0
    shares = {"web": web, "phone": phone, "store": 1 - web - phone}
    spend = tea + cake
    return pd.DataFrame(
        {"frequency": frequency, "spend": spend, "mean_ticket": spend / frequency}
        | {"spend_on_tea": tea, "spend_on_cake": cake, "products_bought": 1.0 + (cake > 0)}
        | {f"spend_in_{name}": spend * share for name, share in shares.items()}
        | {f"spend_share_{name}": share for name, share in shares.items()}
    )


def test_said_once_products_of_purchases_hold_their_money_and_channels_say_where():
    found = prepare(shop(), tail=TAIL, once=True)
    mix = ("spend_share_web", "spend_share_phone", "spend_share_store")
    assert found.names == ("mean_ticket", "spend_on_tea", "spend_on_cake", *mix)
    reasons = found.dropped.set_index("feature")["reason"]
    assert reasons["spend"] == "is the sum of spend by product"
    assert reasons["products_bought"] == "counts the products that money is spent on"
    assert reasons["spend_in_web"] == "is told by its share and by money by product"
    kinds = {column.name: (column.kind, column.transform) for column in found.recipe.columns}
    assert kinds["spend_share_web"] == ("channel mix", "square root")
    assert kinds["spend_on_tea"][0] == "products"
    every = prepare(shop(), tail=TAIL)
    assert {"frequency", "products_bought", *mix} <= set(every.names)


def test_said_once_without_products_channels_hold_the_money():
    found = prepare(shop().drop(columns=["spend_on_tea", "spend_on_cake"]), tail=TAIL, once=True)
    assert found.names == (
        "mean_ticket", "products_bought", "spend_in_web", "spend_in_phone", "spend_in_store",
    )  # fmt: skip
    reasons = found.dropped.set_index("feature")["reason"]
    assert reasons["spend_share_web"] == "is made of spend by channel"
    assert reasons["spend"] == "is the sum of spend by channel"


def test_said_once_beside_a_ledger_channels_of_purchases_say_where():
    mix = shop()[["spend_in_web", "spend_share_web", "products_bought"]]
    found = prepare(pd.concat([booked(), mix], axis=1), tail=TAIL, once=True)
    assert "spend_share_web" in found.names
    reasons = found.dropped.set_index("feature")["reason"]
    assert {"spend_in_web", "products_bought"} <= set(reasons.index)
    assert reasons["cost_share_branch"] == "is made of cost by channel"


def test_said_once_spend_of_a_new_customer_is_brought_to_a_year():
    table = shop().assign(tenure=np.where(np.arange(600) < 200, 3.0, 40.0))
    columns = prepare(table, tail=TAIL, once=True).recipe.columns
    per = {column.name: column.per for column in columns}
    assert per["spend_on_tea"] == "of the window"
    assert per["spend_share_web"] == ""


def test_said_once_three_months_of_a_new_customer_are_a_year_like_others():
    table = booked()
    new = table["tenure"].to_numpy() == 3
    card = column(prepare(table, tail=0, once=True), "revenue_from_card")
    assert abs(card[new].mean() - card[~new].mean()) < 0.2 * card.std()
    summed = column(prepare(table, tail=0), "revenue_from_card")
    assert summed[~new].mean() - summed[new].mean() > summed.std()
    # of a window of three months, three months are the whole
    short = column(prepare(table, tail=0, once=True, days=91), "revenue_from_card")
    np.testing.assert_allclose(short, summed * short.std() / summed.std(), atol=1e-2)


def test_said_once_risk_by_product_is_a_share_of_that_products_revenue():
    table = booked().rename(columns={"risk_cost": "risk_from_loan"})
    table["risk_cost"] = table["risk_from_loan"]
    found = prepare(table, tail=0, once=True)
    reasons = found.dropped.set_index("feature")["reason"]
    assert reasons["risk_cost"] == "is the sum of risk by product"
    borrows = table["risk_from_loan"].to_numpy() > 0
    risk = column(found, "risk_from_loan")
    assert (risk[~borrows] == 0).all() and (risk[borrows] != 0).all()
    share = (table["risk_from_loan"] / table["revenue_from_loan"])[borrows]
    assert np.corrcoef(share.rank(), pd.Series(risk[borrows]).rank())[0, 1] > 0.999
    # distances would count one loss twice
    summed = prepare(table, tail=0).dropped.set_index("feature")["reason"]
    assert summed["risk_from_loan"] == "is in risk cost"


def test_said_once_risk_is_a_share_of_revenue_of_who_has_any():
    table = booked()
    found = prepare(table, tail=0, once=True)
    borrows = table["risk_cost"].to_numpy() > 0
    risk = column(found, "risk_cost")
    assert (risk[~borrows] == 0).all() and (risk[borrows] != 0).all()
    share = (table["risk_cost"] / table["revenue"])[borrows]
    assert np.corrcoef(share.rank(), pd.Series(risk[borrows]).rank())[0, 1] > 0.999
    np.testing.assert_array_equal(found.recipe.apply(table.drop(columns="revenue")).shape,
                                  found.matrix.shape)  # fmt: skip
