"""Answer sheets of people whose classes are known, and the carcinoma slides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Seven pathologists' ratings of 118 slides (Agresti 2002, *Categorical Data Analysis*, table 13.1)
CARCINOMA = """\
1111111 34  1111211 2  1211111 6  1211112 1  1211211 4  1211212 5  2111111 2  2121212 1
2211111 2   2211112 1  2211211 2  2211212 7  2211222 1  2212112 1  2212212 2  2212222 3
2221212 13  2221222 5  2222212 10 2222222 16
"""


def carcinoma() -> pd.DataFrame:
    """118 sheets of items A to G."""
    read = CARCINOMA.split()
    patterns = [[int(answer) for answer in pattern] for pattern in read[::2]]
    counts = [int(count) for count in read[1::2]]
    return pd.DataFrame(np.repeat(patterns, counts, axis=0), columns=list("ABCDEFG"))


@dataclass(frozen=True)
class Planted:
    """Sheets, the class of each, and the probabilities (K, items, answers) behind them."""

    sheets: pd.DataFrame
    member: np.ndarray
    shares: np.ndarray
    chances: np.ndarray

    def posterior(self) -> np.ndarray:
        """Of who knows the truth and sees the answers, shape (n, K)."""
        answers = self.sheets.to_numpy()
        logs = np.tile(np.log(self.shares), (len(answers), 1))
        for j in range(answers.shape[1]):
            there = ~np.isnan(answers[:, j])
            picked = answers[there, j].astype(int)
            logs[there] += np.log(self.chances[:, j, picked]).T
        odds = np.exp(logs - logs.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)


def planted(
    n: int, seed: int, *, k: int = 3, items: int = 8, levels: int = 3, missing: float = 0.0,
    apart: float = 0.75,
) -> Planted:  # fmt: skip
    """Each class prefers one answer to each item with probability `apart`."""
    rng = np.random.default_rng(seed)
    shares = np.arange(k, 0, -1) + 1.0
    shares /= shares.sum()
    favourite = np.arange(k)[:, None] * (1 + np.arange(items) // levels) + np.arange(items)
    chances = np.full((k, items, levels), (1 - apart) / (levels - 1))
    np.put_along_axis(chances, (favourite % levels)[:, :, None], apart, axis=2)
    member = rng.choice(k, n, p=shares)
    drawn = rng.random((n, items, 1)) > chances[member].cumsum(axis=2)[:, :, :-1]
    answers = drawn.sum(axis=2).astype(float)
    answers[rng.random(answers.shape) < missing] = np.nan
    sheets = pd.DataFrame(answers, columns=[f"item {j}" for j in range(items)])
    return Planted(sheets, member, shares, chances)


def height(sheets: pd.DataFrame, weights: np.ndarray, shares: np.ndarray, chances: list) -> float:
    """Weighted log-likelihood by its definition, sheet by sheet.

    `chances[j][k, m]` is the probability of answer m to item j in class k.
    """
    total = 0.0
    for sheet, weight in zip(sheets.to_numpy(), weights, strict=True):
        likelihood = 0.0
        for k, share in enumerate(shares):
            product = share
            for j, answer in enumerate(sheet):
                if not np.isnan(answer):
                    product *= chances[j][k, int(answer)]
            likelihood += product
        total += weight * np.log(likelihood)
    return total
