"""How the attributes of an offer become numbers that a choice model can weigh (N2).

Numbers stay as they are; words become one column for each level but one, the base. With
*effects* coding the base is −1 in all of them, so that part-worths of an attribute sum to
zero, as conjoint studies print them; with *dummy* coding it is 0 in all of them, as econometrics
does (Louviere, Hensher & Swait 2000, *Stated Choice Methods*, ch. 4). Both say the same of every
offer. An alternative whose attributes are all empty is the *none* option: it has a constant
of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]
Coding = Literal["effects", "dummy"]

NONE = "none"


@dataclass(frozen=True)
class Attribute:
    """One attribute of the offers.

    Attributes
    ----------
    name : str
    levels : tuple
        Of words, the base first; empty where the attribute is a number.
    lowest, highest : float
        Of a number, as it was shown; NaN for words.
    """

    name: str
    levels: tuple[object, ...] = ()
    lowest: float = np.nan
    highest: float = np.nan

    @property
    def shown(self) -> list[object]:
        """Its levels, or the lowest and the highest number."""
        if self.levels:
            return list(self.levels)
        return [self.lowest, self.highest]


@dataclass(frozen=True)
class ChoiceCoding:
    """From a table of offers to a design matrix of p columns.

    Attributes
    ----------
    attributes : tuple of Attribute
    coding : {"effects", "dummy"}
    none : bool
        Whether some alternative is the none option; its constant is the last column.
    """

    attributes: tuple[Attribute, ...]
    coding: Coding
    none: bool

    @property
    def names(self) -> list[str]:
        """Of the p columns: the attribute, "attribute: level", and "none"."""
        named: list[str] = []
        for attribute in self.attributes:
            levels = attribute.levels[1:]
            named += [f"{attribute.name}: {level}" for level in levels] or [attribute.name]
        return named + [NONE] * self.none

    def attribute(self, name: str) -> Attribute:
        """The attribute of this name."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        known = ", ".join(attribute.name for attribute in self.attributes)
        raise ValueError(f"there is no attribute {name!r}; there are {known}")

    def place(self, name: str) -> slice:
        """Which columns belong to an attribute."""
        wanted, first = self.attribute(name), 0
        for attribute in self.attributes:
            width = max(len(attribute.levels) - 1, 1)
            if attribute is wanted:
                break
            first += width
        return slice(first, first + width)

    def matrix(self, offers: pd.DataFrame) -> FloatArray:
        """Design matrix of a table of offers, shape (n, p).

        Raises
        ------
        ValueError
            Naming the column, the row and the value: a column is missing, an offer has some
            attributes empty and others not, a level was never shown, a number is none.
        """
        missing = [a.name for a in self.attributes if a.name not in offers]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r} for the attribute")
        without = none_rows(offers, [attribute.name for attribute in self.attributes])
        if without.any() and not self.none:
            raise ValueError(
                f"row {_first(offers, without)} has no attributes, but no choice that the model "
                "was fitted on had a none option"
            )
        columns = [self._columns(attribute, offers, without) for attribute in self.attributes]
        if self.none:
            columns.append(without[:, None].astype(float))
        return np.hstack(columns)

    def at_levels(self, name: str) -> FloatArray:
        """Rows of the design for each value of `Attribute.shown`, all else 0; (n_levels, p)."""
        attribute, place = self.attribute(name), self.place(name)
        rows = np.zeros((len(attribute.shown), len(self.names)))
        rows[:, place] = self._coded(attribute, np.arange(len(attribute.shown)))
        if not attribute.levels:
            rows[:, place] = np.array([[attribute.lowest], [attribute.highest]])
        return rows

    def level_table(self) -> tuple[pd.MultiIndex, FloatArray]:
        """All part-worths as sums of coefficients, the base levels' too.

        Returns
        -------
        index : MultiIndex of (attribute, level)
            A number has one row, its level is "per unit"; so has the none option, "constant".
        rows : array of shape (n_rows, p)
            Times the coefficients these are the part-worths.
        """
        keys: list[tuple[str, object]] = []
        rows = []
        for attribute in self.attributes:
            at = self.at_levels(attribute.name)
            if attribute.levels:
                keys += [(attribute.name, level) for level in attribute.levels]
            else:
                keys.append((attribute.name, "per unit"))
                at = np.eye(len(self.names))[self.place(attribute.name)]
            rows.append(at)
        if self.none:
            keys.append((NONE, "constant"))
            rows.append(np.eye(len(self.names))[-1:])
        return pd.MultiIndex.from_tuples(keys, names=["attribute", "level"]), np.vstack(rows)

    def _columns(
        self, attribute: Attribute, offers: pd.DataFrame, without: NDArray[np.bool_]
    ) -> FloatArray:
        """Columns of one attribute; 0 for the none option."""
        values = offers[attribute.name]
        if not attribute.levels:
            numbers = _numbers(values, without)
            return np.where(without, 0.0, numbers)[:, None]
        position = pd.Index(attribute.levels).get_indexer(pd.Index(values))
        unknown = (position < 0) & ~without
        if unknown.any():
            known = ", ".join(str(level) for level in attribute.levels)
            raise ValueError(
                f"attribute {attribute.name!r} is {values[unknown].iloc[0]!r} in row "
                f"{_first(offers, unknown)}; the levels that were shown are {known}"
            )
        return np.where(without[:, None], 0.0, self._coded(attribute, position))

    def _coded(self, attribute: Attribute, position: NDArray[np.int64]) -> FloatArray:
        """Rows of the code of a level, shape (n, n_levels − 1)."""
        others = max(len(attribute.levels) - 1, 1)
        base = np.full((1, others), -1.0 if self.coding == "effects" else 0.0)
        return np.vstack([base, np.eye(others)])[np.maximum(position, 0)]


