"""Files: what a path may name that is no table, archives, and several files of one table."""

import gzip
import io
import os
import tarfile
from pathlib import Path

from corpus import GOOD, Case, accepted, every, refused, sales

PACKED = gzip.compress(GOOD.encode(), mtime=0)
OTHERS = sales("x,2024-04-16,5.00", "y,2024-05-17,5.00")


def link_to(target: str):
    return lambda path: path.symlink_to(target)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bomb(path: Path) -> None:
    """A hundred megabytes that pack to a few hundred kilobytes."""
    with gzip.open(path, "wb") as file:
        file.write(GOOD.encode() + b"a,2024-01-01,1\n" * 7_000_000)


def archive(path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    path.write_bytes(content.getvalue())


def named(name: str, file: str, content, expect, **further) -> Case:
    return Case(name, {file: content}, expect, **further)


def none(name: str, path: object, expect, **files) -> Case:
    """A path beside a good file."""
    return Case(name, {"sales.csv": GOOD, **files}, expect, settings={"path": path})


AT = "inputs.transactions.path"

CASES = [
    none("a file that is not there", "sale.csv",
         refused(f"{AT}: sale.csv: there is no such file", "Did you mean `sales.csv`?")),
    none("no file that is near", "umsatz.csv",
         refused("umsatz.csv: there is no such file", "relative to the params file.")),
    none("a folder", "..", refused(f"{AT}: ..: is a folder", "by a glob")),
    none("a path below a file", "sales.csv/x.csv", refused("there is no such file")),
    none("the home folder's short name", "~/sales.csv",
         refused(f"{AT}: ~/sales.csv: there is no such file", "`~`", "written out")),
    none("a variable of the environment", "$HOME/sales.csv",
         refused("there is no such file", "written out")),
    none("a name that is too long", "x" * 190 + ".csv/" * 1, refused("there is no such file")),
    none("an address on the web", "https://example.com/sales.csv",
         refused("is an address; a file was expected", "Download it")),
    Case("a good link", {"real.csv": GOOD, "sales.csv": link_to("real.csv")}, accepted(3, 3),
         settings={"path": "sales.csv"}),
    named("a broken link", "sales.csv", link_to("gone.csv"),
          refused("is a link to gone.csv, where there is no file", "Mend the link")),
    named("a link to itself", "sales.csv", link_to("sales.csv"),
          refused("is a link that leads back to itself", "Mend the link")),
    named("a named pipe", "sales.csv", fifo, refused("is a named pipe; a file was expected")),
    named("a device", "sales.csv", link_to("/dev/zero"),
         refused("is a device; a file was expected")),
    named("a file that stays empty", "sales.csv", link_to("/dev/null"), refused("is a device")),
    named("a kind of file that is not read", "sales.sav", GOOD,
          refused("this kind of file is not read", "Rename a text file to .csv")),
    named("a file without an ending", "sales", GOOD, refused("this kind of file is not read")),
    named("capitals in the ending", "SALES.CSV", GOOD, accepted(3, 3)),
    named("brackets in a name", "sales [1]*.csv", GOOD, accepted(3, 3)),
    Case("control characters in a name", {"sa\x1b[2Jles.csv": ""},
         refused(r"inputs.transactions.path: sa\x1b[2Jles.csv: is empty"),
         settings={"path": "sa*.csv"}),
    named("quotes in a name", "sales'\".csv", GOOD, accepted(3, 3)),
    # archives
    named("packed with gzip", "sales.csv.gz", PACKED, accepted(3, 3)),
    named("gzip of several members", "sales.csv.gz", PACKED + gzip.compress(b"z,2024-04-16,1\n"),
          accepted(4, 4)),
    named("gzip cut short", "sales.csv.gz", PACKED[:-12],
          refused("is a damaged gzip file", "Copy or export the file again")),
    named("gzip with a wrong checksum", "sales.csv.gz", PACKED[:-8] + bytes(8),
          refused("is a damaged gzip file")),
    named("gzip with something behind it", "sales.csv.gz", PACKED + b"rubbish",
          refused("is a gzip file with something else behind its end")),
    named("gzip of gzip", "sales.csv.gz", gzip.compress(PACKED),
          refused("is a gzip file, packed with gzip", "Unpack it first")),
    named("plain text named .gz", "sales.csv.gz", GOOD,
          refused("is plain text named .csv.gz", "Rename it to .csv")),
    named("gzip named .csv", "sales.csv", PACKED,
          refused("is a gzip file named .csv", "Rename it to .csv.gz")),
    named("gzip of nothing", "sales.csv.gz", gzip.compress(b""),
          refused("holds nothing but blank lines")),
    named("an archive of files named .csv.gz", "sales.csv.gz", archive,
          refused("is a tar archive, packed with gzip", "Unpack it first")),
    named("gzip made to fill the disk", "sales.csv.gz",
          bomb,
          refused("unpacks to more than 200 times its size", "unpack it")),
    named("a bzip2 archive named .csv", "sales.csv", b"BZh91AY&SY\x00\x01" + bytes(50),
          refused("is a bzip2 archive named .csv", "Unpack it")),
    # several files
    none("a glob", "sale*.csv", accepted(3, 3)),
    none("a glob without a match", "2024*.csv",
         refused(f"{AT}: 2024*.csv: no file matches it", "hidden files are left out")),
    none("a glob over all folders", "**/*.csv", refused("`**` is not read", "Name each level")),
    none("no path at all", [], refused(f"{AT}: found []; expected a list of at least 1")),
    none("one file twice", ["sales.csv", "./sales.csv"],
         refused("are the same file", "Name every file once")),
    none("one file under two names", ["sales.csv", "s2.csv"],
         refused("are the same file"), **{"s2.csv": lambda path: path.hardlink_to(
             path.with_name("sales.csv"))}),
    none("two files with the same columns", ["a.csv", "sales.csv"], accepted(5, 5),
         **{"a.csv": OTHERS}),
    none("columns in another order", ["a.csv", "sales.csv"], accepted(4, 4),
         **{"a.csv": "amount,customer_id,date\n5.00,x,2024-04-16\n"}),
    none("a column of ours is missing in one of two files", ["a.csv", "sales.csv"],
         refused("a.csv: there is no column `amount` (amount), which sales.csv has",
                 "needs the same columns"),
         **{"a.csv": "customer_id,date,money\nx,2024-04-16,5\n"}),
    none("another column is missing in one of two files", ["a.csv", "sales.csv"],
         accepted(4, 4, says=("There is no column `shop` in sales.csv",)),
         **{"a.csv": "customer_id,date,amount,shop\nx,2024-04-16,5,1\n"}),
    none("overlapping files", ["a.csv", "sales.csv"],
         accepted(6, 4, repeats_a_row_of_another_file=2),
         **{"a.csv": GOOD.rpartition("SECRET")[0] + "z,2024-04-16,5.00\n"}),
    Case("the same rows in two files, kept",
         {"a.csv": GOOD, "sales.csv": GOOD}, accepted(6, 6),
         settings={"path": ["a.csv", "sales.csv"], "duplicates": "keep"}),
    none("plain and packed text mixed", ["sales.csv", "b.csv.gz"], accepted(5, 5),
         **{"b.csv.gz": gzip.compress(OTHERS.encode())}),
    none("one of two files is empty", ["sales.csv", "b.csv"], refused("b.csv: is empty"),
         **{"b.csv": ""}),
]  # fmt: skip

test_bad_files = every(CASES)
