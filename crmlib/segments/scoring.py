"""New customers put into the segments of an earlier day, with how sure that is (S8).

All that the segments of a version take to place somebody, as one object that a file can
hold: the recipe of the features, the behaviour segments, what the ladder makes of them.
Who does not hold a product and has not bought is told by a rule; all others go to the
likeliest behaviour segment. Value tiers are cut by lifetime value, of which a new
customer's future is not known: see `crmlib.segments.tier_odds`. The probability of a
segment is summed over all tiers and behaviour segments that lead to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlib.segments.behaviour import INACTIVE, BehaviourSegments
from crmlib.segments.clusters import Segmentation, restored
from crmlib.segments.features import Column, Prepared, Recipe, active
from crmlib.segments.ladder import Ladder
from crmlib.segments.tier_odds import TierOdds, tier_odds

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ENOUGH = 0.5  # of what segments are told by, that has to be known of a customer
HOLDINGS = "whether a product is held is not known without contracts"
TOO_LITTLE = "too little is known of what segments are told by"
NO_MONEY = "the value tier is not known: what the customer has contributed is not given"
SCORES = (
    "customer_id", "value_tier", "behaviour_segment", "segment", "confidence", "features_known",
    "in_version", "note",
)  # fmt: skip
_FORMAT = 1
_CHUNK = 100_000  # customers at a time: 10 MB per 12 segments
_NEGLIGIBLE = 1e-6  # probability of a behaviour segment that changes no confidence shown


@dataclass(frozen=True, eq=False)
class ScoringModel:
    """The segments of a version, ready to take others in.

    Attributes
    ----------
    recipe : Recipe
    segmentation : Segmentation
        Without the customers it was found on.
    names : tuple of str
        Of its behaviour segments, by number.
    segment_of : DataFrame, index behaviour segment, columns value tier (best first)
        Segment of each combination; `INACTIVE` is the last row.
    odds : TierOdds
    enough : float
        Share of what segments are told by that has to be known of a customer; never more
        than was known of each customer of the version.
    holdings : bool
        Whether contracts told who is active.
    """

    recipe: Recipe
    segmentation: Segmentation
    names: tuple[str, ...]
    segment_of: pd.DataFrame
    odds: TierOdds
    enough: float
    holdings: bool

    @property
    def features(self) -> tuple[str, ...]:
        """Features that the recipe uses, each once."""
        return tuple(dict.fromkeys(column.feature for column in self.recipe.columns))

    def known(self, features: pd.DataFrame) -> FloatArray:
        """Share of the columns' weight in distances that is known of each customer, shape (n,)."""
        return _known(self.recipe, features)


@dataclass(frozen=True)
class Scored:
    """Customers with a segment, and those without one.

    Attributes
    ----------
    scores : DataFrame
        The columns `SCORES`; confidence 0–1 is the probability of the segment, or of the
        behaviour segment where there is no value tier; names are categories; in the order of
        the features.
    refused : DataFrame
        customer_id, reason.
    """

    scores: pd.DataFrame
    refused: pd.DataFrame


def scoring_model(
    prepared: Prepared,
    found: BehaviourSegments,
    ladder: Ladder,
    features: pd.DataFrame,
    values: pd.DataFrame,
    *,
    tiers: Sequence[str],
    thresholds: Sequence[float] = (),
) -> ScoringModel:
    """Gather what it takes to score, from the segments as they went live.

    Parameters
    ----------
    prepared, found : Prepared, BehaviourSegments
        Of the customers with behaviour.
    ladder : Ladder
        Of value tiers and these behaviour segments.
    features : DataFrame
        customer_id and the features of the customers with behaviour, as prepared.
    values : DataFrame, index customer_id
        current_value, future_value (may be empty), lifetime_value, value_tier of everybody.
    tiers : sequence of str
        The value tiers, best first.
    thresholds : sequence of float
        Lifetime values at which tiers begin, where tiers were cut by these and not by shares.
    """
    chosen, names = found.choice.chosen, tuple(found.names.names)
    behaviours = [*names, INACTIVE]
    crossed = pd.MultiIndex.from_product([behaviours, tiers], names=ladder.rungs[::-1])
    placed = ladder.place(crossed.to_frame(index=False)[ladder.rungs]).to_numpy(object)
    segment_of = pd.DataFrame(
        placed.reshape(len(behaviours), len(tiers)), index=behaviours, columns=list(tiers)
    )
    of_customers = found.of_customers(features["customer_id"], values.index)
    return ScoringModel(
        recipe=prepared.recipe,
        segmentation=dataclasses.replace(chosen, labels=np.empty(0, np.int64)),
        names=names,
        segment_of=segment_of,
        odds=tier_odds(values, of_customers, tiers, thresholds),
        enough=min(ENOUGH, float(_known(prepared.recipe, features).min())),
        holdings="products" in features,
    )


