"""Who is in a needs segment: titles and cells follow the figures, small groups stay hidden."""

import numpy as np
import pandas as pd
import pytest
from needs_pairs import SCOPE

from crmlib.exhibits import trace
from crmlib.exhibits.needs import taken_names, who_they_are
from crmlib.needs.described import described
from crmlib.stats.refusal import Refusal

NAMES = ["price", "service"]


def portrait(older: float, branch: float, n: int = 400, sizes=(200, 200)):
    """Two segments that may differ in age and in who uses a branch."""
    rng = np.random.default_rng(11)
    who = np.arange(n) % 2
    posterior = pd.DataFrame(np.eye(2)[who], columns=NAMES)
    columns = pd.DataFrame(
        {
            "birth_year": 1980 - older * who + rng.normal(0, 5, n),
            "channel": np.where(rng.random(n) < 0.3 + branch * who, "branch", "mobile"),
            "noise": rng.normal(size=n),
        }
    )
    found = described(posterior, columns, level=0.9)
    return who_they_are(found, pd.Series(sizes, NAMES), 0.05, n, SCOPE)


def csv_of(exhibit):
    table = exhibit.table.astype(str)
    return list(table.columns), table.to_numpy().tolist()


@pytest.mark.parametrize(("older", "branch"), [(20.0, 0.0), (0.0, 0.5), (20.0, 0.5)])
def test_the_title_tells_the_clearest_difference(older, branch):
    exhibit = portrait(older, branch)
    told = "Birth year" if older else "Channel"
    assert exhibit.title.startswith(told) and len(exhibit.title.split()) <= 12
    assert trace.untraced(exhibit.title, *csv_of(exhibit)) == []
    differing = {name for name, by in (("birth_year", older), ("channel", branch)) if by}
    assert differing <= set(exhibit.table["column"])
    assert exhibit.png().startswith(b"\x89PNG")


def test_what_is_chance_is_not_told():
    exhibit = portrait(0.0, 0.0)
    assert exhibit.title == "Nothing known of customers tells who wants what"
    assert exhibit.table["columns_described"].tolist() == [3]


def test_a_small_segment_is_withheld_and_a_refusal_is_said():
    exhibit = portrait(20.0, 0.5, sizes=(395, 5))
    assert exhibit.title.startswith("Who is in which segment cannot be shown")
    told = who_they_are(Refusal("nobody is linked"), pd.Series([9, 9], NAMES), 0.05, 18, SCOPE)
    assert "nobody is linked" in told.alt or "nobody is linked" in str(told.table)
    assert who_they_are(Refusal("no"), pd.Series(dtype=float), 0.05, 18, SCOPE) is None


def test_names_that_two_segments_would_share_are_found():
    own = pd.Series(["fans", "fans", "rest"])
    assert taken_names(own, {"price": "fans", "speed": "rest"}) == ["price"]
