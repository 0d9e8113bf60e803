"""Which features tell customers apart, as a reviewer sees it."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmlib.exhibits import Scope, trace
from crmlib.exhibits.segments.features import feature_words, features_used
from crmlib.segments.features import Prepared, prepare
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: ledger", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "revenue", 10)  # fmt: skip
N = 400


def prepared(lacking: int = 60, once: bool = False, **more: object) -> Prepared:
    rng = np.random.default_rng(1)
    spend = rng.lognormal(3, 1, N)
    features = pd.DataFrame(
        {
            "customer_id": [f"secret-{i}" for i in range(N)],
            "spend": spend,
            "frequency": spend / 10 + rng.gamma(2, 2, N),
            "recency": np.where(np.arange(N) < lacking, np.nan, rng.integers(0, 300, N)),
            "cost_in_branch": rng.gamma(2, 10, N),
            "tenure": rng.gamma(2, 40, N),
        }
    )
    return prepare(features.assign(**more), tail=0.01, once=once)


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def test_shares_make_up_the_whole_and_the_title_follows():
    exhibit = features_used(prepared(), N, SCOPE)
    used = exhibit.table.dropna(subset=["share"])
    assert used["share"].sum() == pytest.approx(1)
    assert used.groupby("kind")["share"].sum().max() == pytest.approx(used["share_of_kind"][0])
    assert exhibit.title.endswith(f"come from {used['kind'][0]}") and used["kind"][0] == "purchases"
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    assert "No feature was left out" in exhibit.note
    assert "secret" not in exhibit.table.to_string()


def test_for_latent_classes_it_is_what_the_others_tell_of_a_feature():
    made = prepared(once=True)
    exhibit = features_used(made, N, SCOPE)
    shown = exhibit.table.dropna(subset=["share"]).set_index("feature")["share"]
    for at, name in enumerate(made.names):
        others = sm.add_constant(np.delete(made.matrix, at, axis=1))
        told = max(sm.OLS(made.matrix[:, at], others).fit().rsquared_adj, 0.0)
        assert shown[feature_words(name)] == pytest.approx(told, abs=1e-9)
    assert exhibit.title.startswith("Other features tell ") and "distance" not in exhibit.note
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_what_is_left_out_stands_there_with_its_reason():
    exhibit = features_used(prepared(visits=3.0), N, SCOPE)
    row = exhibit.table.set_index("feature").loc["visits"]
    assert "same for all" in row["left_out_because"] and np.isnan(row["share"])
    assert "visits (is the same for all customers" in exhibit.note


@pytest.mark.parametrize(("lacking", "shown"), [(0, 0), (4, None), (60, 60), (N - 3, None)])
def test_a_few_customers_without_a_figure_are_not_counted(lacking, shown):
    table = features_used(prepared(lacking), N, SCOPE).table.set_index("feature")
    found = table.loc["days since last purchase", "customers_without"]
    assert np.isnan(found) if shown is None else found == shown


def test_one_feature_alone_is_the_whole():
    rng = np.random.default_rng(2)
    one = prepare(pd.DataFrame({"customer_id": range(N), "spend": rng.normal(size=N)}), tail=0.01)
    exhibit = features_used(one, N, SCOPE)
    assert exhibit.title == "100% of all distances between customers come from purchases"


def test_a_refusal_says_why():
    exhibit = features_used(Refusal("no behaviour feature differs between customers"), 3, SCOPE)
    assert "cannot be computed" in exhibit.title and "no behaviour" in exhibit.alt


def test_marks_of_gaps_and_client_words():
    assert feature_words("risk_from_personal_loan") == "risk cost of personal loan"
    assert feature_words("spend_on_garden_tools") == "spend on garden tools"
    assert feature_words("spend_in_online") == "spend in online"
    assert feature_words("spend_share_online") == "share of spend in online"
    assert feature_words("products_bought") == "number of products bought"
    assert feature_words("spend_on_others") == "spend on other products"
    assert feature_words("cost_share_others") == "share of cost to serve in other channels"
    assert feature_words("recency missing") == "no figure for days since last purchase"
    assert feature_words("revenue_from_a very long name of a product") == (
        "revenue from a very long name of a p…"
    )
