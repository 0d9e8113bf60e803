"""Which purchase model to use: by a sealed holdout and by likelihood, not by habit (V5, V13).

Every candidate is fitted to the time before the seal and asked how likely it finds what
each customer then did: log p(sealed history | history before), the density of the whole
history over that of its beginning. This score is proper (Gneiting & Raftery 2007, JASA
102: the truth has the highest expectation), sees both when customers buy and that they
stop, and is comparable since all candidates are densities of the same purchase times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crmlib.stats.bootstrap import generator
from crmlib.stats.disclosure import is_small
from crmlib.stats.grouping import Groups, group_rows
from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal, attempt
from crmlib.value.holdout import Scorecard, holdout_scorecard
from crmlib.value.lifetime import expected_equity
from crmlib.value.purchases import (
    BetaGeometric,
    ModifiedBetaGeometric,
    ParetoNBD,
    PurchaseModel,
    PurchaseResult,
)
from crmlib.value.spend import GammaGammaResult

FloatArray = NDArray[np.float64]

CANDIDATES: Mapping[str, PurchaseModel] = {
    "bg_nbd": BetaGeometric(),
    "mbg_nbd": ModifiedBetaGeometric(),
    "pareto_nbd": ParetoNBD(),
}
BATCHES = 20  # of customers, for the standard error of a difference of scores
HISTORY = ("frequency", "recency", "observed_time")


@dataclass(frozen=True)
class PurchaseChoice:
    """The candidates' results on the sealed time, and which of them is used.

    Attributes
    ----------
    table : DataFrame, index bg_nbd / mbg_nbd / pareto_nbd
        label, log_likelihood (before the seal), score (mean log-density of the sealed
        time per customer), behind (the best score minus this one) with behind_lo and
        behind_hi, told_apart (their interval excludes 0), total_error, mae, spearman,
        lift, beats_naive (on total error and mean absolute error), verdict, chosen.
        Figures are NaN where a model was refused; then `verdict` is "refused".
    order : tuple of str
        Candidates that can be used, the chosen one first.
    forced : bool
        Whether the choice was made beforehand.
    reason : str
        Why the first is used, as a sentence for the report.
    fits : dict of str to PurchaseResult
    scorecards : dict of str to Scorecard
    """

    table: pd.DataFrame
    order: tuple[str, ...]
    forced: bool
    reason: str
    fits: dict[str, PurchaseResult]
    scorecards: dict[str, Scorecard]

    @property
    def chosen(self) -> str:
        """The candidate that is used."""
        return self.order[0]

    @property
    def rivals(self) -> tuple[str, ...]:
        """Candidates that the score does not tell apart from the best, the best among them."""
        return tuple(self.table.index[self.table["told_apart"].eq(False)])

    @property
    def fit(self) -> PurchaseResult:
        """The chosen candidate fitted before the seal."""
        return self.fits[self.chosen]

    @property
    def scorecard(self) -> Scorecard:
        """The chosen candidate's scorecard."""
        return self.scorecards[self.chosen]


def choose_purchase_model(
    calibration: pd.DataFrame,
    customers: pd.DataFrame,
    sealed_time: float,
    *,
    n: int,
    min_cell: int,
    forced: str,
    seed: int,
    level: float,
) -> PurchaseChoice:
    """Compare the candidates on time that they have not seen, and pick one.

    Candidates that the score does not tell apart from the best (paired interval over
    batches of customers) stay in; among them those that beat both naive forecasts on
    total error and mean absolute error go first; among these the smallest error in total.

    Parameters
    ----------
    calibration : DataFrame
        customer_id, frequency, recency, observed_time as of the seal, and
        holdout_purchases and previous_purchases, as `intake.holdout` gives them.
    customers : DataFrame
        customer_id, frequency, recency, observed_time at the end of observation.
    sealed_time : float
        Length of the sealed time, in the same time unit.
    n, min_cell
        Customers of the base and the smallest group that may be shown.
    forced : str
        A candidate that is used whatever the comparison says, or "auto".
    seed, level
        Of the batches, and the nominal coverage of intervals.

    Raises
    ------
    NotIdentified
        If the test would tell of few customers, or no candidate can be fitted.
    """
    check_sealed(calibration, n, min_cell)
    history = [calibration[name] for name in HISTORY]
    tried = {kind: attempt(model.fit, *history) for kind, model in CANDIDATES.items()}
    fits = {kind: fit for kind, fit in tried.items() if _usable(fit)}
    if not fits:
        raise NotIdentified(_why(tried))
    bought, previous = calibration["holdout_purchases"], calibration["previous_purchases"]
    cards = {
        kind: holdout_scorecard(*history, bought, sealed_time, fit, previous)
        for kind, fit in fits.items()
    }
    after = calibration[["customer_id"]].merge(customers, how="left", on="customer_id")
    whole = [after[name].to_numpy(dtype=float) for name in HISTORY]
    scores = _sealed_scores(fits, history, whole, seed)
    table = _compared(tried, fits, cards, scores, level)
    order, reason = _ranked(table.dropna(subset="score"), forced, tried)
    table["chosen"] = table.index == order[0]
    return PurchaseChoice(table, order, forced != "auto", reason, fits, cards)


