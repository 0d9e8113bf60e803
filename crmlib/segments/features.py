"""Behaviour made ready for clustering: comparable columns that say different things (S1).

Distances between customers are only as good as the columns they are taken over. Skewed
amounts and counts get a logarithm, shares a square root (Hellinger distance, which bears
zeros), extremes are drawn in, and every column is brought to one spread. Columns that
differ for nobody, or say what another says, are dropped with the reason.

Two weights follow. Columns of one kind share their vote as in multiple factor analysis
(Escofier & Pagès 1994): each kind is divided by its first singular value, so that eight
channels do not outvote one tenure. And a column counts as far as the others tell of it
(squared multiple correlation, Guttman 1953): a segment is a pattern over several features,
and what goes with nothing else can only blur it.

A latent class model multiplies what features say one by one (`crmlib.segments.classes`). For
it, `once` keeps what is booked by product and channel and leaves out the sums, shares and counts
that are made of it: said twice, one product's holders would pass for a segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.segments.months import DAYS_A_MONTH
from crmlib.stats.optimise import NotIdentified

FloatArray = NDArray[np.float64]

KEY = "customer_id"
SKEWED = 1.0  # absolute skewness from which an amount or count gets a logarithm
ALIKE = 0.95  # absolute correlation from which two columns say the same
TOLD = 0.5  # R² from which other columns tell who lacks a figure
RARE = 0.05  # share of customers below which, or above one less it, a gap says too little
LEAST_VOICE = 0.1  # of a column's variance, where no other column tells of it
YEAR = 365  # days of behaviour, where nothing else is said
_SMALL = 1e-9  # spread of a column of units 1 that is rounding

# The kinds of feature, by how their names begin: columns of one kind share their vote.
KINDS: dict[str, tuple[str, ...]] = {
    "purchases": (
        "recency", "frequency", "spend", "mean_ticket", "trend", "regularity", "peak_share",
        "returned_share",
    ),
    "account": ("revenue", "cost_to_serve", "risk_cost", "risk_from_"),
    "channel use": ("cost_in_", "spend_in_"),
    "channel mix": ("cost_share_", "spend_share_"),
    "products": ("products", "products_bought", "revenue_from_", "spend_on_"),
    "tenure": ("tenure",),
}  # fmt: skip
_COMPOSITIONS = ("cost_share_", "spend_share_")
_SIGNED = ("trend",)  # logarithms already
_PLAIN, _LOG, _ROOT, _GAP = "as it is", "logarithm", "square root", "missing or not"
_AS_SUMMED, _WHOLE, _OF_REVENUE = "", "of the window", "of revenue"
_SUMS = (
    "frequency",
    "spend",
    "revenue",
    "cost_to_serve",
    "revenue_from_",
    "cost_in_",
    "risk_from_",
    "spend_on_",
    "spend_in_",
)
_REVENUE_FROM, _RISK_FROM = "revenue_from_", "risk_from_"
_SPEND_ON, _SPEND_IN, _SPEND_SHARE = "spend_on_", "spend_in_", "spend_share_"
_GIVEN_PURCHASES = ("mean_ticket",)  # what sums of purchases by product do not say


@dataclass(frozen=True)
class Column:
    """How one feature becomes one column of the matrix.

    Attributes
    ----------
    name : str
        Of the column; `feature` with " missing" behind it where it marks gaps.
    feature : str
        The feature it is made of.
    kind : str
        With which others it shares a vote, see `KINDS`.
    transform : str
        "as it is", "logarithm", "square root" or "missing or not".
    scale : float
        Of the logarithm: sign(x) · log(1 + |x| / scale); the median of what is not zero.
    lo, hi : float
        Bounds to which transformed figures are drawn in.
    centre, spread : float
        Mean and standard deviation of the drawn-in figures.
    weight : float
        By which the scaled column is multiplied.
    missing : float
        Share of customers without a figure; they get the centre, and so neither draw
        together nor apart.
    per : str
        "" for the figure as it is; "of the window" for a sum brought to the whole window
        where a customer is younger; "of revenue" for a share of it, or of the same product's,
        of who has a share at all.
    months : float
        Length of the window.
    """

    name: str
    feature: str
    kind: str
    transform: str
    scale: float
    lo: float
    hi: float
    centre: float
    spread: float
    weight: float
    missing: float
    per: str = _AS_SUMMED
    months: float = YEAR / DAYS_A_MONTH

    def figures(self, features: pd.DataFrame) -> FloatArray:
        """The feature's figures on the basis that the column takes, shape (n,)."""
        return _figures(features, self.feature, self.per, self.months)

    def of(self, features: pd.DataFrame) -> FloatArray:
        """The column for any customers, shape (n,); a feature they lack counts as missing."""
        if self.feature not in features:
            return np.zeros(len(features))
        figures = self.figures(features)
        drawn = np.clip(_transformed(figures, self.transform, self.scale), self.lo, self.hi)
        scaled = (drawn - self.centre) / self.spread * self.weight
        return np.where(np.isnan(scaled), 0.0, scaled)


