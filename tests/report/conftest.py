"""The sample version, rendered once for all tests of its pages."""

from pathlib import Path

import pytest
import sample_version


@pytest.fixture(scope="session")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("version") / "v1-84b05630"
    sample_version.build(folder)
    return folder


@pytest.fixture(scope="session")
def pages(version: Path) -> dict[str, str]:
    """The HTML of each page by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in version.glob("*.html")}
