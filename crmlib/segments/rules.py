"""Rules by which a salesperson places a customer, and how far they can be trusted (S3).

One shallow decision tree for all segments (Breiman et al. 1984, *Classification and
Regression Trees*), so that rules cannot overlap and leave nobody out. Its limits are
rounded for people, and what is stated of it is measured afterwards, on customers it has
not seen: agreement with the segment itself, and with what the same figures could tell at
best. A rule that reads well and places every third customer wrongly is no rule.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.tree import DecisionTreeClassifier

from crmlib.segments.fidelity import Fidelity, measure_fidelity
from crmlib.segments.limits import FloatArray, roundest, written
from crmlib.stats.bootstrap import generator
from crmlib.stats.optimise import NotIdentified

IntArray = NDArray[np.int64]

MOST_LEARNED = 50_000  # customers of whom the tree learns
MOST_HELD_OUT = 20_000  # and on whom it is checked: then half a percent is the widest interval
_FEWEST = 200  # customers of whom rules can be learned and checked
_ROUNDED = 0.01  # share of a node's customers that a rounded limit may move
_SLACK = 1.2  # of the smallest rule, so that rounding does not undo it
_SPLIT = 41  # a stream of random numbers of its own


@dataclass(frozen=True)
class Condition:
    """A figure lies from `at_least` to below `below`; unknown is below every limit."""

    feature: str
    words: str
    at_least: float | None
    below: float | None

    def holds(self, column: ArrayLike) -> NDArray[np.bool_]:
        """For which customers; a figure that is not known lies below every limit."""
        figures = np.asarray(column, dtype=float)
        low = np.where(np.isnan(figures), -np.inf, figures)
        enough = np.ones(low.shape, bool) if self.at_least is None else low >= self.at_least
        return enough if self.below is None else enough & (low < self.below)

    def __str__(self) -> str:
        low = None if self.at_least is None else written(self.at_least)
        high = None if self.below is None else written(self.below)
        if low is None:
            return f"{self.words} < {high}"
        return f"{self.words} ≥ {low}" if high is None else f"{low} ≤ {self.words} < {high}"


@dataclass(frozen=True)
class Rule:
    """Where all conditions hold, the customer is of the segment.

    Attributes
    ----------
    customers : int
        Of all customers given, those for whom it holds.
    held_out, right : int
        Those of them who were held out, and of these who are of the segment.
    """

    segment: str
    conditions: tuple[Condition, ...]
    customers: int
    held_out: int
    right: int

    def holds(self, features: pd.DataFrame) -> NDArray[np.bool_]:
        """For which customers every condition holds."""
        return _all_hold(self.conditions, features)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions)) or "every customer"


@dataclass(frozen=True)
class Rules:
    """All rules, and how often they are right.

    Attributes
    ----------
    rules : tuple of Rule
        By segment in order of size, within a segment the rule of most customers first.
        Exactly one holds for any customer.
    fidelity : Fidelity
        On held-out customers.
    unreached : tuple of str
        Segments into which no rule leads.
    unknown : tuple of str
        Figures that are not known of some customers.
    n : int
    """

    rules: tuple[Rule, ...]
    fidelity: Fidelity
    unreached: tuple[str, ...]
    unknown: tuple[str, ...]
    n: int

    def assign(self, features: pd.DataFrame) -> pd.Series:
        """The segment of each customer by the rules."""
        found = np.empty(len(features), dtype=object)
        for rule in self.rules:
            found[rule.holds(features)] = rule.segment
        return pd.Series(found, index=features.index, name="segment", dtype="str")

    def matching(self, features: pd.DataFrame) -> pd.Series:
        """How many rules hold for each customer: one, if they keep their promise."""
        counts = sum(rule.holds(features).astype(int) for rule in self.rules)
        return pd.Series(counts, index=features.index, name="rules")


def place(rules: Rules, row: Mapping[Hashable, float | None]) -> str:
    """The segment of one customer, by going through the rules as printed.

    Parameters
    ----------
    row : mapping
        Figures by feature; missing or None where not known.

    Raises
    ------
    ValueError
        If no rule holds or several do: the rules are then broken.
    """
    wanted = {condition.feature for rule in rules.rules for condition in rule.conditions}
    table = pd.DataFrame({name: [row.get(name)] for name in sorted(wanted)}, index=[0])
    found = [rule.segment for rule in rules.rules if rule.holds(table)[0]]
    if len(found) != 1:
        raise ValueError(f"{len(found)} rules hold for {dict(row)!r}: exactly one must")
    return found[0]


def readable_rules(
    features: pd.DataFrame,
    segment: pd.Series,
    *,
    most_rules: int,
    min_customers: int,
    held_out: float,
    replications: int,
    level: float,
    seed: int,
    words: Mapping[str, str] | None = None,
) -> Rules:
    """Learn rules on a part of the customers, and check them on the others.

    Parameters
    ----------
    features : DataFrame of shape (n_customers, n_features)
        Figures that a person understands, in their own units; NaN where not known.
    segment : Series of str, shape (n_customers,)
        In the same order.
    most_rules : int
        Rules at most.
    min_customers : int
        Customers for whom a rule holds, at least.
    held_out : float
        Share of customers on whom the rules are checked, of a large base fewer.
    replications, level, seed
        Of the intervals, and of who is held out.
    words : mapping, optional
        How a figure is called where it is printed; else its name without underscores.

    Raises
    ------
    ValueError
        If a feature is not numeric or the rows do not fit.
    NotIdentified
        If there is one segment only, or too few customers to hold some out.
    """
    table, labels = _checked(features, segment)
    rng = generator(seed, _SPLIT)
    order = rng.permutation(len(table))
    out = np.sort(order[: min(round(held_out * len(table)), MOST_HELD_OUT)])
    learn = np.sort(order[out.size :][:MOST_LEARNED])
    named = {name: (words or {}).get(name, name.replace("_", " ")) for name in table}
    names, codes = np.unique(labels, return_inverse=True)
    root = _grow(table.iloc[learn], codes[learn], most_rules, min_customers)
    placed = np.empty(len(table), dtype=np.int64)
    found = []
    for path, code in _leaves(root, (), named):
        holds = _all_hold(path, table)
        placed[holds] = code
        tested = holds[out]
        right = int((codes[out][tested] == code).sum())
        found.append(Rule(str(names[code]), path, int(holds.sum()), int(tested.sum()), right))
    fidelity = measure_fidelity(
        table, codes, placed, names, learn=learn, out=out,
        replications=replications, level=level, seed=seed,
    )  # fmt: skip
    sizes = pd.Series(labels).value_counts()
    found.sort(key=lambda rule: (-sizes[rule.segment], rule.segment, -rule.customers, str(rule)))
    reached = {rule.segment for rule in found}
    return Rules(
        rules=tuple(found),
        fidelity=fidelity,
        unreached=tuple(name for name in sizes.index if name not in reached),
        unknown=tuple(named[name] for name in table if table[name].isna().any()),
        n=len(table),
    )


def _checked(
    features: pd.DataFrame, segment: pd.Series
) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Features as floats, labels as text."""
    if len(features) != len(segment):
        raise ValueError(f"{len(features)} customers with features, {len(segment)} with a segment")
    if segment.isna().any():
        raise ValueError("every customer needs a segment to learn rules from")
    for name in features:
        if not pd.api.types.is_numeric_dtype(features[name]):
            raise ValueError(f"feature {name!r} is not numeric: no limit can be set on it")
    if len(features) < _FEWEST:
        raise NotIdentified(
            f"{len(features)} customers are too few to learn rules from some and check them on "
            f"others ({_FEWEST} at least)"
        )
    if segment.nunique() < 2 or features.shape[1] == 0:
        raise NotIdentified("there is one segment only, or no figure: rules have nothing to tell")
    table = features.astype(float).reset_index(drop=True)
    return table.replace([np.inf, -np.inf], np.nan), segment.astype(str).to_numpy(dtype=object)