@dataclass(frozen=True)
class Recipe:
    """All that turns features into the matrix; the same rows always give the same numbers."""

    columns: tuple[Column, ...]

    def apply(self, features: pd.DataFrame) -> FloatArray:
        """The matrix of other customers, or of another day, shape (n, p)."""
        return np.column_stack([column.of(features) for column in self.columns])

    def table(self) -> pd.DataFrame:
        """One row per column of the matrix: the attributes of `Column`."""
        return pd.DataFrame([vars(column) for column in self.columns])


@dataclass(frozen=True)
class Prepared:
    """Features ready for clustering.

    Attributes
    ----------
    matrix : array of shape (n, p)
        No NaN; row i is the customer of row i of the features.
    names : tuple of str
        Of the p columns.
    dropped : DataFrame
        feature, reason.
    recipe : Recipe
        What was done, and does it again to others.
    once : bool
        Whether nothing is said twice, as latent classes need it.
    """

    matrix: FloatArray
    names: tuple[str, ...]
    dropped: pd.DataFrame
    recipe: Recipe
    once: bool = False

    def matrix_of(self, features: pd.DataFrame) -> FloatArray:
        """The same columns for any customers, shape (n, p)."""
        return self.recipe.apply(features)


def prepare(
    features: pd.DataFrame,
    *,
    tail: float,
    leave_out: Sequence[str] = (),
    once: bool = False,
    days: int = YEAR,
) -> Prepared:
    """Transform, draw in, scale and weigh behaviour features.

    Parameters
    ----------
    features : DataFrame of shape (n, 1 + n_features)
        customer_id, which is ignored, and numbers; NaN where a feature has no meaning.
    tail : float
        Share of customers in each tail that is drawn in to the tail's beginning.
    leave_out : sequence of str
        Features that the params leave out.
    once : bool
        For latent classes: say nothing twice. Sums, shares and counts of what is booked by
        product and channel are left out, sums of who came within the window are brought to
        a whole one, risk is a share of the revenue it is taken for, product by product where
        it is booked so, and gaps get no column of their own. Else risk by product is left
        out: distances would count one loss twice.
    days : int
        Length of the window that sums were taken over.

    Raises
    ------
    NotIdentified
        No feature differs between customers, or one to be left out does not exist.
    """
    _require_known(leave_out, features)
    kept: list[Column] = []
    dropped: list[tuple[str, str]] = []
    columns: list[FloatArray] = []
    offered = [name for name in features.columns if name != KEY]
    said = _said_already(offered) if once else _parts_of_risk(offered)
    said |= {name: "left out by the params" for name in leave_out if name in offered}
    for name in offered:
        if name in said:
            dropped.append((name, said[name]))
            continue
        basis = _basis(name, offered) if once else _AS_SUMMED
        column = _fitted(name, features, tail, basis, days / DAYS_A_MONTH)
        values = None if column is None else column.of(features)
        reason = _why_not(values, columns, [column.name for column in kept])
        if reason:
            dropped.append((name, reason))
            continue
        kept.append(column)
        columns.append(values)
    if not kept:
        raise NotIdentified("no behaviour feature differs between customers")
    if not once:
        kept += _gaps(features, kept, np.column_stack(columns))
    recipe = Recipe(tuple(_weighed(kept, features)))
    names = tuple(column.name for column in recipe.columns)
    left = pd.DataFrame(dropped, columns=["feature", "reason"])
    return Prepared(recipe.apply(features), names, left, recipe, once)


def _require_known(leave_out: Sequence[str], features: pd.DataFrame) -> None:
    """Whoever leaves out a feature means one; a slip of the pen would leave it in."""
    there = [str(name) for name in features.columns if name != KEY]
    for name in leave_out:
        # a feature of another engagement may be left out here as well
        if name not in there and kind_of(name) not in KINDS:
            raise NotIdentified(
                f"no behaviour feature is called `{name}` (segments.leave_out); there are "
                f"{', '.join(there)}"
            )


def active(features: pd.DataFrame) -> NDArray[np.bool_]:
    """Who holds a product; of whom no contract is known, who bought in the window; shape (n,).

    Of the others there is no behaviour to tell: among them columns differ by what has long
    passed, and segments would be found in it. They are a segment of their own.
    """
    none = pd.Series(np.nan, index=features.index)
    bought, products = features.get("frequency", none) > 0, features.get("products", none)
    return products.gt(0).where(products.notna(), bought).to_numpy(dtype=bool)


