"""Repeat purchases of the whole base over calendar time, as foretold and as they came.

The tracking plot of Fader, Hardie & Lee (2005, figure 4): a model that was fitted
before the seal must follow the purchases after it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crmlib.value.purchases import PurchaseResult


def seal_date(start: dt.date, end: dt.date, holdout_share: float) -> dt.date:
    """Last day that models may see before the sealed holdout.

    Parameters
    ----------
    start, end : date
        First and last day observed.
    holdout_share : float
        Share of the days between them that stays sealed, 0–1.

    >>> seal_date(dt.date(1997, 1, 1), dt.date(1998, 6, 30), 0.5)
    datetime.date(1997, 9, 30)
    """
    seen = round((end - start).days * (1 - holdout_share), 6)  # 10 × (1 − .8) is 1.999…
    return start + dt.timedelta(days=int(seen))


def track_purchases(
    result: PurchaseResult, observed_time: ArrayLike, seal: float, periods: pd.DataFrame
) -> pd.DataFrame:
    """Cumulative repeat purchases by period, actual beside expected.

    Parameters
    ----------
    result : PurchaseResult
        Fitted on the time before the seal.
    observed_time : array of shape (n_customers,)
        From each customer's first purchase to the seal, in the fit's time unit.
    seal : float
        Length of the calibration period, same unit.
    periods : DataFrame
        period_end (last day), time (from the first day observed to that day, same
        unit), repeat_purchases (in the period, of the same customers).

    Returns
    -------
    DataFrame
        period_end, actual, expected (both cumulative), sealed (ends after the seal).
    """
    time = periods["time"].to_numpy(dtype=float)
    births = np.maximum(seal - np.asarray(observed_time, dtype=float), 0.0)
    return pd.DataFrame(
        {
            "period_end": periods["period_end"].to_numpy(),
            "actual": periods["repeat_purchases"].cumsum().to_numpy(dtype=float),
            "expected": result.expected_cumulative(time, births).to_numpy(),
            "sealed": time > seal + 1e-9,
        }
    )
