"""What has changed beyond chance since segments were formed: drift, births, deaths (S6)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlib.exhibits import formats, theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.scope import Scope
from crmlib.exhibits.segments.features import feature_words
from crmlib.exhibits.value.refused import refused
from crmlib.segments.alarms import BELOW, BLURRED, BORN, DRIFT, DYING, Alarms
from crmlib.segments.births import Births
from crmlib.segments.drift import LARGE, MODERATE, SEGMENTS, PopulationStability
from crmlib.segments.history import TwoDates
from crmlib.segments.retirements import Retirements
from crmlib.stats.disclosure import is_small
from crmlib.stats.refusal import Refusal

_WHAT = "Change since segments were formed"
_MOST = 12  # features drawn, those that have shifted most
_PROFILE = 3  # features in which a born group differs most
_SHARES_OF = "shares of segments"


def drift_alarms(
    found: Alarms | Refusal,
    stability: PopulationStability | Refusal,
    born: Births | Refusal,
    retired: Retirements | Refusal,
    live: TwoDates | Refusal,
    n: int,
    scope: Scope,
) -> Exhibit:
    """Population stability of features beside chance, and what became of segments.

    Parameters
    ----------
    live : TwoDates
        In the live segments, of which one may hold a born group.
    """
    for result in (found, stability, born, retired, live):
        if isinstance(result, Refusal):
            return refused("drift_alarms", _WHAT, result, n, scope)
    table = pd.concat(
        [_shift_rows(found, stability), _segment_rows(found, retired, scope),
         _birth_rows(found, born, live, scope)], ignore_index=True,
    )  # fmt: skip
    drawn = table[table["kind"] == "feature"].head(_MOST).iloc[::-1].reset_index(drop=True)
    figure, ax = theme.axes(height=1.2 + 0.27 * len(drawn))
    _draw_shifts(ax, drawn)
    level = formats.level(stability.level)
    alarms = int((table["verdict"] == DRIFT).sum())
    return scope.exhibit(
        id="drift_alarms",
        title=_title(table),
        table=table.assign(
            family_wise_rate=found.rate,
            chance_level=stability.level,
            moderate_from=MODERATE,
            large_from=LARGE,
            **({} if born.since is None else {"births_since": born.since.isoformat()}),
        ),
        figure=figure,
        n=int(retired.table["after"].sum()),
        population="customers on the later date",
        unit="population stability index",
        alt=f"Bars of the population stability index of the {len(drawn)} features that shifted "
        f"most, each with a line for what chance shows; {_alarmed(alarms)}.",
        note=_note(table, found, level, scope, born.since),
    )


def _shift_rows(found: Alarms, stability: PopulationStability) -> pd.DataFrame:
    """Features and the shares of segments, those that shifted most first."""
    said = found.table[found.table["kind"] == "shares"].set_index("what")
    rows = stability.table.join(said[["p_adjusted", "says"]]).reset_index()
    rows["feature"] = rows["feature"].replace(SEGMENTS, _SHARES_OF)
    rows = rows.sort_values("psi", ascending=False, kind="stable")
    columns = {"feature": "what", "says": "verdict"}
    kept = ["feature", "psi", "by_chance_hi", "chi_square", "reading", "p_adjusted", "says"]
    return (
        rows[kept]
        .rename(columns=columns)
        .assign(kind="feature")[["kind", "what", "verdict", *kept[1:-1]]]
    )


def _segment_rows(found: Alarms, retired: Retirements, scope: Scope) -> pd.DataFrame:
    """Each segment's shares on both dates and what is said of it."""
    counts = retired.table[["before", "after"]]
    few = is_small(counts, scope.min_cell)
    shown = retired.table[["share_before", "share_after"]].astype(float)
    if few.any():  # beside the others' shares one that is withheld would be told
        shown[:] = np.nan
    size = found.table[found.table["kind"] == "size"].set_index("what")["p_adjusted"]
    rows = shown.assign(
        p_adjusted=size, verdict=found.verdicts, renewal=retired.table["renewal"].astype(float)
    )
    flows = is_small(retired.table[["came", "left"]], scope.min_cell).any(axis=1)
    rows["renewal"] = rows["renewal"].mask(flows)
    return rows.rename_axis("what").reset_index().assign(kind="segment")


