"""Bases without change: likelihood, recovery, moments, refits, swapped months, refusals."""

import numpy as np
import pytest
from scipy import optimize, stats

from crmlib.value.stationary import StationaryBase, SwappedParts, fit_stationary

TRUTH = StationaryBase(r=0.8, alpha=0.25, p=3.0, q=5.0, v=120.0, customers=20_000)


def counts_and_values(base: StationaryBase, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Purchases and spend of one period, by the story of the model."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(base.r, 1 / base.alpha, base.customers))
    scale = base.v / rng.gamma(base.q, size=base.customers)
    return counts, np.array(
        [rng.gamma(base.p, s, x).sum() for x, s in zip(counts, scale, strict=True)]
    )


@pytest.fixture(scope="module")
def observed():
    return counts_and_values(TRUTH, seed=1)


@pytest.fixture(scope="module")
def fit(observed):
    return fit_stationary(*observed)


def test_planted_parameters_are_found(fit):
    """20,000 customers: relative standard errors are about 4 % for r and α, 2–4 % for spend."""
    assert fit.grade == "good" and fit.notes == ()
    for name in ("r", "alpha", "p", "q", "v"):
        assert getattr(fit.base, name) == pytest.approx(getattr(TRUTH, name), rel=0.15), name
    assert fit.base.customers == fit.buyers.size


def test_rates_agree_with_an_independent_likelihood(observed, fit):
    """Zero-truncated negative binomial with scipy's nbinom and a simplex search."""
    counts = observed[0][observed[0] > 0]

    def loss(log_params):
        r, alpha = np.exp(log_params)
        model = stats.nbinom(r, alpha / (1 + alpha))
        return -(model.logpmf(counts).sum() - counts.size * np.log(1 - model.pmf(0)))

    found = optimize.minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-8})
    assert [fit.base.r, fit.base.alpha] == pytest.approx(np.exp(found.x), rel=1e-4)
    assert fit.optimum.llf == pytest.approx(-found.fun, abs=1e-5)


def test_customers_without_a_purchase_do_not_count(observed, fit):
    bought = observed[0] > 0
    alone = fit_stationary(*(column[bought] for column in observed))
    assert alone.base == fit.base


def test_draws_are_those_of_the_whole_story():
    """Simulating everybody, those who buy in neither period too, gives the same base."""
    rng = np.random.default_rng(2)
    rate = rng.gamma(0.8, 1 / 0.25, 300_000)
    counts = rng.poisson(rate, (2, rate.size))
    whole = rng.standard_gamma(3.0 * counts) * 120 / rng.gamma(5.0, size=rate.size)
    buyers = int((whole[0] > 0).sum())
    drawn = np.array(StationaryBase(0.8, 0.25, 3.0, 5.0, 120.0, buyers)(rng))
    figures = []
    for first, second in (whole, drawn):
        there, later = first > 0, second > 0
        figures.append(
            [
                (there & ~later).sum() / buyers,
                (~there & later).sum() / buyers,
                first.sum() / buyers,
                second.sum() / buyers,
                second[~there & later].mean(),
                np.median(first[there]),
                np.minimum(first, second).sum() / buyers,
            ]
        )
    assert figures[1] == pytest.approx(figures[0], rel=0.03)  # 4 errors of the rarest


def test_a_base_whose_others_are_without_number_can_be_drawn():
    """Logarithmic series counts: r tends to 0, and those who might have bought to infinity."""
    counts = stats.logser(0.6).rvs(3000, random_state=4)
    fitted = fit_stationary(counts, counts * np.linspace(5, 15, 3000))
    assert fitted.base.r < 0.15
    limit = StationaryBase(1e-6, 2 / 3, 3.0, 5.0, 120.0, 200_000)
    first, second = limit(np.random.default_rng(7))
    bought = first > 0
    # P(no purchase later | x) = (α+1 over α+2)^x; over logser(0.6): ln(1−0.375)/ln(1−0.6)
    gone = np.log(1 - 0.6 * (5 / 3) / (8 / 3)) / np.log(0.4)
    assert (second[bought] == 0).mean() == pytest.approx(gone, abs=0.005)
    assert (~bought).sum() / bought.sum() == pytest.approx(gone, abs=0.005)


