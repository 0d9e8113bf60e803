"""Whole banks in memory, one for each seed that a test asks for."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from crmlib.demo.bank import make_block
from crmlib.demo.settings import BankSettings


@dataclass(frozen=True)
class Bank:
    """All blocks of a bank together; money as floats."""

    settings: BankSettings
    tables: dict[str, pd.DataFrame]
    truth: pd.DataFrame
    needs_truth: dict[str, pd.DataFrame]
    planted: Counter[str]

    @property
    def years(self) -> float:
        """Years that customers were customers in the window, all together."""
        active = self.tables["ledger"][["customer_id", "month"]]
        return len(active.drop_duplicates()) / 12

    @property
    def profit(self) -> pd.Series:
        """Revenue less all costs in the ledger, by customer."""
        ledger = self.tables["ledger"]
        sign = 1 - 2 * (ledger["line"] != "revenue")
        return (ledger["amount"] * sign).groupby(ledger["customer_id"]).sum()


@functools.cache
def make_bank(**changes) -> Bank:
    """The default bank, or another; each is made once."""
    settings = BankSettings(**changes)
    blocks = [make_block(settings, at) for at in range(len(settings.block_sizes))]
    tables = {
        name: pa.concat_tables(block.tables[name] for block in blocks) for name in blocks[0].tables
    }
    return Bank(
        settings,
        {name: _frame(table) for name, table in tables.items()},
        pd.concat([block.truth for block in blocks], ignore_index=True),
        {
            name: pd.concat([block.needs_truth[name] for block in blocks], ignore_index=True)
            for name in blocks[0].needs_truth
        },
        sum((Counter(block.planted) for block in blocks), Counter()),
    )


def _frame(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    money = [field.name for field in table.schema if pa.types.is_decimal(field.type)]
    return frame.astype(dict.fromkeys(money, float))
