"""Text from data, files and machines, kept from acting and from telling too much.

Everything foreign reaches a page as plain text and is escaped by the template.
What is HTML already is marked in one place, here, so that each use can be read.
"""

from __future__ import annotations

import base64
import re
from pathlib import PurePath
from urllib.parse import urlsplit

from markupsafe import Markup

_FOLDERS = re.compile(r"(?<![\w:/.])(?:/[^\s/:'\"]+)+/(?=[^\s/:])")


def trusted(html: str) -> Markup:
    """HTML that crmlib, pygments or matplotlib wrote, foreign text in it escaped already."""
    return Markup(html)  # noqa: S704


def data_uri(kind: str, content: bytes) -> str:
    """A file as an address that the page carries with it, so that nothing is fetched."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def without_folders(text: str) -> str:
    """A message without the folders of this machine: file names are kept."""
    return _FOLDERS.sub("", text)


def shown_input(address: str) -> str:
    """An input by name: no absolute folder, no user or password of a database."""
    if "://" in address:
        parts = urlsplit(address)
        table = f"#{parts.fragment}" if parts.fragment else ""
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}{table}"
    path = PurePath(address)
    return path.name if path.is_absolute() else address
