"""What the chapter asks of choices: which columns, which models, which offers (N2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from sklearn.base import clone

from crmlib.needs.choice_holdout import HeldOut
from crmlib.needs.choice_tables import ChoiceTable
from crmlib.needs.conditional_logit import ConditionalLogit
from crmlib.needs.hierarchical_logit import HierarchicalLogit
from crmlib.needs.latent_class_logit import LatentClassLogit
from crmlib.needs.maxdiff import MaxDiff
from crmlib.needs.preferences import ChoiceModel, Preferences
from crmlib.stats.optimise import NotIdentified

_STARTS = 5  # of each number of classes, while models are compared
_DRAWS, _BURN = 250, 150  # sweeps of each chain, which tell how well tasks are foreseen
_NO_ATTRIBUTE = ("respondent_id", "task", "alternative", "chosen", "seconds")


def attributes_of(choices: pd.DataFrame, named: Sequence[str] = ()) -> list[str]:
    """Columns that describe an offer: those named, else all that are nothing else.

    Parameters
    ----------
    choices : DataFrame
        The long table of choices.
    named : sequence of str

    Raises
    ------
    NotIdentified
        If there is none.
    """
    found = list(named) or [name for name in choices if name not in _NO_ATTRIBUTE]
    if not found:
        raise NotIdentified("the choices have no column that describes an offer")
    return found


def choice_models(most: int, *, random_state: int, people: bool = True) -> dict[str, ChoiceModel]:
    """Models that tasks not seen decide between, the simplest first.

    Parameters
    ----------
    most : int
        Classes of people at most.
    random_state : int
    people : bool
        Whether a model in which each person has preferences of their own is among them.
    """
    classes = {
        f"{k} classes": LatentClassLogit(k, n_init=_STARTS, random_state=random_state)
        for k in range(2, most + 1)
    }
    own = (
        {"each person": HierarchicalLogit(draws=_DRAWS, burn=_BURN, random_state=random_state)}
        if people
        else {}
    )
    return {"one for all": ConditionalLogit(), **classes, **own}


def price_of(preferences: Preferences, named: str) -> str:
    """The attribute that willingness to pay is measured by.

    Raises
    ------
    NotIdentified
        If none is named, or its levels are no numbers.
    """
    prices = [each.name for each in preferences.coding.attributes if not each.levels]
    if not named:
        raise NotIdentified("the params name no price among the attributes (`choice_price`)")
    if named not in prices:
        raise NotIdentified(f"the price {named} (`choice_price`) is not in numbers")
    return named


def fit_chosen(
    judged: HeldOut, models: Mapping[str, ChoiceModel], table: ChoiceTable, *, n_init: int
) -> ChoiceModel:
    """The model that unseen tasks decided for, fitted to all tasks.

    Parameters
    ----------
    n_init : int
        Starts, where people are in classes.
    """
    return _with_starts(models[judged.chosen], n_init).fit(table)


def fit_classes(
    judged: HeldOut,
    models: Mapping[str, ChoiceModel],
    table: ChoiceTable,
    chosen: ChoiceModel,
    *,
    n_init: int,
) -> ChoiceModel:
    """Classes of people for a reader, where the chosen model tells of single people.

    Returns
    -------
    ChoiceModel
        `chosen` itself, or of the models of all or of classes the one that foresees best.
    """
    if not isinstance(chosen, HierarchicalLogit):
        return chosen
    told = judged.table["log_likelihood"].dropna()
    told = told[[not isinstance(models[name], HierarchicalLogit) for name in told.index]]
    if told.empty:
        return chosen
    return _with_starts(models[str(told.idxmax())], n_init).fit(table)


def fit_best_worst(
    judged: HeldOut, models: Mapping[str, ChoiceModel], table: ChoiceTable, *, n_init: int
) -> MaxDiff:
    """Scores of items by the model that unseen sets decided for; see `fit_chosen`."""
    return MaxDiff(_with_starts(models[judged.chosen], n_init)).fit(table)


def _with_starts(model: ChoiceModel, n_init: int) -> ChoiceModel:
    if not isinstance(model, LatentClassLogit):
        return model
    return clone(model).set_params(n_init=n_init)


def offer_table(offers: Mapping[str, Mapping[str, float | str]]) -> pd.DataFrame:
    """Offers as the simulator takes them: one row each, its name as index.

    Raises
    ------
    NotIdentified
        If no offer is named.
    """
    if not offers:
        raise NotIdentified("the params name no offers")
    return pd.DataFrame.from_dict(dict(offers), orient="index").rename_axis("offer")