def test_money_scales_and_rates_do_not(observed, fit):
    counts, money = observed
    cents = fit_stationary(counts, money * 100)
    assert cents.base.v == pytest.approx(100 * fit.base.v, rel=1e-4)
    for name in ("r", "alpha", "p", "q"):
        assert getattr(cents.base, name) == pytest.approx(getattr(fit.base, name), rel=1e-4)


def test_a_refit_is_the_fit_to_the_resample(observed):
    counts, money = (column[:3000] for column in observed)
    fitted = fit_stationary(counts, money)
    weights = np.random.default_rng(3).multinomial(3000, np.full(3000, 1 / 3000)).astype(float)
    rows = np.repeat(np.arange(3000), weights.astype(int))
    warm, anew = fitted.refit(weights), fit_stationary(counts[rows], money[rows]).base
    for name in ("r", "alpha", "p", "q", "v", "customers"):
        assert getattr(warm, name) == pytest.approx(getattr(anew, name), rel=2e-3), name
    same = fitted.refit(np.ones(3000))
    assert same.r == pytest.approx(fitted.base.r, rel=1e-4)


@pytest.mark.parametrize(
    "counts, value, message",
    [
        ([1, 1, 0], [5.0, 5, 0], "nobody bought twice"),
        ([2.5, 1], [5.0, 5], "frequency must be whole: 2.5 at position 0"),
        ([2, 1], [5.0], "value has shape"),
        ([2, 1], [5.0, np.nan], "value must be finite"),
        ([-2, 1], [5.0, 1], "frequency must not be negative"),
    ],
)
def test_what_cannot_be_fitted_is_named(counts, value, message):
    with pytest.raises(ValueError, match=message):
        fit_stationary(counts, value)


def test_refunded_customers_are_counted_and_left_out_of_spend(observed):
    counts, money = (column[:3000].copy() for column in observed)
    money[np.flatnonzero(counts)[:2]] = [-3.0, 0.0]
    noted = fit_stationary(counts, money)
    assert noted.notes == ("2 customers bought for a sum of 0 or less: not in the spend model",)
    assert noted.grade == "good"


def test_swapped_months_keep_each_customer_and_season():
    rng = np.random.default_rng(5)
    parts = rng.normal(10, 4, (2, 50, 12))
    swapped = SwappedParts(*parts)
    draws = np.array([swapped(rng) for _ in range(2000)])
    assert draws.sum(axis=1) == pytest.approx(np.broadcast_to(parts.sum(axis=(0, 2)), (2000, 50)))
    difference = draws[:, 1] - draws[:, 0]
    spread = np.sqrt(((parts[1] - parts[0]) ** 2).sum(axis=1))
    assert np.abs(difference.mean(axis=0) / spread * np.sqrt(2000)).max() < 4.5
    assert difference.std(axis=0) == pytest.approx(spread, rel=0.1)
    # a pair of equal months cannot move: season alone makes no flow
    season = np.tile(np.arange(12.0), (5, 1))
    first, second = SwappedParts(season, season)(rng)
    assert (first == second).all()


def test_swapped_months_of_a_resample_and_bad_parts():
    parts = np.arange(12.0).reshape(2, 3, 2)
    again = SwappedParts(*parts).refit(np.array([2.0, 0, 1]))
    assert (again.parts_1 == parts[0][[0, 0, 2]]).all()
    with pytest.raises(ValueError, match="one shape"):
        SwappedParts(parts[0], parts[1][:2])
    with pytest.raises(ValueError, match="finite"):
        SwappedParts(parts[0], parts[1] * np.nan)


def test_only_customers_of_both_whole_periods_are_swapped():
    parts = np.arange(12.0).reshape(2, 3, 2)
    base = SwappedParts(*parts, throughout=np.array([True, False, True]))
    first, second = base(np.random.default_rng(6))
    assert first + second == pytest.approx(parts.sum(axis=(0, 2))[[0, 2]])
    assert len(base.refit(np.array([1.0, 3, 2])).parts_1) == 3
    with pytest.raises(ValueError, match="each of 3 customers"):
        SwappedParts(*parts, throughout=np.array([True]))


def test_a_large_base_is_simulated_in_part(fit):
    weights = np.full(20_000, 10.0)
    assert fit.refit(np.ones(20_000)).customers == fit.buyers.size < 50_000
    assert fit.refit(weights).customers == 50_000
    assert fit.refit(weights).r == pytest.approx(fit.base.r, rel=1e-4)
