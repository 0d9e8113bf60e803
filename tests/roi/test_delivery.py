"""The 48-hour check: sample ratio against exact tests and simulated draws."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.roi.delivery import delivery_check
from crmlib.stats.optimise import NotIdentified


def arms(assigned, planned=(1, 1), sent=(1_000, 0), delivered=(980, 0), names=("mail", "none")):
    return pd.DataFrame(
        {
            "arm": names,
            "planned": planned,
            "assigned": assigned,
            "sent": sent,
            "delivered": delivered,
        }
    )


def checked(table, alpha=0.001, least_delivered=0.95):
    return delivery_check(table, alpha=alpha, least_delivered=least_delivered)


def test_a_split_as_drawn_is_sound():
    found = checked(arms((5_010, 4_990)))
    assert found.sound and found.reason == "delivered as drawn"
    assert found.table["delivered_share"].iloc[0] == pytest.approx(0.98)
    assert np.isnan(found.table["delivered_share"].iloc[1])  # nothing was sent


def test_customers_that_went_missing_are_seen():
    found = checked(arms((5_200, 4_800)))
    # exact binomial, two-sided and symmetric: both tails of 10,000 throws
    assert found.ratio_p == pytest.approx(2 * stats.binom.sf(5_199, 10_000, 0.5), rel=1e-9)
    assert not found.sound and found.reason == "the split 5,200 : 4,800 is not the planned one"
    assert checked(arms((9_000, 1_010), planned=(0.9, 0.1))).sound


def test_false_alarms_are_as_rare_as_stated():
    rng = np.random.default_rng(7)
    drawn = rng.multinomial(900, [0.5, 0.3, 0.2], 2_000)
    tables = [arms(row, (5, 3, 2), (0, 0, 0), (0, 0, 0), ("a", "b", "c")) for row in drawn]
    alarms = np.mean([not checked(table, alpha=0.05).sound for table in tables])
    assert alarms == pytest.approx(0.05, abs=0.015)


def test_what_did_not_arrive_is_named():
    found = checked(arms((500, 500), delivered=(900, 0)))
    assert not found.sound and found.reason == "only 90.0% arrived in mail"


def test_tables_that_cannot_be_checked_are_named():
    with pytest.raises(NotIdentified, match="no split to check yet"):
        checked(arms((0, 0)))
    with pytest.raises(NotIdentified, match="1 arms"):
        checked(arms((10, 10)).head(1))
    with pytest.raises(ValueError, match="lack the columns sent"):
        checked(arms((1, 1)).drop(columns="sent"))
    with pytest.raises(ValueError, match="at most what was sent"):
        checked(arms((1, 1), delivered=(2_000, 0)))
    with pytest.raises(ValueError, match="planned shares"):
        checked(arms((1, 1), planned=(1, 0)))
