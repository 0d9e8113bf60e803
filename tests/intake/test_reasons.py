"""What a reader is told to do about each reason of the row ledger."""

from __future__ import annotations

import pytest

from crmlib.errors import ParamsError
from crmlib.intake.reasons import NO_LOSS, REASONS, check_reasons, remedy
from crmlib.tables import TABLES


def test_every_reason_names_the_key_of_its_table():
    for name in TABLES:
        for reason in REASONS:
            said = remedy(reason, name)
            assert said.endswith(".")
            assert "{" not in said
            assert "inputs." not in said or f"inputs.{name}" in said


@pytest.mark.parametrize(
    "table, reason, said",
    [
        ("contracts", "unreadable end_date",
         "Ask for a day in `end_date` (its last day, empty while it runs)."),
        ("contracts", "missing contract_id", "Ask why `contract_id` (the contract) is empty."),
        ("ledger", "unknown line",
         "Use one of: revenue, cost_to_serve, risk_cost, marketing."),
        ("budgets", "unreadable cap", "Ask for an amount in `cap` (what may be spent in it)."),
        ("budgets", "lost cap", ""),
        ("budgets", "missing contract_id", ""),
        ("budgets", "nonsense", ""),
    ],
)  # fmt: skip
def test_reasons_that_name_a_column(table, reason, said):
    assert remedy(reason, table) == said


def test_thresholds_for_reasons_of_any_table():
    check_reasons({"missing key": 0.1, "unknown line": 0, **dict.fromkeys(REASONS, 1.0)})
    with pytest.raises(ParamsError) as caught:
        check_reasons({"zero amount": 0.1, "zero amounts": 0.1})
    assert str(caught.value) == (
        "customers.max_excluded_by_reason.zero amounts: there is no such reason in the row ledger. "
        "Did you mean `zero amount`?"
    )


def test_reasons_that_are_no_loss_are_reasons():
    assert set(NO_LOSS) <= set(REASONS)
