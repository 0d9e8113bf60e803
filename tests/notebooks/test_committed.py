"""What is committed of a notebook: short cells, no logic, outputs without machine or moment."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If,
    ast.Try, ast.With,
)  # fmt: skip
MACHINE_OR_MOMENT = {
    "a path": r"(?<![\w.])/[\w.-]+/|\b[A-Z]:\\",
    "a version folder": r"\bv\d+-[0-9a-f]{8}\b",
    "a clock time": r"\b\d{2}:\d{2}:\d{2}\b",
    "a warning": r"Warning\b",
    "an object's address": r"0x[0-9a-f]{6,}",
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_cells_are_short_and_hold_no_logic(notebook):
    for cell in code_cells(notebook):
        most = 12
        if "parameters" in cell.metadata.get("tags", []):  # a line for each name, and no other
            most = max(most, len(ast.parse(cell.source).body))
        assert len(cell.source.splitlines()) <= most, cell.source
        found = [type(n).__name__ for n in ast.walk(ast.parse(cell.source)) if isinstance(n, LOGIC)]
        assert not found, f"{found} in\n{cell.source}"


def test_every_cell_was_executed_in_order(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_outputs_tell_no_machine_and_no_moment(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type == "display_data", output
            text = output.data["text/plain"]
            for what, pattern in MACHINE_OR_MOMENT.items():
                assert not re.search(pattern, text), f"{what} in {text}"


def test_a_path_is_found_and_a_model_is_none():
    path = re.compile(MACHINE_OR_MOMENT["a path"])
    assert path.search("read /srv/data/x.csv") and path.search(r"D:\data")
    assert not path.search("BG/NBD and 80/20 and EUR/customer")


def test_metadata_are_only_what_is_needed(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert [cell.id for cell in notebook.cells] == [
        f"cell-{i}" for i in range(1, len(notebook.cells) + 1)
    ]
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}


def test_more_prose_than_code(notebook):
    prose = sum(len(c.source) for c in notebook.cells if c.cell_type == "markdown")
    cells = [c for c in code_cells(notebook) if "parameters" not in c.metadata.get("tags", [])]
    assert prose > sum(len(c.source) for c in cells)
