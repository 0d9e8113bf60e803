"""One finding: a sentence with its figure, how sure it is, and where it is shown."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """A claim of the report.

    Attributes
    ----------
    kind : {"census", "estimate", "assumption"}
        A census fact is a count of the observed base and carries no interval;
        an estimate must carry one; an assumption is the client's or ours.
    value, lo, hi : float
        The figure and its interval, in `unit`; None where there is none.
    exhibit : str
        Id of the exhibit whose data hold the figure.
    size : float
        Money that the sentence speaks about, as a share of what the customers brought in
        the observed time; above 1 where it speaks of more, zero where it moves none. Of a
        caveat the share of that money, or of the rows, on which it bears.
    role : {"finding", "caveat"}
        A caveat says what could make the findings wrong.
    """

    id: str
    kind: Literal["census", "estimate", "assumption"]
    sentence: str
    value: float | None
    unit: str
    exhibit: str
    lo: float | None = None
    hi: float | None = None
    size: float = 0.0
    role: Literal["finding", "caveat"] = "finding"

    def __post_init__(self) -> None:
        if self.kind == "estimate" and (self.lo is None or self.hi is None):
            raise ValueError(f"finding {self.id}: an estimate needs its interval")
        if not self.size >= 0:
            raise ValueError(f"finding {self.id}: size {self.size} is no share of money")
        if self.kind == "census" and (self.lo is not None or self.hi is not None):
            raise ValueError(f"finding {self.id}: a census fact has no interval")

    def record(self, chapter: str) -> dict[str, Any]:
        """The finding's line in findings.json."""
        fields = asdict(self)
        return {"id": fields.pop("id"), "chapter": chapter, **fields}


@dataclass(frozen=True)
class FindingList:
    """Findings as a notebook shows them; the report turns them into a linked list."""

    records: list[dict[str, Any]]

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        plain = "\n".join(f"- {r['sentence']} [{r['kind']}]" for r in self.records)
        items = "".join(
            f"<li>{html.escape(r['sentence'])} <em>({r['kind']})</em></li>" for r in self.records
        )
        return (
            {"text/plain": plain or "No finding.", "text/html": f"<ul>{items}</ul>"},
            {"crm_findings": self.records},
        )


@dataclass(frozen=True)
class Decision:
    """What the report asks its reader to decide, and the exhibit that it rests on."""

    sentence: str
    exhibit: str

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        shown = f"<p><strong>{html.escape(self.sentence)}</strong></p>"
        return {"text/plain": self.sentence, "text/html": shown}, {"crm_decision": asdict(self)}
