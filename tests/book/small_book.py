"""A book of short notebooks and a shop of two customers, to run the runner on.

As a script it makes one version: `small_book.py PARAMS OUT NOTEBOOKS [KEY=VALUE …]`.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from crmlib import cli
from crmlib.book import fingerprint, runner
from crmlib.book.graph import Chapter

ONE_CHAPTER = (Chapter("01_customers"),)
SIDE_BY_SIDE = (Chapter("01_customers"), Chapter("02_value"))

PARAMETERS = {
    "01_customers": 'engagement = ""\nrun_dir = ""\nmax_excluded_share = 0.2',
    "02_value": 'engagement = ""\nrun_dir = ""\nhorizon_years = 3.0',
    "03_segments": 'engagement = ""\nrun_dir = ""\ncapacity = 12',
    "04_needs": 'engagement = ""\nrun_dir = ""\nstarts = 10',
    "05_roi": 'engagement = ""\nrun_dir = ""\ntail = 0.1',
    "06_summary": 'engagement = ""\nrun_dir = ""\nmax_findings = 7',
}

# With the chapter's own interface, as real notebooks work.
WHOLE = {
    "01_customers": """
import pandas as pd
from crmlib.book.chapter import open_chapter
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
chapter = open_chapter("01_customers", engagement, run_dir)
chapter.write("customers", pd.DataFrame({"customer_id": ["a", "b"], "frequency": [1, 2]}))
table = pd.DataFrame({"year": [2020], "customers": [2]})
chapter.show(Exhibit("base", "Two customers bought", table, "shop", "2020", 2, "people", "a bar"))
chapter.conclude([Finding("size", "census", "Two customers bought.", 2, "customers", "base")])
""",
    "02_value": """
import pandas as pd
from crmlib.book.chapter import open_chapter
chapter = open_chapter("02_value", engagement, run_dir)
value = chapter.read("customers").assign(lifetime_value=horizon_years)
chapter.write("value", value)
print(value["lifetime_value"].sum())
""",
    "03_segments": """
from crmlib.book.chapter import open_chapter
chapter = open_chapter("03_segments", engagement, run_dir)
chapter.write("segments", chapter.read("value").assign(segment="all", capacity=capacity))
""",
    "06_summary": """
from crmlib.book.chapter import open_chapter
chapter = open_chapter("06_summary", engagement, run_dir)
print([finding["sentence"] for finding in chapter.findings()][:max_findings])
""",
}

# With nothing but files, so that a kernel is up and done in a moment.
QUICK = {
    "01_customers": """
from pathlib import Path
Path("tables").mkdir(exist_ok=True)
size = Path("tables/customers.csv").write_text("customer_id\\na\\nb\\n")
""",
    "02_value": "print(horizon_years)",
    "03_segments": "print(capacity)",
    "04_needs": "print(starts)",
    "05_roi": "print(tail)",
    "06_summary": "print(max_findings)",
}

PARAMS = """\
engagement: {name}
title: A shop
currency: EUR
observation_end: 2020-12-31
inputs:
  transactions:
    path: shop.csv
"""
SHOP = "customer_id,date,amount\na,2020-01-01,10.00\nb,2020-02-01,20.00\nb,2020-03-01,5.00\n"


def write_params(folder: Path, name: str = "shop", more: str = "") -> Path:
    """A params file with its transactions beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.csv").write_text(SHOP)
    path = folder / f"{name}.yml"
    path.write_text(PARAMS.format(name=name) + more)
    return path


def write_notebooks(folder: Path, chapters: dict[str, str]) -> Path:
    """One notebook a chapter: a paragraph, the parameters, the code."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in chapters.items():
        cells = [
            _cell("markdown", f"# {name}", "words"),
            _cell("code", PARAMETERS[name], "defaults", tags=["parameters"]),
            _cell("code", code.strip(), "work"),
        ]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook))
    return folder


def _cell(kind: str, source: str, name: str, tags: list[str] | None = None) -> dict:
    cell = {"id": name, "cell_type": kind, "source": source, "metadata": {"tags": tags or []}}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def run(params_path: Path, out: Path, notebooks: Path, **options: Any) -> runner.Outcome:
    """Run the book with the notebooks' folder in the place of crmlib's sources.

    Then a hash does not depend on who edits crmlib while the tests run.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "PACKAGE", notebooks)
        return runner.run(params_path, out=out, notebooks=notebooks, **options)


def plain_page(folder: Path, *_: object) -> None:
    """A page in the report's place, for runs that are killed or crowd the machine."""
    (folder / "index.html").write_text("A shop")


def as_command(params_path: str, out: str, notebooks: str) -> None:
    """`crm run` on the book's first chapter, as the process that this is."""
    book = {"notebooks": Path(notebooks), "graph": ONE_CHAPTER}
    fingerprint.PACKAGE, runner._render = Path(notebooks), plain_page
    runner.run = functools.partial(runner.run, **book)
    sys.argv = ["crm", "run", params_path, "--out", out]
    cli.main()


if __name__ == "__main__":
    runner._render = plain_page
    here = [Path(argument) for argument in sys.argv[1:4]]
    print(run(*here, overrides=sys.argv[4:], graph=ONE_CHAPTER).version.name)
