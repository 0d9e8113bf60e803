"""Initiatives, pilots and the campaign hang together, and hold what is planted in them.

Pilots are drawn again for many seeds and held against their own truth with Welch's
standard error; the campaign against the plain difference of its arms.
"""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from whole_bank import Bank, make_bank

from crmlib.demo import campaign, plans, plans_truth
from crmlib.demo.pilots import TRIALS, pilots_table
from crmlib.demo.plans import FAVOURITE, HARMFUL, INITIATIVES, draw_effects, plan_tables
from crmlib.demo.settings import BankSettings
from crmlib.segments import lifecycle
from crmlib.tables import TABLES

DRAWS = 200
STAGES = {"new", "relationship", lifecycle.AT_RISK, lifecycle.LAPSED, lifecycle.REPOSITIONED}
TIERS = {"high", "medium", "low"}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    settings = BankSettings()
    return {
        **plan_tables(settings),
        "pilots": pilots_table(settings, draw_effects(settings)),
        "contacts": make_bank().tables["contacts"],
    }


def differences(seed: int) -> pd.DataFrame:
    """By initiative and segment: difference of arms at the last look, its se, and the truth."""
    settings = BankSettings(seed=seed)
    effects = draw_effects(settings)
    rows = pilots_table(settings, effects)
    keys = ["initiative", "segment"]
    rows[["n", "mean", "sd", "look"]] = rows[["n", "mean", "sd", "look"]].apply(pd.to_numeric)
    last = rows[rows["look"] == rows.groupby(keys)["look"].transform("max")]
    arms = last.set_index([*keys, "arm"])[["n", "mean", "sd"]].unstack("arm")
    mean, var = arms["mean"], arms["sd"] ** 2 / arms["n"]
    known = effects.set_index(keys)["effect"].reindex(arms.index)
    take_up = last.drop_duplicates("initiative").set_index("initiative")["estimand"]
    share = [
        INITIATIVES[name].take_up if take_up[name] == "assigned" else 1.0 for name, _ in arms.index
    ]
    return pd.DataFrame(
        {
            "found": mean["treated"] - mean["control"],
            "se": np.sqrt(var["treated"] + var["control"]),
            "true": known * share,
        }
    )


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return pd.concat({seed: differences(seed) for seed in range(DRAWS)}, names=["seed"])


def pooled_z(drawn: pd.DataFrame, initiative: str) -> pd.Series:
    """Difference over all segments in units of its standard error, by seed."""
    rows = drawn.xs(initiative, level="initiative")
    weight = 1 / rows["se"] ** 2
    total = weight.groupby(level="seed").sum()
    return (rows["found"] * weight).groupby(level="seed").sum() / np.sqrt(total)


def test_columns_and_words_are_those_of_the_input_tables(tables):
    for name, table in tables.items():
        assert list(table.columns) == list(TABLES[name].columns), name
        assert not table.duplicated(list(TABLES[name].key) or None).any(), name
        for column, kind in TABLES[name].columns.items():
            if kind.choices:
                assert set(table[column].dropna()) <= set(kind.choices), column


def test_references_lead_somewhere(tables):
    for name in ("processes", "requires", "pilots"):
        for column, (other, key) in TABLES[name].references.items():
            assert set(tables[name][column]) <= set(tables[other][key]), (name, column)
    assert set(tables["processes"]["initiative"]) == set(tables["initiatives"]["id"])
    assert set(tables["requires"]["asset"]) == set(tables["assets"]["id"])


def test_segments_name_tiers_and_stages_and_pilots_use_the_same_cells(tables):
    cells = {}
    for row in tables["initiatives"].itertuples():
        cells[row.id] = row.segments.split("; ")
        conditions = set(itertools.chain.from_iterable(c.split(" & ") for c in cells[row.id]))
        assert conditions == {"all"} or conditions <= TIERS | STAGES, row.id
    for initiative, segments in tables["pilots"].groupby("initiative")["segment"]:
        assert list(segments.unique()) == cells[initiative]
        assert 2 <= segments.nunique() <= 5


def test_initiatives_cover_levers_horizons_and_grades(tables):
    rows = tables["initiatives"]
    assert len(rows) == 14
    for column in ("lever", "horizon", "evidence", "effect_unit"):
        assert set(rows[column]) == set(TABLES["initiatives"].columns[column].choices), column
    assert rows["exclusive_group"].value_counts().min() >= 2
    moves = rows["effect_unit"] == "migration_pp"
    assert rows.loc[moves, ["from_tier", "to_tier"]].isin(TIERS).all(axis=None)
    assert (rows["volume"].notna() == (rows["effect_unit"] == "cpa")).all()
    assert set(rows.loc[rows["evidence"] == "A", "id"]) == set(TRIALS)
    assert (rows["earliest_wave"].notna() == (rows["horizon"] == "build")).all()


def test_one_asset_cannot_be_ready_and_some_steps_are_missing(tables):
    assets, waves = tables["assets"], len(tables["budgets"])
    assert tables["budgets"]["wave"].tolist() == [str(w) for w in range(1, plans.WAVES + 1)]
    late = assets[(assets["owned"] == "no") & (assets["lead_waves"].astype(int) >= waves)]
    assert late["id"].tolist() == plans_truth.plans_json()["not_ready_within_the_waves"]
    assert len(assets) == 8 and set(assets["owned"]) == {"yes", "no"}
    assert tables["processes"].groupby("initiative").size().between(3, 6).all()
    assert set(tables["processes"]["exists"]) == {"yes", "no"}


