"""Share of wallet of today's customers: who is asked about, and who is like the others."""

import numpy as np
import pandas as pd
import pytest

from crmlib.stats.optimise import NotIdentified
from crmlib.stats.refusal import Refusal
from crmlib.value.wallets import NEVER_BOUGHT, brought_by, wallet_potential

OPTIONS = {"days_observed": 364, "min_cell": 2, "replications": 30, "seed": 1, "level": 0.9}


def base(n: int = 40) -> pd.DataFrame:
    """Every second customer's wallet is 100; the last quarter has left."""
    place = np.arange(n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in place],
            "wallet": np.where(place % 2 == 0, 100.0, np.nan),
            "left": place >= 3 * n // 4,
            "region": np.where(place < n // 2, "north", "south"),
            "born": 1960.0 + place % 4,
            "code": [f"x{i}" for i in place],
        }
    )


def spending(n: int = 40) -> tuple[pd.Series, pd.Series]:
    ids = [f"c{i}" for i in range(n // 2)]
    return pd.Series(25.0, index=ids), pd.Series("high", index=ids)


def test_who_has_left_is_not_asked_about_and_who_never_bought_is_a_group():
    found = wallet_potential(base(), *spending(), **OPTIONS)
    groups = found.found.groups
    assert groups.index.tolist() == ["high", NEVER_BOUGHT]
    assert groups["customers"].tolist() == [20, 10] and groups["used"].tolist() == [10, 5]
    assert groups["share_of_wallet"].tolist() == [0.25, 0.0]
    assert groups["headroom_all"].tolist() == [20 * 75, 10 * 100]
    assert found.spend == 20 * 25


def test_likeness_names_the_widest_difference_in_each_respect():
    people = base().assign(wallet=lambda t: t["wallet"].where(t["region"] == "north"))
    found = wallet_potential(people, *spending(), **OPTIONS).likeness.set_index("respect")
    assert set(found.index) == {"region", "born", "spend with us", "value tier"}
    assert not found.loc["region", "alike"] and found.loc["born", "level"] == ""
    assert found["difference"].abs().is_monotonic_decreasing


def test_answers_are_compared_as_yes_and_no():
    people = base().assign(pays=lambda t: t.index % 3 == 0, zero=1.0, asked=[True, None] * 20)
    found = wallet_potential(people, *spending(), **OPTIONS).likeness.set_index("respect")
    assert found.loc["pays", "level"] in ("yes", "no") and found.loc["zero", "known"] == 1
    assert "True" not in set(found["level"])


def test_levels_of_few_are_not_compared():
    people = base().assign(region=lambda t: t["region"].where(t.index > 2, "island"))
    found = wallet_potential(people, *spending(), **OPTIONS | {"min_cell": 3}).likeness
    assert "island" not in set(found["level"])


def test_without_a_wallet_or_a_year_there_is_no_share():
    with pytest.raises(NotIdentified, match=r"inputs\.external\.wallet"):
        wallet_potential(base().drop(columns="wallet"), *spending(), **OPTIONS)
    with pytest.raises(NotIdentified, match="less than a year"):
        wallet_potential(base(), *spending(), **OPTIONS | {"days_observed": 363})
    with pytest.raises(NotIdentified, match="all customers have left"):
        wallet_potential(base().assign(left=True), *spending(), **OPTIONS)


def test_where_all_wallets_are_known_nobody_is_compared():
    found = wallet_potential(base().assign(wallet=100.0), *spending(), **OPTIONS)
    assert found.likeness.empty


def test_what_customers_brought_is_profit_where_it_is_known():
    class Earned:
        customers = pd.DataFrame({"customer_id": ["a"], "profit": [-3.0]})

    bought = pd.DataFrame({"customer_id": ["b"], "total_amount": [200.0]})
    assert brought_by(Earned(), bought, 0.5).to_dict() == {"a": -3.0}
    contribution = brought_by(Refusal("none"), bought, 0.5)
    assert contribution.to_dict() == {"b": 100.0} and contribution.name == "contribution"
