"""Published versions of a shop, made of a few files, to compare with each other."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from crmlib.book import versions
from crmlib.book.versions import Version

CHAPTERS = ("01_customers", "02_value", "03_segments", "06_summary")
SETTINGS: dict[str, Any] = {
    "engagement": "shop",
    "title": "A shop",
    "inputs": {"transactions": {"path": "shop.csv", "columns": {}}, "survey": None},
    "value": {"annual_discount_rate": 0.1, "tier_cuts": [0.5, 0.8]},
    "tolerances": {"census": 0.0, "assumption": 0.0, "estimate": 1.0, "findings": {}},
}
PROVENANCE: dict[str, Any] = {
    "inputs": {"shop.csv": "ab" * 32},
    "notebooks": "2e" * 32,
    "code": "3d" * 32,
    "lock": "4c" * 32,
    "packages": {"python": "3.11.7", "pandas": "3.1.1"},
}
INTAKE = "table,status,reason,rows\ntransactions,read,,1200\ntransactions,used,,1150\n"
TABLES = {
    "months": "month,customers,revenue\n2020-01,10,100.5\n2020-02,20,200.5\n2020-03,30,300.5\n",
    "worth": "measure,value,lo,hi\nto date,100.0,,\nexpected,50.0,40.0,65.0\n",
}


def finding(name: str, kind: str, value: float | None, **more: Any) -> dict[str, Any]:
    """A line of findings.json."""
    line = {"id": name, "chapter": "02_value", "kind": kind, "sentence": f"{name} is {value}."}
    line |= {"value": value, "unit": "EUR", "exhibit": "worth", "lo": None, "hi": None}
    return line | more


FINDINGS = (
    finding("revenue", "census", 100.0, chapter="01_customers", exhibit="months"),
    finding("equity", "estimate", 50.0, lo=40.0, hi=65.0),
    finding("margin", "assumption", 0.3, unit="share of revenue"),
)


def exhibit(name: str, chapter: str, **more: Any) -> dict[str, Any]:
    """A line of exhibits.json."""
    line = {"id": name, "chapter": chapter, "title": f"What {name} says", "source": "shop.csv"}
    line |= {"period": "2020", "n": 30, "population": "customers", "unit": "EUR", "note": ""}
    line |= {"alt": f"A line of {name}", "file": f"exhibits/{name}.csv", "picture": None}
    return line | more


EXHIBITS = (
    exhibit("months", "01_customers", picture="exhibits/months.png"),
    exhibit("worth", "02_value"),
)


def publish(
    root: Path,
    hash8: str,
    *,
    settings: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    findings: Any = FINDINGS,
    exhibits: Any = EXHIBITS,
    tables: Mapping[str, str] | None = None,
    pictures: Mapping[str, bytes] | None = None,
    intake: str = INTAKE,
    chapters: tuple[str, ...] = CHAPTERS,
) -> Version:
    """Publish a version that is as above but for what is given."""
    with versions.begin(root, "shop") as build:
        folder = build.path
        (folder / "exhibits").mkdir()
        for name, text in (TABLES | dict(tables or {})).items():
            (folder / "exhibits" / f"{name}.csv").write_text(text)
        for name, content in ({"months": drawing(100)} | dict(pictures or {})).items():
            (folder / "exhibits" / f"{name}.png").write_bytes(content)
        (folder / "params.yml").write_text(yaml.safe_dump(with_settings(settings or {})))
        (folder / "findings.json").write_text(json.dumps(list(findings)))
        (folder / "exhibits.json").write_text(json.dumps(list(exhibits)))
        (folder / "intake.csv").write_text(intake)
        (folder / "index.html").write_text("report")
        manifest = {
            "title": "A shop",
            "ended": "2021-01-01T00:00:00+00:00",
            "params_folder": str(root),
            "fingerprint": PROVENANCE | dict(provenance or {}),
            "chapters": dict.fromkeys(chapters),
            "files": versions.hash_files(folder),
        }
        versions.write_manifest(folder, manifest)
        return build.publish(hash8)[0]


def with_settings(changed: Mapping[str, Any]) -> dict[str, Any]:
    """The shop's settings with some replaced, named by dotted key."""
    settings = copy.deepcopy(SETTINGS)
    for key, value in changed.items():
        *sections, last = key.split(".")
        place = settings
        for section in sections:
            place = place[section]
        place[last] = value
    return settings


def changed(name: str, **parts: Any) -> list[dict[str, Any]]:
    """The findings, one of them with other parts."""
    return [line | parts if line["id"] == name else line for line in FINDINGS]


def drawing(level: int, size: tuple[int, int] = (1440, 700)) -> bytes:
    """A picture with a bar as long as `level`."""
    picture = Image.new("RGBA", size, (255, 255, 255, 0))
    picture.paste((31, 111, 156, 255), (100, 100, 100 + level, 200))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
