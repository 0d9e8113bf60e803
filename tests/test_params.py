"""Params: what is accepted, what is refused, and in which words."""

import ast
from pathlib import Path

import nbformat
import pytest
import yaml

from crmlib import params
from crmlib.errors import ParamsError
from crmlib.intake.reading.probe import locate

ROOT = Path(__file__).parents[1]
MINIMAL = """\
engagement: shop
title: A shop
currency: EUR
observation_end: 2020-12-31
inputs:
  transactions:
    path: sales.csv
"""


@pytest.fixture
def write(tmp_path):
    def _write(text: str) -> Path:
        path = tmp_path / "shop.yml"
        path.write_text(text)
        return path

    return _write


def message(path: Path, *overrides: str) -> str:
    with pytest.raises(ParamsError) as error:
        params.load(path, overrides)
    said = str(error.value).removeprefix(f"{path}: ").removeprefix(str(path))
    return said.removeprefix("--set: ")


def test_minimal_file_gets_every_default(write):
    engagement = params.load(write(MINIMAL))
    assert engagement.time_unit == "week"
    assert engagement.value == params.ValueChapter()
    assert engagement.inputs.transactions.paths == ("sales.csv",)


def test_input_paths_are_relative_to_the_params_file(write, monkeypatch):
    path = write(MINIMAL)
    monkeypatch.chdir("/")
    (path.parent / "sales.csv").write_text("customer_id,date,amount\n")
    (part,) = locate(params.load(path)).parts
    assert part.path.samefile(path.parent / "sales.csv")


def test_resolved_yaml_reads_back_to_the_same_engagement(write):
    path = write(MINIMAL)
    engagement = params.load(path, ["value.horizon_years=5"])
    again = params.resolve(yaml.safe_load(params.to_yaml(engagement)), "again", path.parent)
    assert again == engagement and again.value.horizon_years == 5


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("value.horizont=3", "value.horizont: unknown key. Did you mean `horizon_years`?"),
        ("valeu={}", "valeu: unknown key. Did you mean `value`?"),
        (
            "value.horizon_years=three",
            "value.horizon_years: found 'three'; expected a valid number.",
        ),
        ("value.horizon_years=0", "value.horizon_years: found 0; expected greater than 0."),
        ("value.horizon_years=.nan", "value.horizon_years: found nan; expected a finite number."),
        (
            "value.holdout_share=1.5",
            "value.holdout_share: found 1.5; expected less than or equal to 0.5.",
        ),
        (
            "value.bootstrap_replications=20.5",
            "value.bootstrap_replications: found 20.5; expected a valid integer.",
        ),
        (
            "value.tier_cuts=[0.8, 0.5]",
            "value.tier_cuts: [0.8, 0.5] must rise from one cut to the next.",
        ),
        (
            "value.tier_labels=[a, b]",
            "value.tier_labels: 2 cuts make 3 tiers, but 2 labels are given.",
        ),
        (
            "time_unit=fortnight",
            "time_unit: found 'fortnight'; expected 'day', 'week', 'month' or 'year'.",
        ),
        (
            "currency=euro",
            "currency: found 'euro'; expected a three-letter currency code such as EUR.",
        ),
        (
            "engagement=../../etc",
            "engagement: found '../../etc'; expected up to 40 lower-case letters, digits and "
            "underscores, a letter first.",
        ),
        (
            "observation_end=soon",
            "observation_end: found 'soon'; expected a day such as 2024-12-31, without quotes.",
        ),
        (
            "observation_start=2021-01-01",
            "observation_start: 2021-01-01 is not before observation_end 2020-12-31.",
        ),
        (
            "inputs.transactions.columns={custid: ID}",
            "inputs.transactions.columns.custid: is not one of our columns. "
            "Did you mean `customer_id`?",
        ),
        (
            "tolerances.estimates=2",
            "tolerances.estimates: unknown key. Did you mean `estimate`?",
        ),
        (
            "tolerances.findings={equity: -0.1}",
            "tolerances.findings.equity: found -0.1; expected greater than or equal to 0.",
        ),
        ("value=3", "value: found 3; expected settings below it, as `key: value` lines."),
        ("title=2024", "title: found 2024; expected text; put it in quotes."),
        (
            'title="a\\0b"',
            "title: found 'a\\x00b'; expected text without control characters.",
        ),
        (
            "inputs.transactions.amount_is=3 sums",
            "inputs.transactions.amount_is: found '3 sums'; expected one to three words of "
            "letters, such as card spending.",
        ),
        (
            "inputs.transactions.amount_is=customers",
            "inputs.transactions.amount_is: found 'customers', which tables count or sort by. "
            "Name what the money is, such as revenue or card spending.",
        ),
        (
            "observation_end=2205-12-31",
            "observation_end: found 2205-12-31; expected less than 2100-01-01.",
        ),
        (
            "seed=!!bool abc",
            "--set seed=!!bool abc: the value is not valid YAML: `abc` is not what `!!bool` says.",
        ),
        (
            "segments.targets={low: {profits: 1}}",
            "segments.targets.low.profits: unknown key. Did you mean `profit`?",
        ),
        (
            "segments.targets={low: {marketing: -3}}",
            "segments.targets.low.marketing: found -3; expected a number of 0 or more. Costs are "
            "stated as positive numbers.",
        ),
        (
            "segments.owners={low: 3}",
            "segments.owners.low: found 3; expected text; put it in quotes.",
        ),
        (
            "inputs={}",
            "inputs.transactions: is not given, and neither are survey, choices or maxdiff; one "
            "of them is needed. Name its file, e.g. under `inputs.transactions.path`.",
        ),
        ("title.x=1", "--set title.x=1: `title` has no keys below it."),
        (
            "horizon_years",
            "--set horizon_years: `section.key=value` was expected, e.g. value.horizon_years=5.",
        ),
    ],
)
def test_one_clear_message_for_each_mistake(write, setting, said):
    assert message(write(MINIMAL), setting) == said


