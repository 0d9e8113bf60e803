"""What customers want, why they stay, and what it costs to fix (chapter 04)."""

from crmlib.needs.behind_answers import (
    about_customers,
    brought_so_far,
    chosen_columns,
    figures_of,
)
from crmlib.needs.breakpoints import Breakpoint, breakpoint_of, breakpoints
from crmlib.needs.capability import CapabilityFit, capability_fit, fit_with
from crmlib.needs.choice_design import DesignChecks, check_design
from crmlib.needs.choice_holdout import HeldOut, held_out
from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.needs.choosing import (
    attributes_of,
    choice_models,
    fit_best_worst,
    fit_chosen,
    fit_classes,
    offer_table,
    price_of,
)
from crmlib.needs.class_choice import (
    ClassChoice,
    LikelihoodRatioTest,
    choose_classes,
    likelihood_ratio_test,
    one_class_more,
)
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.customer_standing import (
    HELD,
    Standing,
    behaviour_of,
    loyalty_answers,
    loyalty_classes,
    standing,
    value_shares,
)
from crmlib.needs.described import Described, described
from crmlib.needs.drivers import Drivers, drivers
from crmlib.needs.fixes import Fixes, IssuesToMend, fixes, fixes_by_worth, issues_to_mend
from crmlib.needs.hierarchical_logit import HierarchicalLogit
from crmlib.needs.importance import importance, willingness_to_pay
from crmlib.needs.kinked_line import KinkedLine
from crmlib.needs.latent_class import ClassIntervals, LatentClass
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.loyalty import (
    Agreement,
    Cutoffs,
    ValueAtStake,
    agreement,
    loyalty_profile,
    value_at_stake,
)
from crmlib.needs.maxdiff import MaxDiff, maxdiff_table
from crmlib.needs.needs_segments import (
    NeedsSegments,
    Wanted,
    needs_table,
    sizes_of,
    three_rungs,
)
from crmlib.needs.offer_chances import OfferChances, offer_chances, offers_for
from crmlib.needs.offers import Offers, best_offers
from crmlib.needs.preferences import Preferences, part_worth_table
from crmlib.needs.projection import Projection, ProjectionAccuracy, project, projection_accuracy
from crmlib.needs.simulator import Simulation, simulate
from crmlib.needs.survey import ByCustomer, Survey, in_earnest, respondents_in, weights_of
from crmlib.needs.value_of_satisfaction import ValueOfSatisfaction, value_of_satisfaction

__all__ = [
    "HELD",
    "Agreement",
    "Breakpoint",
    "ByCustomer",
    "CapabilityFit",
    "ChoiceTable",
    "ClassChoice",
    "ClassIntervals",
    "ConditionalLogit",
    "Cutoffs",
    "Described",
    "DesignChecks",
    "Drivers",
    "Fixes",
    "HeldOut",
    "HierarchicalLogit",
    "IssuesToMend",
    "KinkedLine",
    "LatentClass",
    "LatentClassLogit",
    "LikelihoodRatioTest",
    "MaxDiff",
    "NeedsSegments",
    "OfferChances",
    "Offers",
    "Preferences",
    "Projection",
    "ProjectionAccuracy",
    "Simulation",
    "Standing",
    "Survey",
    "ValueAtStake",
    "ValueOfSatisfaction",
    "Wanted",
    "about_customers",
    "agreement",
    "attributes_of",
    "behaviour_of",
    "best_offers",
    "breakpoint_of",
    "breakpoints",
    "brought_so_far",
    "capability_fit",
    "check_design",
    "choice_models",
    "choice_table",
    "choose_classes",
    "chosen_columns",
    "described",
    "drivers",
    "figures_of",
    "fit_best_worst",
    "fit_chosen",
    "fit_classes",
    "fit_with",
    "fixes",
    "fixes_by_worth",
    "held_out",
    "importance",
    "in_earnest",
    "issues_to_mend",
    "likelihood_ratio_test",
    "loyalty_answers",
    "loyalty_classes",
    "loyalty_profile",
    "maxdiff_table",
    "needs_table",
    "offer_chances",
    "offer_table",
    "offers_for",
    "one_class_more",
    "part_worth_table",
    "price_of",
    "project",
    "projection_accuracy",
    "respondents_in",
    "simulate",
    "sizes_of",
    "standing",
    "three_rungs",
    "value_at_stake",
    "value_of_satisfaction",
    "value_shares",
    "weights_of",
    "willingness_to_pay",
]
