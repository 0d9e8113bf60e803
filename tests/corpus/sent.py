"""Random inputs with a shape: params files that were edited badly, and files of purchases."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass

import yaml
from hypothesis import strategies as st

PARAMS = {
    "engagement": "shop",
    "title": "A shop",
    "currency": "EUR",
    "time_unit": "week",
    "observation_start": dt.date(2020, 1, 1),
    "observation_end": dt.date(2024, 12, 31),
    "inputs": {
        "transactions": {
            "path": "sales.csv",
            "columns": {"customer_id": "customer_id", "order_id": "order"},
            "date_format": "auto",
            "duplicates": "keep",
        },
        "customers": {"path": ["customers.csv"], "skip_rows": 0, "delimiter": ","},
    },
    "customers": {"max_excluded_share": 1.0, "max_excluded_by_reason": {"unreadable date": 0.5}},
    "value": {"horizon_years": 3, "tier_cuts": [0.5, 0.8], "tier_labels": ["a", "b", "c"]},
    "privacy": {"min_cell": 1},
}
FILES = {
    "sales.csv": "customer_id,date,amount,order\na,2024-01-13,5.00,1\n",
    "customers.csv": "customer_id,town\na,Ulm\n",
}

_WORDS = st.sampled_from(
    ["path", "title", "value", "inputs", "3", "~", "", "yes", "*.csv", "sales.csv", "..", "/", "%Y",
     "sqlite:///sales.csv", "database", "<<", "é", "a\x1b[2J", "\u202e", "customer_id", "contracts"]
)  # fmt: skip
_SCALARS = st.one_of(
    _WORDS, st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=8),
    st.sampled_from([0, 1, -1, 0.5, 2**63, 1e308, dt.date(2024, 2, 29)]), st.binary(max_size=3),
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_SCALARS, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
_TITLES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
_NOISE = st.one_of(
    st.sampled_from("\t\n:-{}[]\"'&*!|>%@`#?,\\\0\x07\x85\ufeff "),
    st.sampled_from(["<<: *x\n", "&x ", "*x", "!!python/name:os.system ", "!!int ", "---\n", "? "]),
    st.characters(exclude_categories=["Cs"]),
)


@st.composite
def params_files(draw: st.DrawFn) -> bytes:
    """A params file in which keys and values were changed, and then characters."""
    settings = yaml.safe_load(yaml.safe_dump(PARAMS))
    if draw(st.booleans()):
        settings["title"] = draw(_TITLES)
        settings["seed"] = draw(st.integers(0, 2**63 - 1))
        settings["time_unit"] = draw(st.sampled_from(["day", "week", "month", "year"]))
        settings["value"]["horizon_years"] = draw(st.floats(0, 30, exclude_min=True))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at, above = settings, None
        while isinstance(at, dict) and at and (above is None or draw(st.booleans())):
            above, key = at, draw(st.sampled_from(list(at)))
            at = above[key]
        what = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if above is None:
            continue
        if what == "replace":
            above[key] = draw(_VALUES)
        elif what == "remove":
            del above[key]
        elif what == "rename":
            above[draw(_SCALARS.filter(lambda name: name == name))] = above.pop(key)
        else:
            above[draw(_WORDS)] = draw(_VALUES)
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(_NOISE) + text[at + draw(st.integers(0, 3)) :]
    encoding = draw(st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "latin-1"]))
    return text.encode(encoding, "replace")


@dataclass(frozen=True)
class Sent:
    """A file of purchases, as it was written."""

    text: str
    encoding: str
    delimiter: str
    end: str
    well_formed: bool  # as the csv module writes it
    stated: dict[str, str]  # what params say of it

    @property
    def content(self) -> bytes:
        return self.text.encode(self.encoding, "replace")

    @property
    def n_rows(self) -> int:
        """Rows of a well-formed file, as the csv module reads it."""
        lines = io.StringIO(self.text, newline="")
        return sum(1 for _ in csv.reader(lines, delimiter=self.delimiter)) - 1


_ID = st.one_of(
    st.sampled_from(["a", "b", "007", "7", " 7 ", "", "NULL", "9007199254740993", "ü", "\u0430"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
    st.text(max_size=4, alphabet=st.characters(categories=["Cc", "Cf", "Lu"])),
)  # fmt: skip
_DAYS = st.dates(dt.date(2019, 6, 1), dt.date(2025, 6, 1))
_FORMATS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d-%b-%Y", "%Y-%m-%d %H:%M:%S"]
_ODD_DAYS = st.sampled_from(
    ["", "2024-02-30", "1900-02-29", "9999-12-31", "24:00", "n/a", "45304", "31/12/2023", "0", "?"]
)
_AMOUNTS = st.one_of(
    st.decimals(-1000, 100_000, places=2).map(str),
    st.sampled_from(["0", "", "1,234.50", "1.234,50", "1,5", "€5", "5 USD", "(5)", "5-", "NaN",
                     "1e999", "10%", "9" * 40, "x", "1'234", "٣", "+5", "-"]),
)  # fmt: skip
_EXTRA = st.text('ab ,;|\t"\n\r\0é=', max_size=8)
_ODD_LINES = st.sampled_from(
    ["", "  ", "Total", ",,,", '"', 'a,"b', "# note", "customer_id,date,amount", '"a"b,c,d', "\0"]
)


@st.composite
def sent_files(draw: st.DrawFn) -> Sent:
    """A file of purchases in which much may be wrong."""
    delimiter, end = draw(st.sampled_from(",,,;\t|")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    extra, form = draw(st.booleans()), draw(st.sampled_from(_FORMATS))
    well_formed = draw(st.booleans())
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    out = io.StringIO(newline="")
    write = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow
    write(["customer_id", "date", "amount"] + ["note"] * extra)
    if draw(st.integers(0, 3)):
        write(["good", dt.date(2024, 1, 13).strftime(form), "5"] + [""] * extra)
    for _ in range(draw(st.integers(0, 6))):
        day = draw(_DAYS).strftime(form) if draw(st.integers(0, 9)) else draw(_ODD_DAYS)
        note = draw(_EXTRA.map(lambda text: text.replace("\0", ""))) if extra else ""
        row = [draw(_ID), day, draw(_AMOUNTS)] + [note] * extra
        if well_formed:
            write([cell.replace("\0", "") for cell in row])
            continue
        kind = draw(st.sampled_from(["row", "row", "row", "raw", "short", "long", "odd"]))
        if kind == "row":
            write(row)
        elif kind == "odd":
            out.write(draw(_ODD_LINES).replace(",", delimiter))
            out.write(draw(st.sampled_from([end, end, "\n", "\r\n", ""])))
        else:
            cells = row[:-1] if kind == "short" else row + [""] * draw(st.integers(0, 2))
            cells += [draw(_EXTRA)] * (kind == "long")
            out.write(delimiter.join(cells) + end)
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1", "gb18030"]))
    stated = {}
    if encoding in ("latin-1", "gb18030"):
        stated["encoding"] = encoding
    if draw(st.booleans()):
        stated |= {"delimiter": delimiter}
    if draw(st.integers(0, 3)):
        stated |= {"date_format": form, "decimal": draw(st.sampled_from("..,"))}
    return Sent(out.getvalue(), encoding, delimiter, end, well_formed, stated)
