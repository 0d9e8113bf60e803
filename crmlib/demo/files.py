"""Files of the bank, written block by block: memory stays at one block whatever the size.

The same rows give the same bytes: gzip keeps no time, Parquet no random part, and both
come with pyarrow, whose version the project's lock fixes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

_PLAIN = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")


class TableFile(Protocol):
    """A file that rows are added to."""

    def add(self, rows: pa.Table) -> None:
        """Write more rows."""

    def close(self) -> None:
        """Finish the file."""


class CsvFile:
    """A CSV file with a header; gzipped where the name says so."""

    def __init__(self, path: Path) -> None:
        self._file = pa.OSFile(str(path), "wb")
        gzipped = path.suffix == ".gz"
        self._stream = pa.CompressedOutputStream(self._file, "gzip") if gzipped else self._file
        self._begun = False

    def add(self, rows: pa.Table) -> None:
        """Write more rows, below the header that the first ones give."""
        if not self._begun:
            self._stream.write((",".join(rows.column_names) + "\n").encode())
            self._begun = True
        pyarrow.csv.write_csv(rows, self._stream, _PLAIN)

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()
        self._file.close()


class ParquetFile:
    """A Parquet file; the rows of each block are a group."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: pa.Table) -> None:
        """Write more rows."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                str(self._path), rows.schema, compression="zstd", compression_level=15,
                use_dictionary=["customer_id", "month", "product", "line", "channel"],
                store_decimal_as_integer=True,
            )  # fmt: skip
        self._writer.write_table(rows, row_group_size=max(len(rows), 1))

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def create(path: Path) -> TableFile:
    """A file of the kind that its name says."""
    return ParquetFile(path) if path.suffix == ".parquet" else CsvFile(path)