def kind_of(feature: str) -> str:
    """The kind that a feature's name says; one that says none is a kind of its own.

    >>> kind_of("cost_in_branch"), kind_of("tenure"), kind_of("visits")
    ('channel use', 'tenure', 'visits')
    """
    for kind, names in KINDS.items():
        if feature in names or feature.startswith(tuple(n for n in names if n.endswith("_"))):
            return kind
    return feature


def _said_already(names: Sequence[str]) -> dict[str, str]:
    """Features that are made of others, and of which, in words."""
    said = _told_by_money(names)
    if _any(names, "cost_in_"):
        said |= {"cost_to_serve": "is the sum of cost by channel"}
        said |= {name: "is made of cost by channel" for name in names
                 if name.startswith("cost_share_")}  # fmt: skip
    if _any(names, _RISK_FROM):
        said |= {"risk_cost": "is the sum of risk by product"}
    return {name: reason for name, reason in said.items() if name in names}


def _any(names: Sequence[str], *beginnings: str) -> bool:
    return any(name.startswith(beginnings) for name in names)


def _told_by_money(names: Sequence[str]) -> dict[str, str]:
    """Features that money by product or by channel tells, and how it does."""
    said: dict[str, str] = {}
    if _any(names, _REVENUE_FROM):
        in_product = "is in the revenue of the product"
        said |= {name: in_product for name in KINDS["purchases"] if name not in _GIVEN_PURCHASES}
        said |= {"revenue": "is the sum of revenue by product"}
        said |= dict.fromkeys(("products", "products_bought"),
                              "counts the products that revenue comes from")  # fmt: skip
    elif _any(names, _SPEND_ON, _SPEND_IN):
        part = "product" if _any(names, _SPEND_ON) else "channel"
        said |= {"spend": f"is the sum of spend by {part}"}
        said |= {"frequency": f"is spend by {part} over mean ticket"}
        if part == "product":
            said |= {"products_bought": "counts the products that money is spent on"}
    elif "mean_ticket" in names:
        said |= {"spend": "is frequency times mean ticket"}
    # what is spent stands in the products already: channels then only say where
    if _any(names, _REVENUE_FROM, _SPEND_ON):
        return said | {name: "is told by its share and by money by product" for name in names
                       if name.startswith(_SPEND_IN)}  # fmt: skip
    return said | {name: "is made of spend by channel" for name in names
                   if name.startswith(_SPEND_SHARE)}  # fmt: skip


def _parts_of_risk(names: Sequence[str]) -> dict[str, str]:
    """Risk by product, where its sum is there."""
    parts = [name for name in names if name.startswith(_RISK_FROM)]
    return {name: "is in risk cost" for name in parts if "risk_cost" in names}


def _bears(name: str) -> str:
    """The revenue that a risk is taken for; empty for other features.

    >>> _bears("risk_cost"), _bears("risk_from_loan"), _bears("tenure")
    ('revenue', 'revenue_from_loan', '')
    """
    if name.startswith(_RISK_FROM):
        return _REVENUE_FROM + name.removeprefix(_RISK_FROM)
    return "revenue" if name == "risk_cost" else ""


def _basis(name: str, names: Sequence[str]) -> str:
    """On which basis customers of different age and size compare, see `Column.per`."""
    if _bears(name) in names:
        return _OF_REVENUE
    summed = name in _SUMS or name.startswith(tuple(n for n in _SUMS if n.endswith("_")))
    return _WHOLE if summed and "tenure" in names else _AS_SUMMED


def _figures(features: pd.DataFrame, name: str, per: str, months: float) -> FloatArray:
    """A feature on a basis, shape (n,); NaN where it has no meaning."""
    figures = features[name].to_numpy(dtype=float)
    if per == _WHOLE and "tenure" in features:
        # who came within the last month is taken to have been there for a month
        tenure = features["tenure"].fillna(months).clip(min(1.0, months), months)
        return figures * months / tenure.to_numpy(dtype=float)
    if per == _OF_REVENUE and _bears(name) in features:
        revenue = features[_bears(name)].to_numpy(dtype=float)
        # that somebody borrows is said by the product: nothing at risk is no low share
        both = (figures > 0) & (revenue > 0)
        return np.divide(figures, revenue, out=np.full(len(figures), np.nan), where=both)
    return figures


