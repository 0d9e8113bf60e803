"""Customers and prospects: attributes that tell something of the archetype and not all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

from crmlib.demo.archetypes import ARCHETYPES, SHARES
from crmlib.demo.bank import make_prospects
from crmlib.demo.settings import BankSettings
from crmlib.tables import TABLES


def test_archetypes_have_their_shares(bank):
    """Four standard errors of a share."""
    found = bank.truth["archetype"].value_counts(normalize=True)
    for each, share in zip(ARCHETYPES, SHARES, strict=True):
        assert abs(found[each.name] - share) < 4 * np.sqrt(share * (1 - share) / 6_000)


def test_attributes_are_informative_and_do_not_give_the_archetype_away(bank):
    """A forest on the attributes finds more than the largest archetype, and far from all."""
    table = bank.tables["customers"]
    names = ["birth_year", "gender", "region", "income_band", "occupation", "household_size"]
    features = pd.get_dummies(table[names])
    forest = RandomForestClassifier(100, min_samples_leaf=10, random_state=1, n_jobs=1)
    found = cross_val_predict(forest, features, bank.truth["archetype"], cv=3)
    hit = (found == bank.truth["archetype"]).mean()
    assert SHARES.max() + 0.10 < hit < 0.75


def test_nobody_joins_as_a_child_or_before_the_bank_knows_him(bank):
    table = bank.tables["customers"]
    old = table["joined"].str[:4].astype(int) - table["birth_year"]
    assert (old >= 18).all()
    assert table["joined"].max() <= "2025-12-17"
    first = bank.tables["contracts"].groupby("customer_id")["start_date"].min()
    joined = table.set_index("customer_id")["joined"]
    assert (first >= joined.reindex(first.index)).all()


def test_acquisition_is_known_of_who_joined_in_the_window(bank):
    table = bank.tables["customers"]
    new = table["joined"] >= "2023-01-01"
    assert (table["acquisition_cost"].notna() == new).all()
    assert (table["acquisition_channel"].notna() == new).all()
    assert 0.2 < new.mean() < 0.4
    assert (table.loc[new, "acquisition_cost"] > 0).all()


def test_prospects_have_attributes_and_nothing_else():
    settings = BankSettings()
    made = [make_prospects(settings, at) for at in range(len(settings.block_sizes))]
    table = pa.concat_tables(each["customers"] for each in made).to_pandas()
    assert len(table) == 600 and table["customer_id"].is_unique
    assert set(table["is_prospect"]) == {"yes"}
    unknown = ["joined", "acquisition_cost", "acquisition_channel", "pays", "decides", "benefits"]
    assert table[unknown].isna().all(axis=None)
    assert table[["birth_year", "region", "consent"]].notna().all(axis=None)


def test_the_wallet_is_what_the_share_of_wallet_leaves(bank):
    """Mean share 4/9; the estimate's own error is 15 %."""
    wallet = bank.tables["external"].set_index("customer_id")["wallet"]
    assert 0.66 < len(wallet) / len(bank.truth) < 0.74
    truth = bank.truth.set_index("customer_id")
    contracts = bank.tables["contracts"]
    holders = contracts.loc[contracts["product"] == "credit_card", "customer_id"]
    both = wallet.index.intersection(pd.Index(holders))
    spend = 12 * truth["card_rate"] * truth["card_ticket"] * np.exp(0.70**2 / 2)
    share = (spend[both] / wallet[both])[wallet[both] > 200]
    assert 0.40 < share.median() < 0.48


def test_columns_are_those_of_the_inputs(bank):
    for name, table in bank.tables.items():
        ours = TABLES[name]
        needed = {column for column, each in ours.columns.items() if each.needed}
        assert needed <= set(table.columns), name
        if not ours.keeps_others:
            assert set(table.columns) <= set(ours.columns), name


def test_most_pay_decide_and_benefit_and_a_fifth_is_not_known(bank):
    """Four standard errors of a share of 6,000 are at most .026."""
    table = bank.tables["customers"]
    assert table["pays"].notna().all() and 0.94 < (table["pays"] == "yes").mean() < 0.98
    for question, yes in (("decides", 0.83), ("benefits", 0.94)):
        known = table[question].dropna()
        assert abs(1 - len(known) / len(table) - 0.2) < 0.026
        assert abs((known == "yes").mean() - yes) < 0.026
    assert (table["pays"] != "yes").groupby(table["birth_year"] > 2000).mean().diff().iloc[-1] > 0.2


def test_a_member_of_a_household_rarely_decides(bank):
    table = bank.tables["customers"].set_index("customer_id")
    household = bank.truth.set_index("customer_id")["household"].reindex(table.index)
    member = household.to_numpy() != table.index.to_numpy()
    decides = table["decides"].dropna() == "yes"
    by_place = decides.groupby(member[table["decides"].notna()]).mean()
    assert by_place[True] < 0.5 < 0.75 < by_place[False]