def coding_of(
    offers: pd.DataFrame,
    attributes: Sequence[str],
    *,
    coding: Coding = "effects",
    base: Mapping[str, object] | None = None,
    categorical: Sequence[str] = (),
) -> ChoiceCoding:
    """The coding that a table of offers calls for.

    Parameters
    ----------
    offers : DataFrame
        One row per offer, one column per attribute.
    attributes : sequence of str
    coding : {"effects", "dummy"}
        Of attributes in words.
    base : mapping from attribute to level, optional
        Else the first level in sorted order.
    categorical : sequence of str
        Attributes in numbers whose values count as levels.

    Raises
    ------
    ValueError
        Naming the attribute and what is wrong with it; `NotIdentified` where it is the data.
    """
    if coding not in ("effects", "dummy"):
        raise ValueError(f"coding must be 'effects' or 'dummy', got {coding!r}")
    names = list(attributes)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"attributes must be different columns, at least one: got {names}")
    for name in [*names, *(base or {}), *categorical]:
        if name not in offers or name not in names:
            known = ", ".join(str(each) for each in names if each in offers)
            raise ValueError(f"there is no attribute {name!r}; there are {known}")
    without = none_rows(offers, names)
    found = tuple(
        _attribute(offers[name], without, (base or {}).get(name), name in categorical)
        for name in names
    )
    return ChoiceCoding(found, coding, bool(without.any()))


def none_rows(offers: pd.DataFrame, attributes: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows are the none option: all of their attributes are empty."""
    empty = offers[list(attributes)].isna().to_numpy()
    without = empty.all(axis=1)
    half = empty.any(axis=1) & ~without
    if half.any():
        name = list(attributes)[int(np.argmax(empty[int(np.argmax(half))]))]
        raise NotIdentified(
            f"{int(half.sum())} of {len(half)} rows have some attributes and not others: row "
            f"{_first(offers, half)} has no {name!r} but other attributes; only the none option "
            "has empty attributes, and all of them"
        )
    return without


def _attribute(
    values: pd.Series, without: NDArray[np.bool_], base: object, categorical: bool
) -> Attribute:
    """What is known of one attribute."""
    shown = values[~without]
    if len(shown) == 0:
        raise NotIdentified("every alternative is the none option")
    if pd.api.types.is_numeric_dtype(shown) and not categorical:
        if base is not None:
            raise NotIdentified(f"{values.name!r} is a number: it has no base level")
        numbers = _numbers(values, without)[~without]
        return Attribute(str(values.name), (), float(numbers.min()), float(numbers.max()))
    levels = pd.Index(shown.unique()).sort_values().tolist()
    if base is not None and base not in levels:
        known = ", ".join(str(level) for level in levels)
        raise NotIdentified(f"{values.name!r} has no level {base!r}; its levels are {known}")
    first = levels[0] if base is None else base
    return Attribute(str(values.name), (first, *(level for level in levels if level != first)))


def _numbers(values: pd.Series, without: NDArray[np.bool_]) -> FloatArray:
    """A column as numbers, every one of an offer finite."""
    try:
        numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"attribute {values.name!r} must be a number throughout") from error
    broken = ~np.isfinite(numbers) & ~without
    if broken.any():
        at = int(np.argmax(broken))
        raise ValueError(
            f"attribute {values.name!r} must be a finite number, found {numbers[at]} in row "
            f"{values.index[at]}"
        )
    return numbers


def _first(table: pd.DataFrame, rows: NDArray[np.bool_]) -> object:
    """Label of the first of some rows."""
    return table.index[int(np.argmax(rows))]
