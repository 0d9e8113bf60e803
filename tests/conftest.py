"""What several folders of tests ask of a version."""

import csv
import json
from collections.abc import Callable
from math import isclose
from pathlib import Path

import pytest

from crmlib.exhibits import formats, trace


@pytest.fixture(scope="session")
def untraced_in() -> Callable[[Path], list[str]]:
    """Which numbers of a version's titles and findings do not stand in their exhibit's CSV."""
    return _untraced_in


def _untraced_in(version: Path) -> list[str]:
    lost, files = [], {}
    for exhibit in json.loads((version / "exhibits.json").read_text(encoding="utf-8")):
        with (version / exhibit["file"]).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        files[exhibit["id"]] = header, rows
        missing = trace.untraced(exhibit["title"], header, rows)
        lost += [f"{exhibit['id']}: {number} in {exhibit['title']!r}" for number in missing]
    for finding in json.loads((version / "findings.json").read_text(encoding="utf-8")):
        header, rows = files[finding["exhibit"]]
        missing = trace.untraced(finding["sentence"], header, rows)
        lost += [f"{finding['id']}: {number} in {finding['sentence']!r}" for number in missing]
        figures = [float(c) for row in rows for c in row if formats.NUMBER.fullmatch(c)]
        for bound in ("value", "lo", "hi"):
            said = finding[bound]
            if said is not None and not any(isclose(said, f, rel_tol=1e-9) for f in figures):
                lost.append(f"{finding['id']}: {bound} {said}")
    return lost
