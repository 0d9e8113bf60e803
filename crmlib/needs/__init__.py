"""What customers want, why they stay, and what it costs to fix (chapter 04)."""

from crmlib.needs.breakpoints import Breakpoint, breakpoint_of, breakpoints
from crmlib.needs.capability import CapabilityFit, capability_fit
from crmlib.needs.choice_design import DesignChecks, check_design
from crmlib.needs.choice_holdout import HeldOut, held_out
from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.needs.class_choice import (
    ClassChoice,
    LikelihoodRatioTest,
    choose_classes,
    likelihood_ratio_test,
)
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.described import Described, described
from crmlib.needs.drivers import Drivers, drivers
from crmlib.needs.fixes import Fixes, IssuesToMend, fixes, issues_to_mend
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
from crmlib.needs.offers import Offers, best_offers
from crmlib.needs.preferences import Preferences, part_worth_table
from crmlib.needs.projection import Projection, ProjectionAccuracy, project, projection_accuracy
from crmlib.needs.simulator import Simulation, simulate
from crmlib.needs.value_of_satisfaction import ValueOfSatisfaction, value_of_satisfaction

__all__ = [
    "Agreement",
    "Breakpoint",
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
    "Offers",
    "Preferences",
    "Projection",
    "ProjectionAccuracy",
    "Simulation",
    "ValueAtStake",
    "ValueOfSatisfaction",
    "agreement",
    "best_offers",
    "breakpoint_of",
    "breakpoints",
    "capability_fit",
    "check_design",
    "choice_table",
    "choose_classes",
    "described",
    "drivers",
    "fixes",
    "held_out",
    "importance",
    "issues_to_mend",
    "likelihood_ratio_test",
    "loyalty_profile",
    "maxdiff_table",
    "part_worth_table",
    "project",
    "projection_accuracy",
    "simulate",
    "value_at_stake",
    "value_of_satisfaction",
    "willingness_to_pay",
]