def score(
    model: ScoringModel,
    features: pd.DataFrame,
    contributed: pd.DataFrame | None,
    tier_in_version: pd.Series | None = None,
) -> Scored:
    """Put customers into the segments of a version.

    Parameters
    ----------
    model : ScoringModel
    features : DataFrame
        customer_id and features made as the version's were; columns that the recipe does not
        use are ignored, features that are not there are not known of anybody.
    contributed : DataFrame or None
        customer_id, realised and current_value; None where the table that carries the margin
        is not given, and then there is a behaviour segment and no value tier.
    tier_in_version : Series, index customer_id, optional
        Value tier of customers whom the version knows: they keep it.
    """
    rows = features.reset_index(drop=True)
    is_active, known = active(rows), model.known(rows)
    reason = np.where(is_active & (known < model.enough), TOO_LITTLE, "")
    if model.holdings and "products" not in rows:
        reason = np.where(is_active, reason, HOLDINGS)
    at_all = np.flatnonzero(reason == "")
    money = _money(rows["customer_id"], contributed)
    tier = _tier_codes(rows["customer_id"], tier_in_version, list(model.segment_of.columns))
    places = [
        _placed(model, rows.iloc[at], is_active[at], money.iloc[at], tier[at])
        for at in _chunks(at_all)
    ]
    behaviour, likeliest, sure = (
        np.concatenate([getattr(part, name) for part in places])
        for name in ("behaviour", "tier", "confidence")
    )
    table = _named(model, behaviour, likeliest).assign(
        customer_id=rows["customer_id"].iloc[at_all].to_numpy(),
        confidence=sure,
        features_known=known[at_all],
        in_version=tier[at_all] >= 0,
    )
    left = np.flatnonzero(reason != "")
    ids = rows["customer_id"].iloc[left].to_numpy()
    refused = pd.DataFrame({"customer_id": ids, "reason": reason[left]})
    return Scored(table[list(SCORES)], refused)


def _known(recipe: Recipe, features: pd.DataFrame) -> FloatArray:
    """A gap that is a column of its own is known once the feature's table is."""
    total, known = 0.0, np.zeros(len(features))
    for column in recipe.columns:
        vote = column.weight**2
        total += vote
        if column.feature in features:
            tells = features[column.feature].notna().to_numpy() | (column.name != column.feature)
            known += vote * tells
    # rounding must not put a customer below a threshold that is its own figure
    return np.round(known / total, 9)


def _money(ids: pd.Series, contributed: pd.DataFrame | None) -> pd.DataFrame:
    """realised and current_value by row, 0 for who has not contributed, NaN if not known."""
    names = ["realised", "current_value"]
    if contributed is None:
        return pd.DataFrame(np.nan, index=ids.index, columns=names)
    table = contributed.set_index("customer_id")[names]
    return table.reindex(ids).fillna(0.0).set_axis(ids.index)


def _tier_codes(ids: pd.Series, tiers: pd.Series | None, labels: list[str]) -> IntArray:
    """Number of each customer's tier in the version, −1 for who is not in it; shape (n,)."""
    if tiers is None:
        return np.full(len(ids), -1)
    codes = pd.Series(pd.Categorical(tiers, categories=labels).codes, index=tiers.index)
    return codes.reindex(ids).fillna(-1).to_numpy(dtype=np.int64)


