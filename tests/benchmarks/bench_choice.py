"""Choice models: a thousand people's conjoint, beside statsmodels for the plain logit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.discrete.conditional_models import ConditionalLogit as StatsmodelsLogit

from crmlib.needs import (
    ChoiceTable,
    ConditionalLogit,
    HierarchicalLogit,
    LatentClassLogit,
    choice_table,
)
from tests.benchmarks.measure import fastest, report, target

PEOPLE, TASKS, ALTERNATIVES, ATTRIBUTES = 950, 15, 3, list("abcdef")


def simulate(seed: int = 1) -> pd.DataFrame:
    """Choices of people whose part-worths are spread around common ones."""
    rng = np.random.default_rng(seed)
    p, rows = len(ATTRIBUTES), PEOPLE * TASKS * ALTERNATIVES
    own = rng.normal(size=p) + rng.normal(size=(PEOPLE, p))
    offers = rng.normal(size=(rows, p))
    person = np.repeat(np.arange(PEOPLE), TASKS * ALTERNATIVES)
    utility = (offers * own[person]).sum(axis=1) + rng.gumbel(size=rows)
    best = utility.reshape(-1, ALTERNATIVES).argmax(axis=1)
    chosen = np.arange(ALTERNATIVES) == best[:, None]
    table = pd.DataFrame(offers, columns=ATTRIBUTES)
    return table.assign(
        respondent_id=person, task=np.repeat(np.arange(rows // ALTERNATIVES), ALTERNATIVES),
        alternative=np.tile(np.arange(ALTERNATIVES), rows // ALTERNATIVES),
        chosen=chosen.ravel().astype(int),
    )  # fmt: skip


def statsmodels_logit(table: ChoiceTable) -> object:
    """The same fit by statsmodels."""
    rows = table.available
    chosen = (np.arange(rows.shape[1]) == table.chosen[:, None])[rows].astype(int)
    task = np.repeat(np.arange(table.n_tasks), rows.sum(axis=1))
    return StatsmodelsLogit(chosen, table.design[rows], groups=task).fit()


def main() -> list[str]:
    """Print what each step took; the targets that were missed."""
    choices = simulate()
    table = choice_table(choices, ATTRIBUTES)
    of = f"{PEOPLE} people × {TASKS} tasks"
    ours = fastest(lambda: ConditionalLogit().fit(table))
    theirs = fastest(lambda: statsmodels_logit(table), runs=1)
    report(f"{of}, conditional logit", ours, "statsmodels", theirs)
    missed = target(f"{of}, arranged", fastest(lambda: choice_table(choices, ATTRIBUTES)), 1, "s")
    classes = fastest(lambda: LatentClassLogit(4, n_init=10).fit(table), enough=10)
    missed += target(f"{of}, 4 classes, 10 starts", classes, 20, "s")
    chains = HierarchicalLogit(draws=500, burn=500, chains=4)
    seconds = fastest(lambda: chains.fit(table), enough=20)
    print(
        f"  largest R-hat {chains.rhat.max():.3f}, least effective size "
        f"{chains.effective_size.min():.0f}"
    )
    return missed + target(f"{of}, hierarchical, 4 × 1,000 sweeps", seconds, 20, "s")
