"""The exhibits that stand where a figure could not be computed, or may not be shown."""

from __future__ import annotations

import pandas as pd

from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.scope import Scope
from crmlib.stats.refusal import Refusal


def refused(id: str, what: str, refusal: Refusal, n: int, scope: Scope) -> Exhibit:
    """The exhibit that stands where a figure could not be computed."""
    return scope.exhibit(
        id=id,
        title=f"{what} cannot be computed from these data",
        table=pd.DataFrame({"not computed": [what], "reason": [refusal.reason]}),
        n=n,
        unit="none",
        alt=f"{what} cannot be computed: {refusal.reason}",
    )
