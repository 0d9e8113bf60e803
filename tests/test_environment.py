"""environment.yml is what pyproject.toml and the lock make of it.

The specs are parsed and matched by py-rattler, the library under pixi. Whether
conda-forge can solve them is not checked here: that needs its index.
"""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from rattler import MatchSpec, Version, VersionSpec

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def generated() -> str:
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".ci" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.environment(ROOT / "pyproject.toml")


@pytest.fixture(scope="module")
def conda_specs() -> list[str]:
    parsed = yaml.safe_load((ROOT / "environment.yml").read_text())
    return [entry for entry in parsed["dependencies"] if isinstance(entry, str)]


def test_committed_file_is_the_generated_one(generated):
    assert (ROOT / "environment.yml").read_text() == generated


def test_conda_specs_parse_and_name_python_pip_make(conda_specs):
    names = [MatchSpec(spec).name.normalized for spec in conda_specs]
    assert names == ["python", "pip", "make"]


def test_python_spec_admits_what_the_project_admits(conda_specs):
    spec = VersionSpec(conda_specs[0].removeprefix("python "))
    admitted = [v for v in ("3.10.14", "3.11.0", "3.12.9", "3.13.0") if spec.matches(Version(v))]
    assert admitted == ["3.11.0", "3.12.9"]


def test_pip_part_is_the_lock():
    parsed = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert parsed["dependencies"][-1] == {"pip": ["-r requirements.lock"]}


def test_lock_is_hash_pinned_and_names_no_index():
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", LOCK))
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"https?://|index-url|find-links|file:", LOCK)


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    locked = set(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[a-z,]+\])?==", LOCK))
    names = {re.match(r"[A-Za-z0-9._-]+", w).group().lower().replace("_", "-") for w in wanted}
    assert names <= locked
