"""What people would pay, which offer they would take, and what they want most (N2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pandas as pd

from crmlib.exhibits import formats
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding
from crmlib.exhibits.needs.choice_panels import (
    EVERYBODY,
    Respondents,
    close,
    group_sizes,
    joined,
    of_shown,
    panels,
    pictured,
    told_apart,
    withheld_classes,
)
from crmlib.exhibits.needs.groups import RESPONDENTS, fitting, survey_refused
from crmlib.exhibits.scope import Scope
from crmlib.needs.importance import willingness_to_pay
from crmlib.needs.maxdiff import ITEM, MaxDiff
from crmlib.needs.preferences import ALL, Preferences
from crmlib.needs.simulator import Simulation
from crmlib.stats.refusal import Refusal

_PER_UNIT = "per unit"  # the level of an attribute in numbers


def what_people_would_pay(
    preferences: Preferences | Refusal,
    price: str | Refusal,
    money: str,
    level: float,
    people: Respondents,
    scope: Scope,
) -> Exhibit | None:
    """What attributes are worth in units of the price; `money` is its unit in words."""
    if isinstance(preferences, Refusal):
        return None
    if isinstance(price, Refusal):
        return survey_refused("willingness_to_pay", "What people would pay", price, people.n, scope)
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return scope.withheld("willingness_to_pay", "What is paid for", people.n, RESPONDENTS)
    table = _payment_table(preferences, price, sizes, level, people)
    empty = {
        group: "price is not clearly unwelcome"
        for group, rows in table.groupby("group")
        if rows["value"].isna().all()
    }
    return scope.exhibit(
        id="willingness_to_pay",
        title=_payment_title(table, people.say(price)),
        table=table,
        figure=panels(
            table, "gain", list(table["gain"].unique()),
            f"{money}, {formats.level(level)} interval", _whole(table), bars=False, empty=empty,
        ),
        n=people.n,
        population=RESPONDENTS,
        unit=money,
        alt=f"Points with intervals: what {table['gain'].nunique()} gains are worth to "
        f"{' and '.join(dict.fromkeys(table['group']))}.",
        note=joined(
            f"What a gain is worth in {people.say(price)}; of numbers, one unit. Intervals after "
            "Krinsky and Robb.",
            f"Not computed, since more {people.say(price)} does not clearly keep them from "
            f"choosing: {', '.join(empty)}." if empty else "",
            withheld_classes(preferences, sizes, scope),
            pictured(table),
        ),
    )  # fmt: skip


def _payment_table(
    preferences: Preferences, price: str, sizes: pd.Series, level: float, people: Respondents
) -> pd.DataFrame:
    """Gains by group; a number that people want less of is told as one unit less."""
    found = willingness_to_pay(preferences, price, level=level)
    kept = sizes if set(found["group"]) == {ALL} else sizes.drop(index=ALL)
    table = of_shown(found, kept, people)
    bounds = ["value", "lower", "upper"]
    keys = pd.Series(list(zip(table["attribute"], table["level"], strict=True)), table.index)
    mean = table["value"].groupby(keys).mean()
    unwelcome = {key for key in mean.index[mean < 0] if key[1] == _PER_UNIT}
    words = {key: _gain(*key, key in unwelcome, preferences, people) for key in keys}
    shared = Counter(words.values())  # "high instead of low" may be of two attributes
    words = {
        key: f"{people.say(key[0])}: {text}" if shared[text] > 1 and key[1] != _PER_UNIT else text
        for key, text in words.items()
    }
    table["gain"] = keys.map(told_apart(words))
    turned = keys.isin(unwelcome)
    swapped = -table.loc[turned, ["value", "upper", "lower"]].to_numpy()
    table.loc[turned, bounds] = swapped
    columns = ["group", "respondents", "gain", *bounds, "std_err", "reason"]
    return table[columns].round({**dict.fromkeys(bounds, 4), "std_err": 4})


def _gain(
    name: str, level: str, unwelcome: bool, preferences: Preferences, people: Respondents
) -> str:
    """What is gained: one unit of a number, a yes or no, or one level instead of another."""
    shown = preferences.coding.attribute(name)
    if level != _PER_UNIT:
        words = {str(each): said for each, said in people.say_all(shown.levels).items()}
        other, base = level.split(" instead of ", 1)
        return f"{words.get(other, other)} instead of {words.get(base, base)}"
    if (shown.lowest, shown.highest) == (0, 1):
        return f"{'no ' if unwelcome else ''}{people.say(name)}"
    return f"{people.say(name)}: one {'less' if unwelcome else 'more'}"


def _whole(table: pd.DataFrame) -> Callable[[float], str]:
    """Money in units where it is large, with decimals where it is small."""
    most = table["value"].abs().max()
    digits = 0 if most >= 20 else 1 if most >= 2 else 2
    return lambda value: f"{round(value, digits) + 0:,.{digits}f}"  # no "-0"


def _best_paid(table: pd.DataFrame) -> pd.Series | None:
    """The gain that a group would clearly pay most for."""
    clear = table[table["lower"] > 0]
    return None if clear.empty else clear.loc[clear["value"].idxmax()]


def _payer(top: pd.Series) -> str:
    """Who would pay, as a sentence begins."""
    if top["group"] == EVERYBODY:
        return "People"
    return formats.capitalised(top["group"])


def _payment_title(table: pd.DataFrame, price: str) -> str:
    written = _whole(table)
    if table["value"].isna().all():
        return f"What people would pay is not known: no group shuns {price}"
    top = _best_paid(table)
    if top is None:
        return "People would clearly pay for nothing that was offered"
    who, paid = _payer(top), written(top["value"])
    return fitting(
        f"{who} would pay {paid} for {top['gain']}",
        f"{who} would pay {paid} for one gain",
        f"One group would pay {paid} for one gain",
    )


def payment_findings(
    preferences: Preferences | Refusal,
    price: str | Refusal,
    money: str,
    level: float,
    people: Respondents,
    scope: Scope,
) -> list[Finding]:
    """What people would pay most for, if they clearly would."""
    if isinstance(preferences, Refusal) or isinstance(price, Refusal):
        return []
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return []
    table = _payment_table(preferences, price, sizes, level, people)
    top = _best_paid(table)
    if top is None:
        return []
    written = _whole(table)
    lo, hi, value = float(top["lower"]), float(top["upper"]), float(top["value"])
    sentence = (
        f"{_payer(top)} would pay {written(value)} "
        f"({formats.interval(lo, hi, written)}) {money} for {top['gain']}."
    )
    return [
        Finding("paid_most", "estimate", sentence, value, money, "willingness_to_pay", lo=lo, hi=hi)
    ]


def offer_shares(
    simulation: Simulation | Refusal,
    preferences: Preferences | Refusal,
    people: Respondents,
    scope: Scope,
) -> Exhibit | None:
    """Shares of named offers, by class and for everybody, none among them."""
    if isinstance(simulation, Refusal) or isinstance(preferences, Refusal):
        return None
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return scope.withheld("offer_shares", "Shares of offers", people.n, RESPONDENTS)
    table = _share_table(simulation.shares, "offer", sizes, people)
    return scope.exhibit(
        id="offer_shares",
        title=_share_title(table),
        table=table,
        figure=panels(
            table, "offer", list(table["offer"].unique()),
            f"share of preference, {formats.level(simulation.level)} interval", formats.percent,
            bars=True,
        ),
        n=people.n,
        population=RESPONDENTS,
        unit="share of preference",
        alt=f"Bars with intervals: how many would take each of {table['offer'].nunique()} offers, "
        f"for {' and '.join(table['group'].unique())}.",
        note=joined(
            "By the logit rule, among these offers alone. Shares of a market only where everybody "
            "knows and can get every offer.",
            f"Beyond what was shown: {'; '.join(simulation.notes)}." if simulation.notes else "",
            withheld_classes(preferences, sizes, scope),
            pictured(table),
        ),
    )  # fmt: skip


def _share_table(
    found: pd.DataFrame, row: str, sizes: pd.Series, people: Respondents
) -> pd.DataFrame:
    """Shares by group, in the order of everybody's, which stand first."""
    table = of_shown(found.rename(columns={"share": "value"}), sizes, people)
    of_all = table[table["group"] == EVERYBODY].set_index(row)["value"]
    place = {name: at for at, name in enumerate(of_all.sort_values(ascending=False).index)}
    order = {name: at for at, name in enumerate(table["group"].unique())}
    table = table.assign(of=table["group"].map(order), at=table[row].map(place))
    table = table.sort_values(["of", "at"], ignore_index=True).drop(columns=["of", "at"])
    return table.assign(**{row: table[row].map(people.say_all(table[row]))}).round(4)


