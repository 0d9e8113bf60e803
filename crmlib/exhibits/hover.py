"""The values of a chart, readable where the pointer is.

A chart is divided into bands along one axis, one for each month, group or rank, and
each band says in words what is drawn in it. In the SVG a band is a transparent
rectangle with a `<title>`, which every viewer shows by itself; the report's page turns
it into a label of its own look (see `crmlib.book.picture`). No script is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

CLASS = "value"  # of the bands in the SVG
_POINTS_PER_INCH = 72


@dataclass(frozen=True)
class _Bands:
    """What one axes says, from place to place along one of its axes."""

    ax: Axes
    places: tuple[float, ...]
    texts: tuple[str, ...]
    along: Literal["x", "y"]


def say(
    ax: Axes, places: Sequence[Any], texts: Sequence[str], along: Literal["x", "y"] = "x"
) -> None:
    """Let a chart say `texts[i]` around `places[i]`.

    Parameters
    ----------
    places : sequence, shape (n,)
        Positions in data units of the axis (dates, numbers), rising or falling.
    texts : sequence of str, shape (n,)
        One line per figure; empty where nothing is drawn.
    along : {"x", "y"}
        The axis of `places`.
    """
    axis = ax.xaxis if along == "x" else ax.yaxis
    numbers = tuple(float(place) for place in axis.convert_units(list(places)))
    if len(numbers) != len(texts):
        raise ValueError(f"{len(numbers)} places, but {len(texts)} texts")
    figure = ax.get_figure()
    figure.crm_values = (
        *getattr(figure, "crm_values", ()),
        _Bands(ax, numbers, tuple(texts), along),
    )


def into(svg: str, figure: Figure) -> str:
    """The SVG of a figure, as it was just drawn, with its bands on top."""
    bands = "".join(_drawn(one, figure) for one in getattr(figure, "crm_values", ()))
    end = svg.rindex("</svg>")
    return svg[:end] + bands + svg[end:]


def _drawn(bands: _Bands, figure: Figure) -> str:
    """Rectangles in the SVG's points, each reaching halfway to its neighbours."""
    width, height = (float(inches) * _POINTS_PER_INCH for inches in figure.get_size_inches())
    box = bands.ax.get_position()
    left, right = box.x0 * width, box.x1 * width
    top, bottom = (1 - box.y1) * height, (1 - box.y0) * height
    flat = [(p, 0.0) if bands.along == "x" else (0.0, p) for p in bands.places]
    shares = figure.transFigure.inverted().transform(bands.ax.transData.transform(flat))
    centres = shares[:, 0] * width if bands.along == "x" else (1 - shares[:, 1]) * height
    edges = _edges(centres, *((left, right) if bands.along == "x" else (top, bottom)))
    parts = []
    for (start, end), text in zip(edges, bands.texts, strict=True):
        if not text or end - start < 0.01:
            continue
        x, w = (start, end - start) if bands.along == "x" else (left, right - left)
        y, h = (top, bottom - top) if bands.along == "x" else (start, end - start)
        parts.append(
            f'<rect class="{CLASS}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
            f'fill="none" pointer-events="all"><title>{escape(text)}</title></rect>'
        )
    return "".join(parts)


def _edges(centres: np.ndarray, low: float, high: float) -> list[tuple[float, float]]:
    """Where each band begins and ends: halfway between neighbours, within the axes."""
    order = np.argsort(centres, kind="stable")
    middle = (centres[order][1:] + centres[order][:-1]) / 2
    limits = np.clip(np.concatenate([[low], middle, [high]]), low, high)
    edges: list[tuple[float, float]] = [(0.0, 0.0)] * len(centres)
    for rank, place in enumerate(order):
        edges[place] = (float(limits[rank]), float(limits[rank + 1]))
    return edges
