"""One exhibit: a finding as title, a picture or a table, and what a reviewer asks of it.

Source, period, n and unit are part of the exhibit and cannot be left out. Its
plain-text form is the table that was charted, so that re-executing a notebook
compares numbers and not pixels.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlib.exhibits import formats

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

_ID = re.compile(r"^[a-z][a-z0-9_]*$")
MAX_TITLE_WORDS = 12


@dataclass(frozen=True)
class Exhibit:
    """What a reader sees, with its evidence.

    Attributes
    ----------
    id : str
        Name of its files; unique in a version.
    title : str
        The finding, computed from `table`: at most 12 words, with a verb.
    table : pandas.DataFrame
        The figures that were charted, one row per mark.
    source, period, unit, alt : str
        Client table, time covered, unit of the figures, what the picture shows.
    n : int
        How many of `population` the figures rest on.
    figure : matplotlib Figure, optional
        Without one the table itself is shown.
    note : str, optional
        What weakens or explains the figures.
    formatted : pandas.DataFrame, optional
        The table as shown where there is no figure: the same columns in the same
        order, headed for readers and with numbers written out.
    """

    id: str
    title: str
    table: pd.DataFrame
    source: str
    period: str
    n: int
    unit: str
    alt: str
    population: str = "customers"
    figure: Figure | None = None
    note: str = ""
    formatted: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not _ID.match(self.id):
            raise ValueError(f"exhibit id {self.id!r}: lower-case letters, digits, underscores")
        if len(self.title.split()) > MAX_TITLE_WORDS:
            raise ValueError(f"exhibit {self.id}: title has more than {MAX_TITLE_WORDS} words")
        for name in ("title", "source", "period", "unit", "alt"):
            if not getattr(self, name).strip():
                raise ValueError(f"exhibit {self.id}: {name} is empty")

    def record(self, chapter: str) -> dict[str, Any]:
        """The exhibit's line in exhibits.json."""
        return {
            "id": self.id,
            "chapter": chapter,
            "title": self.title,
            "source": self.source,
            "period": self.period,
            "n": int(self.n),
            "population": self.population,
            "unit": self.unit,
            "alt": self.alt,
            "note": self.note,
            "file": f"exhibits/{self.id}.csv",
            "picture": f"exhibits/{self.id}.png" if self.figure is not None else None,
        }

    def png(self) -> bytes:
        """The picture as PNG; only for an exhibit with a figure."""
        from crmlib.exhibits import theme

        return theme.to_png(self._drawn)

    @cached_property
    def _drawn(self) -> Image.Image:
        """The pixels, drawn once for the file and for the notebook: drawing is slow."""
        from crmlib.exhibits import theme

        return theme.drawn(self.figure)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Picture, plain-text table, and the caption as output metadata for the report."""
        data = {"text/plain": formats.table_text(self.table)}
        if self.figure is not None:
            from crmlib.exhibits import theme

            data["image/svg+xml"] = theme.to_svg(self.figure)
            # a notebook that is not trusted yet shows no SVG
            small = theme.to_png(self._drawn.reduce(2))
            data["image/png"] = base64.b64encode(small).decode()
        else:
            from crmlib.exhibits import great_table

            shown = self.table if self.formatted is None else self.formatted
            data["text/html"] = great_table.to_html(self.table, shown, self.id)
        return data, {"crm_exhibit": self.record("")}

    def heading(self) -> Caption:
        """The title, for above the exhibit in a notebook."""
        return Caption(f"<h4>{html.escape(self.title)}</h4>", self.title)

    def caption(self) -> Caption:
        """Source, period, n, unit and note, for below the exhibit in a notebook."""
        said = " · ".join(caption_parts(self.record("")))
        shown = f"<p><small>{html.escape(said)}</small></p>"
        if self.note:
            shown += f"<p><small>{html.escape(self.note)}</small></p>"
        return Caption(shown, "\n".join(filter(None, [said, self.note])))


@dataclass(frozen=True)
class Caption:
    """Words around an exhibit in a notebook; the report's page has its own place for them."""

    html: str
    plain: str

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/plain": self.plain, "text/html": self.html}, {"crm_caption": True}


@dataclass(frozen=True)
class Paragraph:
    """What a chapter says where it shows no exhibit; Markdown."""

    text: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self.text, "text/markdown": self.text}


def caption_parts(record: Mapping[str, Any]) -> list[str]:
    """Source, period, n and unit, in the order in which a reviewer asks."""
    people = f"n = {formats.count(record['n'])} {record.get('population', '')}".strip()
    return [f"Source: {record['source']}", record["period"], people, f"Unit: {record['unit']}"]
