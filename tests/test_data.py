"""Committed data are what their README says: unchanged, and equal to their source."""

import gzip
import hashlib
import importlib.metadata
from collections import Counter
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


def wheel_rows(name: str) -> list[list[str]]:
    """Fields of a file that the `lifetimes` package ships."""
    files = importlib.metadata.files("lifetimes")
    path = next(f.locate() for f in files if f.name == name)
    return [line.split() for line in Path(path).read_text().splitlines() if line.strip()]


@pytest.mark.parametrize(
    "folder", sorted(p for p in DATA.iterdir() if p.is_dir()), ids=lambda p: p.name
)
def test_checksums(folder):
    listed = dict(
        reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    present = files - {"README.md", "SHA256SUMS"}
    assert listed.keys() == present
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_cdnow_equals_the_package_it_comes_from():
    with gzip.open(DATA / "cdnow" / "transactions.csv.gz", "rt") as file:
        ours = [tuple(line.rstrip("\n").split(",")) for line in file][1:]
    theirs = [
        (c, f"{d[:4]}-{d[4:6]}-{d[6:]}", q, a) for c, d, q, a in wheel_rows("CDNOW_master.txt")[1:]
    ]
    assert ours == theirs and len(ours) == 69_659


def test_cdnow_sample_customers_are_those_of_the_sample_file():
    ids = (DATA / "cdnow" / "sample_customers.csv").read_text().split()[1:]
    assert Counter(ids) == Counter({row[0] for row in wheel_rows("CDNOW_sample.txt")})
    assert len(ids) == 2_357
