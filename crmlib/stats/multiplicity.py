"""Many tests at once: how small a p-value must be where many were looked at.

Holm (1979), *A simple sequentially rejective multiple test procedure*, Scand. J. Stat. 6:65.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values corrected for their number (Holm's step-down), in their order.

    What is NaN was no test: it stays NaN and does not count.

    >>> holm([0.01, 0.04, float("nan"), 0.03]).round(2).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    corrected, known = np.full(p.shape, np.nan), ~np.isnan(p)
    if known.any():
        # statsmodels' multipletests collects garbage at each call: seconds in a full process
        tested = p[known]
        order = tested.argsort(kind="stable")
        stepped = tested[order] * np.arange(tested.size, 0, -1)
        within = np.empty(tested.size)
        within[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
        corrected[known] = within
    return corrected
