"""The purchase model is chosen by time that it has not seen, and the choice finds the truth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from crmlib import value
from crmlib.stats.optimise import NotIdentified
from crmlib.value import choosing

CDNOW = Path(__file__).parents[2] / "data" / "cdnow" / "transactions.csv.gz"
KEYS = {"n": 10**6, "min_cell": 10, "forced": "auto", "seed": 1, "level": 0.9}


def cut_at(days: pd.DataFrame, day: float) -> pd.DataFrame:
    """Frequency, recency and observed time of customers as of a day, from purchase days."""
    seen = days[days["day"] <= day].groupby("customer_id")["day"]
    first, last, count = seen.min(), seen.max(), seen.count()
    table = pd.DataFrame(
        {"frequency": count - 1, "recency": last - first, "observed_time": day - first}
    )
    return table.reset_index()


def base(days: pd.DataFrame, seal: float, end: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was known at the seal with what then came, and what is known at the end."""
    known = cut_at(days, seal)
    counts = days.groupby(["customer_id", pd.cut(days["day"], [2 * seal - end, seal, end])])
    counts = counts.size().unstack().reindex(known["customer_id"]).fillna(0)
    columns = {"previous_purchases": counts.iloc[:, 0], "holdout_purchases": counts.iloc[:, 1]}
    known = known.assign(**{name: column.to_numpy() for name, column in columns.items()})
    return known, cut_at(days, end)


def purchase_days(n: int, leaves_at_any_time: bool, seed: int) -> pd.DataFrame:
    """Purchases of a Pareto/NBD population, or of one that leaves after purchases."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        born = rng.uniform(0, 20)
        rate = rng.gamma(1.2) / 6
        leaves = rng.exponential(30 / rng.gamma(1.5)) if leaves_at_any_time else np.inf
        quits = 0.0 if leaves_at_any_time else rng.beta(0.8, 2.0)
        at = 0.0
        while at <= leaves and born + at <= 104:
            rows.append((customer, born + at))
            if at > 0 and rng.random() < quits:
                break
            at += rng.exponential(1 / rate)
    return pd.DataFrame(rows, columns=["customer_id", "day"])


@pytest.mark.parametrize(("any_time", "right"), [(True, "pareto_nbd"), (False, "bg_nbd")])
def test_the_model_that_made_the_data_is_found(any_time, right):
    known, later = base(purchase_days(4_000, any_time, seed=3), 52.0, 104.0)
    choice = value.choose_purchase_model(known, later, 52.0, **KEYS)
    assert choice.chosen == right
    assert choice.table.loc[right, "behind"] == 0
    assert abs(choice.table.loc[right, "total_error"]) < 0.1
    assert choice.rivals == (right,)
    wrong = "bg_nbd" if any_time else "pareto_nbd"
    forced = value.choose_purchase_model(known, later, 52.0, **KEYS | {"forced": wrong})
    label = choosing.CANDIDATES[right].label
    assert forced.reason.endswith(f"though the sealed time is more likely under {label}.")


def test_the_score_is_the_density_of_the_sealed_time():
    """Against integrals over the latent rate and the time of leaving, for one customer each."""
    days = purchase_days(60, True, seed=1)
    known, later = base(days, 52.0, 104.0)
    fit = value.ParetoNBD().fit(*(known[name] for name in choosing.HISTORY))
    r, alpha, s, beta = fit.params

    def density(x: float, last: float, time: float) -> float:
        """∫∫ λ^x e^(−λ·min(τ, T)) over τ > t_x, λ ~ Gamma(r, α), τ with Pareto survival."""

        def of_leaving(tau: float) -> float:
            stay = min(tau, time)
            rates = np.exp(r * np.log(alpha) - (r + x) * np.log(alpha + stay))
            return rates * s / beta * (1 + tau / beta) ** (-s - 1)

        gamma = np.exp(np.sum(np.log(r + np.arange(x))))  # Γ(r+x)/Γ(r)
        parts = integrate.quad(of_leaving, last, time)[0] + of_leaving(time) * (beta + time) / s
        return gamma * parts

    after = known[["customer_id"]].merge(later, on="customer_id")
    expected = [
        np.log(density(*after.loc[i, list(choosing.HISTORY)]))
        - np.log(density(*known.loc[i, list(choosing.HISTORY)]))
        for i in range(len(known))
    ]
    choice = value.choose_purchase_model(known, later, 52.0, **KEYS)
    assert choice.table.loc["pareto_nbd", "score"] == pytest.approx(np.mean(expected), abs=0.02)


@pytest.fixture(scope="module")
def cdnow() -> tuple[pd.DataFrame, pd.DataFrame, float]:
    rows = pd.read_csv(CDNOW)
    day = pd.to_datetime(rows["date"].astype(str))
    days = pd.DataFrame({"customer_id": rows["customer_id"], "date": day}).drop_duplicates()
    end, seal = pd.Timestamp("1998-06-30"), pd.Timestamp("1997-09-30")
    days["day"] = (days["date"] - pd.Timestamp("1997-01-01")).dt.days / 7
    weeks = [(at - pd.Timestamp("1997-01-01")).days / 7 for at in (seal, end)]
    return (*base(days, *weeks), weeks[1] - weeks[0])


def test_on_cdnow_the_chosen_model_beats_both_naive_forecasts(cdnow):
    """The master file's 23,570 customers, 39 weeks sealed."""
    choice = value.choose_purchase_model(*cdnow, **KEYS)
    card = choice.scorecard.table
    naive = card.drop(index="model")
    assert abs(card.loc["model", "total_error"]) <= 0.15
    assert abs(card.loc["model", "total_error"]) < naive["total_error"].abs().min()
    assert card.loc["model", "mae"] < naive["mae"].min()
    bands = value.by_forecast(choice.scorecard, cdnow[0]["holdout_purchases"], 10)
    assert (np.diff(bands["predicted"]) <= 1e-12).all()
    assert bands["n"].sum() == len(cdnow[0])
    total = (bands["actual"] * bands["n"]).sum()
    assert total == pytest.approx(cdnow[0]["holdout_purchases"].sum())


