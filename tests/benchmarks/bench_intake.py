"""Intake beside one hand-written group-by of the same file in DuckDB, time and memory.

Each run is a process of its own, so that its peak memory is of the intake alone. Ten
million purchases with returns, free items and exact duplicates lie in Parquet, once with
whole numbers for customers and once with ids and order numbers as text.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from tests.benchmarks.measure import report

ROOT = Path(__file__).parents[2]
CUSTOMERS, ROWS, DAYS = 1_000_000, 10_000_000, 3 * 365
PARAMS = """engagement: bench
title: Ten million purchases
currency: EUR
observation_start: 2021-01-01
observation_end: 2023-12-31
inputs:
  transactions: {path: FILE}
"""
BY_HAND = (
    "select customer_id, min(date), max(date), count(distinct date), sum(amount) "
    "from {table} group by customer_id"
)


def main() -> None:
    """CDNOW's text file, and ten million rows of Parquet with two kinds of ids."""
    compare("CDNOW, 69,659 rows", ROOT / "params" / "cdnow.yml")
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        for what, as_text in (("numbers as ids", False), ("text ids, order numbers", True)):
            path = write_purchases(Path(folder) / f"{as_text}.parquet", as_text)
            compare(f"{ROWS:,} rows, {what}", write_params(path))


def write_purchases(path: Path, as_text: bool, seed: int = 1) -> Path:
    """Purchases by day; 2 % returns, 0.5 % free items, 0.2 % exact duplicates.

    With text ids they are lines of orders, three to an order.
    """
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.4, 1.0, CUSTOMERS)
    edges = np.cumsum(rates) / rates.sum()
    customer = np.minimum(np.searchsorted(edges, rng.random(ROWS)), CUSTOMERS - 1) + 1
    day = np.sort(rng.integers(0, DAYS, ROWS)).astype("int32")
    amount = np.round(rng.lognormal(3, 1, ROWS), 2)
    if as_text:  # lines of one order have its customer and day
        customer, day = (np.repeat(cells[::3], 3)[:ROWS] for cells in (customer, day))
    kind = rng.random(ROWS)
    amount[kind < 0.02] *= -1
    amount[kind > 0.995] = 0
    for cells in (customer, day, amount):
        cells[5::500] = cells[4::500]
    first = (np.datetime64("2021-01-01") - np.datetime64("1970-01-01")).astype("int32")
    columns = {
        "customer_id": customer,
        "date": pyarrow.array(day + first, pyarrow.date32()),
        "amount": amount,
    }
    if as_text:
        names = np.char.mod("C%07d", np.arange(CUSTOMERS + 1))
        columns["customer_id"] = pyarrow.array(names).take(pyarrow.array(customer))
        order = np.arange(ROWS) // 3 + 100_000
        order[5::500] = order[4::500]
        columns["order_id"] = pyarrow.array(order).cast(pyarrow.string())
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def write_params(data: Path) -> Path:
    """An engagement around one file, beside it."""
    path = data.with_suffix(".yml")
    path.write_text(PARAMS.replace("FILE", data.name))
    return path


def compare(what: str, params_file: Path, runs: int = 3) -> None:
    """The fastest of some runs of each, and the intake's peak memory."""
    ours = [alone("intake", params_file) for _ in range(runs)]
    hand = [alone("by_hand", params_file) for _ in range(runs)]
    seconds, peer = (min(run["seconds"] for run in each) for each in (ours, hand))
    work, by_peer = (min(run["processor"] for run in each) for each in (ours, hand))
    memory = max(run["memory"] for run in ours)
    report(what, seconds, "hand-written group-by", peer)
    print(
        f"  {'':<46} {seconds / peer:.1f} times as long, {work / by_peer:.1f} times the processor "
        f"time ({work:.1f} s), at most {memory:.2f} GB"
    )


def alone(task: str, params_file: Path) -> dict[str, float]:
    """Run one task in a fresh process; its seconds, of the processor too, and peak GB."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_intake", task, str(params_file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def intake(params_file: Path) -> None:
    """Transactions to customers in pandas, every row accounted for."""
    from crmlib import params
    from crmlib.intake import open_transactions, to_frame

    to_frame(open_transactions(params.load(params_file)).customers)


def by_hand(params_file: Path) -> None:
    """The bare sums, of all rows, with as many threads."""
    import duckdb

    from crmlib import params
    from crmlib.intake.reading.probe import locate
    from crmlib.intake.reading.reader import THREADS

    path = locate(params.load(params_file)).parts[0].path
    engine = duckdb.connect(config={"threads": THREADS})
    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    engine.sql(BY_HAND.format(table=f"{read}('{path}')")).df()


def _task(name: str, params_file: Path) -> None:
    """Run a task and print what it took; imports count for neither."""
    import resource

    import crmlib.intake.opening  # noqa: F401 (both tasks start with everything imported)

    started, worked = time.perf_counter(), time.process_time()
    {"intake": intake, "by_hand": by_hand}[name](params_file)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"seconds": seconds, "processor": work, "memory": memory}))


if __name__ == "__main__":
    _task(sys.argv[1], Path(sys.argv[2]))
