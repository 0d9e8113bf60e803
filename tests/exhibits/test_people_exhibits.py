"""Strategic customers and share of wallet as a board sees them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib import value
from crmlib.exhibits import Scope, formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal

SCOPE = Scope("a bank: customers", dt.date(2024, 1, 1), dt.date(2025, 12, 31), "EUR", "month",
              "contribution of card spending", 10, "card spending", 0.02)  # fmt: skip
REDRAWN = {"replications": 40, "seed": 1, "level": 0.9}
TIERS = ("high", "medium", "low")


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = exhibit.table.astype(object).map(lambda v: "" if pd.isna(v) else str(v))
    return list(exhibit.table.columns), text.to_numpy().tolist()


def strategic(n: int = 500, unknown: float = 0.2, seed: int = 1) -> value.Strategic:
    rng = np.random.default_rng(seed)
    decides = np.where(rng.random(n) < unknown, None, rng.random(n) < 0.8)
    people = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(n)], "pays": rng.random(n) < 0.9,
         "decides": decides, "benefits": True}
    )  # fmt: skip
    brought = pd.Series(rng.gamma(1, 10, n), index=people["customer_id"], name="profit")
    return value.strategic_base(people, brought, SCOPE.min_cell)


def test_the_title_counts_those_who_pass_all_three():
    found = strategic()
    exhibit = exhibits.strategic_customers(found, 500, SCOPE)
    answers = found.result.answers
    passed = (answers["strategic"] == "yes").mean()
    assert exhibit.title.startswith(f"{formats.percent(passed)} of customers pass all three tests")
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    table = exhibit.table
    for kind in ("group", "combination"):
        part = table[table["kind"] == kind]
        assert part["customers"].sum() == 500
        assert part["profit_share"].sum() == pytest.approx(1)


def test_unknown_is_said_and_not_counted_as_failed():
    found = strategic(2000, unknown=0.5)
    exhibit = exhibits.strategic_customers(found, 2000, SCOPE)
    groups = exhibit.table[exhibit.table["kind"] == "group"].set_index("customers_who")
    assert groups.loc["fail none, not all known", "customer_share"] > 0.4
    assert "is not known of" in exhibit.note
    tests = exhibits.strategic_tests(found, SCOPE)
    unknown = (found.result.answers["decides"] == "unknown").mean()
    assert tests.title == f"Whether a customer decides is not known of {formats.percent(unknown)}"
    sentence = exhibits.strategic_findings(found, SCOPE)[0].sentence
    assert "it is not known whether they do" in sentence
    assert trace.untraced(sentence, *cells(exhibit)) == []


def test_a_test_that_may_not_be_shown_is_not_said_to_be_known():
    tests = exhibits.strategic_tests(strategic(), SCOPE)
    assert "decides" not in set(tests.table["test"]), "beside the groups it would tell of nine"
    assert tests.title == "Who pays, who decides and who benefits is not known of all"


def test_where_all_is_known_nothing_is_said_of_the_unknown():
    found = strategic(unknown=0.0)
    assert exhibits.strategic_tests(found, SCOPE).title == (
        "Who pays, who decides and who benefits is known of everybody"
    )
    assert "not known" not in exhibits.strategic_findings(found, SCOPE)[0].sentence


def test_a_base_that_fails_everybody_has_no_strategic_customer():
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(50)], "pays": False})
    brought = pd.Series(1.0, index=people["customer_id"], name="profit")
    found = value.strategic_base(people, brought, 10)
    exhibit = exhibits.strategic_customers(found, 50, SCOPE)
    assert exhibit.title == "Nobody is known to pay, to decide and to benefit"
    assert exhibits.strategic_findings(found, SCOPE) == []


def test_losses_in_all_leave_shares_of_value_empty():
    people = pd.DataFrame({"customer_id": [f"c{i}" for i in range(50)], "pays": True,
                           "decides": True, "benefits": True})  # fmt: skip
    brought = pd.Series(-1.0, index=people["customer_id"], name="profit")
    exhibit = exhibits.strategic_customers(value.strategic_base(people, brought, 10), 50, SCOPE)
    assert exhibit.title == "100% of customers pass all three tests"
    assert exhibit.png() and exhibit.table["profit_share"].isna().all()


def wallets(share: float = 0.4, n: int = 600, odd: int = 30, seed: int = 2):
    """Wallets known of two thirds; some of them smaller than the spend."""
    rng = np.random.default_rng(seed)
    ids = [f"c{i}" for i in range(n)]
    spent = pd.Series(rng.gamma(2, 100, n), index=ids)
    wallet = spent / share * rng.lognormal(0, 0.1, n)
    wallet.iloc[:odd] = spent.iloc[:odd] / 2
    wallet[rng.random(n) < 0.33] = np.nan
    tier = pd.Series(np.where(spent > 300, "high", np.where(spent > 150, "medium", "low")), ids)
    people = pd.DataFrame({"customer_id": ids, "wallet": wallet.to_numpy(),
                           "region": rng.choice(["a", "b", "c"], n)})  # fmt: skip
    found = value.wallet_potential(people, spent, tier, days_observed=730, min_cell=10, **REDRAWN)
    return found, spent, wallet


def test_share_and_headroom_are_those_of_plausible_wallets():
    found, spent, wallet = wallets()
    exhibit = exhibits.share_of_wallet(found, TIERS, 600, SCOPE)
    used = wallet.notna() & (wallet >= spent)
    whole = exhibit.table.iloc[-1]
    assert whole["used"] == used.sum() and whole["customers"] == 600
    assert whole["share_of_wallet"] == pytest.approx(spent[used].sum() / wallet[used].sum())
    assert exhibit.table["tier"].tolist() == ["high", "medium", "low", "all"]
    assert whole["contribution"] == pytest.approx(0.02 * whole["headroom_all"])
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    assert "× wallet below spend with us" in exhibit.note
    finding = exhibits.potential_findings(found, TIERS, 1e5, SCOPE)[0]
    assert trace.untraced(finding.sentence, *cells(exhibit)) == []
    assert finding.size == pytest.approx(whole["contribution"] / 1e5)


def test_few_implausible_wallets_are_not_counted():
    exhibit = exhibits.share_of_wallet(wallets(odd=5)[0], TIERS, 600, SCOPE)
    assert "Wallets of fewer than 10 customers are not plausible" in exhibit.note


def test_likeness_counts_respects():
    found = wallets()[0]
    exhibit = exhibits.wallet_likeness(found, TIERS, SCOPE)
    alike = int(exhibit.table["alike"].sum())
    assert f"in {alike} of {len(exhibit.table)} respects" in exhibit.title
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []


def test_a_tier_in_which_few_are_known_leaves_only_the_whole():
    found, spent, wallet = wallets()
    people = pd.DataFrame({"customer_id": spent.index, "wallet": wallet.to_numpy()})
    tier = pd.Series(np.where(np.arange(600) < 8, "high", "low"), index=spent.index)
    found = value.wallet_potential(people, spent, tier, days_observed=730, min_cell=10, **REDRAWN)
    exhibit = exhibits.share_of_wallet(found, TIERS, 600, SCOPE)
    assert exhibit.table["tier"].tolist() == ["all"] and exhibit.png()
    none = people.assign(wallet=lambda t: t["wallet"].where(t.index.isin(range(100, 109))))
    found = value.wallet_potential(none, spent, tier, days_observed=730, min_cell=10, **REDRAWN)
    assert "cannot be shown" in exhibits.share_of_wallet(found, TIERS, 600, SCOPE).title
    assert exhibits.wallet_likeness(found, TIERS, SCOPE) is None
    assert exhibits.potential_findings(found, TIERS, 1.0, SCOPE) == []


def test_what_is_missing_is_said_once():
    none = Refusal("nothing tells")
    assert "cannot be computed" in exhibits.strategic_customers(none, 9, SCOPE).title
    assert exhibits.strategic_tests(none, SCOPE) is None
    assert exhibits.strategic_findings(none, SCOPE) == []
    assert "cannot be computed" in exhibits.share_of_wallet(none, TIERS, 9, SCOPE).title
    assert exhibits.wallet_likeness(none, TIERS, SCOPE) is None
    assert exhibits.potential_findings(none, TIERS, 1.0, SCOPE) == []
