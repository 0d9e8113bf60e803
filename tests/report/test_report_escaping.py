"""What comes from data is shown and never obeyed."""

import base64
import re

import pytest
import sample_version
from nbformat.v4 import new_code_cell, new_notebook, new_output

from crmlib.book import escaping, markdown, page, report
from crmlib.exhibits.finding import Finding, FindingList

HOSTILE = sample_version.HOSTILE


def rendered(tmp_path, *outputs, source="1"):
    """A one-cell notebook's page."""
    notebook = new_notebook(cells=[new_code_cell(source, outputs=list(outputs), id="a")])
    shown = page.read("02_value", notebook, tmp_path, page.locate({"02_value": notebook}))
    context = {"page": shown, "title": HOSTILE, "contents": [shown], "before": None, "after": None}
    context["origin"] = report.Origin(sample_version.PROVENANCE)
    return report.template("index.html.j2").render(resources=context)


def test_no_page_of_the_sample_has_a_live_script(pages):
    assert all("<script" not in text for text in pages.values())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages["01_customers.html"]


def test_html_of_an_output_counts_only_from_crmlib(tmp_path):
    data = {"text/plain": HOSTILE, "text/html": "<b id='foreign'>x</b>"}
    text = rendered(tmp_path, new_output("display_data", data=data))
    assert "foreign" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("mime", ["image/svg+xml", "application/javascript", "text/latex"])
def test_other_active_outputs_show_their_text(tmp_path, mime):
    text = rendered(
        tmp_path, new_output("display_data", data={"text/plain": "plain", mime: "foreign"})
    )
    assert "foreign" not in text
    assert ">plain<" in text


def test_exhibit_title_alt_note_and_table_are_escaped(tmp_path):
    table = sample_version.pd.DataFrame({HOSTILE: [HOSTILE]})
    exhibit = sample_version._exhibit("x", HOSTILE, table, note=HOSTILE, source=HOSTILE)
    data, metadata = exhibit._repr_mimebundle_()
    table.to_csv(tmp_path / "x.csv", index=False)
    text = rendered(tmp_path, new_output("display_data", data=data, metadata=metadata))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 6


def test_findings_are_escaped(tmp_path):
    finding = Finding("f", "census", HOSTILE, 1.0, HOSTILE, "x")
    data, metadata = FindingList([finding.record("02_value")])._repr_mimebundle_()
    assert "<script" not in rendered(
        tmp_path, new_output("display_data", data=data, metadata=metadata)
    )


def test_code_and_printed_text_are_escaped(tmp_path):
    output = new_output("stream", name="stdout", text=HOSTILE)
    assert "<script" not in rendered(tmp_path, output, source=f"name = {HOSTILE!r}")


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/x.png)",
        r"$\text{<script>alert(1)</script>}$",
        r"$\class{\"><script>}{x}$",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\frac{$ <script>",
        "## <script>alert(1)</script>",
        "|<script>|\n|---|\n|<script>|",
        '```"><script>\nx\n```',
    ],
)
def test_markdown_cannot_inject(text):
    shown = markdown.render(text, markdown.Outline())
    assert not re.search(r"<(script|img|iframe)|(href|src)=\"(javascript|https?):", shown)


def test_stderr_loses_the_folders_of_the_machine():
    said = "/home/ann/venv/lib/x.py:3: FutureWarning: mind and/or this, see https://pandas.org/a/b"
    assert escaping.without_folders(said) == (
        "x.py:3: FutureWarning: mind and/or this, see https://pandas.org/a/b"
    )


def test_inputs_lose_folders_and_passwords():
    assert escaping.shown_input("/srv/client/transactions.csv") == "transactions.csv"
    assert escaping.shown_input("../data/x/t.csv") == "../data/x/t.csv"
    assert escaping.shown_input("postgres://me:secret@db:5432/bank") == "postgres://db/bank"


@pytest.mark.parametrize("cell", ["=cmd()", "+1+1", "-x", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_download_starts_a_formula(tmp_path, cell):
    (tmp_path / "x.csv").write_text(f'a,b\n"{cell}",-3.5\n')
    href = page.data_table(tmp_path / "x.csv").href
    text = base64.b64decode(href.partition(",")[2]).decode()
    assert text == f"a,b\n'{cell},-3.5\n"
