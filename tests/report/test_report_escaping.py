"""What comes from data is shown and never obeyed."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import nbformat
import pytest
import sample_version
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_report_pages import Elements

from crmlib.book import data_table, escaping, indices, markdown, page, report
from crmlib.book.links import Evidence
from crmlib.exhibits.finding import Finding, FindingList

HOSTILE = sample_version.HOSTILE


def rendered(tmp_path, *outputs, source="1"):
    """A one-cell notebook's page."""
    notebook = new_notebook(cells=[new_code_cell(source, outputs=list(outputs), id="a")])
    shown = page.read("02_value", notebook, Evidence(tmp_path, page.locate({"02_value": notebook})))
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
    href = data_table.read(Evidence(tmp_path, {}), "x", "x").href
    text = base64.b64decode(href.partition(",")[2]).decode()
    assert text == f"a,b\n'{cell},-3.5\n"


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "</style></title><script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- -->]]><style>*{display:none}</style>",
]


def assert_nothing_acts(text):
    """No element that runs or loads, no handler, no style but the page's own, no odd address."""
    elements = Elements(text)
    tags = [tag for tag, _ in elements.found]
    assert not {"script", "img", "iframe", "object", "embed", "base", "form", "input"} & set(tags)
    assert tags.count("style") == tags.count("title") == 1
    names = {name for _, attributes in elements.found for name in attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    for href in elements.values("href"):
        assert re.match(r"#|(\.\./)?([\w-]+/)?\w+\.html|exhibits/|data:(text/csv|image)", href)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_word_from_outside_acts_wherever_it_stands(tmp_path, payload):
    table = sample_version.pd.DataFrame({payload: [payload, "low"], "n": [1, 2]})
    words = {"note": payload, "source": payload, "period": payload, "unit": payload}
    exhibit = sample_version._exhibit("x", payload, table, alt=payload, **words)
    finding = Finding("f", "census", payload, 1.0, payload, "x").record("02_value")
    draft = sample_version.Draft("02_value")
    draft.prose(f"# {payload}\n\n{payload}\n\n| {payload} |\n|---:|\n| {payload} |")
    draft.parameters("a = 1", f"a = {payload!r}\nb = {[payload]!r}")
    draft.show(exhibit)
    draft.display_findings([finding])
    html = {"text/html": f"<b>{payload}</b>", "text/plain": payload, "image/svg+xml": payload}
    draft.code("1", new_output("display_data", data=html))
    draft.code("1", new_output("display_data", data={"text/markdown": payload}))
    draft.code("1", new_output("stream", name="stderr", text=payload))
    draft.code("1", new_output("error", ename=payload, evalue=payload, traceback=[payload]))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "exhibits").mkdir()
    nbformat.write(draft.notebook(), tmp_path / "notebooks" / "02_value.ipynb")
    table.to_csv(tmp_path / "exhibits" / "x.csv", index=False)
    (tmp_path / "findings.json").write_text(json.dumps([finding]))
    fingerprint = replace(
        sample_version.PROVENANCE, inputs={payload: "ab" * 32}, packages={payload: payload}
    )
    for page_name in report.render_version(tmp_path, fingerprint, payload):
        assert_nothing_acts((tmp_path / page_name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_word_of_a_manifest_acts_in_an_index(tmp_path, payload):
    for number, missing in ((1, {}), (2, {payload: "0"})):
        folder = tmp_path / "shop" / f"v{number}-0000000{number}"
        folder.mkdir(parents=True)
        manifest = {"title": payload, "ended": payload, "files": missing}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "shop" / "index.json").write_text(json.dumps({"v1-00000001": payload}))
    indices.write(tmp_path, "shop")
    for path in (tmp_path / "index.html", tmp_path / "shop" / "index.html"):
        assert_nothing_acts(path.read_text(encoding="utf-8"))


def test_the_policy_allows_one_style_sheet_and_pictures_in_the_page(pages):
    for text in pages.values():
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = next(
            attributes["content"]
            for tag, attributes in Elements(text).found
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy == (
            f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'"
        )
        assert '<meta name="referrer" content="no-referrer">' in text
        assert text.index("Content-Security-Policy") < text.index("<style>")