def test_params_may_force_one(cdnow):
    choice = value.choose_purchase_model(*cdnow, **KEYS | {"forced": "mbg_nbd"})
    assert choice.chosen == "mbg_nbd" and "params" in choice.reason
    fit = value.fit_purchases(
        *(cdnow[1][name] for name in choosing.HISTORY), choice=choice, forced="mbg_nbd"
    )
    assert fit.model.label == "MBG/NBD"


def test_without_a_holdout_the_likelihood_decides(cdnow):
    history = [cdnow[1][name] for name in choosing.HISTORY]
    refusal = value.Refusal("no holdout")
    fit = value.fit_purchases(*history, choice=refusal, forced="auto")
    heights = {m.label: m.fit(*history).llf for m in choosing.CANDIDATES.values()}
    assert fit.model.label == max(heights, key=heights.get)


def test_where_nothing_can_be_fitted_the_reason_is_that_of_the_models():
    known = pd.DataFrame(
        {
            "customer_id": range(40), "frequency": 0, "recency": 0.0, "observed_time": 9.0,
            "holdout_purchases": 1.0, "previous_purchases": 0.0,
        }
    )  # fmt: skip
    few = known.assign(frequency=[1] * 5 + [0] * 35)
    with pytest.raises(NotIdentified, match="fewer than 10 customers bought again"):
        value.choose_purchase_model(few, few, 9.0, **KEYS)
    with pytest.raises(NotIdentified, match="no customer has a repeat purchase"):
        value.choose_purchase_model(known, known, 9.0, **KEYS | {"min_cell": 1})


def test_intervals_of_counts_hold_what_comes():
    known, _ = base(purchase_days(1_500, False, seed=5), 52.0, 104.0)
    fit = value.BetaGeometric().fit(*(known[name] for name in choosing.HISTORY))
    told = value.foretold(fit, known["holdout_purchases"], 52.0, replications=40, seed=1, level=0.9)
    assert known["holdout_purchases"].sum() in told.total
    assert 0.88 < told.inside < 0.99
    doubled = value.foretold(
        fit, 3 * known["holdout_purchases"] + 2, 52.0, replications=40, seed=1, level=0.9
    )
    assert doubled.inside < 0.5


def test_equity_under_rivals_is_that_of_their_own_lifetime_values(cdnow):
    """Of CDNOW's customers; spend of 30 each, so that only purchases differ."""
    known, later, sealed = cdnow
    choice = value.choose_purchase_model(known, later, sealed, **KEYS)
    inputs = later.assign(
        customer_id=range(len(later)), mean_repeat_spend=30.0, realised=0.0, current_value=0.0
    )
    inputs["mean_repeat_spend"] += np.random.default_rng(1).gamma(4.0, 3.0, len(later))
    usable = inputs["frequency"] > 0
    spend = value.GammaGamma().fit(
        inputs.loc[usable, "frequency"], inputs.loc[usable, "mean_repeat_spend"]
    )
    plan = {"horizon": 52.0, "rate": 0.002, "margin_rate": 0.5}
    found = value.rival_equities(choice, inputs, spend, **plan)
    assert set(found) == {"BG/NBD", "MBG/NBD", "Pareto/NBD"} - {choice.fit.model.label}
    fit = value.ModifiedBetaGeometric().fit(*(inputs[name] for name in choosing.HISTORY))
    ahead = fit.discounted_expected_purchases(
        52.0, 0.002, *(inputs[name] for name in choosing.HISTORY)
    )
    amounts = spend.expected_spend(inputs["frequency"], inputs["mean_repeat_spend"])
    assert found["MBG/NBD"] == pytest.approx(0.5 * (ahead * amounts).sum())
