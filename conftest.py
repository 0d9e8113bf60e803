"""One fresh version of each engagement for all tests that read one.

Notebook tests never read reports/: versions are made in temporary folders, once for
all workers, and CRM_REPORTS points to the demo's for every kernel.
"""

import fcntl
import os
from pathlib import Path

# before numpy is imported: workers share the cores, and so must their linear algebra
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

ROOT = Path(__file__).parent
DEMO = "demo_bank"


def _fresh_reports(base: Path, engagement: str = DEMO) -> Path:
    """Make a version of an engagement under `base` unless another worker has made it."""
    from crmlib.book import runner

    reports = base / f"reports-{engagement}"
    with (base / f"{engagement}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (reports / "index.html").exists():
            runner.run(ROOT / "params" / f"{engagement}.yml", out=reports)
    return reports


def _fresh_version(config: pytest.Config, engagement: str) -> Path:
    from crmlib.book import versions

    return versions.newest(_fresh_reports(_shared_base(config), engagement), engagement).path


def _shared_base(config: pytest.Config) -> Path:
    """A folder that all workers of this test session share."""
    base = config._tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files with slow tests first, and notebooks: else one worker ends long after all.

    One notebook makes the demo's version; what reads one comes behind what does not, so that
    no worker waits for it.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    reading = {item.path for item in items if _reads_a_version(item)}
    first = next((item.path for item in items if _is_notebook(item)), None)

    def place(item: pytest.Item) -> int:
        if item.path == first:
            return 0
        if item.path in reading:
            return 2 if item.path in slow or _is_notebook(item) else 4
        return 1 if item.path in slow else 3

    items.sort(key=place)


def _is_notebook(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb"


def _reads_a_version(item: pytest.Item) -> bool:
    wanted = getattr(item, "fixturenames", ())
    return _is_notebook(item) or any(name.endswith("_version") for name in wanted)


@pytest.hookimpl(tryfirst=True)  # before the notebook's kernel starts
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Point committed notebooks at a fresh version."""
    if _is_notebook(item):
        os.environ["CRM_REPORTS"] = str(_fresh_reports(_shared_base(item.config)))


@pytest.fixture(scope="session")
def demo_version(request: pytest.FixtureRequest) -> Path:
    """Folder of a fresh version of the demo engagement, made by the real runner."""
    return _fresh_version(request.config, DEMO)


@pytest.fixture(scope="session")
def electricity_version(request: pytest.FixtureRequest) -> Path:
    """The same of electricity suppliers, which has choices and no purchases."""
    return _fresh_version(request.config, "electricity")


@pytest.fixture(scope="session")
def cdnow_version(request: pytest.FixtureRequest) -> Path:
    """The same of CDNOW, which has no table but transactions."""
    return _fresh_version(request.config, "cdnow")
