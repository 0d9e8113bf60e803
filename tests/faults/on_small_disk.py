"""Runs on a disk of a few megabytes, as a process that may mount one.

`on_small_disk.py FOLDER WHICH` prints one JSON line for each run: what it said
and what stands under the reports root afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "book"))

import small_book

from crmlib.book import runner, versions
from crmlib.errors import CrmError

LEAVE = (0, 600)  # KB free: for nothing at all, for all but the chapter's table
TABLE = "from pathlib import Path\nsize = Path('table').write_bytes(b'0' * 1_000_000)"


def main(folder: Path, which: str) -> None:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    runner._render = small_book.plain_page
    params_path = small_book.write_params(folder)
    notebooks = small_book.write_notebooks(folder / "notebooks", {"01_customers": TABLE})
    {"full": full, "temporary": temporary, "closed": closed}[which](disk, params_path, notebooks)


def full(disk: Path, params_path: Path, notebooks: Path) -> None:
    """The reports root fills up, then is made free again."""
    say(disk, params_path, notebooks, "seed=1")
    for kilobytes in LEAVE:
        fill(disk, kilobytes)
        say(disk, params_path, notebooks, "seed=2")
        (disk / "filler").unlink()
    say(disk, params_path, notebooks, "seed=2")


def temporary(disk: Path, params_path: Path, notebooks: Path) -> None:
    """Only the folder for temporary files is full."""
    fill(disk, 0)
    os.environ["TMPDIR"] = str(disk)
    say(disk.parent / "reports", params_path, notebooks, "seed=1")


def closed(disk: Path, params_path: Path, notebooks: Path) -> None:
    """The reports root becomes read-only, then only the engagement's folder in it."""
    say(disk, params_path, notebooks, "seed=1")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    say(disk, params_path, notebooks, "seed=2")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    shutil.rmtree(disk / "shop")
    (disk / "shop").mkdir()
    subprocess.run(["mount", "--bind", disk / "shop", disk / "shop"], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", disk / "shop"], check=True)
    say(disk, params_path, notebooks, "seed=1")


def fill(disk: Path, leave: int) -> None:
    """Fill the disk up to so many kilobytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
    (disk / "filler").write_bytes(b"0" * (free - leave * 1024))


def say(root: Path, params_path: Path, notebooks: Path, setting: str) -> None:
    """Run the book and tell what came of it."""
    try:
        made = small_book.run(
            params_path, root, notebooks, overrides=[setting], graph=small_book.ONE_CHAPTER
        )
        said = {"made": made.version.name}
    except CrmError as error:
        said = {"refused": str(error)}
    except Exception as error:
        said = {"defect": repr(error)}
    standing = versions.list_versions(root, "shop")
    print(
        json.dumps(
            said
            | {
                "left": sorted(path.name for path in (root / "shop").glob("[!.]*")),
                "hidden": sorted(path.name for path in (root / "shop").glob(".[!l]*")),
                "damage": [problem for v in standing for problem in versions.verify(v.path)],
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