def test_pilots_centre_on_the_truth_and_scatter_as_their_error_says(drawn):
    z = (drawn["found"] - drawn["true"]) / drawn["se"]
    by_cell = z.groupby(level=["initiative", "segment"]).mean()
    assert by_cell.abs().max() < 4 / np.sqrt(DRAWS)
    assert z.std() == pytest.approx(1, abs=0.05)


def test_looks_accumulate():
    settings = BankSettings()
    rows = pilots_table(settings, draw_effects(settings))
    n = rows.assign(n=rows["n"].astype(int)).groupby(["initiative", "segment", "arm"])["n"]
    assert n.apply(lambda each: each.is_monotonic_increasing and each.is_unique).all()
    assert {trial.looks for trial in TRIALS.values()} == {1, 3}
    assert set(rows["estimand"]) == {"assigned", "adopter"}


def test_the_harmful_is_found_the_favourite_is_null_and_the_others_work(drawn):
    """P(effect < 0) > .95 is a z below -1.645 under a flat prior."""
    assert (pooled_z(drawn, HARMFUL) < -1.645).mean() > 0.95
    favourite = pooled_z(drawn, FAVOURITE)
    assert 0.90 < (favourite.abs() < 1.96).mean() <= 0.99
    assert (drawn.xs(FAVOURITE, level="initiative")["true"] == 0).all()
    for name in set(TRIALS) - {HARMFUL, FAVOURITE, "churn_triggers"}:
        assert (pooled_z(drawn, name) > 1.645).mean() > 0.85, name
    unsure = (pooled_z(drawn, "churn_triggers") > 1.645).mean()
    assert 0.2 < unsure < 0.8


def test_the_beliefs_about_null_and_harm_and_claims_are_too_good():
    for name in (FAVOURITE, HARMFUL):
        assert INITIATIVES[name].prior[0] >= 0.03 > INITIATIVES[name].truth[0]
    claims = [each for each in INITIATIVES.values() if each.evidence == "E"]
    assert len(claims) == 2
    assert all(each.prior[0] > 5 * each.truth[0] for each in claims)


def campaign_of(bank: Bank) -> pd.DataFrame:
    rows = bank.tables["contacts"].merge(bank.tables["customers"], on="customer_id")
    ledger = bank.tables["ledger"]
    recent = ledger["month"].astype(str).str[:7].isin(["2025-06", "2025-07", "2025-08"])
    signed = ledger["amount"] * (1 - 2 * (ledger["line"] != "revenue"))
    before = signed[recent].groupby(ledger["customer_id"]).sum()
    rows["before"] = rows["customer_id"].map(before).fillna(0).clip(*campaign.PRE_CLIP)
    rows["outcome"] = rows["outcome"].astype(float)
    rows["treated"] = rows["arm"] == "treated"
    rows["large"] = rows["household_size"].astype(int) >= campaign.RESPONDERS_FROM
    return rows


def difference(rows: pd.DataFrame) -> tuple[float, float]:
    arms = rows.groupby("treated")["outcome"].agg(["mean", "var", "size"])
    return arms["mean"].diff().iloc[-1], float(np.sqrt((arms["var"] / arms["size"]).sum()))


def test_the_campaign_finds_its_responders(bank):
    rows = campaign_of(bank)
    found, se = difference(rows[rows["large"]])
    assert abs(found - campaign.EFFECT) < 3.5 * se
    assert found / se > 3.6  # with which an oracle has 95 % power at 5 %
    elsewhere, se = difference(rows[~rows["large"]])
    assert abs(elsewhere - campaign.EFFECT_ELSEWHERE) < 3.5 * se
    assert elsewhere + 1.96 * se < campaign.EFFECT - campaign.CONTACT_COST


def test_the_campaign_is_balanced_and_what_came_before_explains_a_part(bank):
    rows = campaign_of(bank)
    assert abs(rows["treated"].mean() - 0.5) < 0.002
    assert 2_400 < len(rows) < 2_900
    assert rows["customer_id"].is_unique and (rows["consent"] == "yes").all()
    control = rows[~rows["treated"]]
    assert 0.2 < np.corrcoef(control["before"], control["outcome"])[0, 1] ** 2 < 0.4
    assert control["responded_at"].isna().all()
    answered = rows.dropna(subset="responded_at")
    assert (answered["responded_at"] > answered["sent_at"]).all()
    insured = bank.tables["contracts"].query("product == 'insurance'")
    open_then = (insured["start_date"] < "2025-08-01") & ~(insured["end_date"] < "2025-09-01")
    assert not set(insured.loc[open_then, "customer_id"]) & set(rows["customer_id"])


def test_costs_grow_with_the_bank_and_effects_do_not():
    usual, large = BankSettings(), BankSettings(customers=12_000)
    assert draw_effects(usual).equals(draw_effects(large))
    for table, column in (("budgets", "cap"), ("initiatives", "fixed_cost")):
        amounts = [plan_tables(each)[table][column].astype(int) for each in (usual, large)]
        assert (2 * amounts[0] == amounts[1]).all()
    small = pilots_table(BankSettings(customers=200), draw_effects(usual))
    assert small["n"].astype(int).max() == 60 == small["n"].astype(int)[small["look"] == "3"].min()
