"""The dictionary of inputs says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmlib.intake.reasons import REASONS
from crmlib.params import TableInput
from crmlib.tables import TABLES

INPUTS = (Path(__file__).parents[1] / "docs" / "inputs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_columns(name):
    section = INPUTS.split(f"\n### {name}\n")[1].split("\n##")[0]
    said = {line.split("`")[1]: line for line in section.splitlines() if line.startswith("| `")}
    assert list(said) == list(TABLES[name].columns)
    for column, entry in TABLES[name].columns.items():
        assert ("(optional)" in said[column]) == (not entry.needed)
        assert all(f"`{choice}`" in said[column] for choice in entry.choices)


def test_every_reason_and_every_key_is_there():
    assert [reason for reason in REASONS if f"\n| {reason} | " not in INPUTS] == []
    assert [key for key in TableInput.model_fields if f"`{key}`" not in INPUTS] == []
