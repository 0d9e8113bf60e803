"""Which files a path names, and what is said of those that cannot be opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from crmlib.errors import InputError
from crmlib.intake.reading.probe import locate

GOOD = "customer_id,date,amount\n1,2020-01-01,5\n"


def said(engagement) -> str:
    with pytest.raises(InputError) as caught:
        locate(engagement)
    return str(caught.value)


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(GOOD)


def names(client, folder: Path, path: str | list[str]) -> list[str]:
    return [part.name for part in locate(client(None, path, folder=folder)).parts]


def test_a_glob_names_files_by_name_and_leaves_hidden_ones_out(client, tmp_path):
    write(tmp_path, "b.csv", "a.csv", "c.txt", ".d.csv", "~$e.csv", "a1.csv")
    assert names(client, tmp_path, "*.csv") == ["a.csv", "a1.csv", "b.csv"]
    assert names(client, tmp_path, "?.csv") == ["a.csv", "b.csv"]


def test_a_list_may_mix_paths_and_globs_of_any_folder(client, tmp_path):
    write(tmp_path, "y/2021.csv", "x/2020.csv", "2019.csv")
    assert names(client, tmp_path, ["?/*.csv", "2019.csv"]) == ["2019.csv", "2020.csv", "2021.csv"]


def test_a_name_with_wildcards_that_exists_is_taken_as_it_is(client, tmp_path):
    write(tmp_path, "a*.csv", "ab.csv", "[x]?.csv", "[x]1.csv")
    assert names(client, tmp_path, "a*.csv") == ["a*.csv"]
    assert names(client, tmp_path, "[x]*.csv") == ["[x]1.csv", "[x]?.csv"]


def test_a_glob_that_matches_nothing(client, tmp_path):
    assert said(client(None, "*.csv", folder=tmp_path)) == (
        f"inputs.transactions.path: *.csv: no file matches it in {tmp_path}. "
        "Paths are relative to the params file; hidden files are left out."
    )
    assert "`**` is not read." in said(client(None, "**/*.csv", folder=tmp_path))


def test_the_same_file_twice(client, tmp_path):
    write(tmp_path, "a.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    os.link(tmp_path / "a.csv", tmp_path / "c.csv")
    for other in ("a.csv", "b.csv", "c.csv", "*a.csv"):
        text = said(client(None, ["a.csv", other], folder=tmp_path))
        assert "are the same file. Name every file once." in text


def test_what_is_no_file_is_never_opened(client, tmp_path):
    """Opening a pipe that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is a named pipe; a file was expected." in said(
        client(None, "pipe.csv", folder=tmp_path)
    )
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "s.csv"))
        assert "is a socket" in said(client(None, "s.csv", folder=tmp_path))
    assert "is a device" in said(client(None, "/dev/null", folder=tmp_path))


def test_a_folder_is_answered_with_the_glob_of_its_files(client, tmp_path):
    write(tmp_path, "sales.csv/a.parquet", "sales.csv/b.parquet", "sales.csv/README.md")
    assert "Name its files by a glob: `sales.csv/*.parquet`." in said(
        client(None, "sales.csv", folder=tmp_path)
    )


def test_links_that_lead_nowhere_say_where(client, tmp_path):
    (tmp_path / "t.csv").symlink_to("gone.csv")
    assert "is a link to gone.csv, where there is no file." in said(
        client(None, "t.csv", folder=tmp_path)
    )


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("x" * 195 + ".csv", "there is no such file"),
        ("/".join(["y" * 190] * 1) + "/t.csv", "there is no such file"),
        ("t.csv/x.csv", "there is no such file"),
    ],
)
def test_paths_that_cannot_be(client, tmp_path, path, reason):
    write(tmp_path, "t.csv")
    assert reason in said(client(None, path, folder=tmp_path))


def test_a_path_longer_than_the_system_takes(client, tmp_path):
    assert "its name is too long" in said(client(None, "z/" * 99, folder=Path("/" + "q" * 300)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(client, tmp_path):
    write(tmp_path, "t.csv")
    (tmp_path / "t.csv").chmod(0)
    assert "may not be read by this user" in said(client(None, folder=tmp_path))


def test_control_characters_of_a_name_are_spelled_out(client, tmp_path):
    write(tmp_path, "a\nb.csv")
    (tmp_path / "a\nb.csv").write_text("x,y\n")
    text = said(client(None, "a*.csv", folder=tmp_path))
    assert "a\\nb.csv: there is no column" in text
    assert "\n" not in text


def test_a_name_that_is_not_utf8(client, tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.csv")).write_text(GOOD)
    text = said(client(None, "*.csv", folder=tmp_path))
    assert "its name is not UTF-8." in text
    assert text.encode()


def test_several_files_share_their_columns_by_name(client, tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,amount\n1,2020-01-01,5\n")
    (tmp_path / "b.csv").write_text("amount;x;date;customer_id\n7;9;2020-01-02;2\n")
    source = locate(client(None, "*.csv", folder=tmp_path))
    assert source.header == ("customer_id", "date", "amount", "x")
    assert source.notes == (
        "a.csv: UTF-8; fields end with `,`.",
        "b.csv: UTF-8; fields end with `;`.",
        "There is no column `x` in a.csv.",
    )


def test_a_column_with_a_role_must_be_in_every_file(client, tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,amount,margin\n1,2020-01-01,5,1\n")
    write(tmp_path, "b.csv")
    assert said(client(None, "*.csv", folder=tmp_path)) == (
        "inputs.transactions.path: b.csv: there is no column `margin` (margin), which a.csv has. "
        "Every file of `inputs.transactions` needs the same columns."
    )