def test_every_mistake_is_named_at_once(write):
    said = message(write(MINIMAL), "seed=-1", "currency=1")
    assert "currency: found 1" in said and "seed: found -1" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no settings; `key: value` lines were expected."),
        ("- a\n- b\n", "holds no settings; `key: value` lines were expected."),
        ("a: [1, 2\n", ", line 2: is not valid YAML: expected ',' or ']', but got the end of the"),
        ("seed: 1\nseed: 2\n", ", line 2: is not valid YAML: key `seed` stands twice."),
        ("a: !!python/object/apply:os.system [ls]\n", ", line 1: is not valid YAML: a tag"),
    ],
)
def test_files_that_hold_no_settings(write, text, said):
    assert message(write(text)).startswith(said)


def test_yaml_merge_keys_are_read_and_an_empty_section_can_be_set(write):
    path = write(MINIMAL + "value:\n  <<: {horizon_years: 2}\nsummary:\n")
    engagement = params.load(path, ["summary.max_findings=3"])
    assert engagement.value.horizon_years == 2 and engagement.summary.max_findings == 3


def test_missing_file_names_its_neighbour(write):
    path = write(MINIMAL)
    assert message(path.parent / "shpo.yml").endswith(
        "there is no such file. Did you mean `shop.yml`?"
    )


def cell_parameters(notebook: Path) -> dict[str, object]:
    """Literals of a notebook's parameters cell."""
    cells = nbformat.read(notebook, as_version=4).cells
    (cell,) = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    tree = ast.parse(cell.source)
    assert all(isinstance(node, ast.Assign) for node in tree.body), "literals only"
    return {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}


@pytest.mark.parametrize("chapter", params.CHAPTER_SECTIONS)
def test_parameter_cells_repeat_the_defaults(chapter, write):
    found = cell_parameters(ROOT / "notebooks" / f"{chapter}.ipynb")
    assert (found.pop("engagement"), found.pop("run_dir")) == ("demo_bank", "")
    defaults = params.load(write(MINIMAL)).settings(chapter)
    assert found == defaults and list(found) == list(defaults)