def _chunks(positions: IntArray) -> list[IntArray]:
    """Parts of the positions, at least one."""
    return np.array_split(positions, max(1, -(-len(positions) // _CHUNK)))


@dataclass(frozen=True)
class _Places:
    """Where some customers belong: numbers of behaviour segment and tier (−1: not known)."""

    behaviour: IntArray
    tier: IntArray
    confidence: FloatArray


def _placed(
    model: ScoringModel,
    rows: pd.DataFrame,
    is_active: NDArray[np.bool_],
    money: pd.DataFrame,
    tier: IntArray,
) -> _Places:
    """Places of customers who can be scored."""
    n, (kinds, tiers) = len(rows), model.segment_of.shape
    likely, behaviour = np.zeros((n, kinds)), np.full(n, kinds - 1)
    likely[~is_active, -1] = 1.0
    if is_active.any():
        matrix = model.recipe.apply(rows[is_active])
        likely[is_active, :-1] = model.segmentation.membership(matrix)
        behaviour[is_active] = model.segmentation.predict(matrix)
    has_tier = (tier >= 0) | money["realised"].notna().to_numpy()
    segments, code = np.unique(model.segment_of.to_numpy(object), return_inverse=True)
    code = code.reshape(kinds, tiers)
    total, odds = np.zeros((n, len(segments))), np.zeros((n, tiers))
    for kind, name in enumerate(model.segment_of.index):
        at = np.flatnonzero(has_tier & (likely[:, kind] > _NEGLIGIBLE))
        given = model.odds.of(str(name), money.iloc[at])
        given = np.where(tier[at, None] >= 0, np.arange(tiers) == tier[at, None], given)
        for t in range(tiers):
            total[at, code[kind, t]] += likely[at, kind] * given[:, t]
        own = behaviour[at] == kind
        odds[at[own]] = given[own]
    best, everyone = odds.argmax(axis=1), np.arange(n)
    sure = np.where(has_tier, total[everyone, code[behaviour, best]], likely[everyone, behaviour])
    return _Places(behaviour, np.where(has_tier, best, -1), np.minimum(sure, 1.0))


def _named(model: ScoringModel, behaviour: IntArray, tier: IntArray) -> pd.DataFrame:
    """Numbers as names; nothing, and a note, where there is no tier."""
    kinds, labels = list(model.segment_of.index), list(model.segment_of.columns)
    segments, code = np.unique(model.segment_of.to_numpy(object), return_inverse=True)
    code = code.reshape(model.segment_of.shape)
    codes = {
        "value_tier": (np.where(tier < 0, len(labels), tier), [*labels, ""]),
        "behaviour_segment": (behaviour, kinds),
        "segment": (np.where(tier < 0, len(segments), code[behaviour, tier]), [*segments, ""]),
        "note": ((tier < 0).astype(np.int64), ["", NO_MONEY]),
    }
    return pd.DataFrame({name: pd.Categorical.from_codes(*pair) for name, pair in codes.items()})


def to_plain(model: ScoringModel) -> dict[str, Any]:
    """The model as numbers, texts and lists, from which `from_plain` makes the same again."""
    return {
        "format": _FORMAT,
        "recipe": [_plain(dataclasses.asdict(column)) for column in model.recipe.columns],
        "method": model.segmentation.method,
        "arrays": _plain(model.segmentation.arrays()),
        "names": list(model.names),
        "segment_of": {
            "tiers": list(model.segment_of.columns),
            "behaviour": list(model.segment_of.index),
            "segments": model.segment_of.to_numpy(object).tolist(),
        },
        "odds": _plain(dataclasses.asdict(model.odds)),
        "enough": model.enough,
        "holdings": model.holdings,
    }


def from_plain(plain: Mapping[str, Any]) -> ScoringModel:
    """The model that `to_plain` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it was not written by `to_plain` of this format.
    """
    if plain["format"] != _FORMAT:
        raise ValueError(f"format {plain['format']}, where {_FORMAT} is read")
    crossed = plain["segment_of"]
    return ScoringModel(
        recipe=Recipe(tuple(Column(**column) for column in plain["recipe"])),
        segmentation=restored(plain["method"], dict(plain["arrays"])),
        names=tuple(plain["names"]),
        segment_of=pd.DataFrame(
            crossed["segments"], index=crossed["behaviour"], columns=crossed["tiers"], dtype=object
        ),
        odds=TierOdds.of_plain(plain["odds"]),
        enough=float(plain["enough"]),
        holdings=bool(plain["holdings"]),
    )


def _plain(value: Any) -> Any:
    """Arrays as lists, numbers of numpy as Python's, throughout; infinity as the text "inf".

    JSON has no infinity; `numpy.asarray(…, dtype=float)` reads the text as the number again.
    """
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value
