"""MBG/NBD, Pareto/NBD and BG/BB against published figures (CDNOW sample, donations)."""

import numpy as np
import pytest

from crmlib.value import BetaGeometricBetaBernoulli, ModifiedBetaGeometric, ParetoNBD
from crmlib.value.purchases.pareto_nbd import ParetoLikelihood

HISTORY = ["frequency", "recency", "observed_time"]
WEEKLY = np.log(1.15) / 52  # 15 % a year
PRINTED = np.array([0.553, 10.578, 0.606, 11.669])  # FHL 2005, table 2


@pytest.fixture(scope="module")
def pareto(cdnow):
    return ParetoNBD().fit(*(cdnow[c] for c in HISTORY))


@pytest.fixture(scope="module")
def giving(donations):
    table = donations
    return BetaGeometricBetaBernoulli().fit(
        table["frequency"], table["recency"], table["occasions"], table["weights"]
    )


@pytest.mark.parametrize(
    "name, published",
    [("r", 0.553), ("alpha", 10.578), ("s", 0.606), ("beta", 11.669)],
)
def test_pareto_parameters(pareto, name, published):
    """Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", table 2."""
    assert pareto.params[name] == pytest.approx(published, abs=5.1e-4)


def test_pareto_log_likelihood(pareto):
    """FHL 2005, table 2, and not below that of estimates printed with more digits."""
    assert pareto.llf == pytest.approx(-9595.0, abs=0.05)
    assert pareto.llf == pytest.approx(-9594.976, abs=5e-4)
    printed = np.log([0.55315, 10.57633, 0.60625, 11.67150])
    likelihood = ParetoLikelihood.of(*pareto.groups.columns)
    assert pareto.llf >= likelihood.evaluate(printed, pareto.groups.weights)[0]
    assert np.exp(printed) == pytest.approx(pareto.params.to_numpy(), rel=5e-4)
    assert pareto.verdict.grade == "good"
    assert pareto.verdict.notes == ()


def test_pareto_standard_errors(pareto):
    """Of the same estimates; the fourth, 6.2105 by differences of the likelihood, to 1e-4."""
    assert pareto.bse[:3].to_numpy() == pytest.approx([0.0476, 0.8427, 0.1873], abs=5e-5)
    assert pareto.bse["beta"] == pytest.approx(6.2105, rel=1.2e-4)


def test_pareto_predictions(pareto):
    """BTYD walkthrough (McCarthy & Wadsworth 2014), section 2.3: customer 1516.

    It prints three decimals of its estimates and seven digits of what follows from
    them: 25.45647 lies between ours at the optimum and at estimates of three decimals.
    """
    assert pareto.expected_purchases_new(52) == pytest.approx(1.473434, abs=5e-7)
    history = [26], [216 / 7], [31]
    alive = pareto.probability_alive(*history)[0]
    assert alive == pytest.approx(0.997874, abs=7e-7)
    ahead = pareto.expected_purchases(52, *history)[0]
    model, columns = pareto.model, np.array(history, dtype=float)
    rounded = model.probability_alive(PRINTED, *columns)[0]
    rounded *= model.purchases_if_alive(PRINTED, columns[0], columns[2], 52.0, 0.0)[0]
    assert ahead < 25.45647 < rounded
    assert rounded - ahead < 0.0022


def test_pareto_holdout_total(pareto, cdnow):
    """39 weeks: 1665.7 at the published estimates of three decimals, 1665.5 at the optimum."""
    columns = [cdnow[c].to_numpy(dtype=float) for c in HISTORY]
    assert pareto.expected_purchases(39, *columns).sum() == pytest.approx(1665.7, abs=0.25)
    alive = pareto.model.probability_alive(PRINTED, *columns)
    ahead = pareto.model.purchases_if_alive(PRINTED, columns[0], columns[2], 39.0, 0.0)
    assert alive @ ahead == pytest.approx(1665.7, abs=0.05)


def test_pareto_residual_transactions(pareto, cdnow):
    """Sum of DERT at 15 % a year: 7207.8 with every input rounded as it is printed.

    That is estimates of three decimals and δ = ln 1.15 / 52 = .002688; with all digits
    of δ they give 7208.2, and with all digits of the estimates, too, it is 7205.5.
    """
    columns = [cdnow[c].to_numpy(dtype=float) for c in HISTORY]

    def total(params, rate):
        ahead = pareto.model.purchases_if_alive(params, columns[0], columns[2], np.inf, rate)
        return pareto.model.probability_alive(params, *columns) @ ahead

    assert round(WEEKLY, 6) == 0.002688
    assert total(PRINTED, 0.002688) == pytest.approx(7207.8, abs=0.05)
    assert total(PRINTED, WEEKLY) == pytest.approx(7208.2, abs=0.05)
    ours = pareto.discounted_expected_purchases(np.inf, WEEKLY, *columns).sum()
    assert ours == pytest.approx(7205.548, abs=1e-3)


def test_pareto_tracks_more_of_the_holdout_than_bg_nbd(pareto, cdnow):
    """Actual 1,882; FHL 2005 find Pareto/NBD closer (1653.4 for BG/NBD)."""
    columns = [cdnow[c] for c in HISTORY]
    assert 1653.4 < pareto.expected_purchases(39, *columns).sum() < 1882


def test_modified_parameters(cdnow):
    """MBG/NBD on the CDNOW sample as lifetimes and BTYDplus print it."""
    fitted = ModifiedBetaGeometric().fit(*(cdnow[c] for c in HISTORY))
    assert fitted.params.to_numpy() == pytest.approx([0.525, 6.183, 0.891, 1.614], abs=5.1e-4)
    assert fitted.verdict.grade == "good"


def test_donations_are_the_published_ones(donations):
    assert donations["weights"].sum() == 11_104
    assert len(donations) == 22


def test_donation_parameters(giving):
    """Fader, Hardie & Shang (2010): 1.204, .750, .657, 2.783, LL −33225.6."""
    assert giving.params.to_numpy() == pytest.approx([1.204, 0.750, 0.657, 2.783], abs=5.1e-4)
    assert giving.llf == pytest.approx(-33225.58, abs=5e-3)
    assert giving.verdict.grade == "good"


def test_donation_predictions(giving):
    """BTYD walkthrough, BG/BB: ten years of donors (x, t_x) = (0, 0) and (4, 5) of n = 6."""
    ahead = giving.expected_purchases(10, [0, 4], [0, 5], [6, 6])
    assert ahead == pytest.approx([0.1302169, 3.627858], rel=1e-4)
