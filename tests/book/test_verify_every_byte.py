"""`crm verify` names the file in which a byte was flipped, whichever file of a version it is."""

import random
import shutil

import pytest
from typer.testing import CliRunner

from crmlib import cli


def verified(folder) -> tuple[int, list[str]]:
    """Exit code and the lines of what is wrong."""
    result = CliRunner().invoke(cli.app, ["verify", str(folder)])
    return result.exit_code, result.output.splitlines()


@pytest.fixture
def copy(demo_version, tmp_path):
    """A whole engagement's version with the index that notes its manifest."""
    shutil.copy(demo_version.parent / "index.json", tmp_path)
    return shutil.copytree(demo_version, tmp_path / demo_version.name)


def flip(path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << place % 8
    path.write_bytes(content)


def test_a_byte_flipped_anywhere_is_found_and_its_file_named(copy):
    assert verified(copy)[0] == 0
    rng = random.Random(20251231)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    assert len(files) > 40
    for path in files:
        whole, name = path.read_bytes(), path.relative_to(copy).as_posix()
        place = rng.choice([0, len(whole) - 1, rng.randrange(len(whole))])
        flip(path, place)
        code, said = verified(copy)
        assert code == 2 and name in "\n".join(said), (name, place, said)
        if path.name != "manifest.json":  # which may name another file by a flipped hash
            assert [line.strip() for line in said[1:]] == [f"{name}: altered"], said
        path.write_bytes(whole)
    assert verified(copy)[0] == 0
