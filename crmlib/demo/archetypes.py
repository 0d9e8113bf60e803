"""The six kinds of customer that the demo bank has, and what it earns and spends on them.

A customer's archetype is the latent truth that behaviour segmentation should recover:
it sets the mean of every rate, and customers scatter around it, so that archetypes
overlap. One archetype is *emerging* (nobody joins it before the last two fifths of the
window) and one is *dying* (nobody joins it in the window, and it shrinks fastest).
Levels follow what banking sources say of retail banks: a fifth of the customers holds
some four fifths of the profit, and more value goes by shrinking than by leaving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PRODUCTS = ("current_account", "savings", "credit_card", "personal_loan", "insurance")
CURRENT, SAVINGS, CARD, LOAN, INSURANCE = range(len(PRODUCTS))
CHANNELS = ("branch", "call_centre", "online", "mobile")
BRANCH, CALL, ONLINE, MOBILE = range(len(CHANNELS))

REGIONS = ("Borders", "Capital", "Coast", "Harbour", "Highlands", "Lakes", "Plains", "Valleys")
INCOME_BANDS = ("below 20k", "20k-35k", "35k-50k", "50k-80k", "above 80k")
OCCUPATIONS = (
    "apprentice", "clerical", "manual", "professional", "public service", "retired",
    "self-employed", "student",
)  # fmt: skip

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Archetype:
    """One kind of customer: means and probabilities from which its members are drawn.

    Money is in EUR a month, contacts and purchases a month, risks of change a year.

    Attributes
    ----------
    share : float
        Of all customers.
    phase : {"stable", "emerging", "dying"}
        When its members join.
    holds : tuple of float
        Probability that a member takes each product sooner or later.
    balance, savings, revolving, loan, insurance : float
        Mean interest margin or commission of a holder.
    fee : float
        Price of the current account.
    spread : float
        Standard deviation of the logarithm of a member's wealth, which multiplies
        `balance` and `savings`.
    card_rate, card_shape : float
        Mean and shape of the gamma distribution of card purchases.
    ticket : float
        Median amount of a card purchase.
    card_channels : tuple of float
        Shares of purchases in a shop, online and abroad.
    contacts : tuple of float
        Contacts by branch, call centre, online and mobile.
    provision : float
        Risk provision as a share of revolving and loan margin.
    default_risk : float
        Probability a year that a borrower's debt is written off.
    marketing : float
        Contacts by marketing.
    leave, down, up : float
        Probability a year of leaving, of migrating down, and of migrating up.
    born : tuple of float
        Mean and standard deviation of the year of birth.
    tenure : float
        Mean years as a customer of those who joined before the window.
    income, regions, occupations : tuple of float
        Probabilities of `INCOME_BANDS`, `REGIONS` and `OCCUPATIONS`.
    household : float
        Mean size of the household less one.
    """

    name: str
    share: float
    phase: Literal["stable", "emerging", "dying"]
    holds: tuple[float, ...]
    balance: float
    savings: float
    fee: float
    spread: float
    card_rate: float
    card_shape: float
    ticket: float
    card_channels: tuple[float, ...]
    revolving: float
    loan: float
    insurance: float
    contacts: tuple[float, ...]
    provision: float
    default_risk: float
    marketing: float
    leave: float
    down: float
    up: float
    born: tuple[float, float]
    tenure: float
    income: tuple[float, ...]
    regions: tuple[float, ...]
    occupations: tuple[float, ...]
    household: float


ARCHETYPES = (
    Archetype(
        "advised_affluent", 0.10, "stable",
        holds=(0.95, 0.85, 0.75, 0.10, 0.45),
        balance=17.0, savings=27.0, fee=9.90, spread=0.70,
        card_rate=1.0, card_shape=1.4, ticket=78.0, card_channels=(0.55, 0.25, 0.20),
        revolving=1.0, loan=14.0, insurance=9.0,
        contacts=(0.26, 0.12, 3.5, 0.4), provision=0.06, default_risk=0.001, marketing=0.08,
        leave=0.040, down=0.20, up=0.06,
        born=(1964, 11), tenure=14, income=(0.02, 0.08, 0.20, 0.35, 0.35),
        regions=(0.06, 0.26, 0.14, 0.18, 0.08, 0.14, 0.06, 0.08),
        occupations=(0.00, 0.08, 0.02, 0.34, 0.12, 0.22, 0.21, 0.01), household=1.4,
    ),
    Archetype(
        "card_enthusiast", 0.15, "stable",
        holds=(0.82, 0.35, 0.99, 0.12, 0.20),
        balance=6.0, savings=5.0, fee=4.90, spread=0.80,
        card_rate=2.1, card_shape=1.8, ticket=58.0, card_channels=(0.45, 0.38, 0.17),
        revolving=5.0, loan=12.0, insurance=5.0,
        contacts=(0.03, 0.08, 1.5, 9.0), provision=0.16, default_risk=0.006, marketing=0.08,
        leave=0.055, down=0.24, up=0.07,
        born=(1979, 10), tenure=7, income=(0.05, 0.16, 0.29, 0.33, 0.17),
        regions=(0.08, 0.30, 0.15, 0.16, 0.07, 0.08, 0.08, 0.08),
        occupations=(0.02, 0.22, 0.10, 0.30, 0.14, 0.05, 0.15, 0.02), household=1.1,
    ),
    Archetype(
        "everyday_family", 0.36, "stable",
        holds=(0.95, 0.46, 0.66, 0.15, 0.28),
        balance=3.6, savings=3.4, fee=3.90, spread=0.90,
        card_rate=0.58, card_shape=1.1, ticket=46.0, card_channels=(0.68, 0.26, 0.06),
        revolving=1.0, loan=10.0, insurance=3.5,
        contacts=(0.09, 0.10, 7.0, 1.2), provision=0.12, default_risk=0.004, marketing=0.07,
        leave=0.050, down=0.18, up=0.05,
        born=(1977, 12), tenure=10, income=(0.10, 0.30, 0.34, 0.20, 0.06),
        regions=(0.14, 0.10, 0.12, 0.12, 0.14, 0.12, 0.14, 0.12),
        occupations=(0.02, 0.25, 0.25, 0.14, 0.20, 0.06, 0.07, 0.01), household=2.2,
    ),
    Archetype(
        "credit_user", 0.17, "stable",
        holds=(0.90, 0.12, 0.76, 0.50, 0.18),
        balance=1.6, savings=1.0, fee=3.90, spread=0.80,
        card_rate=0.65, card_shape=0.9, ticket=38.0, card_channels=(0.62, 0.32, 0.06),
        revolving=8.5, loan=15.0, insurance=3.5,
        contacts=(0.06, 0.45, 1.2, 1.8), provision=0.30, default_risk=0.020, marketing=0.09,
        leave=0.070, down=0.20, up=0.05,
        born=(1983, 11), tenure=6, income=(0.24, 0.38, 0.25, 0.10, 0.03),
        regions=(0.18, 0.10, 0.10, 0.12, 0.14, 0.06, 0.18, 0.12),
        occupations=(0.06, 0.22, 0.38, 0.06, 0.10, 0.03, 0.12, 0.03), household=1.5,
    ),
    Archetype(
        "app_native", 0.10, "emerging",
        holds=(0.98, 0.30, 0.72, 0.04, 0.08),
        balance=1.3, savings=1.3, fee=0.0, spread=0.90,
        card_rate=1.3, card_shape=1.3, ticket=24.0, card_channels=(0.38, 0.50, 0.12),
        revolving=0.8, loan=8.0, insurance=2.0,
        contacts=(0.004, 0.04, 0.2, 22.0), provision=0.15, default_risk=0.006, marketing=0.06,
        leave=0.070, down=0.10, up=0.14,
        born=(1998, 5), tenure=1, income=(0.34, 0.34, 0.20, 0.09, 0.03),
        regions=(0.05, 0.38, 0.10, 0.20, 0.04, 0.07, 0.08, 0.08),
        occupations=(0.14, 0.20, 0.10, 0.18, 0.06, 0.00, 0.08, 0.24), household=0.7,
    ),
    Archetype(
        "passbook_saver", 0.12, "dying",
        holds=(0.62, 0.92, 0.24, 0.03, 0.16),
        balance=2.5, savings=6.0, fee=1.90, spread=0.95,
        card_rate=0.25, card_shape=0.9, ticket=34.0, card_channels=(0.90, 0.06, 0.04),
        revolving=0.3, loan=7.0, insurance=2.5,
        contacts=(0.38, 0.06, 0.1, 0.03), provision=0.08, default_risk=0.002, marketing=0.07,
        leave=0.110, down=0.32, up=0.02,
        born=(1949, 8), tenure=24, income=(0.30, 0.38, 0.22, 0.08, 0.02),
        regions=(0.18, 0.06, 0.10, 0.07, 0.22, 0.13, 0.12, 0.12),
        occupations=(0.00, 0.05, 0.06, 0.03, 0.05, 0.77, 0.04, 0.00), household=0.7,
    ),
)  # fmt: skip

SHARES: FloatArray = np.array([each.share for each in ARCHETYPES])


def of_members(name: str, archetype: IntArray) -> FloatArray:
    """A field of the archetypes for each customer; one column for each where it is a tuple.

    Parameters
    ----------
    name : str
        The field.
    archetype : array of shape (n,)
        Position of each customer's archetype in `ARCHETYPES`.
    """
    return np.array([getattr(each, name) for each in ARCHETYPES], dtype=float)[archetype]