def _birth_rows(found: Alarms, born: Births, live: TwoDates, scope: Scope) -> pd.DataFrame:
    """Born groups: how many customers, in or near which segment, what sets them apart."""
    rows = []
    for at, name in enumerate(found.born):
        group = born.groups.loc[name]
        few = is_small([group["before"]], scope.min_cell)[0]
        apart = born.profile.loc[name].abs().sort_values(ascending=False, kind="stable")
        words = [
            f"{'high' if born.profile.loc[name, feature] > 0 else 'low'} {feature_words(feature)}"
            for feature in apart.index[:_PROFILE]
        ]
        rows.append({
            "kind": "born group", "what": f"group {at + 1}", "verdict": BORN,
            "customers_before": np.nan if few else group["before"],
            "customers": group["after"], "unexplained": group["excess"],
            "nearest": group["nearest"], "profile": ", ".join(words),
            "live_segment": born.held_by(name, live.after.named),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _draw_shifts(ax: Axes, drawn: pd.DataFrame) -> None:
    """Bars of the index, a line at what chance shows, alarms in the colour of contrast."""
    places = np.arange(len(drawn))
    alarmed = drawn["verdict"] == DRIFT
    for mask, color, label in (
        (alarmed, theme.CONTRAST, "beyond chance"), (~alarmed, theme.PRIMARY, "within chance"),
    ):  # fmt: skip
        if mask.any():
            ax.barh(places[mask], drawn.loc[mask, "psi"], color=color, height=0.62, label=label)
    for place, chance in zip(places, drawn["by_chance_hi"], strict=True):
        ax.plot([chance, chance], [place - 0.42, place + 0.42], color=theme.INK, linewidth=2)
    for place, value in zip(places, drawn[["psi", "by_chance_hi"]].max(axis=1), strict=True):
        theme.label(ax, value, place, f"{drawn['psi'][place]:.3f}")
    ax.set_yticks(places, [formats.shortened(feature_words(name), 34) for name in drawn["what"]])
    ax.set_xlim(0, max(float(drawn[["psi", "by_chance_hi"]].max().max()) * 1.15, 1e-6))
    theme.legend_above(ax)
    theme.tidy(ax, x="population stability index; line: the most that chance shows", y="", grid="x")
    series = {"index": drawn["psi"], "by chance": drawn["by_chance_hi"]}
    theme.says_values(ax, places, drawn["what"], series, lambda v: f"{v:.3f}", along="y")


def _title(table: pd.DataFrame) -> str:
    """Births and deaths before drift; nothing where nothing is beyond chance."""
    counts = table["verdict"].value_counts()
    born, dying = int(counts.get(BORN, 0)), int(counts.get(DYING, 0))
    if born and dying:
        return f"{_segments(born)} born and {_segments(dying, short=True)} dying"
    if born:
        return f"{_segments(born)} born that earlier segments do not explain"
    if dying:
        return f"{_segments(dying)} dying: who leaves is not replaced"
    if counts.get(BLURRED, 0):
        return f"{_segments(int(counts[BLURRED]))} no longer told from another"
    if counts.get(DRIFT, 0):
        return "Customers have drifted, but segments still hold them"
    return "Nothing has changed beyond chance since segments were formed"


_FEW = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def _segments(count: int, short: bool = False) -> str:
    """How many segments are, or groups, as the subject of a title."""
    number = _FEW[count] if count < len(_FEW) else "Several"
    verb = "is" if count == 1 else "are"
    if short:
        return f"{number.lower()} {verb}"
    return f"{number} {'segment' if count == 1 else 'segments'} {verb}"


def _alarmed(count: int) -> str:
    return "those beyond chance are coloured" if count else "none is beyond chance"


def _formed(since: dt.date | None) -> str:
    """Segments of the date from which on births are judged, in words."""
    return "segments of the earlier date" if since is None else f"segments formed on {since}"


def _note(
    table: pd.DataFrame, found: Alarms, level: str, scope: Scope, since: dt.date | None
) -> str:
    """What was tested, how the reading goes, and what born and dying mean."""
    remarks = [
        f"All tests together raise a false alarm in {formats.percent(found.rate)} of bases in "
        "which nothing has changed (largest statistic, dates swapped at random within customers). "
        f"Line: {level} of swaps stay below it. Customary reading: stable below "
        f"{MODERATE:.2f}, large shift from {LARGE:.2f}; beyond chance need not mean large."
    ]
    if (table["verdict"] == BORN).any():
        rows = table[table["verdict"] == BORN]
        sizes = " and ".join(formats.count(size) for size in rows["customers"])
        remarks.append(
            f"Born: a dense group ({sizes} customers), most of them beyond what the "
            f"{_formed(since)} would hold had all their parts grown alike."
        )
    elif since is not None:
        remarks.append(f"Births are looked for since {since}, all else over the last year.")
    if (table["verdict"] == DYING).any():
        remarks.append(
            "Dying: fewer customers, a falling share, and most who leave are not replaced."
        )
    if (table["verdict"] == BELOW).any():
        remarks.append("Below minimum size is a fact about the later date and no alarm.")
    if table.loc[table["kind"] == "segment", "share_after"].isna().any():
        remarks.append(f"Shares of segments are withheld: they would tell of {scope.few}.")
    return " ".join(remarks)


def drift_findings(
    found: Alarms | Refusal,
    born: Births | Refusal,
    retired: Retirements | Refusal,
    dates: TwoDates | Refusal,
    live: TwoDates | Refusal,
    brought: float,
    scope: Scope,
) -> list[Finding]:
    """Segments that were born and that die; both are counts of the observed base.

    Parameters
    ----------
    dates : TwoDates
        In the segments that were compared, with what customers bring, for weights.
    live : TwoDates
        In the live segments: one that holds a born group is named.
    brought : float
        What customers brought in the observed time.
    """
    for result in (found, born, retired, dates, live):
        if isinstance(result, Refusal):
            return []

    def weight(customers: pd.Index) -> float:
        worth = float(dates.value_after.reindex(customers).sum())
        return max(worth, 0.0) / brought if brought > 0 else 0.0

    findings = []
    for at, name in enumerate(found.born):
        group = born.groups.loc[name]
        customers = float(group["after"])
        holding = born.held_by(name, live.after.named)
        own = "it wants a segment of its own"
        today = own if holding is None else f"today it is the segment {holding}"
        findings.append(Finding(
            id=f"segment_born_{at + 1}",
            kind="census",
            sentence=f"{formats.count(customers)} customers form a group that the "
            f"{_formed(born.since)} do not explain: {today}.",
            value=customers,
            unit="customers",
            exhibit="drift_alarms",
            size=weight(pd.Index(born.members(name))),
        ))  # fmt: skip
    few = is_small(retired.table[["before", "after"]], scope.min_cell).any()
    named = dates.after.named
    for at, segment in enumerate(found.verdicts.index[found.verdicts == DYING]):
        row = retired.table.loc[segment]
        if few:
            continue
        findings.append(Finding(
            id=f"segment_dying_{at + 1}",
            kind="census",
            sentence=f"The segment {segment} fell from {formats.percent_1(row['share_before'])} to "
            f"{formats.percent_1(row['share_after'])} of customers, and who leaves it is not "
            "replaced.",
            value=float(row["share_after"]),
            unit="share of customers",
            exhibit="drift_alarms",
            size=weight(named.index[named == segment]),
        ))  # fmt: skip
    return findings
