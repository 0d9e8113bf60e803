"""A full disk: one message, nothing half done, nothing left that fills it more."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import small_book

from crmlib.book import disk, execution, runner, versions
from crmlib.errors import VersionError

SCRIPT = Path(__file__).with_name("on_small_disk.py")


def on_small_disk(namespace: list[str], folder: Path, which: str) -> list[dict]:
    """What each run of the script said."""
    command = [*namespace, sys.executable, str(SCRIPT), str(folder), which]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_full_reports_root_is_said_and_leaves_what_stood(namespace, tmp_path):
    first, *refused, last = on_small_disk(namespace, tmp_path, "full")
    for said in refused:
        assert said["refused"].startswith(f"{tmp_path}/disk: the disk is full (")
        assert said["refused"].endswith(
            " bytes free); nothing was published. "
            "Free some space there, or name another folder with --out."
        )
        assert said["left"] == first["left"]
    assert len(refused) == 2
    assert last["made"].startswith("v2-")
    assert all(said["damage"] == said["hidden"] == [] for said in [first, *refused, last])


def test_a_full_temporary_folder_does_no_harm(namespace, tmp_path):
    (said,) = on_small_disk(namespace, tmp_path, "temporary")
    assert said.get("made", "").startswith("v1-") or "set TMPDIR" in said.get("refused", "")
    assert said["damage"] == said["hidden"] == []


def test_a_read_only_folder_is_said_and_leaves_what_stood(namespace, tmp_path):
    first, whole, part = on_small_disk(namespace, tmp_path, "closed")
    assert whole["refused"] == (
        f"{tmp_path}/disk: cannot be written to. Name another folder with --out."
    )
    assert whole["left"] == first["left"]
    assert part["refused"] == (
        f"{tmp_path}/disk/shop/.lock: cannot be written (Read-only file system); nothing was "
        "published. Make it writable, or name another folder with --out."
    )


class FullFrom:
    """A disk that takes no file from the n-th on that is written below a folder.

    A file that cannot be written is there and empty, as on a real disk.
    """

    def __init__(self, folder: Path, number: int, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.left = folder, number
        for module in (builtins, io):
            patch.setattr(module, "open", self.opening(module.open))
        for name in ("mkdir", "rename", "replace"):
            patch.setattr(os, name, self.changing(getattr(os, name)))
        patch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))

    def opening(self, real):
        def opened(file, mode="r", *args, **kwargs):
            if set(mode) & set("wxa") and self.is_below(file) and self.takes_no_more():
                real(file, mode, *args, **kwargs).close()
                raise OSError(errno.ENOSPC, "No space left on device", str(file))
            return real(file, mode, *args, **kwargs)

        return opened

    def changing(self, real):
        def changed(path, *args, **kwargs):
            if self.is_below(path) and self.takes_no_more():
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return real(path, *args, **kwargs)

        return changed

    def is_below(self, file) -> bool:
        if isinstance(file, int):  # of os.fdopen
            file = Path(f"/proc/self/fd/{file}").readlink()
        return Path(file).is_relative_to(self.folder)

    def takes_no_more(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_disk_that_fills_up_at_any_write_leaves_all_as_it_was_or_whole(shop, monkeypatch):
    monkeypatch.setattr(runner, "_render", small_book.plain_page)
    shutil.rmtree(shop.version(2))
    before, number, published = shop.left, 0, 0
    while True:
        out = shop.out.with_name(f"reports-{number}")
        shutil.copytree(shop.out, out)
        tried = type(shop)(shop.params_path, shop.notebooks, out)
        with monkeypatch.context() as patch:
            FullFrom(out, number, patch)
            try:
                tried.run_first()
                break
            except VersionError as error:
                said = str(error)
        assert said.startswith(f"{out}: the disk is full (0 bytes free); "), number
        assert [versions.verify(v.path) for v in versions.list_versions(out)] in ([[]], [[], []])
        new = tried.left - before
        if "nothing was published" in said:
            assert new == set(), number
        else:
            published += 1
            assert "is published, but no list names it: run again" in said
            assert [name[:3] for name in new] == ["v2-"], number
        assert tried.run_first().version.number == 2
        assert tried.version(2).name in (tried.folder / "index.html").read_text()
        number += 1
    assert number > 15
    assert published > 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("OSError", "[Errno 28] No space left on device: 'tables/value.parquet'"),
        ("OSError", "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left"),
        ("IOException", "IO Error: Could not write file: No space left on device"),
        ("OSError", "[Errno 122] Disk quota exceeded"),
    ],
)
def test_every_way_to_say_that_the_disk_is_full_is_understood(tmp_path, error, message):
    this = SimpleNamespace(build=SimpleNamespace(root=tmp_path))
    failed = execution.Failed("02_value", error, message, "")
    with pytest.raises(VersionError, match="nothing was published"):
        runner._give_up(this, failed)


def test_what_dies_without_a_word_on_a_full_disk_is_the_disks_doing(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    this = SimpleNamespace(build=SimpleNamespace(root=tmp_path))
    failed = execution.Failed("02_value", "WorkerDied", "ended with code 1", "")
    with pytest.raises(VersionError, match=r"is full \(4,096 bytes free\)"):
        runner._give_up(this, failed)


def test_a_quota_is_not_called_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    said = r"takes no more \(1,000,000,000,000 bytes free, but files or a quota used up\)"
    with pytest.raises(VersionError, match=said), disk.writing(tmp_path):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_the_folder_that_is_full_is_the_one_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    free = {"/elsewhere": 0}
    monkeypatch.setattr(
        disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=free.get(str(path), 10**9))
    )
    said = str(disk.full(tmp_path))
    assert said.startswith("/elsewhere: the disk is full")
    assert said.endswith("Free some space there, or set TMPDIR to another folder.")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_closed_to_us_is_named_and_others_are_a_defect(tmp_path, number):
    """Without a mount: root may write where permissions say no."""
    with pytest.raises(VersionError, match="cannot be written"), disk.writing(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "shop"))
    with pytest.raises(OSError, match="elsewhere"), disk.writing(tmp_path):
        raise OSError(number, os.strerror(number), "/elsewhere")


def test_a_file_in_the_place_of_the_engagement_is_said(shop):
    shutil.rmtree(shop.folder)
    shop.folder.write_text("")
    with pytest.raises(VersionError, match=r"shop: cannot be written \(File exists\)"):
        shop.run_first()
