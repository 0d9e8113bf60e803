"""Another seed, or one in a hundred customers more: the same segments, numbers and names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib import intake
from tests.segments.whole_chapter import Chapter, segmented

KEEP = 0.95  # of customers, at least


@dataclass(frozen=True)
class Base:
    """The customers of a version as the chapter reads them."""

    version: Path
    end: dt.date

    def given(self, name: str) -> Path | None:
        path = self.version / "tables" / f"client_{name}.parquet"
        return path if path.exists() else None

    @cached_property
    def behaviour(self) -> pd.DataFrame:
        tables = self.version / "tables"
        purchases = intake.read_purchases(tables / "purchases.parquet")
        return intake.read_behaviour(
            tables / "customers.parquet", purchases, self.given("contracts"),
            self.given("ledger"), as_of=self.end,
        )  # fmt: skip

    @cached_property
    def value(self) -> pd.DataFrame:
        valued = pd.read_parquet(self.version / "tables" / "value.parquet")
        return valued.set_index("customer_id").loc[self.behaviour["customer_id"]]

    @cached_property
    def known(self) -> np.ndarray:
        """All customers but one in a hundred, who are won later."""
        return np.random.default_rng(12).random(len(self.behaviour)) >= 0.01

    def segmented(self, known: np.ndarray | None = None, **how) -> Chapter:
        rows = np.ones(len(self.behaviour), dtype=bool) if known is None else known
        behaviour = self.behaviour[rows].reset_index(drop=True)
        valued = self.value[rows]
        return segmented(
            behaviour, valued["value_tier"], valued["current_value"], replications=20, **how
        )

    @cached_property
    def first(self) -> Chapter:
        return self.segmented(self.known, seed=1)


def same(first: Chapter, again: Chapter) -> dict[str, float]:
    """Share of the first's customers whose number, name and ladder segment have stayed."""
    pair = [each.table.set_index("customer_id") for each in (first, again)]
    pair[1] = pair[1].loc[pair[0].index]
    numbers = []
    for made, table in zip((first, again), pair, strict=True):
        place = {name: at for at, name in enumerate(made.found.names.names)}
        numbers.append(table["behaviour_segment"].map(place).fillna(-1))
    kept = {name: float((pair[0][name] == pair[1][name]).mean())
            for name in ("behaviour_segment", "segment")}  # fmt: skip
    return {"number": float((numbers[0] == numbers[1]).mean()), **kept}


@pytest.fixture(scope="module")
def bank(demo_version) -> Base:
    return Base(demo_version, dt.date(2025, 12, 31))


@pytest.fixture(scope="module")
def cdnow(cdnow_version) -> Base:
    return Base(cdnow_version, dt.date(1998, 6, 30))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bank", "cdnow"])
def test_behaviour_segments_are_found_again_without_knowing_the_first(request, name):
    """By name: two segments of nearly one size may change their numbers."""
    base = request.getfixturevalue(name)
    again = base.segmented(seed=3)
    assert set(again.found.names.names) == set(base.first.found.names.names)
    assert same(base.first, again)["behaviour_segment"] >= KEEP


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bank", "cdnow"])
def test_who_goes_on_from_a_version_keeps_its_numbers_names_and_ladder(request, name):
    base = request.getfixturevalue(name)
    again = base.segmented(seed=3, before=base.first)
    assert again.found.names.names == base.first.found.names.names
    assert set(again.ladder.segments["segment"]) == set(base.first.ladder.segments["segment"])
    assert min(same(base.first, again).values()) >= KEEP
