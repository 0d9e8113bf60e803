"""Initiatives, assets, needs and budgets as a programme (R5); every row that cannot be is named.

Chapter 05. The tables are those of an engagement; what they may not hold (a negative cost,
an asset that nobody knows, a wave twice) is refused with the table, row and column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crmlib.errors import suggestion
from crmlib.roi.programme import FloatArray, Programme
from crmlib.stats.optimise import NotIdentified

SEPARATOR = ";"  # between the exclusive groups of one initiative


def programme(
    initiatives: pd.DataFrame,
    assets: pd.DataFrame,
    requires: pd.DataFrame,
    budgets: pd.DataFrame,
    values: ArrayLike | pd.DataFrame,
    *,
    returns: ArrayLike | None = None,
    minimum_share: Mapping[str, float] | None = None,
    interactions: Mapping[tuple[str, str], ArrayLike] | None = None,
    discount: ArrayLike | None = None,
    forced: Collection[str] = (),
) -> Programme:
    """Read the tables of `roadmap`, which says what they hold.

    Raises
    ------
    NotIdentified
        If a table holds what it may not; names table, row and column.
    """
    names = identifiers(initiatives, "initiatives")
    owned = identifiers(assets, "assets")
    caps = _caps(budgets)
    waves, n = len(caps), len(names)
    draws = _values(values, names, waves)
    pairs, pair_values = _pairs(interactions or {}, names, len(draws))
    lead = _whole(assets, "assets", "lead_waves", 0)
    return Programme(
        initiatives=tuple(names),
        assets=tuple(owned),
        levers=tuple(_column(initiatives, "initiatives", "lever").astype(str)),
        groups=_groups(initiatives, names),
        fixed_cost=money(initiatives, "initiatives", "fixed_cost"),
        running_cost=money(initiatives, "initiatives", "running_cost", absent=0.0),
        earliest=_whole(initiatives, "initiatives", "earliest_wave", 1, absent=1) - 1,
        build_cost=money(assets, "assets", "build_cost"),
        run_cost=money(assets, "assets", "run_cost"),
        lead=lead,
        owned=flags(assets, "assets", "owned"),
        unavailable=np.zeros(len(owned), dtype=bool),
        required=required(requires, names, owned),
        caps=caps,
        returns=None if returns is None else _shaped(returns, (n, waves), "returns"),
        shares=_shares(minimum_share or {}, initiatives),
        values=draws,
        pairs=pairs,
        pair_values=pair_values,
        discount=np.ones(waves) if discount is None else _shaped(discount, (waves,), "discount"),
        forced=np.isin(names, [_known(name, names, "forced", "initiative") for name in forced]),
        barred=np.zeros(n, dtype=bool),
    )


def identifiers(table: pd.DataFrame, name: str) -> list[str]:
    """The column `id`, each once."""
    found = _column(table, name, "id")
    if found.isna().any():
        raise NotIdentified(f"{name}: column `id` is empty in row {_row(found.isna())}.")
    ids = found.astype(str)
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise NotIdentified(f"{name}: id `{twice}` stands in more than one row, expected one.")
    return ids.tolist()


def money(table: pd.DataFrame, name: str, column: str, absent: float | None = None) -> FloatArray:
    """A column of costs: finite and not negative; `absent` where there is no such column."""
    if absent is not None and column not in table.columns:
        return np.full(len(table), absent)
    found = pd.to_numeric(_column(table, name, column), errors="coerce")
    if absent is not None:
        found = found.fillna(absent)
    amounts = found.to_numpy(float)
    bad = ~np.isfinite(amounts) | (amounts < 0)
    if bad.any():
        raise NotIdentified(
            f"{name}: column `{column}` of {_who(table, bad)} is "
            f"{table[column].iloc[int(bad.argmax())]}, expected an amount of 0 or more; "
            "a subsidy belongs into the value of the initiative."
        )
    return amounts


def flags(table: pd.DataFrame, name: str, column: str) -> NDArray[np.bool_]:
    """A column of true and false."""
    found = _column(table, name, column)
    as_text = found.astype(str).str.strip().str.lower()
    bad = ~as_text.isin(["true", "false", "1", "0"])
    if bad.any():
        at = int(bad.to_numpy().argmax())
        raise NotIdentified(
            f"{name}: column `{column}` of {_who(table, bad)} is `{found.iloc[at]}`, "
            "expected true or false."
        )
    return as_text.isin(["true", "1"]).to_numpy()


def required(
    requires: pd.DataFrame, initiatives: Sequence[str], assets: Sequence[str]
) -> NDArray[np.bool_]:
    """Which initiative needs which asset, shape (initiatives, assets)."""
    found = np.zeros((len(initiatives), len(assets)), dtype=bool)
    rows = zip(
        _column(requires, "requires", "initiative").astype(str),
        _column(requires, "requires", "asset").astype(str),
        strict=True,
    )
    for initiative, asset in rows:
        if initiative in assets and initiative not in initiatives:
            raise NotIdentified(
                f"requires: `{initiative}` in column `initiative` is an asset; assets cannot "
                "require assets here. Let the initiatives that use it require both."
            )
        one = _known(initiative, initiatives, "requires", "initiative")
        other = _known(asset, assets, "requires", "asset")
        found[initiatives.index(one), assets.index(other)] = True
    return found


def _known(name: str, known: Iterable[str], table: str, kind: str) -> str:
    known = list(known)
    if name not in known:
        hint = suggestion(name, known) or f"There is no {kind} at all."
        raise NotIdentified(f"{table}: `{name}` is not a known {kind}. {hint}")
    return name


def _column(table: pd.DataFrame, name: str, column: str) -> pd.Series:
    if column not in table.columns:
        hint = suggestion(column, map(str, table.columns))
        raise NotIdentified(f"{name}: column `{column}` is missing. {hint}".strip())
    return table[column]


def _row(bad: pd.Series) -> int:
    return int(np.asarray(bad).argmax()) + 1


def _who(table: pd.DataFrame, bad: ArrayLike) -> str:
    """How a row is called in a message: by its id, or by its number."""
    at = int(np.asarray(bad).argmax())
    return f"`{table['id'].iloc[at]}`" if "id" in table.columns else f"row {at + 1}"


def _whole(
    table: pd.DataFrame, name: str, column: str, least: int, absent: int | None = None
) -> NDArray[np.intp]:
    if absent is not None and column not in table.columns:
        return np.full(len(table), absent, dtype=np.intp)
    found = pd.to_numeric(_column(table, name, column), errors="coerce")
    if absent is not None:
        found = found.where(table[column].notna(), absent)
    numbers = found.to_numpy(float)
    bad = ~np.isfinite(numbers) | (numbers < least) | (numbers != np.floor(numbers))
    if bad.any():
        raise NotIdentified(
            f"{name}: column `{column}` of {_who(table, bad)} is "
            f"{table[column].iloc[int(bad.argmax())]}, expected a whole number from {least}."
        )
    return numbers.astype(np.intp)


def _caps(budgets: pd.DataFrame) -> FloatArray:
    waves = pd.to_numeric(_column(budgets, "budgets", "wave"), errors="coerce").to_numpy(float)
    if not waves.size or not np.array_equal(np.sort(waves), np.arange(1, waves.size + 1)):
        shown = ", ".join(str(each) for each in budgets["wave"]) or "nothing"
        raise NotIdentified(
            f"budgets: column `wave` holds {shown}, expected each of 1, 2, 3 … once."
        )
    return money(budgets, "budgets", "cap")[np.argsort(waves)]


def _groups(initiatives: pd.DataFrame, names: list[str]) -> dict[str, NDArray[np.intp]]:
    if "exclusive_group" not in initiatives.columns:
        return {}
    members: dict[str, list[int]] = {}
    for position, cell in enumerate(initiatives["exclusive_group"]):
        for group in [] if pd.isna(cell) else str(cell).split(SEPARATOR):
            if group.strip():
                members.setdefault(group.strip(), []).append(position)
    return {name: np.array(found) for name, found in members.items() if len(found) > 1}


def _shares(minimum_share: Mapping[str, float], initiatives: pd.DataFrame) -> dict[str, float]:
    """Shares of levers that have an initiative; a lever without one is held to nothing."""
    for lever, share in minimum_share.items():
        if not 0 <= share <= 1:
            raise NotIdentified(
                f"the minimum share of lever `{lever}` is {share:g}, expected 0 to 1."
            )
    levers = set(initiatives["lever"].astype(str))
    held = {lever: share for lever, share in minimum_share.items() if lever in levers and share}
    if sum(held.values()) > 1 + 1e-12:
        raise NotIdentified(
            f"the minimum shares of {', '.join(f'`{each}`' for each in held)} add up to "
            f"{sum(held.values()):.0%}, expected at most 100 %; lower one of them."
        )
    return held


def _shaped(given: ArrayLike, shape: tuple[int, ...], name: str) -> FloatArray:
    found = np.asarray(given, dtype=float)
    if found.shape != shape:
        raise ValueError(f"{name} has shape {found.shape}, expected {shape}")
    if not np.isfinite(found).all():
        raise NotIdentified(f"{name} hold figures that are missing or infinite, expected finite.")
    return found


def _values(values: ArrayLike | pd.DataFrame, names: list[str], waves: int) -> FloatArray:
    """Draws of shape (s, n, w); a table of means is one draw."""
    if isinstance(values, pd.DataFrame):
        for name in names:
            _known(name, values.index.astype(str), "values", "initiative")
        for wave in range(1, waves + 1):
            if wave not in values.columns:
                raise NotIdentified(f"values: wave {wave} has no column, but a budget.")
        values = values.set_axis(values.index.astype(str)).loc[names, list(range(1, waves + 1))]
    found = np.asarray(values, dtype=float)
    found = found[None] if found.ndim == 2 else found
    if found.ndim != 3 or found.shape[1:] != (len(names), waves) or not len(found):
        raise ValueError(f"values has shape {found.shape}, expected (s, {len(names)}, {waves})")
    bad = ~np.isfinite(found).all(axis=(0, 2))
    if bad.any():
        raise NotIdentified(
            f"values: initiative `{names[int(bad.argmax())]}` has a value that is missing or "
            "infinite, expected finite draws in every wave."
        )
    return found


def _pairs(
    interactions: Mapping[tuple[str, str], ArrayLike], names: list[str], n_draws: int
) -> tuple[NDArray[np.intp], FloatArray]:
    """Positions of each pair, and what both together add, in each draw."""
    positions: list[tuple[int, int]] = []
    added = np.zeros((n_draws, len(interactions)))
    for at, ((one, other), effect) in enumerate(interactions.items()):
        pair = sorted(names.index(_known(k, names, "interactions", "initiative"))
                      for k in (one, other))  # fmt: skip
        if pair[0] == pair[1] or tuple(pair) in positions:
            raise NotIdentified(
                f"interactions: the pair `{one}`, `{other}` is one initiative twice or stands "
                "there before, expected each pair once."
            )
        if np.ndim(effect) and np.shape(effect) != (n_draws,):
            raise ValueError(f"interaction has shape {np.shape(effect)}, expected ({n_draws},)")
        if not np.isfinite(np.asarray(effect, dtype=float)).all():
            raise NotIdentified(f"interactions: `{one}`, `{other}` is missing or infinite.")
        positions.append((pair[0], pair[1]))
        added[:, at] = effect
    return np.array(positions, dtype=np.intp).reshape(-1, 2), added
