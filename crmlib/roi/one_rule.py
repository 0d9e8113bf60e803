"""The best rule on one variable: the baseline that any model of uplift has to beat (R7).

One column, one threshold or one set of categories, so that anybody can apply it. Candidates are
compared by the money that contacting exactly their customers would have brought in the trial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.roi.features import Features

FloatArray = NDArray[np.float64]

_THRESHOLDS = 9  # per column of numbers, at even shares of customers
_FEWEST = 0.05  # share of customers on either side of a rule


@dataclass(frozen=True, eq=False)
class OneRule:
    """Whom to contact by one column.

    Attributes
    ----------
    variable : str
        Empty where no rule brings anything: nobody is contacted then.
    at_least, below : float or None
        Bound of a column of numbers.
    words : tuple of str
        Categories that are contacted.
    inside, outside : float
        Mean worth of contacting a customer on either side, in the trial.
    """

    variable: str
    at_least: float | None = None
    below: float | None = None
    words: tuple[str, ...] = ()
    inside: float = 0.0
    outside: float = 0.0

    @classmethod
    def fit(cls, table: pd.DataFrame, features: Features, worth: FloatArray) -> OneRule:
        """The rule whose customers' worth of contact is largest in sum.

        Parameters
        ----------
        table : DataFrame of shape (n, …)
        features : Features
        worth : array of shape (n,)
            An unbiased score of what contacting each customer brings, net of its cost.
        """
        found = [_best_bound(table, name, worth) for name in features.numbers]
        found += [_best_words(table, features, name, worth) for name in features.words]
        gain, rule = max(found, key=lambda each: each[0])
        return rule if gain > 0 else cls("")

    def chooses(self, table: pd.DataFrame, features: Features) -> NDArray[np.bool_]:
        """Whom the rule contacts; nobody of whom its column is not known."""
        if not self.variable:
            return np.zeros(len(table), dtype=bool)
        if self.words:
            return features.category(table, self.variable).isin(self.words).to_numpy()
        cells = table[self.variable].astype(float).to_numpy()
        return cells >= self.at_least if self.at_least is not None else cells < self.below

    def scores(self, table: pd.DataFrame, features: Features) -> FloatArray:
        """Mean worth of the side that each customer is on."""
        return np.where(self.chooses(table, features), self.inside, self.outside)

    def in_words(self) -> str:
        """The rule as somebody would say it."""
        name = self.variable.replace("_", " ")
        if not name:
            return "nobody"
        if self.words:
            return f"{name} {' or '.join(self.words)}"
        if self.at_least is not None:
            return f"{name} at least {self.at_least:,.6g}"
        return f"{name} below {self.below:,.6g}"


def _best_bound(table: pd.DataFrame, name: str, worth: FloatArray) -> tuple[float, OneRule]:
    cells = table[name].astype(float).to_numpy()
    known = np.isfinite(cells)
    shares = np.linspace(0, 1, _THRESHOLDS + 2)[1:-1]
    bounds = np.unique(np.quantile(cells[known], shares, method="higher"))
    above = known[:, None] & (cells[:, None] >= bounds)
    below = known[:, None] & (cells[:, None] < bounds)
    sides = np.hstack([above, below])
    gains = _gains(sides, worth)
    best = int(gains.argmax())
    if not np.isfinite(gains[best]):
        return -np.inf, OneRule("")
    bound = float(bounds[best % bounds.size])
    at_least, under = (bound, None) if best < bounds.size else (None, bound)
    means = _means(sides[:, best], worth)
    return float(gains[best]), OneRule(name, at_least, under, (), *means)


def _best_words(
    table: pd.DataFrame, features: Features, name: str, worth: FloatArray
) -> tuple[float, OneRule]:
    """Categories in the order of their worth: the best set is one of the first so many."""
    cells = features.category(table, name)
    order = pd.Series(worth, cells.index).groupby(cells).mean().sort_values(ascending=False).index
    sides = np.column_stack(
        [cells.isin(order[: count + 1]).to_numpy() for count in range(len(order))]
    )
    gains = _gains(sides, worth)
    best = int(gains.argmax())
    if not np.isfinite(gains[best]):
        return -np.inf, OneRule("")
    means = _means(sides[:, best], worth)
    return float(gains[best]), OneRule(name, None, None, tuple(order[: best + 1]), *means)


def _gains(sides: NDArray[np.bool_], worth: FloatArray) -> FloatArray:
    """Worth per customer of contacting each side; none where a side is too small to tell."""
    share = sides.mean(axis=0)
    gains = worth @ sides / len(worth)
    return np.where((share >= _FEWEST) & (share <= 1 - _FEWEST), gains, -np.inf)


def _means(inside: NDArray[np.bool_], worth: FloatArray) -> tuple[float, float]:
    return float(worth[inside].mean()), float(worth[~inside].mean())
