"""The truth about needs, written beside the bank's other truth: what chapter 04 should find."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmlib.demo import experiments, needs, survey
from crmlib.demo.experiments import Conjoint
from crmlib.demo.needs import PROFILES, SEGMENTS, Needs
from crmlib.demo.people import People
from crmlib.demo.survey import Respondents

FILES = {"needs": "truth/needs.csv.gz", "respondents": "truth/respondents.csv.gz"}


def needs_of_customers(people: People, classes: Needs) -> pd.DataFrame:
    """customer_id, needs_segment and loyalty_profile of every customer of a block."""
    return pd.DataFrame(
        {
            "customer_id": people.ids,
            "needs_segment": np.array(SEGMENTS, dtype=object)[classes.segment],
            "loyalty_profile": np.array(PROFILES, dtype=object)[classes.profile],
        }
    )


def respondents_truth(people: People, respondents: Respondents, conjoint: Conjoint) -> pd.DataFrame:
    """Who each respondent is; of the conjoint's participants also what they are worth.

    Returns
    -------
    DataFrame
        respondent_id, customer_id (also of the anonymous), needs_segment, loyalty_profile,
        answers (as usual, straight-liner, speeder) and one column for each of
        `experiments.PART_WORTHS`, empty where the respondent was not in the conjoint.
    """
    table = pd.DataFrame(
        {
            "respondent_id": respondents.ids,
            "customer_id": people.ids[respondents.customer],
            "needs_segment": np.array(SEGMENTS, dtype=object)[respondents.segment],
            "loyalty_profile": np.array(PROFILES, dtype=object)[respondents.profile],
            "answers": None,
        }
    )
    kinds = np.select(
        [conjoint.straight, conjoint.speeding], ["straight-liner", "speeder"], "usual"
    )
    table.loc[conjoint.who, "answers"] = kinds.astype(object)
    for name, worth in zip(experiments.PART_WORTHS, conjoint.part_worths.T, strict=True):
        column = np.full(len(table), None, dtype=object)
        column[conjoint.who] = [f"{each:.4f}" for each in worth]
        table[f"worth_{name}"] = column
    return table


def needs_json() -> dict[str, Any]:
    """Every number from which needs, survey, conjoint and MaxDiff are drawn."""
    benefits = survey.BENEFITS
    return {
        "segments": {
            "log_odds_by_archetype": _by_segment(needs.BY_ARCHETYPE),
            "log_odds_by_preferred_channel": _by_segment(needs.BY_CHANNEL),
            "log_odds_per_ten_years_above_45": _named(SEGMENTS, needs.BY_TEN_YEARS_OF_AGE),
            "log_odds_per_income_band_above_middle": _named(SEGMENTS, needs.BY_INCOME_BAND),
            "mean_importance": {
                name: _named(benefits, means) for name, means in survey.IMPORTANCE.items()
            },
            "importance_sd": survey.IMPORTANCE_SD,
            "chose_for_own_and_other_segment": [survey.OWN_REASON, survey.OTHER_REASON],
        },
        "profiles": {
            "shares_where_business_was_kept": _named(PROFILES, needs.KEPT),
            "shares_where_it_was_reduced": _named(PROFILES, needs.REDUCED),
            "mean_reassessment_attachment_life_change": survey.PROFILE_ITEMS,
            "items_sd": survey.PROFILE_SD,
        },
        "satisfaction": {
            "level": survey.LEVEL,
            "weights": _named(survey.ISSUES, survey.WEIGHTS),
            "break_point": {"issue": survey.BREAK_ISSUE, "at": survey.BREAK_AT},
            "costly_and_useless": survey.USELESS_ISSUE,
            "sd": survey.SATISFACTION_SD,
            "issues_mean": _named(survey.ISSUES, survey.ISSUE_MEAN),
            "issues_sd": survey.ISSUE_SD,
            "issues_correlation": survey.ISSUE_CORRELATION,
            "points_of_dissatisfied_and_satisfied": [survey.DISSATISFIED, survey.SATISFIED],
            "intention_level_per_point_staying_sd": [
                survey.STAY_LEVEL, survey.STAY_PER_POINT, survey.STAY_OF_STAYING, survey.STAY_SD
            ],
        },
        "sampling": {
            "respondents_per_customer": survey.ASKED,
            "card_holders_oversampled": survey.CARD_OVERSAMPLED,
            "linked": survey.LINKED,
            "missing_up_to_50_years_and_above": survey.MISSING,
        },
        "conjoint": {
            "part_worths": {
                name: _named(experiments.PART_WORTHS, means)
                for name, means in experiments.MEAN_PART_WORTHS.items()
            },
            "part_worths_sd": _named(experiments.PART_WORTHS, experiments.SD_PART_WORTHS),
            "straight_liners": experiments.STRAIGHT_LINERS,
            "speeders": experiments.SPEEDERS,
        },
        "maxdiff": {
            "worths": {
                name: _named(benefits, row.round(4).tolist())
                for name, row in zip(SEGMENTS, experiments.mean_worths(), strict=True)
            },
            "worths_sd": experiments.WORTH_SD,
        },
    }  # fmt: skip


def _named(names: tuple[str, ...], values: Any) -> dict[str, float]:
    return dict(zip(names, values, strict=True))


def _by_segment(odds: dict[str, tuple[float, ...]]) -> dict[str, dict[str, float]]:
    return {name: _named(SEGMENTS, row) for name, row in odds.items()}
