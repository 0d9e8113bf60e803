"""Exhibits of contracts: what the title claims, what is withheld, what stands when one lacks."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_contracts import (
    LEVEL,
    SCOPE,
    START,
    ahead_of,
    attributes,
    based,
    contracts,
    last_month,
)

from crmlib import value
from crmlib.exhibits import formats, trace
from crmlib.exhibits import value as exhibits
from crmlib.stats.refusal import Refusal


@pytest.fixture(scope="module")
def base():
    return based(contracts(term=24))


@pytest.fixture(scope="module")
def models(base):
    return value.model_contracts(base, level=LEVEL)


@pytest.fixture(scope="module")
def values(base, models):
    return ahead_of(base, models)


def cells(exhibit) -> tuple[list[str], list[list[str]]]:
    text = formats.safe_table(exhibit.table).to_csv(index=False, lineterminator="\n")
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


def every(base, models, values):
    lasting = value.contract_survival(base, level=LEVEL)
    drivers = value.contract_drivers(base, attributes(base), ["town"], level=LEVEL)
    return [
        exhibits.contract_export(base, SCOPE),
        exhibits.contract_survival(lasting, base, SCOPE),
        exhibits.contract_models(models, base, LEVEL, SCOPE),
        exhibits.contract_drivers(drivers, ["town"], base, SCOPE),
        exhibits.contract_values(values, base, 3.0, 0.1, SCOPE),
    ]


def test_every_number_of_title_and_finding_stands_in_the_table(base, models, values):
    shown = {exhibit.id: exhibit for exhibit in every(base, models, values)}
    for exhibit in shown.values():
        assert trace.numbers(exhibit.title), exhibit.id
        assert trace.untraced(exhibit.title, *cells(exhibit)) == [], exhibit.id
        assert exhibit._repr_mimebundle_()[0]["text/plain"]
    lasting = value.contract_survival(base, level=LEVEL)
    found = exhibits.contract_findings(base, lasting, values, 3.0, SCOPE)
    assert [finding.id for finding in found] == ["relationships_kept", "contract_value"]
    for finding in found:
        assert trace.untraced(finding.sentence, *cells(shown[finding.exhibit])) == []
        figures = shown[finding.exhibit].table.select_dtypes("number").to_numpy()
        for number in (finding.value, finding.lo, finding.hi):
            assert np.isclose(figures, number).any()


def test_a_window_says_which_reading_is_right(base):
    exhibit = exhibits.contract_export(base, SCOPE)
    worst = exhibit.table.loc[exhibit.table["difference"].idxmax()]
    assert exhibit.title == (
        f"Read rightly, {worst['at_risk_only']:.0%} of contracts last "
        f"{worst['age_months']:.0f} months, not {worst['as_if_complete']:.0%}"
    )


def test_histories_can_be_read():
    table = contracts()
    young = table[table["start_date"] >= START]
    exhibit = exhibits.contract_export(based(young), SCOPE)
    assert exhibit.title == "Contracts are followed from their start: survival can be read"


def test_a_snapshot_that_contradicts_itself_is_shown_once_and_nothing_is_read_from_it():
    base = last_month(lost=0.3)
    exhibit = exhibits.contract_export(base, SCOPE)
    assert exhibit.title.startswith("Contract survival cannot be trusted: this snapshot gives ")
    assert trace.untraced(exhibit.title, *cells(exhibit)) == []
    models = value.attempt(value.model_contracts, base, level=LEVEL)
    lasting = value.attempt(value.contract_survival, base, level=LEVEL)
    ahead = value.attempt(ahead_of, base, models)
    assert all(isinstance(result, Refusal) for result in (models, lasting, ahead))
    assert exhibits.contract_survival(lasting, base, SCOPE) is None
    assert exhibits.contract_models(models, base, LEVEL, SCOPE) is None
    assert exhibits.contract_values(ahead, base, 3.0, 0.1, SCOPE) is None
    assert exhibits.contract_drivers(Refusal("no"), ["town"], base, SCOPE) is None
    (caveat,) = exhibits.contract_findings(base, lasting, ahead, 3.0, SCOPE)
    assert (caveat.role, caveat.exhibit, caveat.size) == ("caveat", "contract_export", 1.0)
    assert "cannot be told" in caveat.sentence


def test_a_snapshot_that_may_be_right_is_read_with_its_condition():
    base = last_month(lost=0.03)
    assert base.check.verdict == "snapshot" and not base.check.contradicted
    exhibit = exhibits.contract_export(base, SCOPE)
    assert exhibit.title.startswith("If losses never changed, ")
    lasting = value.contract_survival(base, level=LEVEL)
    assert "only if losses never changed" in exhibits.contract_survival(lasting, base, SCOPE).note
    found = exhibits.contract_findings(base, lasting, Refusal("no margin"), 3.0, SCOPE)
    assert [finding.id for finding in found] == ["relationships_kept", "contract_snapshot"]


def test_without_contracts_one_exhibit_says_so_and_the_others_are_left_out():
    lacking = Refusal("the client gave no contracts (inputs.contracts)")
    exhibit = exhibits.contract_export(lacking, SCOPE)
    assert exhibit.title == "How long contracts last cannot be computed from these data"
    assert "inputs.contracts" in exhibit.table.to_string()
    assert exhibits.contract_survival(lacking, lacking, SCOPE) is None
    assert exhibits.contract_models(lacking, lacking, LEVEL, SCOPE) is None
    assert exhibits.contract_drivers(lacking, ["town"], lacking, SCOPE) is None
    assert exhibits.contract_values(lacking, lacking, 3.0, 0.1, SCOPE) is None
    assert exhibits.contract_findings(lacking, lacking, lacking, 3.0, SCOPE) == []


def test_drivers_are_shown_only_where_the_params_name_some(base):
    assert exhibits.contract_drivers(Refusal("none named"), [], base, SCOPE) is None
    reason = "customers have no attribute `twon`"
    exhibit = exhibits.contract_drivers(Refusal(reason), ["twon"], base, SCOPE)
    assert reason in exhibit.table.to_string()
    drivers = value.contract_drivers(base, attributes(base), ["town"], level=LEVEL)
    shown = exhibits.contract_drivers(drivers, ["town"], base, SCOPE)
    assert "No ratio changes visibly with the age" in shown.note
    moving = replace(drivers, table=drivers.table.assign(moves=True))
    assert "changes with the age of the relationship for town" in (
        exhibits.contract_drivers(moving, ["town"], base, SCOPE).note
    )
    chance = replace(drivers, table=drivers.table.assign(p_value=0.5))
    assert exhibits.contract_drivers(chance, ["town"], base, SCOPE).title == (
        "No attribute that was named tells clearly who leaves"
    )


def test_products_that_end_at_their_term_are_read_from_the_life_table(base, models):
    exhibit = exhibits.contract_models(models, base, LEVEL, SCOPE)
    table = exhibit.table.set_index("group")
    read = {"account": "sBG", "card": "sBG", "loan": "life table", "relationship": "sBG"}
    assert table["model"].to_dict() == read
    assert exhibit.title == "Losses follow the model in 3 of 4 groups"
    assert table.loc["loan", "misplaced_losses"] > 0.25
    assert table.loc["card", "lost_lo"] < 0.04 < table.loc["card", "lost_hi"]
    assert pd.isna(table.loc["loan", "lost_first_month"])


def with_few(lost: int, running: int, apart: int = 0) -> pd.DataFrame:
    """A third product, begun so many days apart, of which few ended or few still run."""
    many = contracts()
    rare = many.iloc[: lost + running].assign(
        product="rare",
        contract_id=[f"r{i}" for i in range(lost + running)],
        start_date=[
            pd.Timestamp("2022-03-01") - pd.Timedelta(days=apart * k) for k in range(lost + running)
        ],
        end_date=[
            *(pd.Timestamp("2023-05-20") + pd.DateOffset(months=k % 9) for k in range(lost)),
            *[pd.NaT] * running,
        ],
    )
    return pd.concat([many, rare], ignore_index=True)


def test_parameters_of_few_losses_are_withheld():
    base = based(with_few(lost=4, running=40))
    models = value.model_contracts(base, level=LEVEL)
    exhibit = exhibits.contract_models(models, base, LEVEL, SCOPE)
    row = exhibit.table.set_index("group").loc["rare"]
    assert row.drop(["model", "follows_model", "verdict"]).isna().all()
    assert "rare: fewer than 10 customers were lost" in exhibit.note


def test_few_running_contracts_join_the_next_product_and_cannot_be_subtracted():
    base = based(with_few(lost=80, running=4, apart=70))
    models = value.model_contracts(base, level=LEVEL)
    values = ahead_of(base, models)
    exhibit = exhibits.contract_values(values, base, 3.0, 0.1, SCOPE)
    rows = exhibit.table.set_index("product")
    assert "rare" not in rows.index and "other products" in rows.index
    assert rows.loc["other products", "running_contracts"] >= 10
    assert pd.isna(rows.loc["other products", "lo"])
    parts = rows[~rows.index.str.startswith("all")]
    assert parts["value"].sum() == pytest.approx(values.total.value)
    assert exhibit.figure is not None and exhibit.png()


def test_few_running_contracts_join_the_products_that_are_one_group_already():
    """Two small tariffs are one group from the start; a third has few contracts that run."""
    tariffs = contracts(n=300, card=0.02).assign(
        product=lambda table: np.where(table.index % 3, "x", "y"),
        contract_id=lambda table: "t" + table["contract_id"],
    )
    many = pd.concat([with_few(lost=80, running=4, apart=70), tariffs], ignore_index=True)
    base = replace(
        based(many), spells=based(many).spells.replace({"product": {"x": "other products"}})
    )
    models = value.model_contracts(base, level=LEVEL)
    values = ahead_of(base, models)
    rows = exhibits.contract_values(values, base, 3.0, 0.1, SCOPE).table.set_index("product")
    parts = rows[~rows.index.str.startswith("all")]
    assert "rare" not in parts.index
    assert parts["value"].sum() == pytest.approx(values.total.value)
    assert parts["running_contracts"].sum() == values.products["running_contracts"].sum()


def test_a_trend_is_said_with_the_time_for_which_it_goes_on(base, models):
    values = ahead_of(base, models)
    assert "three years" not in exhibits.contract_values(values, base, 3.0, 0.1, SCOPE).note
    falling = replace(values, products=values.products.assign(growth=-0.03))
    exhibit = exhibits.contract_values(falling, base, 3.0, 0.1, SCOPE)
    assert "go on to change so for three years at most" in exhibit.note
    products = exhibit.table[~exhibit.table["product"].str.startswith("all")]
    assert set(products["growth"].dropna()) == {-0.03}


def test_a_year_that_cannot_be_sealed_is_refused_and_said_as_a_doubt():
    """As of every ledger of less than two years."""
    scope = replace(SCOPE, margin_from="ledger")
    short = Refusal("less than a year was observed before the year to be sealed")
    exhibit = exhibits.contract_holdout(short, scope)
    assert exhibit.title.endswith("cannot be computed from these data")
    assert exhibit.table["reason"].tolist() == [short.reason]
    (doubt,) = exhibits.contract_holdout_findings(short, scope)
    assert doubt.role == "caveat" and doubt.exhibit == exhibit.id
    assert exhibits.contract_holdout(short, SCOPE) is None
    assert exhibits.contract_holdout_findings(short, SCOPE) == []
    (doubt,) = exhibits.contract_holdout_findings(short, replace(SCOPE, margin_from="contracts"))
    assert doubt.role == "caveat" and doubt.exhibit == "customer_equity"


def test_ages_of_few_are_not_on_the_survival_chart():
    """Of the rare product four end in their second year: two and more years are left out."""
    base = based(with_few(lost=4, running=40))
    exhibit = exhibits.contract_survival(value.contract_survival(base, level=LEVEL), base, SCOPE)
    rare = exhibit.table[exhibit.table["group"] == "rare"]
    assert rare["years"].tolist() == [1]
    assert rare["kept"].tolist() == [1.0]
