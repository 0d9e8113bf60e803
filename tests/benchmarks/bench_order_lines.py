"""Opening half a million order lines, in a process that starts cold (10 s or less)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.order_lines import COLUMNS, ROWS, write_order_lines

ROOT = Path(__file__).parents[2]
PARAMS = f"""engagement: lines
title: Order lines
currency: GBP
observation_start: 2010-12-01
observation_end: 2011-12-09
inputs:
  transactions:
    path: lines.csv
    columns: {COLUMNS}
customers: {{max_excluded_share: 0.4}}
"""
OPEN = (
    "import sys; from crmlib import intake, params; "
    "intake.open_client(params.load(sys.argv[1])).customer_view()"
)


def main() -> None:
    """CSV to one row per customer with every check, interpreter and imports included."""
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        write_order_lines(Path(folder) / "lines.csv")
        params_file = Path(folder) / "lines.yml"
        params_file.write_text(PARAMS)
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", OPEN, params_file], cwd=ROOT, check=True)
            seconds.append(time.perf_counter() - started)
    print(f"  {f'{ROWS:,} order lines of CSV, cold':<46} {min(seconds):8.3f} s")
