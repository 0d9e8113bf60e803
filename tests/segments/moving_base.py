"""A base of customers in Gaussian segments on two dates, with planted changes."""

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from crmlib.segments.alarms import Alarms, alarms
from crmlib.segments.births import Births, births
from crmlib.segments.drift import population_stability
from crmlib.segments.retirements import Retirements, retirements
from crmlib.segments.two_dates import Comparison, Snapshot, compare_dates

FEATURES = ("spend", "visits", "calls", "breadth", "tenure")
CENTRES = np.array([
    [4.0, 0, 0, 0, 0], [0, 4.0, 0, 0, 0], [0, 0, 4.0, 0, 0], [-3.0, -3.0, 0, 3.0, 0],
])  # fmt: skip
SHARES = (0.4, 0.3, 0.2, 0.1)
OLD = ("first", "second", "third", "fourth")


def drawn(n: int, rng: np.random.Generator, shares=SHARES, centres=CENTRES) -> np.ndarray:
    """Customers in overlapping Gaussian segments; the last feature is skewed and says nothing."""
    which = rng.choice(len(centres), n, p=shares)
    rows = centres[which] + rng.standard_normal((n, centres.shape[1]))
    rows[:, -1] = rng.gamma(1.0, 1.0, n)
    return rows


def formed(matrix: np.ndarray, k: int = 4, seed: int = 0) -> KMeans:
    """Segments of the earlier date."""
    with threadpool_limits(limits=1):
        return KMeans(k, n_init=2, random_state=seed).fit(matrix)


def shot(ids, matrix: np.ndarray, segments: KMeans) -> Snapshot:
    names = OLD[: segments.n_clusters]
    return Snapshot(
        np.asarray(ids, dtype=object), matrix, segments.predict(matrix), FEATURES, names
    )


def judged(
    before: Snapshot,
    after: Snapshot,
    *,
    replications: int = 199,
    seed: int = 1,
    since: tuple[Snapshot, Snapshot] | None = None,
) -> tuple[Alarms, Births, Retirements, Comparison]:
    """All tests of change at a family-wise rate of 1 %; births between two other dates, if any."""
    compared = compare_dates(before, after, replications=replications, seed=seed)
    stability = population_stability(compared, level=0.99)
    longer = compare_dates(*since, replications=replications, seed=seed) if since else compared
    born = births(longer, min_share=0.03)
    retired = retirements(compared, min_share=0.03, replications=19)
    return alarms(stability, born, retired, rate=0.01), born, retired, compared
