"""The settings in force in a chapter, read from its two parameter cells.

Papermill leaves the notebook's own cell (tag `parameters`: defaults, each with
a trailing comment) and adds one below (`injected-parameters`) that overrides
it. A reader wants both in one table: what held, what would have held, and why.
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass

HIDDEN = {"run_dir"}


@dataclass(frozen=True)
class Parameter:
    """One setting as shown; `default` only where another value was in force."""

    name: str
    value: str
    default: str | None
    meaning: str


def read(default_cell: str, injected_cell: str = "") -> list[Parameter]:
    """The settings of both cells, in the order of the notebook's own."""
    defaults, injected = _assignments(default_cell), _assignments(injected_cell)
    comments = _trailing_comments(default_cell)
    table = []
    for name in [*defaults, *(extra for extra in injected if extra not in defaults)]:
        if name in HIDDEN:
            continue
        node = injected.get(name, defaults.get(name))
        value, default = _written(node), _written(defaults.get(name, node))
        last_line = defaults[name].end_lineno if name in defaults else 0
        differs = default if default != value else None
        table.append(Parameter(name, value, differs, comments.get(last_line, "")))
    return table


def _assignments(source: str) -> dict[str, ast.expr]:
    """Right-hand sides of `name = value` by name."""
    found: dict[str, ast.expr] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found[statement.targets[0].id] = statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.expr):
            found[ast.unparse(statement.target)] = statement.value
    return found


def _trailing_comments(source: str) -> dict[int, str]:
    """Comments by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _written(node: ast.expr) -> str:
    """A literal as a reader writes it; what is no literal, as code."""
    try:
        return _prose(ast.literal_eval(node))
    except ValueError:
        return ast.unparse(node)


def _prose(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_prose(item)}" for key, item in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(_prose(item) for item in value) or "–"
    return str(value)