def fit_purchases(
    frequency: ArrayLike,
    recency: ArrayLike,
    observed_time: ArrayLike,
    *,
    choice: PurchaseChoice | Refusal,
    forced: str,
) -> PurchaseResult | Refusal:
    """The chosen model on all data; without a holdout the candidate of highest likelihood.

    Where the chosen one cannot be fitted to all data, the next in order is; a model that
    is forced stands alone.
    """
    history = (frequency, recency, observed_time)
    if forced != "auto":
        return attempt(CANDIDATES[forced].fit, *history)
    order = choice.order if isinstance(choice, PurchaseChoice) else tuple(CANDIDATES)
    tried = {kind: attempt(CANDIDATES[kind].fit, *history) for kind in order}
    usable = [fit for fit in tried.values() if _usable(fit)]
    if not usable:
        return tried[order[0]]
    best = max(usable, key=lambda fit: fit.llf)
    return best if isinstance(choice, Refusal) else usable[0]


def rival_equities(
    choice: PurchaseChoice,
    customers: pd.DataFrame,
    spend: GammaGammaResult,
    *,
    horizon: float,
    rate: float,
    margin_rate: float,
) -> dict[str, float]:
    """Customer equity under each model that the sealed time does not tell from the chosen one.

    Parameters
    ----------
    choice : PurchaseChoice
    customers : DataFrame
        As `lifetime_values` takes them, and the other parameters likewise.

    Returns
    -------
    dict of label to money
        Without the chosen model; empty where it stands alone.
    """
    history = [customers[name] for name in HISTORY]
    equities = {}
    for kind in choice.rivals:
        if kind == choice.chosen:
            continue
        fit = attempt(CANDIDATES[kind].fit, *history)
        if _usable(fit):
            equities[fit.model.label] = expected_equity(
                customers, fit, spend, horizon=horizon, rate=rate, margin_rate=margin_rate
            )
    return equities


def chosen_fit(choice: PurchaseChoice) -> PurchaseResult:
    """The chosen candidate fitted before the seal."""
    return choice.fit


def chosen_scorecard(choice: PurchaseChoice) -> Scorecard:
    """The chosen candidate's scorecard."""
    return choice.scorecard


def check_sealed(calibration: pd.DataFrame, n: int, min_cell: int) -> None:
    """Refuse a holdout whose figures would tell of few customers.

    The figures of the customers known at the seal, subtracted from those of the
    base, tell of those who came later; purchases before and after the seal tell
    of those who made them. None of these may be a small group.

    Parameters
    ----------
    calibration : DataFrame
        frequency and holdout_purchases of the customers known at the seal.
    n : int
        Customers of the base.

    Raises
    ------
    NotIdentified
        If one of the groups is small.
    """
    groups = {
        "first bought after the seal": n - len(calibration),
        "bought again before the seal": int((calibration["frequency"] > 0).sum()),
        "bought after the seal": int((calibration["holdout_purchases"] > 0).sum()),
    }
    for what, customers in groups.items():
        if is_small(customers, min_cell):
            raise NotIdentified(
                f"fewer than {min_cell} customers {what}: a test would tell of them"
            )


def _usable(fit: PurchaseResult | Refusal) -> bool:
    return not isinstance(fit, Refusal) and fit.verdict.grade != "refused"


def _why(tried: Mapping[str, PurchaseResult | Refusal]) -> str:
    """The reason of the first candidate: where none can be fitted it is that of all."""
    first = next(iter(tried.values()))
    return first.reason if isinstance(first, Refusal) else "; ".join(first.verdict.reasons)


def _sealed_scores(
    fits: Mapping[str, PurchaseResult],
    history: list[pd.Series],
    whole: list[FloatArray],
    seed: int,
) -> pd.DataFrame:
    """Log-density of the sealed time per customer, of each model in each batch of customers."""
    size = len(history[0])
    batch = generator(seed).permutation(size) % min(BATCHES, size)
    ends = [group_rows(*columns, batch) for columns in (whole, history)]
    scores = {}
    for kind, fit in fits.items():
        late, early = (_by_batch(fit, groups) for groups in ends)
        scores[kind] = (late - early) / np.bincount(batch)
    return pd.DataFrame(scores)


