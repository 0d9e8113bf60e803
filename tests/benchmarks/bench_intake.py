"""Intake of CDNOW beside one hand-written group-by of the same file in DuckDB."""

from pathlib import Path

import duckdb

from crmlib import intake, params
from tests.benchmarks.measure import fastest, report

ROOT = Path(__file__).parents[2]


def main() -> None:
    """69,659 rows: opened, cleaned, accounted for, summed up to customers."""
    engagement = params.load(ROOT / "params" / "cdnow.yml")

    def ours() -> None:
        transactions = intake.open_transactions(engagement)
        summary = intake.summarise(
            transactions.purchases, until=engagement.observation_end, days_per_unit=7
        )
        intake.to_frame(summary)

    def by_hand() -> None:
        duckdb.sql(
            "select customer_id, min(date), max(date), count(distinct date), sum(amount) "
            f"from read_csv('{engagement.transactions_path()}') group by customer_id"
        ).fetchall()

    report("CDNOW, file to customers", fastest(ours), "hand-written group-by", fastest(by_hand))