def _share_title(table: pd.DataFrame) -> str:
    """The winner and who comes behind it; together where intervals overlap."""
    first, second = (table.iloc[at] for at in (0, 1))
    one, two = formats.percent(first["value"]), formats.percent(second["value"])
    who = formats.capitalised(first["offer"])
    if not close(first, second):
        return fitting(
            f"{who} wins {one} of everybody's choices, {second['offer']} {two}",
            f"One offer wins {one} of choices, the next {two}",
        )
    return fitting(
        f"{who} has {one} and {second['offer']} {two}: too close to call",
        f"Two offers have {one} and {two}: too close to call",
    )


def offer_findings(
    simulation: Simulation | Refusal,
    preferences: Preferences | Refusal,
    people: Respondents,
    scope: Scope,
) -> list[Finding]:
    """Which offer wins, and with how much."""
    if isinstance(simulation, Refusal) or isinstance(preferences, Refusal):
        return []
    sizes = group_sizes(preferences, people.n, scope.min_cell)
    if sizes.empty:
        return []
    first = _share_table(simulation.shares, "offer", sizes, people).iloc[0]
    return [_first_finding("winning_offer", first, "offer", "would be taken by", "offer_shares")]


def _first_finding(id: str, first: pd.Series, row: str, does: str, exhibit: str) -> Finding:
    lo, hi, value = (float(first[name]) for name in ("lower", "upper", "value"))
    sentence = (
        f"{formats.capitalised(first[row])} {does} {formats.percent(value)} "
        f"({formats.interval(lo, hi, formats.percent)}) of people."
    )
    return Finding(id, "estimate", sentence, value, "share of people", exhibit, lo=lo, hi=hi)


