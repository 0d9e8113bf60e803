"""An exhibit's table as great-tables sets it.

Numbers stand to the right, cells are written out before they get here, and every
text is escaped. In JupyterLab the table brings its own look; the report's page takes
the table alone and gives it the page's.
"""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from crmlib.exhibits import formats


def to_html(table: pd.DataFrame, shown: pd.DataFrame, id: str) -> str:
    """The table in HTML, the same text for the same table.

    Parameters
    ----------
    table : DataFrame
        The figures, which decide what stands to the right.
    shown : DataFrame
        The same columns in the same order, headed for readers and written out; or fewer,
        where several are told in one: then what begins like a number stands to the right.
    id : str
        Begins every id in the HTML.
    """
    from great_tables import GT  # slow to import, and not every chapter shows a table

    if shown.shape[1] > table.shape[1]:
        raise ValueError(f"exhibit {id}: `formatted` has more columns than `table`")
    names = [f"c{position}" for position in range(shown.shape[1])]
    cells = pd.DataFrame(
        [[formats.cell(value, 4) for value in row] for row in shown.itertuples(index=False)],
        columns=names,
        dtype=object,
    )
    if shown.shape[1] == table.shape[1]:
        numeric = [pd.api.types.is_numeric_dtype(table[column]) for column in table]
    else:
        numeric = [_like_numbers(cells[name]) for name in names]
    right = [name for name, is_numeric in zip(names, numeric, strict=True) if is_numeric]
    headings = {name: _heading(head) for name, head in zip(names, shown.columns, strict=True)}
    set_ = GT(cells, id=f"table-{id}").cols_label(headings)
    set_ = set_.cols_align("left", [name for name in names if name not in right])
    return set_.cols_align("right", right).as_raw_html()


def _like_numbers(cells: pd.Series) -> bool:
    """Whether every cell that says something begins like a number."""
    said = [str(cell) for cell in cells if str(cell)]
    return bool(said) and all(cell.lstrip("-+").startswith(tuple("0123456789")) for cell in said)


def _heading(words: object) -> Any:
    """A heading as HTML: in a plain one, braces would be read as a unit and nothing escaped."""
    from great_tables import html

    return html(escape(str(words)).replace("{", "&#123;"))
