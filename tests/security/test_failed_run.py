"""What a failed run keeps and says: no credentials, nothing that acts, and that it may go."""

from __future__ import annotations

import functools
import json

import small_book
from typer.testing import CliRunner

from crmlib import cli
from crmlib.book import runner

SECRET = "s3cr'et\"word"
FAIL = """
import os, sys
password = os.environ["CRM_DATABASE_PASSWORD"]
print("connecting with", password)
os.write(2, f"log: {password}\\n".encode())
raise ConnectionError(f"postgresql://ann:{password}@db/bank said no\\x1b[2J\\nto {password!r}")
"""


def test_a_failed_run_keeps_no_password_and_says_that_it_holds_client_data(tmp_path, monkeypatch):
    params_path = small_book.write_params(tmp_path)
    notebooks = small_book.write_notebooks(tmp_path / "notebooks", {"01_customers": FAIL})
    book = {"notebooks": notebooks, "graph": small_book.ONE_CHAPTER}
    monkeypatch.setattr(runner, "run", functools.partial(runner.run, **book))
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", SECRET)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["run", str(params_path), "--out", "reports"])
    assert result.exit_code == 1, result.output
    (kept,) = (tmp_path / "reports" / "shop").glob("failed-*")
    place = f"reports/shop/{kept.name}"
    assert result.stderr.splitlines()[1:] == [
        r"01_customers failed: ConnectionError: postgresql://***@db/bank said no\x1b[2J\nto '***'",
        f"{place} keeps what was made, client data among it; remove it once you have looked.",
        f"The log is {place}/error.txt",
    ]
    forms = {SECRET, repr(SECRET)[1:-1], json.dumps(SECRET)[1:-1], SECRET.replace("'", r"\'")}
    for path in [path for path in kept.rglob("*") if path.is_file()]:
        text = path.read_text()
        assert not [form for form in forms if form in text], path
        assert "\x1b" not in text
    assert "log: ***" in (kept / "error.txt").read_text()
    assert "connecting with ***" in (kept / "notebooks" / "01_customers.ipynb").read_text()
    listed = CliRunner().invoke(cli.app, ["versions", "shop", "--out", "reports"])
    assert listed.exit_code == 2
    assert f"  {place}: a failed run, with client data in it; remove it once" in listed.stderr
