"""A small version with every kind of content, for tests of its pages.

Notebooks are put together as Papermill leaves them; their outputs are what the
real Exhibit and FindingList display. One customer is called what no customer
should be called.
"""

import json
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmlib.book import report
from crmlib.book.fingerprint import Fingerprint
from crmlib.exhibits import theme
from crmlib.exhibits.exhibit import Exhibit
from crmlib.exhibits.finding import Finding, FindingList

HOSTILE = "<script>alert(1)</script>\"'=cmd()"
TITLE = "Harbour Bank, retail customers"

PROVENANCE = Fingerprint(
    inputs={
        "../data/harbour/transactions.csv.gz": "ab12" * 16,
        "/srv/x/contracts.csv": "cd34" * 16,
    },
    params="1f" * 32,
    notebooks="2e" * 32,
    code="3d" * 32,
    lock="4c" * 32,
    chapters=("01_customers", "02_value", "05_roi", "06_summary"),
    packages={"pandas": "3.0.1", "scipy": "1.17.0", "papermill": "2.7.0"},
)


def build(folder: Path) -> list[str]:
    """Write the notebooks with their exhibits and render the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    chapters = {"01_customers": _customers(), "02_value": _value(), "05_roi": _roi()}
    findings = [record for chapter in chapters.values() for record in chapter.findings]
    chapters["06_summary"] = _summary(findings)
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "exhibits").mkdir(exist_ok=True)
    records = []
    for name, chapter in chapters.items():
        nbformat.write(chapter.notebook(), folder / "notebooks" / f"{name}.ipynb")
        for exhibit in chapter.exhibits:
            exhibit.table.to_csv(folder / "exhibits" / f"{exhibit.id}.csv", index=False)
            if exhibit.figure is not None:
                (folder / "exhibits" / f"{exhibit.id}.png").write_bytes(exhibit.png())
            records.append(exhibit.record(name))
    (folder / "exhibits.json").write_text(json.dumps(records))
    (folder / "findings.json").write_text(json.dumps(findings))
    return report.render_version(folder, PROVENANCE, TITLE)


class Draft:
    """A notebook in the making."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: list[nbformat.NotebookNode] = []
        self.exhibits: list[Exhibit] = []
        self.findings: list[dict] = []

    def prose(self, text: str) -> None:
        self.cells.append(new_markdown_cell(text))

    def code(
        self, source: str, *outputs: nbformat.NotebookNode, tags: tuple[str, ...] = ()
    ) -> None:
        cell = new_code_cell(source, outputs=list(outputs))
        if tags:
            cell.metadata["tags"] = list(tags)
        self.cells.append(cell)

    def show(self, exhibit: Exhibit) -> None:
        self.exhibits.append(exhibit)
        data, metadata = exhibit._repr_mimebundle_()
        output = new_output("display_data", data=data, metadata=metadata)
        self.code(f"chapter.show(value.{exhibit.id}(customers, currency=currency))", output)

    def conclude(self, *findings: Finding) -> None:
        self.findings = [finding.record(self.name) for finding in findings]
        self.display_findings(self.findings)

    def display_findings(self, records: list[dict]) -> None:
        data, metadata = FindingList(records)._repr_mimebundle_()
        output = new_output("display_data", data=data, metadata=metadata)
        self.code("chapter.conclude(findings)", output)

    def parameters(self, defaults: str, injected: str) -> None:
        self.code(defaults, tags=("parameters",))
        self.code(f"# Parameters\n{injected}", tags=("injected-parameters",))

    def notebook(self) -> nbformat.NotebookNode:
        for position, cell in enumerate(self.cells):
            cell["id"] = f"cell-{position}"
        return new_notebook(cells=self.cells)


def _exhibit(id: str, title: str, table: pd.DataFrame, figure=None, **words) -> Exhibit:
    words = {
        "source": "transactions, after cleaning",
        "period": "January 1997 to June 1998",
        "n": 23_570,
        "unit": "share",
        "alt": f"{title}.",
    } | words
    return Exhibit(id=id, title=title, table=table, figure=figure, **words)


