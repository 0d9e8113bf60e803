"""A comparison in words and figures: for the page, and in short for a terminal.

Figures are written with as many digits as it takes to see them differ, since
"1.89 m, was 1.89 m" is no answer.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

from crmlib.book.compare import ABSENT, Change, Comparison, Edition
from crmlib.book.compare_findings import VERDICTS, Move, is_same, share
from crmlib.book.escaping import shown_input, without_folders
from crmlib.errors import harmless
from crmlib.exhibits import formats

NOT_SET = "not set"
NOT_THERE = "not there"
_MOST_DIGITS = 9
_LISTED = 20  # of each kind on a terminal
Figures = tuple[str, str, str]  # value, lower and upper end of its interval


def headline(comparison: Comparison) -> str:
    """The comparison in one sentence: what was changed, what moved, what else differs."""
    if not (differs(comparison) or comparison.alone):
        findings = formats.plural(comparison.findings.both, "finding")
        exhibits = formats.plural(comparison.exhibits_in_both, "exhibit")
        return f"Nothing differs: {findings} and {exhibits} are the same."
    effects = [_findings(comparison), _exhibits(comparison)]
    apart = sum(len(chapters) for _, chapters in comparison.alone)
    if apart:
        effects.append(f"{formats.plural(apart, 'chapter')} not compared")
    causes = list(_causes(comparison)) or ["no parameter, input, code or package changed"]
    return formats.sentences("; ".join([", ".join(causes), *effects]))


def differs(comparison: Comparison) -> bool:
    """Whether there is anything to list."""
    found = comparison.findings
    return any(
        (*_causes(comparison), found.moves, found.new, found.dropped, comparison.exhibits,
         comparison.new_exhibits, comparison.dropped_exhibits)
    )  # fmt: skip


def _causes(comparison: Comparison) -> Iterator[str]:
    if comparison.settings:
        yield f"{formats.plural(len(comparison.settings), 'parameter')} changed"
    if comparison.inputs or comparison.rows:
        number = len(comparison.inputs) or len(comparison.rows)
        yield f"{formats.plural(number, 'input')} changed"
    for part in comparison.parts:
        yield f"{part.name[0].lower()}{part.name[1:]} changed"
    if comparison.packages:
        yield f"{formats.plural(len(comparison.packages), 'package')} changed"


def _findings(comparison: Comparison) -> str:
    found = comparison.findings
    if not (found.moves or found.new or found.dropped):
        return "no finding moved"
    moved = len(found.moved)
    said = f"{moved} of {formats.plural(found.both, 'finding')} moved"
    if any(move.new["kind"] == "estimate" for move in found.moved):
        beyond = sum(move.verdict == "beyond" for move in found.moved)
        said += f", {beyond or 'none'} beyond {'their intervals' if beyond > 1 else 'its interval'}"
    worded = len(found.moves) - moved
    more = (
        (worded, "worded differently"),
        (len(found.new), "new"),
        (len(found.dropped), "dropped"),
    )
    return ", ".join([said, *(f"{number} {what}" for number, what in more if number)])


def _exhibits(comparison: Comparison) -> str:
    changed, both = len(comparison.exhibits), comparison.exhibits_in_both
    new, dropped = len(comparison.new_exhibits), len(comparison.dropped_exhibits)
    if not (changed or new or dropped):
        return "no exhibit differs"
    said = [
        f"{changed} of {formats.plural(both, 'exhibit')} {'differs' if changed == 1 else 'differ'}"
    ]
    said += [f"{number} {what}" for number, what in ((new, "new"), (dropped, "dropped")) if number]
    return ", ".join(said)


def summary(comparison: Comparison) -> list[str]:
    """Lines for a terminal: the sentence, the causes, the findings, the exhibits by name."""
    old, new = comparison.old.name, comparison.new.name
    lines = [f"{old} → {new}: {headline(comparison)}"]
    for edition, chapters in comparison.alone:
        lines.append(f"  only in {edition.name}: {', '.join(chapters)}")
    lines += _short([f"  {key}: {before} → {after}" for key, before, after in settings(comparison)])
    lines += _short(
        [f"  {each.name}: {short(each.old)} → {short(each.new)}" for each in inputs(comparison)]
    )
    lines += _short([f"  {line}" for line in _finding_lines(comparison)])
    names = [change.id for change in comparison.exhibits]
    if names:
        lines.append(f"  Exhibits that differ: {', '.join(names)}")
    return [harmless(line) for line in lines]


def _finding_lines(comparison: Comparison) -> Iterator[str]:
    for move in comparison.findings.moves:
        (old, *_), (new, *_) = figures(move)
        moved = f"{old} → {new} {unit(move.new)}, {relative(move)}"
        plain = "its words alone" if move.verdict == "worded" else moved.strip(", ")
        yield f"{VERDICTS[move.verdict]}: {move.id}, {plain}"
    for record in comparison.findings.new:
        yield f"New: {record['id']}"
    for record in comparison.findings.dropped:
        yield f"Dropped: {record['id']}"


def _short(lines: list[str]) -> list[str]:
    more = len(lines) - _LISTED
    return [*lines[:_LISTED], f"  {more} more"] if more > 0 else lines


def label(edition: Edition) -> str:
    """A version's number as people say it: v3."""
    return edition.name.partition("-")[0]


