"""A table whose cells are coloured by their figure, diverging around zero.

Cells are filled with one of two colours of meaning, the denser the farther from zero:
a colour with opacity keeps its meaning on a light and on a dark page, and the text on
it stays readable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from crmlib.exhibits import theme

STEPS = 5  # shades on either side of zero
DENSEST = 0.55  # opacity at which ink still has a contrast of 4.5:1 to the cell
_GAP = 0.03


def table(
    ax: Axes,
    figures: ArrayLike,
    texts: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    size: float = 9,
    spans: Mapping[tuple[int, int], int] | None = None,
) -> None:
    """Draw the cells.

    Parameters
    ----------
    figures : array of shape (n_rows, n_columns)
        What colours a cell; NaN where nothing may be shown.
    texts : n_rows sequences of n_columns texts
        What is written in each cell.
    rows, columns : sequences of str
        Their names; columns stand above.
    size : float
        Of the texts in points.
    spans : mapping of (row, column) to int, optional
        Cells that stand for so many columns from theirs on; nothing is drawn in the others.
    """
    wide = spans or {}
    covered = {
        (row, at)
        for (row, column), width in wide.items()
        for at in range(column + 1, column + width)
    }
    values = np.asarray(figures, dtype=float)
    most = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 0.0
    for row, column in np.ndindex(values.shape):
        value, width = values[row, column], wide.get((row, column), 1)
        if (row, column) in covered:
            continue
        if np.isfinite(value) and most > 0 and value != 0:
            color = theme.PRIMARY if value > 0 else theme.CONTRAST
            # the root leaves smaller figures a shade of their own beside a large one
            shade = np.ceil(np.sqrt(abs(value) / most) * STEPS) / STEPS * DENSEST
            place = (column - 0.5 + _GAP, row - 0.5 + _GAP)
            ax.add_patch(Rectangle(place, width - 2 * _GAP, 1 - 2 * _GAP, facecolor=color,
                                   alpha=shade, linewidth=0))  # fmt: skip
        color = theme.INK if np.isfinite(value) else theme.MUTED
        middle = column + (width - 1) / 2
        words = {"ha": "center", "va": "center", "fontsize": size, "linespacing": 1.25}
        ax.text(middle, row, texts[row][column], color=color, **words)
    ax.set(xlim=(-0.5, values.shape[1] - 0.5), ylim=(values.shape[0] - 0.5, -0.5))
    ax.set_xticks(range(values.shape[1]), columns)
    ax.set_yticks(range(values.shape[0]), rows)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
