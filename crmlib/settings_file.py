"""Settings as they stand in a params file: YAML, read safely and in bounded time.

A mistake is named by its line in words of ours. Nothing in a file can run code, take
a name twice, or grow without end (aliases of aliases, merges of merges).
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from crmlib.errors import ParamsError, suggestion

MOST_BYTES = 1_000_000  # of a params file: reading YAML takes a minute for 20 MB


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, refusing keys that stand twice and values that contradict their tag."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.MarkedYAMLError(problem="settings expected", problem_mark=node.start_mark)
        seen: set[str] = set()
        for key in _keys(node):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key `{key.value}` stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge `<<`; of keys that come to stand twice one is left, or merges of merges explode."""
        super().flatten_mapping(node)
        last = {(key.tag, key.value): at for at, key in enumerate(_keys(node))}
        node.value = [node.value[at] for at in sorted(last.values())]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            # what the loader raises for `!!bool abc`, or for a day that the calendar does not have
            value, kind = node.value, node.tag.rpartition(":")[2]
            what = "a day of the calendar" if kind == "timestamp" else f"what `!!{kind}` says"
            shown = f"`{value}`" if value and isinstance(value, str) else "the value"
            raise yaml.MarkedYAMLError(
                problem=f"{shown} is not {what}", problem_mark=node.start_mark
            ) from None


def _keys(node: yaml.MappingNode) -> list[yaml.ScalarNode]:
    """The keys of a mapping; refused where one is a list or has keys of its own."""
    keys = [key for key, _ in node.value]
    for key in keys:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
    return keys


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings of a params file, not yet checked; raises ParamsError."""
    raw = parse_yaml(_text(path), str(path))
    if not isinstance(raw, dict):
        raise ParamsError(str(path), "holds no settings; `key: value` lines were expected.")
    return raw


def parse_yaml(text: str, place: str, what: str = "is") -> Any:
    """What YAML says.

    Parameters
    ----------
    text : str
        The YAML.
    place, what : str
        Of messages: where it stands, and the start of their sentence.

    Raises
    ------
    ParamsError
        Text that is no YAML, with its line where it has several.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        line, problem = _why_not_yaml(error, text)
        where = f"{place}{line}" if "\n" in text else place
        raise ParamsError(where, f"{what} not valid YAML: {problem}.") from None


def _text(path: Path) -> str:
    """The file's text, if it can be a params file."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ParamsError(str(path), "is a folder; a params file (YAML) was expected.")
        if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device may never end
            raise ParamsError(str(path), "is no file; a params file (YAML) was expected.")
        if found.st_size > MOST_BYTES:
            raise ParamsError(
                str(path),
                f"has {found.st_size:,} bytes; a params file of a few thousand was expected.",
                "The client's tables are named in it, under `inputs`.",
            )
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        others = [p.name for p in path.parent.glob("*.yml")] if path.parent.is_dir() else []
        near = suggestion(path.name, others)
        near = near if near or not others else f"There are {', '.join(others)}."
        raise ParamsError(str(path), "there is no such file.", near) from None
    except UnicodeDecodeError as error:
        raise ParamsError(
            str(path),
            f"is not UTF-8 text: byte {error.start:,} belongs to another encoding.",
            "Save it as UTF-8.",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ParamsError(
            str(path), f"cannot be read ({reason}).", "Check its name and its permissions."
        ) from None


def _why_not_yaml(error: Exception, text: str) -> tuple[str, str]:
    """(line, as the end of a place; what is wrong) of text that the loader refuses."""
    if isinstance(error, RecursionError):
        return "", "its lists or settings lie too deep in each other"
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = error.problem or "it cannot be taken apart"
        if problem.startswith("but "):
            problem = f"{error.context}, {problem}"
        if "could not determine a constructor" in problem:
            problem = "a tag (`!…`) that is not read"
        problem = problem.replace("'<stream end>'", "the end of the file")
        problem = problem.replace("the node content", "a value")
        if "cannot start any token" in problem and "\\t" in problem:
            problem = "it is indented with a tab; use blanks"
        return f", line {mark.line + 1}", problem
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f", line {line}", f"character {chr(error.character)!r} is not allowed in it"
    return "", str(error)
