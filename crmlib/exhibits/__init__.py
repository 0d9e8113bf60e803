"""What a reader sees: exhibits, findings, and the words and looks they share."""

from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding, FindingList
from crmlib.exhibits.scope import Scope

__all__ = ["Exhibit", "Finding", "FindingList", "Scope"]
