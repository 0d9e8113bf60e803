"""A chart's SVG as part of a page: recoloured by the page, free of clashes with others.

matplotlib writes one picture for a white sheet. On a page that has a dark twin
its colours become CSS variables, its ids get a prefix, and its style sheet,
which would reach the whole page, becomes a property of the picture.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from crmlib.book.escaping import trusted
from crmlib.exhibits import palette

_VARIABLES = {light: f"var(--c-{name})" for name, (light, _) in reversed(palette.PALETTE.items())}
_VARIABLES[palette.PAGE_GROUND[0]] = "var(--c-ground)"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DECIMALS = re.compile(r"\d+\.\d{3,}")


def inline(svg: str, prefix: str, alt: str) -> Markup:
    """The picture as an `<svg>` element for the body of a page.

    Parameters
    ----------
    svg : str
        What `theme.to_svg` returns.
    prefix : str
        The exhibit's id; begins every id inside the picture.
    alt : str
        What the picture shows, for those who do not see it.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314, matplotlib wrote it
    _drop(root, {"metadata", "style", "script", "title"})
    used = _referenced(root)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(name): _adapt(_local(name), value, prefix)
            for name, value in element.attrib.items()
            if _wanted(_local(name), value, used)
        }
        _colours_to_style(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": alt}
    return trusted(ElementTree.tostring(root, encoding="unicode"))


def _local(name: str) -> str:
    """A tag or attribute without its namespace, as HTML wants it."""
    return name.rpartition("}")[2]


def _drop(root: ElementTree.Element, tags: set[str]) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in tags:
                parent.remove(child)


def _referenced(root: ElementTree.Element) -> set[str]:
    """Ids that some element of the picture points to."""
    used: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            used.update(_REFERENCE.findall(value))
            if _local(name) == "href" and value.startswith("#"):
                used.add(value[1:])
    return used


def _wanted(name: str, value: str, used: set[str]) -> bool:
    if name == "id":
        return value in used
    if name == "href":
        return value.startswith(("#", "data:image/"))
    return not name.startswith("on")


def _adapt(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    if name == "d":
        # Thousandths of a point are not seen; they are a third of the bytes.
        return _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", value).strip()
    value = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
    if name in ("style", "fill", "stroke"):
        value = _COLOUR.sub(lambda colour: _variable(colour[0].lower()), value)
    return value


def _variable(colour: str) -> str:
    return _VARIABLES.get(colour, colour)


def _colours_to_style(element: ElementTree.Element) -> None:
    """`var()` is understood in a style, not in `fill="…"`."""
    for name in ("fill", "stroke"):
        if "var(" in element.get(name, ""):
            own = f"{name}: {element.attrib.pop(name)}"
            element.set("style", "; ".join(filter(None, [own, element.get("style")])))
