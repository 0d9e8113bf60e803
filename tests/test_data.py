"""Committed data are what their README says: unchanged, and equal to their source."""

import gzip
import hashlib
import importlib.metadata
from collections import Counter
from pathlib import Path

import pandas as pd
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


def test_electricity_equals_the_package_it_comes_from():
    """Undoing what its README says was done gives the source's text, by its SHA-256."""
    ours = pd.read_csv(DATA / "electricity" / "choices.csv.gz")
    theirs = ours.rename(columns={"respondent_id": "id", "alternative": "alt"})
    theirs["chid"] = theirs.groupby(["id", "task"], sort=False).ngroup() + 1
    theirs["choice"] = theirs["chosen"].map({1: "TRUE", 0: "FALSE"})
    names = ["choice", "id", "alt", "pf", "cl", "loc", "wk", "tod", "seas", "chid"]
    header = ",".join(f'"{name}"' for name in names) + "\n"
    text = header + theirs[names].to_csv(index=False, header=False, lineterminator="\n")
    digest = "a027a2052ce8fd5afecb4256fd1a1220b050ce5fa2c1f3b244facf7e3ebfc337"
    assert hashlib.sha256(text.encode()).hexdigest() == digest
    assert digest in (DATA / "electricity" / "README.md").read_text()


def test_every_electricity_task_has_four_suppliers_one_of_them_chosen():
    tasks = pd.read_csv(DATA / "electricity" / "choices.csv.gz").groupby(["respondent_id", "task"])
    assert (tasks["chosen"].sum() == 1).all() and (tasks.size() == 4).all()
    assert len(tasks) == 4_308 and tasks.ngroups * 4 == 17_232
