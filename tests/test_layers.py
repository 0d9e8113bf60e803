"""The house keeps its floors: who may import whom, and what chapters may touch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MATHEMATICS = ["stats", "value", "segments", "needs", "roi"]
FORBIDDEN = {
    "matplotlib", "seaborn", "great_tables", "plotly", "duckdb", "ibis", "sqlglot",
    "papermill", "nbconvert", "nbformat", "IPython", "requests", "urllib", "socket", "pathlib",
    "os", "shutil", "tempfile", "io", "pickle",
}  # fmt: skip
FILE_CALLS = {
    "open",
    "read_csv",
    "read_parquet",
    "to_csv",
    "to_parquet",
    "to_pickle",
    "load",
    "save",
}


def mathematics() -> list[Path]:
    return [p for name in MATHEMATICS for p in sorted((ROOT / "crmlib" / name).rglob("*.py"))]


def offences(source: str) -> list[str]:
    """Imports and calls that a module of pure mathematics may not have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN:
            found.append(node.module)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in FILE_CALLS:
                found.append(f"{name}()")
    return found


def test_layers_contract():
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", mathematics(), ids=lambda p: str(p.relative_to(ROOT)))
def test_mathematics_is_pure(path):
    assert offences(path.read_text()) == []


def test_an_offence_is_found():
    source = "import matplotlib.pyplot as plt\nfrom ibis import _\ndf.to_csv('x')\nopen('x')"
    assert offences(source) == ["matplotlib.pyplot", "ibis", "to_csv()", "open()"]


def test_no_pickle_in_the_package():
    for path in (ROOT / "crmlib").rglob("*.py"):
        assert "pickle" not in path.read_text(), path
