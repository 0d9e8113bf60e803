"""What is known of customers, as learners and rules take it: numbers, words and gaps (R7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

_MOST_WORDS = 12  # categories of a column of words; the rest are one more
OTHER = "other"


@dataclass(frozen=True, eq=False)
class Features:
    """Columns that vary, told apart by kind.

    Attributes
    ----------
    numbers : tuple of str
    words : mapping of str to tuple of str
        Column: its frequent categories.
    centre, scale : Series
        Of the numbers, in the trial.
    """

    numbers: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    centre: pd.Series
    scale: pd.Series

    @classmethod
    def of(cls, table: pd.DataFrame, columns: Sequence[str]) -> Self:
        """From the columns of a trial that vary.

        Raises
        ------
        NotIdentified
            If a column is not there, or none varies.
        """
        for name in columns:
            if name not in table:
                raise NotIdentified(f"the trial has no column `{name}`")
        numbers, words = [], {}
        for name in columns:
            cells = table[name]
            if pd.api.types.is_numeric_dtype(cells):
                finite = cells.astype(float).replace([np.inf, -np.inf], np.nan)
                if finite.nunique() > 1:
                    numbers.append(name)
            elif cells.nunique() > 1:
                counts = cells.astype(str).where(cells.notna()).value_counts()
                words[name] = tuple(counts.index[:_MOST_WORDS])
        if not numbers and not words:
            raise NotIdentified("no column varies: there is nothing to choose customers by")
        known = table[numbers].astype(float)
        return cls(tuple(numbers), words, known.mean(), known.std().replace(0.0, 1.0))

    @property
    def names(self) -> list[str]:
        """All columns."""
        return [*self.numbers, *self.words]

    def category(self, table: pd.DataFrame, name: str) -> pd.Series:
        """A column's words, those that are rare as one, empty where there is none."""
        cells = table[name].astype(object)
        text = cells.astype(str)
        return text.where(text.isin(self.words[name]), OTHER).where(cells.notna())

    def matrix(self, table: pd.DataFrame) -> FloatArray:
        """Numbers in standard deviations, gaps at 0 and marked; words as yes and no."""
        columns = []
        for name in self.numbers:
            cells = table[name].astype(float)
            columns.append(((cells - self.centre[name]) / self.scale[name]).fillna(0.0))
            if cells.isna().any():
                columns.append(cells.isna().astype(float))
            else:
                columns.append(pd.Series(0.0, table.index))
        for name, known in self.words.items():
            cells = self.category(table, name)
            columns += [(cells == word).astype(float) for word in known]
        return np.column_stack([column.to_numpy(float) for column in columns])
