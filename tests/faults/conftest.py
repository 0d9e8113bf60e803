"""The small book of tests/book, and whether this machine lets us mount a small disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crmlib.book.graph import GRAPH

sys.path.append(str(Path(__file__).parents[1] / "book"))

# A namespace of its own: what is mounted in it is gone with the process.
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


@pytest.fixture(scope="session")
def namespace() -> list[str]:
    """The command in front of a process that may mount."""
    probe = [*NAMESPACE, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    try:
        done = subprocess.run(probe, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here, so no small disk can be mounted")
    if done.returncode:
        pytest.skip(f"this machine does not let us mount a small disk: {done.stderr.strip()}")
    return NAMESPACE


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with two versions: both chapters, and the first one again by itself."""
    import small_book

    folder = tmp_path_factory.mktemp("shop")
    notebooks = small_book.write_notebooks(folder / "notebooks", small_book.WHOLE)
    shop = Shop(small_book.write_params(folder), notebooks, folder / "reports")
    shop.run()
    shop.run(only=["01_customers"])
    return shop


@pytest.fixture
def shop(template: Shop, tmp_path: Path) -> Shop:
    """A copy of it to do harm to; the first chapter is reused, so runs start no kernel."""
    shutil.copytree(template.out, tmp_path / "reports")
    return replace(template, out=tmp_path / "reports")


@dataclass(frozen=True)
class Shop:
    """A params file, its notebooks and its reports root."""

    params_path: Path
    notebooks: Path
    out: Path

    def run(self, **options):
        """Run the book; what was made."""
        import small_book

        return small_book.run(
            self.params_path, self.out, self.notebooks, graph=GRAPH[:2], **options
        )

    def run_first(self, **options):
        """Run the first chapter alone: version 2, or what takes its place."""
        return self.run(only=["01_customers"], **options)

    @property
    def folder(self) -> Path:
        """Where the versions lie."""
        return self.out / "shop"

    @property
    def left(self) -> set[str]:
        """What lies there, the engagement's lock aside, hidden or not."""
        return {path.name for path in self.folder.iterdir()} - {".lock"}

    def version(self, number: int) -> Path:
        return next(self.folder.glob(f"v{number}-*"))
