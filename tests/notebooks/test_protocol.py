"""Re-executing the committed notebooks finds a changed figure, and nothing else.

The notebooks themselves are collected by nbval in the same test run; here the
protocol is tested: any order, a figure that moves, a stale reports folder.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = [
    "crmlib", "notebooks", "params", "data", "conftest.py", "pyproject.toml", "requirements.lock",
]  # fmt: skip
WITHOUT_CONFTEST = ["--noconftest", "-o", "addopts=", "--nbval", "--nbval-current-env"]
SANITIZED = f"--nbval-sanitize-with={ROOT / 'tests' / 'notebooks' / 'sanitize.cfg'}"


def re_execute(notebooks: list[Path], *options: str, cwd: Path = ROOT, **env: str):
    """Run nbval on notebooks in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | env
    return subprocess.run(
        [*command, *map(str, notebooks)], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_a_figure_that_moves_by_one_in_ten_thousand_fails(demo_version, tmp_path):
    shutil.copytree(ROOT / "crmlib", tmp_path / "crmlib")
    module = tmp_path / "crmlib" / "value" / "concentration.py"
    right = module.read_text()
    wrong = right.replace('value = self.curve["value"]', 'value = 1.0001 * self.curve["value"]')
    assert wrong != right
    module.write_text(wrong)
    done = re_execute(
        [ROOT / "notebooks" / "02_value.ipynb"],
        *WITHOUT_CONFTEST,
        SANITIZED,
        "-x",
        CRM_REPORTS=str(demo_version.parents[1]),
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 1, done.stdout[-3000:]
    assert "mismatch 'text/plain'" in done.stdout and "exhibits.concentration(" in done.stdout


@pytest.mark.slow
def test_any_order_passes_beside_a_stale_reports_folder(demo_version, tmp_path):
    """In a copy of the workbook, so that conftest makes its own fresh version.

    The last notebook, which rests on all others, and then the first; this session itself
    executes the longer ones, in whatever order its workers come to them.
    """
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    stale = tmp_path / "reports" / "demo_bank" / "v99-deadbeef"
    shutil.copytree(demo_version, stale)
    findings = json.loads((stale / "findings.json").read_text())
    (stale / "findings.json").write_text(json.dumps(findings[:1]))
    notebooks = sorted((tmp_path / "notebooks").glob("*.ipynb"))
    done = re_execute(
        [notebooks[-1], notebooks[0]],
        "-o",
        "addopts=",
        "--nbval",
        "--nbval-current-env",
        SANITIZED,
        cwd=tmp_path,
        CRM_REPORTS=str(tmp_path / "reports"),
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout[-3000:]
