"""What a params file says comes out of a notebook's injected cell as the same literal."""

from __future__ import annotations

import ast
import json

import nbformat
import pytest
import small_book
from hypothesis import given
from hypothesis import strategies as st
from papermill.parameterize import parameterize_notebook

from crmlib import params
from crmlib.book import execution, runner

LABELS = [
    'a"); import os #', "'; import os; '", '"""', "'''", "\\", '\\"', "a\nb", "\r", "\t",
    "\u2028x = 1\u2029", "\x85", "\x00", "{engagement}", "{{", "%(x)s", "客户", "\U0001f4b0", "#",
]  # fmt: skip


def injected(parameters: dict) -> dict:
    """The injected cell's assignments, each read as a literal; nothing else may stand there."""
    cell = nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {}})
    made = parameterize_notebook(notebook, parameters, kernel_name="python3", language="python")
    statements = ast.parse(made.cells[1].source).body
    assert all(isinstance(one, ast.Assign) and len(one.targets) == 1 for one in statements)
    return {one.targets[0].id: ast.literal_eval(one.value) for one in statements}


@pytest.mark.parametrize("label", LABELS)
def test_hostile_text_stays_text(label):
    parameters = {"tier_labels": [label, "low"], "by": {label: [label]}, "title": label}
    assert injected(parameters) == parameters


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FINITE = SIMPLE.filter(lambda v: not isinstance(v, float) or abs(v) < float("inf"))


@given(st.recursive(FINITE, lambda deep: st.lists(deep) | st.dictionaries(st.text(), deep)))
def test_any_setting_comes_out_as_it_went_in(value):
    assert injected({"setting": value}) == {"setting": value}


def test_half_a_character_is_a_literal_too():
    assert injected({"label": "\ud800"}) == {"label": "\ud800"}


def test_labels_arrive_in_a_notebook_run_in_a_folder_that_looks_like_a_parameter(
    tmp_path, monkeypatch
):
    """Papermill fills `{…}` in paths."""
    folder = tmp_path / "{engagement} {0.__class__} {"
    monkeypatch.setattr(runner, "_render", small_book.plain_page)
    monkeypatch.setattr(
        params.Engagement, "settings", lambda *_: {"max_excluded_share": 0.2, "labels": LABELS}
    )
    chapters = {"01_customers": "import json\nprint(json.dumps(labels))"}
    made = small_book.run(
        small_book.write_params(folder),
        folder / "reports",
        small_book.write_notebooks(folder / "notebooks", chapters),
        graph=small_book.ONE_CHAPTER,
    ).version
    notebook = json.loads((made.path / "notebooks" / "01_customers.ipynb").read_text())
    assert json.loads("".join(notebook["cells"][3]["outputs"][0]["text"])) == LABELS


def test_a_path_is_literal():
    path = execution._literal(small_book.Path("/a/{b}/{{c}}"))
    assert path.format(b="x") == "/a/{b}/{{c}}"