@dataclass
class _Node:
    """A split, or a leaf where `feature` is None."""

    segment: int
    feature: str | None = None
    limit: float = np.nan
    below: _Node | None = field(default=None, repr=False)
    above: _Node | None = field(default=None, repr=False)


def _grow(table: pd.DataFrame, codes: IntArray, most_rules: int, min_customers: int) -> _Node:
    """A tree with rounded limits and without splits that decide nothing."""
    columns = table.to_numpy()
    low = np.nanmin(np.where(np.isnan(columns), np.inf, columns), axis=0)
    # not known is below every limit: a step below the lowest figure
    low = np.where(np.isfinite(low), low, 0.0)
    below = low - np.maximum(1.0, np.abs(low))
    filled = np.where(np.isnan(columns), below, columns)
    least = min(int(np.ceil(_SLACK * min_customers)), max(len(table) // 2, 1))
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max(most_rules, 2), min_samples_leaf=least, random_state=0
    ).fit(filled, codes)
    return _rounded(tree.tree_, 0, filled, codes, list(table.columns), min_customers)


def _rounded(
    tree: object,
    at: int,
    columns: FloatArray,
    codes: IntArray,
    names: list[str],
    min_customers: int,
) -> _Node:
    """A node with its limit rounded, and all below it by where its customers then go."""
    node = _Node(int(np.bincount(codes).argmax()))
    if tree.children_left[at] < 0:
        return node
    position = tree.feature[at]
    column = columns[:, position]
    limit = roundest(column, tree.threshold[at], _ROUNDED)
    lower = column < limit
    if min(lower.sum(), (~lower).sum()) < min_customers:
        return node
    below, above = (
        _rounded(tree, child[at], columns[part], codes[part], names, min_customers)
        for child, part in ((tree.children_left, lower), (tree.children_right, ~lower))
    )
    if below.feature is None and above.feature is None and below.segment == above.segment:
        return below
    return _Node(node.segment, names[position], limit, below, above)


def _leaves(
    node: _Node, path: tuple[Condition, ...], words: Mapping[str, str]
) -> list[tuple[tuple[Condition, ...], int]]:
    """Conditions and segment of each leaf, one condition per figure."""
    if node.feature is None:
        return [(path, node.segment)]
    return [
        *_leaves(node.below, _narrowed(path, node, words, below=True), words),
        *_leaves(node.above, _narrowed(path, node, words, below=False), words),
    ]


def _narrowed(
    path: tuple[Condition, ...], node: _Node, words: Mapping[str, str], below: bool
) -> tuple[Condition, ...]:
    """The path with one limit more. Limits of one figure only narrow: none undoes another."""
    known = {condition.feature: condition for condition in path}
    old = known.get(node.feature)
    low, high = (old.at_least, old.below) if old else (None, None)
    low, high = (low, node.limit) if below else (node.limit, high)
    known[node.feature] = Condition(node.feature, words[node.feature], low, high)
    return tuple(known.values())


def _all_hold(conditions: tuple[Condition, ...], features: pd.DataFrame) -> NDArray[np.bool_]:
    """Customers for whom every condition holds."""
    found = np.ones(len(features), dtype=bool)
    for condition in conditions:
        found &= condition.holds(features[condition.feature])
    return found