def _customers() -> Draft:
    draft = Draft("01_customers")
    draft.prose(
        "# Who are the customers, and do we have all of them?\n\n"
        "For the board's first question: before anything is said about value, every row that the "
        "client delivered is either used or stands under a named reason."
    )
    draft.parameters(
        'engagement = "cdnow"  # which engagement\nrun_dir = ""  # the folder being built\n'
        "observation_weeks = 39  # weeks used for calibration\n"
        "min_cell = 10  # smallest group that is shown\n"
        "exclude = []  # customer groups left out, by name",
        f'engagement = "harbour"\nrun_dir = "."\nobservation_weeks = 52\nexclude = [{HOSTILE!r}]',
    )
    draft.code("from crmlib import book, value\n\nchapter = book.open_chapter(engagement, run_dir)")
    draft.prose(
        "## Every row is accounted for\n\n"
        "Rows leave the analysis only under a reason in the ledger below. Their amounts add up "
        f"to the client's books. A customer may be called {HOSTILE}, and a fee may be $5 to $6.\n\n"
        "| Step | Rows | Why |\n|---|---:|---|\n| Read | 69,659 | as delivered |\n"
        "| Zero amounts | 80 | kept: an occasion |\n| Used | 69,659 | |"
    )
    ledger = pd.DataFrame(
        {
            "reason": ["used", "date unreadable", "amount unreadable", "after the period", HOSTILE],
            "rows": [2_998_113, 412, 96, 1_371, 8],
            "share_of_rows": [0.99937, 0.00014, 0.00003, 0.00046, 0.0],
            "amount": [41_502_210.5, 6_120.0, 0.0, 22_400.25, -118.0],
            "first_row": [1, 5_120, 88_013, 2_110_004, 14],
            "example": ["2026-01-05;118.20", "31.02.2026", "12,4.0", "2027-01-01", HOSTILE],
            "what_to_do": ["nothing", "ask the client", "ask the client", "nothing", "merge"],
        }
    )
    draft.show(
        _exhibit(
            "row_ledger",
            "Of 3.0 m rows read, 99.94% are used",
            ledger,
            unit="rows",
            n=3_000_000,
            population="rows",
            note="Amounts in EUR, net of returns within 30 days.",
        )
    )
    draft.code(
        "customers.head(3)",
        new_output(
            "stream", name="stderr", text="/srv/venv/lib/x.py:3: FutureWarning: mind this\n"
        ),
        new_output(
            "execute_result",
            data={"text/plain": f"name   {HOSTILE}", "text/html": f"<b>{HOSTILE}</b>"},
            execution_count=4,
        ),
    )
    draft.prose("## How often they come\n\nMost come once; the few who return carry the value.")
    counts = pd.DataFrame(
        {"purchases": range(1, 9), "customers": [11908, 4200, 2510, 1480, 990, 660, 480, 1342]}
    )
    figure, ax = theme.axes()
    ax.bar(counts["purchases"], counts["customers"], color=theme.PRIMARY, width=0.7)
    theme.tidy(ax, x="Purchases in the period", y="Customers")
    theme.thousands(ax)
    draft.show(
        _exhibit(
            "purchase_counts",
            "Half of the customers bought only once",
            counts,
            figure,
            unit="customers",
        )
    )
    draft.conclude(
        Finding(
            "rows_used",
            "census",
            "Of 3.0 million rows read, 99.94% are used; the rest is named.",
            0.99937,
            "share of rows",
            "row_ledger",
        ),
        Finding(
            "once",
            "census",
            f"Half of the customers bought once, {HOSTILE} among them.",
            11908,
            "customers",
            "purchase_counts",
        ),
    )
    return draft


