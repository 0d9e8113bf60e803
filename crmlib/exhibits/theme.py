"""How every picture looks: sizes, axes, labels, and one way to write it to a file."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image

from crmlib.exhibits import hover
from crmlib.exhibits.palette import PAGE_GROUND, PALETTE

INK, MUTED, GRID, PRIMARY, CONTRAST, REFERENCE = (
    PALETTE[name][0] for name in ("ink", "muted", "grid", "primary", "contrast", "reference")
)

_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # in a client's word
WIDTH, HEIGHT = 7.2, 3.9  # inches
SCREEN_DPI = 100
_RC = {
    "figure.dpi": SCREEN_DPI,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # white also where the notebook is dark; the report's page swaps it for its own ground
    "figure.facecolor": PAGE_GROUND[0],
    "axes.facecolor": "none",
    "savefig.facecolor": PAGE_GROUND[0],
    # words stay words: the page sets them in its own font, and they can be found and copied
    "svg.fonttype": "none",
    "svg.hashsalt": "crmlib",
    # a `$` in a label is money; two of them would be read as a formula, and could fail
    "text.parse_math": False,
    "lines.linewidth": 2.0,
}


def axes(columns: int = 1, height: float = HEIGHT, **kwargs: Any) -> tuple[Figure, Any]:
    """A figure of the report's width with `columns` axes beside each other.

    The figure belongs to no window system, so nothing is shown or leaked by
    drawing it.
    """
    import seaborn as sns  # slow to import, and not every chapter draws

    sns.set_theme(style="whitegrid", rc=_RC)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(1, columns, **kwargs)


def tidy(ax: Axes, *, x: str, y: str, grid: str = "y") -> None:
    """Axis titles with units, a grid in one direction only."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(False)
    ax.grid(True, axis=grid)
    ax.spines["left"].set_visible(grid != "y")
    ax.spines["bottom"].set_visible(grid != "x")
    ax.tick_params(length=0)


def thousands(ax: Axes, axis: str = "y") -> None:
    """Write the ticks of an axis with thousands separated."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))


def percent(ax: Axes, axis: str = "y") -> None:
    """Write the ticks of an axis, shares from 0 to 1, as percentages."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.0f}%"))


def label(ax: Axes, x: float, y: float, text: str, color: str = INK, **kwargs: Any) -> None:
    """Write a direct label beside a line or point."""
    kwargs = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"} | kwargs
    ax.annotate(text, (x, y), color=color, fontsize=9, **kwargs)


def few_dates(ax: Axes) -> None:
    """A handful of dates below the axis, each as short as it can be said."""
    locator = AutoDateLocator(minticks=3, maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def paired_bars(
    ax: Axes,
    names: Sequence[str],
    series: Mapping[str, tuple[Sequence[float], str]],
    written: Callable[[float], str],
) -> None:
    """Bars beside each other for each name; `series` maps a label to (heights, colour).

    `written` is how a height reads on hover.
    """
    width = 0.8 / len(series)
    for i, (text, (heights, color)) in enumerate(series.items()):
        places = [k - 0.4 + width * (i + 0.5) for k in range(len(names))]
        ax.bar(places, list(heights), width=width * 0.94, color=color, label=text)
    ax.set_xticks(range(len(names)), list(names))
    legend_above(ax)
    says_values(ax, range(len(names)), names, {k: v[0] for k, v in series.items()}, written)


def legend_above(ax: Axes) -> None:
    """The series by name in a line above the axes, where no mark can be hidden by it."""
    count = len(ax.get_legend_handles_labels()[1])
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": count}
    ax.legend(frameon=False, labelcolor=INK, borderaxespad=0.2, **place)


def says_values(
    ax: Axes,
    places: Sequence[Any],
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    written: Callable[[float], str],
    along: Literal["x", "y"] = "x",
) -> None:
    """On hover around `places[i]`: `names[i]`, and below it each series' figure that is there."""
    columns = {label: [float(value) for value in values] for label, values in series.items()}
    texts = []
    for i, name in enumerate(names):
        lines = [
            f"{label}: {written(values[i])}" if label else written(values[i])
            for label, values in columns.items()
            if not math.isnan(values[i])
        ]
        texts.append("\n".join([str(name), *lines]) if lines else "")
    hover.say(ax, places, texts, along)


def says_texts(
    ax: Axes,
    places: Sequence[Any],
    names: Sequence[str],
    texts: Sequence[str],
    along: Literal["x", "y"] = "x",
) -> None:
    """On hover around `places[i]`: `names[i]`, and below it `texts[i]`."""
    lines = [f"{name}\n{text}" if text else "" for name, text in zip(names, texts, strict=True)]
    hover.say(ax, places, lines, along)


def to_svg(figure: Figure) -> str:
    """The figure as SVG text with its values on hover, the same bytes for the same figure."""
    buffer = io.StringIO()
    with mpl.rc_context(_RC):
        _lay_out(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    return _NO_XML.sub("\ufffd", hover.into(svg[svg.index("<svg") :], figure))


def drawn(figure: Figure) -> Image.Image:
    """The figure as pixels on white, at twice the screen's resolution."""
    pixels = io.BytesIO()
    with mpl.rc_context(_RC):
        _lay_out(figure)
        # not compressed: it is read again at once
        figure.savefig(pixels, format="png", dpi=2 * SCREEN_DPI, pil_kwargs={"compress_level": 0})
    return Image.open(pixels).convert("RGB")


def _lay_out(figure: Figure) -> None:
    """Give everything its place once: Matplotlib would look for it twice for each file."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine(None)


def to_png(picture: Figure | Image.Image) -> bytes:
    """A figure at twice the screen's resolution, or its pixels, as PNG in few colours.

    A chart has a handful of colours and their shades at edges: 32 are enough, and
    the file is a third of its size, so that a page can carry it. They are looked for
    at half the resolution, which finds the same in a third of the time.
    """
    pixels = picture if isinstance(picture, Image.Image) else drawn(picture)
    plain = Image.Dither.NONE
    colours = pixels.reduce(2).quantize(32, method=Image.Quantize.MEDIANCUT, dither=plain)
    reduced = io.BytesIO()
    pixels.quantize(palette=colours, dither=plain).save(reduced, format="png", compress_level=8)
    return reduced.getvalue()
