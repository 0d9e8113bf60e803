"""What customers want, why they stay, and what it costs to fix."""

from crmlib.needs.choice_tables import ChoiceTable, choice_table
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.hierarchical_logit import HierarchicalLogit
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.preferences import Preferences, part_worth_table

__all__ = [
    "ChoiceTable",
    "ConditionalLogit",
    "HierarchicalLogit",
    "LatentClassLogit",
    "Preferences",
    "choice_table",
    "part_worth_table",
]