def _value() -> Draft:
    draft = Draft("02_value")
    draft.prose(
        "# Where is the value, and who holds it?\n\nValue is spread unequally. This chapter says "
        "how unequally, what each customer is still likely to bring, and how sure we are."
    )
    draft.parameters(
        'run_dir = ""\nhorizon_years = 3  # how far ahead value is counted\n'
        "discount_rate = 0.10  # a year, the client's cost of capital\n"
        "tiers = [0.2, 0.5]  # cumulative shares of customers where a tier ends",
        'run_dir = "."\nhorizon_years = 5',
    )
    draft.code("customers = chapter.read('customers')")
    draft.prose(
        "## Concentration\n\nCustomers in order of value, best first; the diagonal is equality."
    )
    share = np.linspace(0, 1, 101)
    lorenz = pd.DataFrame({"customers": share, "value": 1 - (1 - share) ** 3.4})
    figure, ax = theme.axes()
    ax.plot(lorenz["customers"], lorenz["value"], color=theme.PRIMARY)
    ax.plot([0, 1], [0, 1], color=theme.REFERENCE, lw=1, ls="--")
    theme.label(
        ax,
        0.2,
        lorenz["value"][20],
        "20% of customers, 53% of value",
        color=theme.PRIMARY,
        xytext=(10, -8),
    )
    theme.label(ax, 0.6, 0.6, "equality", color=theme.MUTED, xytext=(10, -8))
    theme.tidy(ax, x="Customers, best first", y="Share of value")
    theme.percent(ax, "x")
    theme.percent(ax)
    draft.show(
        _exhibit(
            "lorenz",
            "A fifth of customers brings half of the value",
            lorenz,
            figure,
            note="Value is contribution in the period; customers with a loss are included.",
        )
    )
    draft.prose("### Value by tier\n\nTiers are cut at fixed shares of customers.")
    tiers = pd.DataFrame(
        {
            "tier": ["Top fifth", "Middle", "Base"],
            "value": [21.9, 13.4, 6.2],
            "cost": [4.1, 5.2, 6.9],
        }
    )
    figure, (left, right) = theme.axes(columns=2, height=2.9)
    for ax, column, words in (
        (left, "value", "Value, EUR m"),
        (right, "cost", "Cost to serve, EUR m"),
    ):
        ax.barh(
            tiers["tier"][::-1],
            tiers[column][::-1],
            color=theme.PRIMARY,
        )
        theme.tidy(ax, x=words, y="", grid="x")
    draft.show(
        _exhibit(
            "tiers", "The base costs more to serve than it brings", tiers, figure, unit="EUR m"
        )
    )
    draft.prose(
        "## What is still to come\n\nPurchases follow a Poisson process with rate $\\lambda_i$, "
        "and after each one a customer leaves with probability $p_i$ (Fader, Hardie & Lee 2005). "
        "The expected number in time $t$ is\n\n"
        "$$E[X(t)] = \\frac{a+b+x-1}{a-1} \\left[1 - "
        "\\left(\\frac{\\alpha+T}{\\alpha+T+t}\\right)^{r+x}\\right]$$\n\n"
        "where $x$ is `frequency` and $T$ is `observed_time`."
    )
    weeks = np.arange(1, 79)
    seen = 4000 * (1 - np.exp(-weeks / 30)) + 90 * np.sin(weeks / 4)
    expected = 4000 * (1 - np.exp(-weeks / 30.5))
    tracking = pd.DataFrame(
        {
            "week": weeks,
            "observed": seen,
            "expected": expected,
            "lo": expected * 0.95,
            "hi": expected * 1.05,
        }
    )
    figure, ax = theme.axes()
    ax.fill_between(weeks, tracking["lo"], tracking["hi"], color=theme.CONTRAST, alpha=0.18, lw=0)
    ax.plot(weeks, seen, color=theme.INK)
    ax.plot(weeks, expected, color=theme.CONTRAST)
    ax.axvline(39, color=theme.REFERENCE, lw=1)
    theme.label(ax, 78, seen[-1], "observed", xytext=(4, 7))
    theme.label(ax, 78, expected[-1], "model", color=theme.CONTRAST, xytext=(4, -7))
    theme.tidy(ax, x="Week", y="Repeat purchases, cumulative")
    theme.thousands(ax)
    draft.show(
        _exhibit(
            "tracking",
            "The model follows purchases it has never seen within 5%",
            tracking,
            figure,
            unit="purchases",
        )
    )
    long = "\n".join(
        f"total_{i} = value.expected_purchases(customers, "
        f"weeks={i}, rates=parameters_of_the_model, seed=SEED)  # {i} weeks"
        for i in range(24)
    )
    draft.code(long)
    cohorts = pd.DataFrame(
        {
            "cohort": [f"1997-{m:02d}" for m in range(1, 13)],
            **{
                f"month {k}": np.round(np.exp(-k / 5) * (1 + np.arange(12) / 60), 3)
                for k in range(12)
            },
        }
    )
    shown = cohorts.assign(**{c: cohorts[c].map("{:.0%}".format) for c in cohorts.columns[1:]})
    draft.show(
        _exhibit(
            "cohorts",
            "Later cohorts stay a little longer",
            cohorts,
            formatted=shown,
            note="Cohorts with fewer than 10 customers are withheld.",
        )
    )
    draft.conclude(
        Finding(
            "top_fifth",
            "census",
            "A fifth of customers brings half of the value.",
            0.532,
            "share of value",
            "lorenz",
        ),
        Finding(
            "future",
            "estimate",
            "Over five years the present customers are worth about 31 million euro.",
            31.2e6,
            "EUR",
            "tracking",
            lo=28.9e6,
            hi=33.8e6,
        ),
        Finding(
            "base",
            "assumption",
            "The base pays for itself once cost to serve falls by a tenth.",
            0.1,
            "share of cost",
            "tiers",
        ),
    )
    return draft


