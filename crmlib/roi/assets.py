"""What initiatives need and what is there: assets, process steps, and the two speeds (R1, R5).

Successful programmes are bifocal: some initiatives start on what is owned while others wait for
what is built meanwhile. These tables show which is which, and what is missing for what.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlib.roi.roadmap import Roadmap
from crmlib.roi.roadmap_tables import flags, identifiers, required

OWNED, TO_BUILD, NOT_NEEDED = "owned", "to build", ""


def asset_matrix(
    initiatives: pd.DataFrame, assets: pd.DataFrame, requires: pd.DataFrame
) -> pd.DataFrame:
    """Assets by initiatives.

    Parameters
    ----------
    initiatives : DataFrame
        id.
    assets : DataFrame
        id, owned.
    requires : DataFrame
        initiative, asset.

    Returns
    -------
    DataFrame, index asset, a column for each initiative
        "owned" or "to build" where the initiative needs the asset, else empty; and at the end
        `needed_by` (how many initiatives need it). Assets that most need come first.

    Raises
    ------
    NotIdentified
        If an id is unknown or stands twice, naming it.
    """
    names, known = identifiers(initiatives, "initiatives"), identifiers(assets, "assets")
    needed = required(requires, names, known).T
    state = np.where(flags(assets, "assets", "owned"), OWNED, TO_BUILD)
    table = pd.DataFrame(
        np.where(needed, state[:, None], NOT_NEEDED), pd.Index(known, name="asset"), names
    )
    table["needed_by"] = needed.sum(axis=1)
    return table.sort_values("needed_by", ascending=False, kind="stable")


def missing_for(
    initiatives: pd.DataFrame,
    assets: pd.DataFrame,
    requires: pd.DataFrame,
    processes: pd.DataFrame,
) -> pd.DataFrame:
    """What each initiative still lacks before it can start.

    Parameters
    ----------
    initiatives, assets, requires : DataFrame
        As for `asset_matrix`.
    processes : DataFrame
        initiative, step, exists.

    Returns
    -------
    DataFrame, index initiative
        assets, assets_missing, steps, steps_missing (counts), lacks (names of both kinds, parted
        by a comma), ready (nothing is missing).
    """
    matrix = asset_matrix(initiatives, assets, requires).drop(columns="needed_by")
    there = pd.Series(flags(processes, "processes", "exists"), processes.index)
    rows = {}
    for name in matrix.columns:
        wanted = matrix[name]
        build = wanted.index[wanted == TO_BUILD].tolist()
        own = processes["initiative"].astype(str) == name
        absent = processes.loc[own & ~there, "step"].astype(str).tolist()
        rows[name] = {
            "assets": int((wanted != NOT_NEEDED).sum()),
            "assets_missing": len(build),
            "steps": int(own.sum()),
            "steps_missing": len(absent),
            "lacks": ", ".join([*build, *absent]),
            "ready": not (build or absent),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("initiative")


def bifocal(found: Roadmap, horizons: pd.Series | None = None) -> pd.DataFrame:
    """What starts and what is built, wave by wave, as bars of a plan.

    Parameters
    ----------
    found : Roadmap
    horizons : Series of str, index initiative, optional
        early or build, as the client calls it.

    Returns
    -------
    DataFrame
        kind ("starts at once", "starts later" or "build"), name, first and last wave of the bar
        (a build ends in the wave before it can be used; what runs ends with the plan), waits_for
        (assets built for it, parted by a comma), horizon. What starts comes first, by wave.
    """
    last = len(found.spend)
    users = found.builds.assign(user=found.builds["used_by"].str.split(", ")).explode("user")
    waits = users.groupby("user")["asset"].agg(", ".join) if len(users) else pd.Series(dtype=str)
    known = pd.Series(dtype=str) if horizons is None else horizons
    rows = [
        {
            "kind": "starts at once" if row.wave == 1 else "starts later",
            "name": row.initiative,
            "first": int(row.wave),
            "last": last,
            "waits_for": waits.get(row.initiative, ""),
            "horizon": known.get(row.initiative, ""),
        }
        for row in found.starts.dropna(subset="wave")
        .sort_values("wave", kind="stable")
        .itertuples()
    ]
    rows += [
        {
            "kind": "build",
            "name": row.asset,
            "first": int(row.wave),
            "last": min(max(int(row.ready) - 1, int(row.wave)), last),
            "waits_for": "",
            "horizon": "build",
        }
        for row in found.builds.sort_values("wave", kind="stable").itertuples()
    ]
    return pd.DataFrame(rows, columns=["kind", "name", "first", "last", "waits_for", "horizon"])
