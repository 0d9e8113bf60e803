"""Where the numbers of a title or a finding stand in the exhibit's CSV.

Every number that a report says in words stands in the table behind the exhibit,
at the rounding that is said, so that a reader can click on the number and land on
its row. Text in, places out: nothing is drawn here, and no exhibit is needed.

A number is found in a cell that, written with the number's own rounding and unit,
gives the number's text: 62% is found in .6231 and not in .6281. It may also stand
within a cell of words ("expected in the next 3 years"), or be a count of rows ("2
of 12 periods", where each row of the table is a period).

A table of hundreds of figures has some that round to the same text, so that "found"
is necessary and not sufficient; which of several cells is meant is decided as `trace`
says.

Not numbers, since they claim no figure of the table: digits that hang on a letter
or a slash (V2, BG/NBD, 80/20), words for how many (both, twelve) but "one day",
and words for none (nobody, nothing).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose, isfinite
from typing import Literal

from crmlib.exhibits import formats

Shape = Literal["figure", "percentage", "date", "group", "part", "one day"]
_Place = tuple[int, int, bool]  # row, column, whether within words

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10, "decile": 10}
_TIMES = {"two": 2, "three": 3, "four": 4}
_SUFFIXES = {" bn": 1e9, " m": 1e6, " k": 1e3}
_NUMBER = re.compile(
    rf"""
    (?<![\w/.,])(?:
      (?P<date>\d{{4}}-(?:\d\d-\d\d|\d\d|Q[1-4])|(?:{_MONTHS})[ ]\d{{4}})
    | (?P<group>\d+(?:–\d+|\+))
    | (?<![A-Za-z]-)(?:\b[A-Z]{{3}}[ ])?(?P<sign>(?<!\d)[-−])?
        (?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
        (?P<suffix>%|[ ](?:bn|m|k)\b)?
    | (?P<day>[Oo]ne[ ]day)
    | (?:(?P<times>{"|".join(_TIMES)})[ ])?(?P<part>{"|".join(_PARTS)}|halve)s?
    )(?![\w/])
    """,
    re.VERBOSE,
)
_CLAUSE = re.compile(r"[,;:] | \(")
# "14% too few" and "0.26 fewer" say a negative figure by its size.
_FALLS = re.compile(r" (?:too )?(?:few|fewer|little|less|lower)\b")
_NOUN = re.compile(r" (?:of (?P<all>[\d,]+) )?(?P<noun>[a-z]+)\b")
_BESIDE = 30  # characters to either side whose words tell which of several cells is meant
_COMMON = "a an and at by from has have in is it of on or over than that the to"


@dataclass(frozen=True)
class Number:
    """A number as a text says it.

    Attributes
    ----------
    start, end : int
        Its place in the text.
    text : str
        As written, with its currency and unit of counting: `USD 2.50 m`.
    shape : str
        How it is compared with a cell.
    value : float
        In its own unit (62 for 62%, 2.5 for 2.50 m); of a part its share of 1.
    written : str
        Without currency, sign normalised.
    falls : bool
        Whether the words behind it ("too few") make the figure negative.
    """

    start: int
    end: int
    text: str
    shape: Shape
    value: float
    written: str
    falls: bool = False

    def is_in(self, cell: str) -> bool:
        """Whether a cell of a CSV, at this number's rounding and in its unit, is this number."""
        if self.shape in ("date", "group"):
            return cell == self.written or (
                self.shape == "date" and _is_day(cell) and cell.startswith(f"{self.written}-")
            )
        if not formats.NUMBER.fullmatch(cell) or not isfinite(figure := float(cell)):
            return False
        if self.shape in ("part", "one day"):
            return isclose(figure, self.value, rel_tol=1e-9)
        if _is_year(self.written):
            return cell == self.written
        if self.falls and figure > 0:
            return False
        size = -figure if self.falls else figure
        # a nought has two signs, and `formats` writes both
        return any(self.written in self._ways(f) for f in ([size] if size else [0.0, -0.0]))

    def _ways(self, figure: float) -> list[str]:
        """A figure with this number's digits and unit, as `formats` writes them."""
        decimals = len(self.written.rstrip("% bnmk").partition(".")[2])
        if self.shape == "percentage":
            return [formats.percent(figure, decimals)]
        for suffix, size in _SUFFIXES.items():
            if self.written.endswith(suffix):
                # money is rounded to three figures before it is divided
                return [formats.money(figure), f"{figure / size:.{decimals}f}{suffix}"]
        separator = "," if "," in self.written or abs(self.value) < 1000 else ""
        return [f"{figure:{separator}.{decimals}f}"]

    def is_exactly(self, cell: str) -> bool:
        """Whether nothing was rounded away."""
        if not formats.NUMBER.fullmatch(cell):
            return True
        return self.shape != "figure" or isclose(abs(float(cell)), abs(self.value), rel_tol=1e-9)


@dataclass(frozen=True)
class Reference:
    """Where a number of a text stands.

    Attributes
    ----------
    start, end : int
        The number's place in the text.
    text : str
        The number as written.
    row : int or None
        Row of the CSV's body, from 0; of a count of rows the first one counted.
        None where the number was found nowhere.
    column : str or None
        Its column; of a count of rows the one that names what is counted.
    counted : tuple of int
        The rows counted, where the number is a count of rows.
    """

    start: int
    end: int
    text: str
    row: int | None = None
    column: str | None = None
    counted: tuple[int, ...] = ()

    @property
    def found(self) -> bool:
        """Whether the number stands in the CSV."""
        return self.row is not None


def numbers(text: str) -> list[Number]:
    """Every number of a sentence with its rounding.

    >>> [number.text for number in numbers("The best fifth brings 62% of USD 2.50 m, .97 each")]
    ['fifth', '62%', 'USD 2.50 m', '.97']
    >>> [number.text for number in numbers("March 1997, from 1997-01-01 on; not V2 nor 80/20")]
    ['March 1997', '1997-01-01']
    """
    return [_number(match, text) for match in _NUMBER.finditer(text)]


def _number(match: re.Match[str], text: str) -> Number:
    start, end = match.span()
    shape, value, written = _read(match)
    falls = bool(_FALLS.match(text, end)) and not match["sign"]
    return Number(start, end, match.group(), shape, value, written, falls)


def _read(match: re.Match[str]) -> tuple[Shape, float, str]:
    if date := match["date"]:
        name, _, year = date.partition(" ")
        month = f"{year}-{_MONTHS.split('|').index(name) + 1:02d}" if year else date
        return "date", float("nan"), month
    if group := match["group"]:
        return "group", float("nan"), group
    if match["day"]:
        return "one day", 1.0, "1"
    if part := match["part"]:
        name = part.replace("halve", "half")
        return "part", _TIMES.get(match["times"], 1) / _PARTS[name], name
    digits = match["digits"] if match["digits"][0] != "." else f"0{match['digits']}"
    sign, suffix = ("-" if match["sign"] else ""), match["suffix"] or ""
    shape: Shape = "percentage" if suffix == "%" else "figure"
    value = float(f"{sign}{digits.replace(',', '')}") * _SUFFIXES.get(suffix, 1)
    return shape, value, f"{sign}{digits}{suffix}"


def trace(text: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Reference]:
    """Where each number of a sentence stands in a CSV.

    Parameters
    ----------
    text : str
        A title or a finding's sentence.
    header : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        The body, cells as they stand in the file.

    Returns
    -------
    list of Reference
        One for each number, in order. Of several cells the one is taken whose
        row holds most of the numbers of the same clause, then of the sentence;
        then a figure before words, an exact one before a rounded one, the one
        whose column and row share most words with those beside the number, the
        first.
    """
    return [*_Search(text, header, rows).references()]


def untraced(text: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The numbers of a sentence that stand nowhere in a CSV."""
    return [found.text for found in trace(text, header, rows) if not found.found]


class _Search:
    """The numbers of one text in the cells of one CSV."""

    def __init__(self, text: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.text, self.header = text, header
        self.cells = [[formats.plain_cell(cell) for cell in row] for row in rows]
        self.places = {number.start: self._exact_first(number) for number in numbers(text)}
        self.clauses = {start: len(_CLAUSE.findall(text[:start])) for start in self.places}

    def references(self) -> Iterator[Reference]:
        """Where each number stands, in the text's order."""
        for number in numbers(self.text):
            span, places = (number.start, number.end, number.text), self.places[number.start]
            counted = _counted(number, self.text, self.header, self.cells)
            if counted is not None:
                yield Reference(*span, counted[1][0], self.header[counted[0]], counted[1])
            elif places:
                row, column, _ = min(places, key=lambda place, n=number: self._rank(n, place))
                yield Reference(*span, row, self.header[column])
            else:
                yield Reference(*span)

    def _exact_first(self, number: Number) -> list[_Place]:
        """Where a number stands; a bare whole one is rounded only if no cell holds it as it is.

        "month 1" is the row of month 1 and not that of every share above a half.
        """
        places = list(self._places(number))
        if number.shape != "figure" or not number.text.isdigit():
            return places
        figures = [place for place in places if not place[2]]
        exact = [place for place in figures if number.is_exactly(self.cells[place[0]][place[1]])]
        return [p for p in places if p[2] or p in exact] if exact else places

    def _places(self, number: Number) -> Iterator[_Place]:
        """Every cell that holds a number."""
        for row, line in enumerate(self.cells):
            for column, cell in enumerate(line):
                # "top-decile" beside a column `decile` is its first band
                named = number.shape == "part" and self.header[column] == number.written
                if number.is_in(cell) or (named and cell == "1"):
                    yield row, column, False
                elif not _is_figure(cell) and any(_same(number, n) for n in numbers(cell)):
                    yield row, column, True

    def _rank(self, number: Number, place: _Place) -> tuple[float, ...]:
        """How well a place fits a number, least is best."""
        row, column, in_words = place
        line = self.cells[row]
        near, all_ = self._company(number, row)
        beside = _words(self.text[max(0, number.start - _BESIDE) : number.end + _BESIDE])
        names = _words(self.header[column], *(cell for cell in line if not _is_figure(cell)))
        rounded = not number.is_exactly(line[column])
        return -near, -all_, in_words, rounded, -len(names & beside), row, column

    def _company(self, number: Number, row: int) -> tuple[int, int]:
        """How many numbers of the same clause, and of the whole text, stand in a row."""
        there = [start for start, places in self.places.items() if row in {p[0] for p in places}]
        clause = self.clauses[number.start]
        return sum(self.clauses[start] == clause for start in there), len(there)


def _same(one: Number, other: Number) -> bool:
    """Whether two texts say the same number, in the same rounding or as a part and its share."""
    if "part" in (one.shape, other.shape):
        shares = [n.value / (100 if n.shape == "percentage" else 1) for n in (one, other)]
        return isclose(*shares, rel_tol=1e-9)
    return (one.written, one.falls) == (other.written, other.falls)


def _counted(
    number: Number, text: str, header: Sequence[str], cells: Sequence[Sequence[str]]
) -> tuple[int, tuple[int, ...]] | None:
    """(column, rows) where a number counts rows of the kind that a column names."""
    noun = _NOUN.match(text, number.end)
    if number.shape != "figure" or noun is None:
        return None
    named = [
        column
        for column, name in enumerate(header)
        if _words(name) == _words(noun["noun"])
        and (column == 0 or not any(_is_figure(line[column]) for line in cells))
    ]
    if not named:
        return None
    every = tuple(row for row, line in enumerate(cells) if line[named[0]])
    wholes = [every, *_flagged(every, text, header, cells)]
    if noun["all"]:
        total = int(noun["all"].replace(",", ""))
        whole = next((rows for rows in wholes if len(rows) == total), ())
        wholes = list(_flagged(whole, text, header, cells))
    fitting = [rows for rows in wholes if rows and len(rows) == number.value]
    return (named[0], fitting[0]) if fitting else None


def _flagged(
    rows: tuple[int, ...], text: str, header: Sequence[str], cells: Sequence[Sequence[str]]
) -> Iterator[tuple[int, ...]]:
    """Of some rows those that a column says True of, and those of which it says False.

    A column whose own word the text uses ("agrees") is asked for what is true first; for
    another ("differs") what is false may be meant just as well.
    """
    for column, name in enumerate(header):
        states = {cells[row][column] for row in rows}
        if rows and states <= {"True", "False"}:
            named = bool(_words(name) & _words(text))
            for state in ("True", "False") if named or states == {"True"} else ("False", "True"):
                yield tuple(row for row in rows if cells[row][column] == state)


def _words(*texts: str) -> set[str]:
    """Words in lower case, without a plural's or a verb's s, that say something."""
    found = {word.lower() for text in texts for word in re.findall(r"[^\W\d_]+", text)}
    return {word.removesuffix("s") for word in found - {*_COMMON.split()}}


def _is_figure(cell: str) -> bool:
    return formats.NUMBER.fullmatch(cell) is not None


def _is_day(cell: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", cell) is not None


def _is_year(written: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d\d", written) is not None
