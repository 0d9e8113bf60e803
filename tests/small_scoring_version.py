"""Clients of a few hundred customers and versions that can score, made without kernels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from crmlib import intake, params, segments, value
from crmlib.book import scoring, versions
from crmlib.demo import BankSettings, write_bank
from crmlib.segments.behaviour import BehaviourSegments
from crmlib.stats.refusal import Refusal
from crmlib.stats.tiers import value_deciles, value_tiers

FILES = {
    "transactions": "card_transactions.csv.gz",
    "contracts": "contracts.csv",
    "ledger": "ledger.parquet",
    "customers": "customers.csv",
    "identities": "identities.csv",
}
TIERS = ["high", "medium", "low"]
K = 4


@dataclass(frozen=True)
class Bank:
    """A version, the folder of the client's files, and the segments as they went live."""

    version: Path
    data: Path
    segments: pd.DataFrame

    def files(self) -> dict[str, Path]:
        """The client's files by table."""
        return {name: self.data / file for name, file in FILES.items()}


def make(root: Path, customers: int = 400) -> Bank:
    """Write the bank's files, then what chapters 01 to 03 would leave."""
    made = write_bank(BankSettings(customers=customers, months=24), root)
    folder = root / "reports" / "demo_bank" / "v1-0a0b0c0d"
    return Bank(folder, made.data, version_of(made.params, folder))


def version_of(stated: Path, folder: Path) -> pd.DataFrame:
    """A version of an engagement, from its params file; its segments as they went live."""
    engagement = params.load(stated)
    tables = folder / "tables"
    tables.mkdir(parents=True)
    client = intake.open_client(engagement)
    everyone = client.customer_view()
    everyone.to_parquet(tables / "customers.parquet", index=False)
    intake.write(client.transactions.ordered(), tables / "purchases.parquet")
    for name, table in (client.kept_tables() | client.transactions.kept_parts()).items():
        intake.write(table, tables / f"{name}.parquet")
    values = _values(engagement, everyone, tables)
    assigned, record = _segmented(engagement, values, tables)
    assigned.to_parquet(tables / "segments.parquet", index=False)
    (folder / "params.yml").write_text(params.to_yaml(engagement), encoding="utf-8")
    publish(folder, record, stated.parent)
    return assigned


def publish(folder: Path, record: dict[str, Any] | None, params_folder: Path) -> None:
    """Write the scoring model and a manifest of everything."""
    if record is not None:
        text = json.dumps(record, allow_nan=False)
        (folder / scoring.FILE).write_text(text, encoding="utf-8")
    manifest = {
        "engagement": "demo_bank",
        "chapters": {name: {} for name in ("01_customers", "02_value", scoring.CHAPTER)},
        "params_folder": str(params_folder),
        "files": versions.hash_files(folder),
    }
    versions.write_manifest(folder, manifest)


def _kept(tables: Path, name: str) -> Path | Refusal:
    path = tables / f"{name}.parquet"
    return path if path.exists() else Refusal(f"no {name} is kept")


def _values(engagement: params.Engagement, everyone: pd.DataFrame, tables: Path) -> pd.DataFrame:
    """The table of values with one and a half years of contribution ahead."""
    start, end = engagement.observation_start, engagement.observation_end
    ledger = _kept(tables, "client_ledger")
    booked = intake.booked_days(ledger, start, end)
    table = value.stream_contributions(
        engagement.value.margin_from,
        everyone,
        margin_rate=engagement.value.margin_rate,
        account=value.attempt(intake.read_account, ledger, start, end),
        year=value.attempt(intake.read_account, ledger, *value.years_before(booked[1], 0)),
        contracts=value.attempt(intake.read_contracts, _kept(tables, "client_contracts")),
        start=start,
        end=end,
    )
    ahead = 1.5 * table["current_value"]
    worth, ids = table["realised"] + ahead, table["customer_id"]
    return table.assign(
        future_value=ahead,
        lifetime_value=worth,
        value_decile=value_deciles(worth, ids),
        value_tier=value_tiers(worth, [0.5, 0.8], TIERS, ids),
    ).set_index("customer_id")


def _segmented(
    engagement: params.Engagement, values: pd.DataFrame, tables: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Segments as chapter 03 forms them, but for the choice of their number."""
    end, days = engagement.observation_end, engagement.segments.behaviour_days
    purchases = intake.read_purchases(tables / "purchases.parquet")
    contracts, ledger, parts = (
        _kept(tables, name) for name in ("client_contracts", "client_ledger", "purchase_parts")
    )
    behaviour = intake.read_behaviour(
        tables / "customers.parquet",
        purchases,
        contracts,
        ledger,
        as_of=end,
        days=days,
        parts=parts,
    )
    doing = behaviour[segments.active(behaviour)]
    prepared = segments.prepare(doing, tail=0.01)
    chosen = segments.fit_segments(prepared.matrix, method="kmeans", k=K, seed=1)
    names = SimpleNamespace(names=tuple(f"kind {number}" for number in range(K)))
    found = BehaviourSegments(SimpleNamespace(chosen=chosen), names)
    rung = found.of_customers(doing["customer_id"], values.index)
    ladder = segments.build_ladder(
        values["value_tier"],
        rung.rename("behaviour_segment"),
        values["current_value"],
        tiers=TIERS,
        capacity=8,
        min_share=0.02,
        min_customers=10,
    )
    assigned = values[["value_tier"]].assign(
        behaviour_segment=rung, lifecycle_stage="unknown", segment=ladder.segment
    )
    model = segments.scoring_model(prepared, found, ladder, doing, values, tiers=TIERS)
    usual = intake.read_usual(
        purchases, ledger, as_of=end, days=days, contracts=contracts, parts=parts
    )
    return assigned.reset_index(), scoring.record(model, usual, engagement.observation_start)
