"""Text of a notebook as HTML: headings with anchors, tables, formulas as MathML.

A page carries no script, so formulas become MathML while the page is written.
Raw HTML in the text is shown, not obeyed: a sentence may contain words from a
client's data. Parsing is nbconvert's, so text reads as it does in JupyterLab.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from markupsafe import Markup
from mistune import HTMLRenderer
from nbconvert.filters.markdown_mistune import MarkdownWithMath, MathInlineParser

from crmlib.book.escaping import trusted

_MATHML = "http://www.w3.org/1998/Math/MathML"
# Attributes that shape a formula; href, style, class and colours are left out.
_MATH_ATTRIBUTES = {
    "accent", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle",
    "fence", "form", "height", "largeop", "linethickness", "lspace", "mathvariant", "maxsize",
    "minsize", "movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel",
    "separator", "stretchy", "symmetric", "voffset", "width",
}  # fmt: skip


@dataclass(frozen=True)
class Heading:
    """One line of a page's table of contents."""

    level: int
    id: str
    text: str


@dataclass
class Outline:
    """What a page has used so far: its title, its headings, its ids, the level reached."""

    title: str = ""
    headings: list[Heading] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    level: int = 1

    def claim(self, wanted: str) -> str:
        """An id that no other element of the page has."""
        free, number = wanted, 1
        while free in self.taken:
            number += 1
            free = f"{wanted}-{number}"
        self.taken.add(free)
        return free

    def heading(self, text: str, level: int) -> Heading:
        """Place a heading: one h1 a page, and no level skipped on the way down."""
        self.level = min(max(level, 2), self.level + 1)
        slug = re.sub(r"\W+", "-", text.lower()).strip("-") or "section"
        placed = Heading(self.level, self.claim(slug), text)
        self.headings.append(placed)
        return placed


def render(text: str, outline: Outline) -> Markup:
    """Markdown to HTML; the first h1 becomes the page's title instead.

    Parameters
    ----------
    text : str
        The source of a markdown cell.
    outline : Outline
        The page's headings and ids so far; what the text adds is recorded there.
    """
    parser = MarkdownWithMath(_Renderer(outline), inline=_Inline(hard_wrap=False))
    return trusted(parser.render(text))


def mathml(latex: str, display: str = "inline") -> Markup:
    """A LaTeX formula as MathML; one that cannot be read is shown as it stands."""
    try:
        formula = convert_to_element(latex, display=display)
    except Exception:  # latex2mathml raises a dozen unrelated types, IndexError among them
        return Markup('<code class="formula">{}</code>').format(latex)
    # Its own `convert` undoes the escaping of text, so that \text{<script>} would
    # become an element: take the tree, put characters for entities, serialise anew.
    for element in formula.iter():
        element.text = html.unescape(element.text) if element.text else element.text
        for name in set(element.keys()) - _MATH_ATTRIBUTES:
            del element.attrib[name]
    formula.set("xmlns", _MATHML)
    return trusted(ElementTree.tostring(formula, encoding="unicode"))


class _Inline(MathInlineParser):
    """Dollars enclose a formula only where they touch it, so that `$5 to $6` is money."""

    SPECIFICATION: ClassVar[dict[str, str]] = {
        **MathInlineParser.SPECIFICATION,
        "inline_math_tex": r"(?<![$\\])\$(?!\s)(?P<math_inline_tex>[^$]+?)(?<![\s$\\])\$(?!\d)",
    }
    DEFAULT_RULES: ClassVar[Iterable[str]] = MathInlineParser.DEFAULT_RULES


class _Renderer(HTMLRenderer):
    """HTML of the parsed text; everything that is not ours is escaped."""

    def __init__(self, outline: Outline) -> None:
        super().__init__(escape=True)
        self.outline = outline

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        plain = trusted(text).striptags()
        if level == 1 and not self.outline.title:
            self.outline.title = plain
            return ""
        placed = self.outline.heading(plain, level)
        return (
            f'<h{placed.level} id="{placed.id}">{text}<a class="anchor" href="#{placed.id}" '
            f'aria-hidden="true" tabindex="-1">#</a></h{placed.level}>\n'
        )

    def table(self, text: str) -> str:
        return (
            '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
            f"<table>\n{text}</table></div>\n"
        )

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        tag = "th" if head else "td"
        side = f' class="{align}"' if align in ("left", "center", "right") else ""
        return f"  <{tag}{side}>{text}</{tag}>\n"

    def block_code(self, code: str, info: str | None = None) -> str:
        return f'<pre tabindex="0"><code>{html.escape(code)}</code></pre>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        # An address would be a request; a page makes none.
        return f"<em>{text}</em>"

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def block_math(self, body: str) -> str:
        return (
            '<span class="formula scroll" role="group" aria-label="Formula" tabindex="0">'
            f"{mathml(body.strip(), 'block')}</span>"
        )

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")
