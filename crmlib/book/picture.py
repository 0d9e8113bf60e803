"""A chart's SVG as part of a page: recoloured by the page, free of clashes with others.

matplotlib writes one picture for a white sheet. On a page that has a dark twin
its colours become classes of the page, its ids get a prefix, and its style sheet,
which would reach the whole page, becomes a property of the picture. Styles of
single elements become attributes: the page's policy allows no other style. What the
chart says on hover becomes a label in the page's look, shown by its style sheet.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from crmlib.book.escaping import trusted
from crmlib.exhibits import hover, palette

_CLASSES = {light: name for name, (light, _) in reversed(palette.PALETTE.items())}
_CLASSES[palette.PAGE_GROUND[0]] = "ground"
# Properties that SVG also takes as attributes. The font is the page's.
_PROPERTIES = {
    "clip-path", "clip-rule", "fill", "fill-opacity", "fill-rule", "font-size", "font-weight",
    "image-rendering", "opacity",
    "shape-rendering", "stop-color", "stop-opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "stroke-opacity", "stroke-width", "text-anchor",
}  # fmt: skip
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_UNTURNED = "rotate(-0 "  # what matplotlib says of every level text
_DECIMALS = re.compile(r"\d+\.\d{3,}")
# Labels, in points: letters are about half as wide as they are high.
_LETTER, _LINE, _PADDING = 5.4, 13.0, 6.0


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
    values = _taken_out(root)
    _drop(root, {"metadata", "style", "script", "title"})
    used = _referenced(root)
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(name): value for name, value in element.attrib.items()}
        attributes |= _properties(attributes.pop("style", ""))
        element.attrib = {
            name: _adapt(name, value, prefix)
            for name, value in attributes.items()
            if _wanted(name, value, used)
        }
        _colours_to_classes(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    width, height = map(float, root.get("viewBox", "0 0 0 0").split()[2:])
    root.extend(_labelled(*value, (width, height)) for value in values)
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


def _taken_out(root: ElementTree.Element) -> list[tuple[list[float], str]]:
    """The bands that say a value, as (x, y, width, height) and text, removed from the picture."""
    found = []
    for band in [child for child in root if child.get("class") == hover.CLASS]:
        place = [float(band.get(name, "0")) for name in ("x", "y", "width", "height")]
        found.append((place, band[0].text or ""))
        root.remove(band)
    return found


def _labelled(place: list[float], text: str, picture: tuple[float, float]) -> ElementTree.Element:
    """A band with its label: at the top of a column, below or above a row."""
    x, y, width, height = place
    lines = text.split("\n")
    broad = max(map(len, lines)) * _LETTER + 2 * _PADDING
    tall = len(lines) * _LINE + _PADDING
    left = min(max(x + width / 2 - broad / 2, 0), max(picture[0] - broad, 0))
    top = y
    if width > height:
        top = y + height if y + height + tall <= picture[1] else max(y - tall, 0)
    group = ElementTree.Element("g", {"class": hover.CLASS})
    ElementTree.SubElement(group, "rect", {"class": "band", **_box(x, y, width, height)})
    label = ElementTree.SubElement(group, "g", {"class": "says"})
    ElementTree.SubElement(label, "rect", {**_box(left, top, broad, tall), "rx": "2"})
    words = ElementTree.SubElement(label, "text", {"y": f"{top - 0.5:.1f}"})
    for line in lines:
        span = {"x": f"{left + _PADDING:.1f}", "dy": f"{_LINE:.0f}"}
        ElementTree.SubElement(words, "tspan", span).text = line
    return group


def _box(x: float, y: float, width: float, height: float) -> dict[str, str]:
    sizes = {"x": x, "y": y, "width": width, "height": height}
    return {name: f"{size:.1f}" for name, size in sizes.items()}


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
    if name == "transform":
        return not value.startswith(_UNTURNED)
    return name != "class" and not name.startswith("on")


def _properties(style: str) -> dict[str, str]:
    """An element's style as attributes."""
    pairs = (part.partition(":") for part in style.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip() in _PROPERTIES}


def _adapt(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    if name in ("d", "x", "y"):
        # Thousandths of a point are not seen; they are a third of the bytes.
        return _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", value).strip()
    return _REFERENCE.sub(rf"url(#{prefix}-\1)", value)


def _colours_to_classes(element: ElementTree.Element) -> None:
    """A colour with a meaning is the page's to choose, for daylight or for the dark."""
    classes = []
    for name in ("fill", "stroke"):
        meaning = _CLASSES.get(element.get(name, "").lower())
        if meaning:
            del element.attrib[name]
            classes.append(f"{name}-{meaning}")
    if classes:
        element.set("class", " ".join(classes))