def _by_batch(fit: PurchaseResult, groups: Groups) -> FloatArray:
    """Log-likelihood of these histories under fitted parameters, batch by batch."""
    x, recency, observed, batch = groups.columns
    scale = fit.time_scale
    log_params = np.log(fit.params.to_numpy() / fit.model.unit(scale))
    totals = []
    for number in np.unique(batch):
        rows = batch == number
        likelihood = fit.model.likelihood(x[rows], recency[rows] / scale, observed[rows] / scale)
        value, _ = likelihood.evaluate(log_params, groups.weights[rows])
        # a density of x purchase times: rescaling time multiplies it by scale^−x
        totals.append(value - groups.weights[rows] @ x[rows] * np.log(scale))
    return np.array(totals)


def _compared(
    tried: Mapping[str, PurchaseResult | Refusal],
    fits: Mapping[str, PurchaseResult],
    cards: Mapping[str, Scorecard],
    scores: pd.DataFrame,
    level: float,
) -> pd.DataFrame:
    """One row per candidate."""
    best = scores.mean().idxmax()
    rows = {}
    for kind, fit in tried.items():
        row = {"label": CANDIDATES[kind].label, "verdict": "refused"}
        if kind in fits:
            behind = _paired(scores[best] - scores[kind], level)
            row |= {
                "log_likelihood": fit.llf,
                "score": float(scores[kind].mean()),
                "behind": behind[0],
                "behind_lo": behind[1],
                "behind_hi": behind[2],
                "told_apart": behind[1] > 0,
                **_figures(cards[kind]),
                "verdict": fit.verdict.grade,
            }
        rows[kind] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def _paired(differences: pd.Series, level: float) -> tuple[float, float, float]:
    """Mean difference and its t interval over batches."""
    mean, batches = float(differences.mean()), len(differences)
    if batches < 2:
        return mean, -np.inf, np.inf
    error = float(differences.std(ddof=1)) / np.sqrt(batches)
    reach = float(stats.t.ppf((1 + level) / 2, batches - 1)) * error
    return mean, mean - reach, mean + reach


def _figures(card: Scorecard) -> dict[str, float | bool | None]:
    """What the scorecard says of a model, and whether it beats both naive forecasts."""
    model, naive = card.table.loc["model"], card.table.drop(index="model")
    figures = {name: model[name] for name in ("total_error", "mae", "spearman", "lift")}
    wins = model["mae"] < naive["mae"].min()
    if model["total_error"] is not None:
        wins &= abs(model["total_error"]) < naive["total_error"].astype(float).abs().min()
    return {**figures, "beats_naive": bool(wins)}


def _ranked(
    table: pd.DataFrame, forced: str, tried: Mapping[str, PurchaseResult | Refusal]
) -> tuple[tuple[str, ...], str]:
    """Candidates in order of preference, and why the first is used."""
    if forced != "auto":
        if forced not in table.index:
            raise NotIdentified(f"{CANDIDATES[forced].label}: {_why({forced: tried[forced]})}")
        return (forced,), _as_forced(table, forced)
    keys = pd.DataFrame(
        {
            "apart": table["told_apart"].astype(bool),
            "loses": ~table["beats_naive"].astype(bool),
            "missed": table["total_error"].astype(float).abs().fillna(0.0),
        }
    )
    ranked = table.join(keys).loc[keys.sort_values(list(keys), kind="stable").index]
    rivals = ranked[~ranked["apart"]]
    label = ranked["label"].iloc[0]
    if len(table) == 1:
        reason = f"{label} is used: no other candidate can be fitted to these data."
    elif len(rivals) == 1:
        reason = f"{label} is used: it finds the sealed time more likely than the others do."
    elif rivals["loses"].nunique() > 1 and (~rivals["loses"]).sum() == 1:
        reason = (
            f"The sealed time does not tell {_and(rivals['label'])} apart; {label} is used "
            "because it alone of these beats both naive forecasts."
        )
    else:
        reason = (
            f"The sealed time does not tell {_and(rivals['label'])} apart; {label} is used "
            "because it comes nearest to the total."
        )
    return tuple(ranked.index), reason


def _as_forced(table: pd.DataFrame, forced: str) -> str:
    """That params chose, and where the sealed time speaks against them."""
    said = f"{table.loc[forced, 'label']} is used because the params say so"
    if not table.loc[forced, "told_apart"]:
        return f"{said}."
    best = table["score"].astype(float).idxmax()
    return f"{said}, though the sealed time is more likely under {table.loc[best, 'label']}."


def _and(labels: pd.Series) -> str:
    *first, last = labels
    return f"{', '.join(first)} and {last}"
