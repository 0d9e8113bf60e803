"""What customers want, why they stay, and what it costs to fix."""

from crmlib.needs.choice_design import DesignChecks, check_design
from crmlib.needs.choice_holdout import HeldOut, held_out
from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.hierarchical_logit import HierarchicalLogit
from crmlib.needs.importance import importance, willingness_to_pay
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.maxdiff import MaxDiff, maxdiff_table
from crmlib.needs.preferences import Preferences, part_worth_table
from crmlib.needs.simulator import Simulation, simulate

__all__ = [
    "ChoiceTable",
    "ConditionalLogit",
    "DesignChecks",
    "HeldOut",
    "HierarchicalLogit",
    "LatentClassLogit",
    "MaxDiff",
    "Preferences",
    "Simulation",
    "check_design",
    "choice_table",
    "held_out",
    "importance",
    "maxdiff_table",
    "part_worth_table",
    "simulate",
    "willingness_to_pay",
]
