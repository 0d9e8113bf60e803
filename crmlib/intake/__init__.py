"""Open the client's tables, clean them with a ledger of every row, sum them up to customers.

Names are loaded when they are first used: `crmlib.intake.reading.probe`, which imports no
engine, reports a missing file or column before any starts.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "open_transactions": "crmlib.intake.transactions",
    "Intake": "crmlib.intake.transactions",
    "open_client": "crmlib.intake.opening",
    "open_some": "crmlib.intake.opening",
    "check_kept": "crmlib.intake.questions",
    "Client": "crmlib.intake.opening",
    "Facts": "crmlib.intake.checks",
    "Check": "crmlib.intake.checks",
    "publishable": "crmlib.intake.ledger",
    "summarise": "crmlib.intake.customers",
    "buyers": "crmlib.intake.customers",
    "first_day": "crmlib.intake.customers",
    "cohorts": "crmlib.intake.customers",
    "holdout": "crmlib.intake.customers",
    "repeat_purchases_by_period": "crmlib.intake.customers",
    "repeat_purchases_by_month": "crmlib.intake.customers",
    "read_purchases": "crmlib.intake.customers",
    "read_account": "crmlib.intake.account",
    "read_last_years": "crmlib.intake.account",
    "booked_days": "crmlib.intake.account",
    "read_acquired": "crmlib.intake.acquired",
    "read_behaviour": "crmlib.intake.behaviour",
    "read_usual": "crmlib.intake.behaviour",
    "Usual": "crmlib.intake.usual",
    "read_months": "crmlib.intake.monthly",
    "read_departures": "crmlib.intake.monthly",
    "read_further_products": "crmlib.intake.monthly",
    "read_comebacks": "crmlib.intake.silences",
    "attributes_of": "crmlib.intake.people",
    "read_contracts": "crmlib.intake.contracts",
    "read_attributes": "crmlib.intake.contracts",
    "read_people": "crmlib.intake.people",
    "two_periods": "crmlib.intake.periods",
    "TwoPeriods": "crmlib.intake.periods",
    "write": "crmlib.intake.customers",
    "to_frame": "crmlib.intake.customers",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
