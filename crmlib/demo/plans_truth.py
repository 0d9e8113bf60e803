"""The truth about initiatives, trials and the campaign: what chapter 05 should find."""

from __future__ import annotations

from typing import Any

from crmlib.demo import campaign, pilots, plans

FILE = "truth/initiatives.csv"


def plans_json() -> dict[str, Any]:
    """Every number from which effects, pilots and the campaign are drawn."""
    return {
        "effects": {
            name: {
                "effect_unit": each.unit,
                "mean_per_adopter": each.truth[0],
                "sd_over_segments": each.truth[1],
                "take_up": each.take_up,
            }
            for name, each in plans.INITIATIVES.items()
        },
        "without_effect": plans.FAVOURITE,
        "harmful": plans.HARMFUL,
        "claims_from_decks": [n for n, i in plans.INITIATIVES.items() if i.evidence == "E"],
        "not_ready_within_the_waves": [
            name for name, asset in plans.ASSETS.items() if asset[3] >= plans.WAVES
        ],
        "pilots": {
            name: {
                "outcome": each.outcome,
                "mean_without": each.level,
                "estimand": each.estimand,
                "looks": each.looks,
            }
            for name, each in pilots.TRIALS.items()
        },
        "campaign": {
            "campaign": campaign.CAMPAIGN,
            "responders": {"household_size_from": campaign.RESPONDERS_FROM},
            "effect_of_being_assigned": {
                "responders": campaign.EFFECT,
                "others": campaign.EFFECT_ELSEWHERE,
            },
            "contact_cost": campaign.CONTACT_COST,
            "outcome_level_per_pre_contribution_sd": [
                campaign.LEVEL, campaign.PER_PRE, campaign.SD
            ],
            "pre_contribution": {"months": campaign.PRE_MONTHS, "within": campaign.PRE_CLIP},
            "answered": [campaign.ANSWERED, campaign.ANSWERED_ELSEWHERE],
        },
    }  # fmt: skip