def _roi() -> Draft:
    draft = Draft("05_roi")
    draft.prose(
        "# Which next investment pays?\n\nInitiatives in order of net present value, with odds."
    )
    draft.prose("## Initiatives")
    table = pd.DataFrame(
        {
            "initiative": [
                "Fee waiver for the best",
                "Cross-sell insurance",
                "Win back",
                "New branch",
            ],
            "npv": [4.2, 2.9, 0.4, -1.8],
            "lo": [2.2, 1.1, -0.9, -3.6],
            "hi": [6.3, 4.9, 1.8, 0.1],
        }
    )
    figure, ax = theme.axes(height=2.8)
    order = table[::-1]
    ax.barh(
        order["initiative"],
        order["npv"],
        color=[theme.PRIMARY if v > 0 else theme.CONTRAST for v in order["npv"]],
        height=0.6,
    )
    ax.hlines(order["initiative"], order["lo"], order["hi"], color=theme.INK, lw=1)
    theme.tidy(ax, x="Net present value, EUR m", y="", grid="x")
    draft.show(
        _exhibit(
            "initiatives",
            "Two of four initiatives pay at almost any odds",
            table,
            figure,
            unit="EUR m",
            n=4,
            population="initiatives",
        )
    )
    many = pd.DataFrame({"draw": range(400), "npv": np.round(np.linspace(-2, 8, 400), 4)})
    figure, ax = theme.axes(height=2.6)
    ax.hist(many["npv"], bins=24, color=theme.PRIMARY)
    theme.tidy(ax, x="Net present value, EUR m", y="Draws")
    draft.show(
        _exhibit(
            "draws",
            "Four draws in five end above zero",
            many,
            figure,
            unit="EUR m",
            n=400,
            population="draws",
        )
    )
    draft.conclude(
        Finding(
            "pays",
            "estimate",
            "Waiving fees for the best customers pays with odds of 49 in 50.",
            0.98,
            "share of draws",
            "initiatives",
            lo=0.95,
            hi=0.99,
        ),
        Finding(
            "nowhere",
            "census",
            "A finding may rest on an exhibit that is not shown.",
            None,
            "",
            "not_shown",
        ),
    )
    return draft


def _summary(findings: list[dict]) -> Draft:
    draft = Draft("06_summary")
    draft.prose(
        "# Spend on the fifth that pays, and stop serving the base at a loss\n\n"
        "What the board should take away. Each line links to the figures that it rests on."
    )
    draft.prose(
        "## What to do next\n\n1. Waive fees for the best customers, in a test of 2,000.\n"
        "2. Lower the cost to serve of the base.\n"
        "3. Decide on the branch after the pilot."
    )
    draft.display_findings(findings)
    return draft