def _fitted(
    name: str, features: pd.DataFrame, tail: float, per: str, months: float
) -> Column | None:
    """How a feature is transformed, drawn in and scaled, or None where it does not differ."""
    figures = _figures(features, name, per, months)
    known = figures[np.isfinite(figures)]
    if known.size < 2:
        return None
    transform, scale = _choose(name, known, tail)
    transformed = _transformed(known, transform, scale)
    lo, hi = np.quantile(transformed, [tail, 1 - tail])
    drawn = np.clip(transformed, lo, hi)
    spread = float(drawn.std())
    if spread <= _SMALL * max(1.0, abs(hi), abs(lo)):
        return None
    missing = 1 - known.size / figures.size
    return Column(
        name, name, kind_of(name), transform, scale, float(lo), float(hi), float(drawn.mean()),
        spread, 1.0, missing, per, months,
    )  # fmt: skip


def _choose(name: str, known: FloatArray, tail: float) -> tuple[str, float]:
    """Transform and its scale: shares by their name, others by how skewed the data are."""
    if name.startswith(_COMPOSITIONS):
        return _ROOT, 1.0
    sizes = np.abs(known[known != 0])
    if name in _SIGNED or not sizes.size:
        return _PLAIN, 1.0
    scale = float(np.median(sizes))
    drawn = np.clip(known, *np.quantile(known, [tail, 1 - tail]))
    plain, logged = _skewness(drawn), _skewness(_transformed(drawn, _LOG, scale))
    return (_LOG, scale) if plain > SKEWED and logged < plain else (_PLAIN, 1.0)


def _transformed(figures: FloatArray, transform: str, scale: float) -> FloatArray:
    if transform == _LOG:
        return np.sign(figures) * np.log1p(np.abs(figures) / scale)
    if transform == _ROOT:
        return np.sqrt(np.clip(figures, 0, None))
    return np.isnan(figures).astype(float) if transform == _GAP else figures


def _skewness(figures: FloatArray) -> float:
    """Absolute skewness; 0 where nothing differs."""
    centred = figures - figures.mean()
    spread = centred.std()
    return float(abs((centred**3).mean()) / spread**3) if spread > 0 else 0.0


def _why_not(values: FloatArray | None, columns: list[FloatArray], names: list[str]) -> str:
    """Why a column is dropped, in words; empty where it is kept."""
    if values is None:
        return "is the same for all customers, but for a few at the ends"
    for name, other in zip(names, columns, strict=True):
        # both have mean 0, gaps included: the correlation is a cosine
        alike = float(values @ other / np.sqrt((values @ values) * (other @ other)))
        if abs(alike) > ALIKE:
            return f"says what {name} says (correlation {alike:.2f})"
    return ""


def _gaps(features: pd.DataFrame, kept: list[Column], matrix: FloatArray) -> list[Column]:
    """Columns that mark who lacks a figure, where this is not told by other columns."""
    marks: list[Column] = []
    for column in kept:
        if not RARE <= column.missing <= 1 - RARE:
            continue
        gap = np.isnan(features[column.feature].to_numpy(dtype=float)).astype(float)
        if told_by_others(np.column_stack([gap, matrix]))[0] >= TOLD:
            continue
        mark = {"name": f"{column.name} missing", "transform": _GAP, "missing": 0.0}
        mark |= {"lo": 0.0, "hi": 1.0, "centre": float(gap.mean()), "spread": float(gap.std())}
        marks.append(replace(column, **mark))
        matrix = np.column_stack([matrix, gap - gap.mean()])
    return marks


def _weighed(columns: list[Column], features: pd.DataFrame) -> list[Column]:
    """Columns with their weights: their kind's, times what the other columns tell of them."""
    matrix = np.column_stack([column.of(features) for column in columns])
    kinds = np.array([column.kind for column in columns])
    weights = np.sqrt(np.maximum(told_by_others(matrix), LEAST_VOICE))
    for kind in set(kinds):
        block = matrix[:, kinds == kind]
        weights[kinds == kind] /= np.sqrt(np.linalg.eigvalsh(block.T @ block / len(block))[-1])
    return [replace(c, weight=float(w)) for c, w in zip(columns, weights, strict=True)]


def told_by_others(matrix: FloatArray) -> FloatArray:
    """Squared multiple correlation of each column with all others, adjusted; shape (p,).

    From the correlations alone, so that a million rows are read once. Shares of a whole are
    collinear, which least squares bear and an inverse would not.
    """
    n, p = matrix.shape
    correlation = np.corrcoef(matrix, rowvar=False).reshape(p, p)
    told = np.zeros(p)
    for j in range(p):
        others = np.delete(np.arange(p), j)
        with_others = correlation[others, j]
        among = correlation[np.ix_(others, others)]
        told[j] = with_others @ np.linalg.lstsq(among, with_others, rcond=1e-10)[0]
    return np.clip(1 - (1 - told) * (n - 1) / max(n - p, 1), 0, 1)