def settings(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Changed parameters: key, value in either version; without this machine's folders."""
    return [_setting(change) for change in comparison.settings]


def _setting(change: Change) -> tuple[str, str, str]:
    hidden = change.name.startswith("inputs.") and change.name.endswith((".path", ".database"))
    old, new = (_value(value, hidden) for value in (change.old, change.new))
    if old == new and hidden:
        new = f"{new} (in another folder)"
    return change.name, old, new


def _value(value: Any, hidden: bool) -> str:
    """A setting as a params file has it, nearly."""
    if value is ABSENT:
        return NOT_SET
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_value(item, hidden) for item in value)}]"
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    return shown_input(text) if hidden else without_folders(text)


def inputs(comparison: Comparison) -> list[Change]:
    """Changed input files, named without this machine's folders."""
    return [Change(shown_input(each.name), each.old, each.new) for each in comparison.inputs]


def short(digest: Any) -> str:
    """The first digits of a hash, as the report shows them."""
    return NOT_THERE if digest is ABSENT else (str(digest)[:12] or "none")


def release(package: Any) -> str:
    """A package's version."""
    return NOT_THERE if package is ABSENT else str(package)


def rows(comparison: Comparison) -> list[tuple[str, str, tuple[str, str]]]:
    """Changed numbers of rows: table, step, both versions' figures."""
    found = []
    for change in comparison.rows:
        nothing = (NOT_THERE, NOT_THERE)
        old, new = (nothing if side is ABSENT else side for side in (change.old, change.new))
        for step, before, after in zip(("read", "used"), old, new, strict=True):
            found.append((change.name, step, (_counted(before), _counted(after))))
    return found


def _counted(text: str) -> str:
    return formats.count(int(text)) if text.isdecimal() else (text or "–")


def figures(move: Move) -> tuple[Figures, Figures]:
    """Values and intervals of both versions in one manner of writing."""
    parts = ("value", "lo", "hi")
    pairs = [(move.old[part], move.new[part]) for part in parts]
    units = (move.old["unit"], move.new["unit"])
    least = _decimals([value for pair in pairs for value in pair if value is not None])
    for decimals in range(least, least + _MOST_DIGITS):
        written = [
            tuple(_figure(value, unit, decimals) for value, unit in zip(pair, units, strict=True))
            for pair in pairs
        ]
        if all(
            is_same(*pair) or text[0] != text[1] for pair, text in zip(pairs, written, strict=True)
        ):
            break
    return tuple(text[0] for text in written), tuple(text[1] for text in written)


def _decimals(values: list[float]) -> int:
    """Digits behind the point with which the largest figure has three significant ones."""
    values = [value for value in values if math.isfinite(value)]
    largest = max(map(abs, values), default=0.0)
    if largest == 0 or all(float(value).is_integer() for value in values):
        return 0
    return max(0, 2 - math.floor(math.log10(largest)))


def _figure(value: float | None, unit: str, decimals: int) -> str:
    if value is None:
        return "–"
    if (unit or "").startswith("share"):
        return formats.percent(value, max(1, decimals - 2))
    return f"{value:,.{decimals}f}"


def unit(record: dict[str, Any]) -> str:
    """A finding's unit beside a figure that is written as a percentage where it is a share."""
    return (record["unit"] or "").removeprefix("share").strip()


def change(move: Move) -> str:
    """B's value less A's, with its sign; a share's in points of a percentage."""
    if move.change is None:
        return "–"
    if (move.new["unit"] or "").startswith("share"):
        return f"{100 * move.change:+.3g} points"
    if abs(move.change) >= 100:
        return f"{move.change:+,.0f}"
    return f"{move.change:+.3g}"


def relative(move: Move) -> str:
    """B's value against A's, with its sign; nothing where A's is none or nought."""
    if move.change is None or not math.isfinite(move.relative):
        return ""
    if move.relative == 0:
        return "±0%"
    return f"{'-' if move.change < 0 else '+'}{share(move.relative)}"


def cell(old: str, new: str) -> tuple[str, str]:
    """Two cells of a table at six significant digits, at all of them where six are alike.

    What the newer version leaves empty, since it would tell of few customers, is not said
    from the older one.
    """
    if old and not new:
        return "given", "empty"
    shown = formats.datum(old), formats.datum(new)
    return shown if shown[0] != shown[1] or old == new else (old, new)
