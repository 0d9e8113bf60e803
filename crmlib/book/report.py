"""A version's notebooks as pages that need nothing but themselves.

nbconvert's HTML exporter with a template of our own (templates/report). A page
carries no script, no web font and no address that a browser would fetch, and
its policy forbids all three: no source is allowed but pictures inside the page
and the one style sheet, named by its hash. No element has a style of its own,
so that no word from data can be one. Nothing on it depends on when, where or under
which number it was made, so the same folder gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jinja2 import Environment
from nbconvert.exporters import HTMLExporter, TemplateExporter

from crmlib.book import page as pages
from crmlib.book.escaping import data_uri, shown_input
from crmlib.book.links import Evidence
from crmlib.exhibits import palette

if TYPE_CHECKING:
    from crmlib.book.fingerprint import Fingerprint

TEMPLATES = Path(__file__).parent / "templates"


class ReportExporter(HTMLExporter):
    """nbconvert's HTML exporter, set to the report's template with escaping on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(template_name="report", extra_template_basedirs=[str(TEMPLATES)], **kwargs)

    def _create_environment(self) -> Environment:
        environment = super()._create_environment()
        environment.autoescape = True
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.globals |= {"palette": palette.PALETTE, "ground": palette.PAGE_GROUND}
        environment.filters["csp_hash"] = _csp_hash
        environment.globals["favicon"] = _favicon()
        return environment

    def from_notebook_node(
        self, nb: nbformat.NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, Any]:
        # HTMLExporter would pass the page through an HTML parser, which writes
        # `viewBox` and `clipPath` in lower case, to add alt texts that we have.
        return TemplateExporter.from_notebook_node(self, nb, resources, **kwargs)


@dataclass(frozen=True)
class Origin:
    """Provenance as the page shows it: hashes, never a clock, a number or a folder."""

    fingerprint: Fingerprint

    @cached_property
    def inputs(self) -> list[tuple[str, str]]:
        """Each input and its SHA-256; absolute paths lose their folders."""
        read = sorted(self.fingerprint.inputs.items())
        earlier = sorted(self.fingerprint.baseline.items())
        return [
            *((shown_input(path), digest) for path, digest in read),
            *((f"baseline version: {path}", digest) for path, digest in earlier),
        ]

    @cached_property
    def hashes(self) -> list[tuple[str, str]]:
        """What else decides the result."""
        print_ = self.fingerprint
        return [
            ("Parameters", print_.params),
            ("Notebooks", print_.notebooks),
            ("Code", print_.code),
            ("Package lock", print_.lock),
        ]

    @cached_property
    def packages(self) -> list[tuple[str, str]]:
        return sorted(self.fingerprint.packages.items())


def render_version(
    folder: Path,
    provenance: Fingerprint,
    title: str,
    left_out: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Write the pages of a version from its executed notebooks.

    Parameters
    ----------
    folder : Path
        The version: notebooks/*.ipynb, exhibits/<id>.csv, findings.json.
    provenance : Fingerprint
        Everything that decided the result, for the appendix of each page.
    title : str
        The engagement, as it stands on top of each page.
    left_out : mapping of str to sequence of str, optional
        Chapters that were not made for want of inputs, each with the tables of which it
        needs one.

    Returns
    -------
    list of str
        File names in `folder`, index.html first.
    """
    notebooks = {
        path.stem: nbformat.read(path, as_version=4)
        for path in sorted((folder / "notebooks").glob("*.ipynb"))
    }
    evidence = Evidence(folder / "exhibits", pages.locate(notebooks))
    book = [pages.read(stem, notebook, evidence) for stem, notebook in notebooks.items()]
    if not any(page.is_index for page in book):
        book.append(_contents(folder, title, evidence))
        notebooks["index"] = nbformat.v4.new_notebook()
    exporter, origin = ReportExporter(), Origin(provenance)
    contents = sorted(book, key=lambda page: not page.is_index)  # stable: chapters keep their order
    for page, notebook in zip(book, notebooks.values(), strict=True):
        here = contents.index(page)
        resources = {
            "page": page,
            "title": title,
            "contents": contents,
            "before": contents[here - 1] if here else None,
            "after": contents[here + 1] if here + 1 < len(contents) else None,
            "origin": origin,
            "left_out": pages.left_out(left_out or {}),
        }
        text, _ = exporter.from_notebook_node(notebook, resources)
        (folder / page.file).write_text(text, encoding="utf-8", newline="\n")
    return [page.file for page in contents]


def template(name: str) -> Any:
    """A template of the report's look for pages that come from no notebook."""
    return ReportExporter().environment.get_template(name)


def _contents(folder: Path, title: str, evidence: Evidence) -> pages.Page:
    """The opening page of a version without a summary: its findings, then its chapters."""
    path = folder / "findings.json"
    records = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    found = [pages.Findings(pages.claims(records, evidence, "index.html"))] if records else []
    return pages.Page("index.html", "Contents", title, found)


def _csp_hash(style: str) -> str:
    """A style sheet's source in the page's policy: this one applies and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


def _favicon() -> str:
    return data_uri("image/svg+xml", (TEMPLATES / "report" / "favicon.svg").read_bytes())