def benefits_wanted(
    model: MaxDiff | Refusal, level: float, people: Respondents, scope: Scope
) -> Exhibit:
    """How often each item would be the best of all, by class and for everybody."""
    if isinstance(model, Refusal):
        return survey_refused("benefits_wanted", "What people want most", model, people.n, scope)
    sizes = group_sizes(model.preferences(), people.n, scope.min_cell)
    if sizes.empty:
        return scope.withheld("benefits_wanted", "What people want", people.n, RESPONDENTS)
    table = _share_table(model.shares(level), ITEM, sizes, people)
    return scope.exhibit(
        id="benefits_wanted",
        title=_wanted_title(table),
        table=table,
        figure=panels(
            table, ITEM, list(table[ITEM].unique()),
            f"best of all, share of people, {formats.level(level)} interval", formats.percent,
            bars=True,
        ),
        n=people.n,
        population=RESPONDENTS,
        unit="share of people to whom it is the best of all",
        alt=f"Bars with intervals of {table[ITEM].nunique()} benefits, the most wanted first, for "
        f"{' and '.join(table['group'].unique())}.",
        note=joined(
            "From answers on the best and the worst of a few benefits at a time (MaxDiff).",
            withheld_classes(model.preferences(), sizes, scope),
            pictured(table),
        ),
    )  # fmt: skip


def _wanted_title(table: pd.DataFrame) -> str:
    """What is best for most; two where their order is open."""
    first, second = (table.iloc[at] for at in (0, 1))
    one, two = formats.percent(first["value"]), formats.percent(second["value"])
    who = formats.capitalised(first[ITEM])
    if close(first, second):
        return fitting(
            f"{who} ({one}) and {second[ITEM]} ({two}) are wanted most",
            f"Two benefits are wanted most, best for {one} and {two}",
        )
    return fitting(
        f"{who} is wanted most, the best for {one}",
        f"One of {table[ITEM].nunique()} benefits is the best for {one}",
    )


def wanted_findings(
    model: MaxDiff | Refusal, level: float, people: Respondents, scope: Scope
) -> list[Finding]:
    """What is wanted most, and by how many."""
    if isinstance(model, Refusal):
        return []
    sizes = group_sizes(model.preferences(), people.n, scope.min_cell)
    if sizes.empty:
        return []
    first = _share_table(model.shares(level), ITEM, sizes, people).iloc[0]
    return [_first_finding("wanted_most", first, ITEM, "is the best for", "benefits_wanted")]
