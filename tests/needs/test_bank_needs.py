"""What the chapter of needs finds on the demo bank, held against what was planted there."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score

from crmlib.demo import survey
from crmlib.demo.needs import SEGMENTS
from crmlib.needs.latent_class import LatentClass

WANTS = [f"wants_{name}" for name in survey.BENEFITS]
TRUTH = Path(__file__).parents[2] / "data" / "demo_bank" / "truth"


def exhibit(version: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(version / "exhibits" / f"{name}.csv")


@pytest.fixture(scope="module")
def needs(demo_version) -> pd.DataFrame:
    return pd.read_parquet(demo_version / "tables" / "needs.parquet").set_index("customer_id")


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    return pd.read_csv(TRUTH / "needs.csv.gz").set_index("customer_id")


def by_rule_of_bayes(sheets: pd.DataFrame, truth: pd.Series) -> np.ndarray:
    """Likeliest segment of each sheet to one who knows all that was planted."""
    chance = np.zeros((len(sheets), len(SEGMENTS)))
    for at, segment in enumerate(SEGMENTS):
        for name, mean in zip(WANTS, survey.IMPORTANCE[segment], strict=True):
            given = sheets[name]
            low, high = given.where(given > 1, -np.inf) - 0.5, given.where(given < 5, np.inf) + 0.5
            sd = survey.IMPORTANCE_SD
            odds = np.log(norm.cdf(high, mean, sd) - norm.cdf(low, mean, sd))
            chance[:, at] += np.where(given.isna(), 0, odds)
        for reason in survey.REASONS:
            own = reason == f"chose_for_{segment}"
            share = survey.OWN_REASON if own else survey.OTHER_REASON
            odds = np.where(sheets[reason] == 1, np.log(share), np.log(1 - share))
            chance[:, at] += np.where(sheets[reason].isna(), 0, odds)
    shares = truth.value_counts(normalize=True).reindex(list(SEGMENTS))
    return (chance + np.log(shares.to_numpy())).argmax(axis=1)


def test_needs_segments_are_found_as_well_as_answers_allow(demo_version):
    tried = exhibit(demo_version, "choice_of_classes").set_index("chosen")
    assert tried.loc["yes", "classes"] == len(SEGMENTS)
    sheets = pd.read_parquet(demo_version / "tables" / "client_survey.parquet")
    truth = pd.read_csv(TRUTH / "respondents.csv.gz").set_index("respondent_id")["needs_segment"]
    truth = truth.loc[sheets["respondent_id"]]
    items = sheets[[*WANTS, *survey.REASONS]]
    model = LatentClass(4, random_state=2024, ordinal=WANTS).fit(items, sheets["weight"])
    ceiling = adjusted_rand_score(truth, by_rule_of_bayes(sheets, truth))
    assert adjusted_rand_score(truth, model.classes) > ceiling - 0.02


def test_every_customer_stands_once_in_needs_and_in_the_ladder(demo_version, needs):
    customers = pd.read_parquet(demo_version / "tables" / "customers.parquet")["customer_id"]
    chances = needs.filter(regex="^p_")
    assert needs.index.tolist() == customers.tolist()
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-9)
    assert (chances.idxmax(axis=1) == "p_" + needs["needs_segment"]).all()
    ladder = pd.read_parquet(demo_version / "tables" / "ladder.parquet")
    assert ladder.columns.tolist() == [
        "customer_id", "value_tier", "behaviour_segment", "needs_segment", "segment",
    ]  # fmt: skip
    assert ladder["customer_id"].tolist() == customers.tolist()
    assert (ladder["needs_segment"].to_numpy() == needs["needs_segment"].to_numpy()).all()
    audited = exhibit(demo_version, "needs_audit").set_index("check")["outcome"]
    assert audited[["exclusive", "exhaustive", "sized", "capacity"]].eq("pass").all()


def test_who_did_not_answer_has_no_loyalty_profile(demo_version, needs):
    answered = pd.read_parquet(demo_version / "tables" / "client_survey.parquet")["customer_id"]
    told = needs.index[needs["loyalty_profile"].notna()]
    assert 800 < len(told) <= answered.nunique() and set(told) <= set(answered.dropna())


def test_needs_of_those_never_asked_are_told_as_well_as_said(demo_version, needs, planted):
    """The hit rate that was foretold from respondents, on customers of known segment."""
    both = needs.join(planted, how="inner", rsuffix="_planted")
    table = pd.crosstab(both["needs_segment"], both["needs_segment_planted"])
    rows, columns = linear_sum_assignment(table.to_numpy(), maximize=True)
    hit = table.to_numpy()[rows, columns].sum() / len(both)
    told = exhibit(demo_version, "projection_accuracy").set_index("rule")
    assert hit == pytest.approx(told.loc["projection", "hit_rate"], abs=0.05)
    assert hit > told.loc["guessing", "hit_rate"] + 0.15
    shares = exhibit(demo_version, "projected_shares").set_index("segment")
    match = dict(zip(table.index[rows], table.columns[columns], strict=True))
    true = both["needs_segment_planted"].value_counts(normalize=True)
    off = {
        kind: sum(abs(shares.loc[name, kind] - true[match[name]]) for name in shares.index)
        for kind in ("modal", "mean", "corrected")
    }
    assert off["mean"] < off["modal"] and off["corrected"] < off["modal"]


def test_choices_show_as_many_kinds_of_people_as_were_planted(demo_version):
    models = exhibit(demo_version, "choice_models").set_index("used")
    assert models.loc["yes", "model"] == "4 classes"
    worths = json.loads((TRUTH / "needs.json").read_text())["conjoint"]["part_worths"]
    paid = exhibit(demo_version, "willingness_to_pay")
    full = paid[paid["gain"] == "full instead of basic"].set_index("group")
    planted = {name: -each["full"] / each["fee"] for name, each in worths.items()}
    # the class that weighs the app most is the one to which it was planted to be worth most
    assert full["value"].idxmax() == "digital-minded"
    assert full["value"].max() == pytest.approx(max(planted.values()), rel=0.25)


def test_the_planted_break_and_the_useless_issue_are_found(demo_version):
    breaks = exhibit(demo_version, "break_points").set_index("issue")
    assert breaks.loc["app", "shape"] == "levels off"
    assert breaks.loc["app", "at_lo"] <= 7 <= breaks.loc["app", "at_hi"]
    drivers = exhibit(demo_version, "satisfaction_drivers").set_index("issue")
    planted = json.loads((TRUTH / "needs.json").read_text())["satisfaction"]["weights"]
    slopes = drivers["slope"].rename(lambda name: name.replace(" ", "_"))
    straight = [name for name in planted if name != "app"]
    assert slopes[straight].corr(pd.Series(planted)[straight], method="spearman") > 0.9
    mended = exhibit(demo_version, "issues_to_fix").set_index("issue")
    assert mended.loc["statements", "fix"] == "no"
