"""What `crm check` prints, fit to be sent to the client: complete, wrapped, without an id."""

from __future__ import annotations

import re

import pytest

from crmlib import params
from crmlib.exhibits.request import WIDTH, data_request, ledger_text
from crmlib.intake import open_client

PARAMS = {
    "engagement": "shop",
    "title": "A shop",
    "currency": "EUR",
    "observation_start": "2020-01-01",
    "observation_end": "2020-12-31",
    "customers": {"max_excluded_share": 1.0},
    "privacy": {"min_cell": 10},
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Forty customers; one of them alone bought in July, another's row is a duplicate."""
    folder = tmp_path_factory.mktemp("request")
    rows = [
        f"cust-{i:04d}-secret,2020-{m:02d}-{1 + i % 28:02d},{10 + i}.50"
        for i in range(40)
        for m in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12)
    ]
    rows += ["cust-0007-secret,2020-07-01,777.77", rows[0], ",2020-02-01,5", "x,soon,5"]
    header = "customer_id,date,amount\n"
    (folder / "sales.csv").write_text(header + "\n".join(rows) + "\n")
    months = "".join(f"2020-{m:02d},1200\n" for m in range(1, 13))
    (folder / "books.csv").write_text("period,revenue\n" + months + "2020,13000\n2021,5\n")
    (folder / "people.csv").write_text("customer_id,age\ncust-0001-secret,30\nother-secret,31\n")
    inputs = {
        "transactions": {"path": "sales.csv", "date_format": "%Y-%m-%d"},
        "control_totals": {"path": "books.csv"},
        "customers": {"path": "people.csv"},
    }
    days = {k: params.dt.date.fromisoformat(PARAMS[k]) for k in PARAMS if k.startswith("obs")}
    engagement = params.resolve({**PARAMS, **days, "inputs": inputs}, "shop.yml", folder)
    client = open_client(engagement)
    return client, data_request(client, engagement)


def section(text: str, title: str) -> list[str]:
    """The lines below a title, to the next one."""
    return re.split(r"\n\n(?=[^\n]+\n-+\n)", text.split(f"\n{title}\n", 1)[1])[0].split("\n")[1:]


def test_it_opens_with_the_question_the_verdict_and_the_base(sent):
    client, text = sent
    head, rule, verdict, facts, *_ = text.splitlines()
    assert head == "A shop: can the data carry the analysis?"
    assert rule == "=" * len(head)
    assert verdict.startswith("The data are weak in")
    assert facts.startswith("40 customers, ")
    assert f"{client.transactions.facts.orders:,} orders" in facts


def test_no_customer_is_named_anywhere(sent):
    assert "secret" not in sent[1]


def test_no_line_is_wider_than_a_letter(sent):
    ledger = set(section(sent[1], "What became of every row"))
    assert all(len(line) <= WIDTH for line in sent[1].splitlines() if line not in ledger)


def test_every_check_begins_a_line(sent):
    client, text = sent
    lines = [line for line in section(text, "What was found") if not line.startswith(" ")]
    assert lines == [line for line in lines if re.match(r"(weak |ask  |good ) [a-z]", line)]
    assert len(lines) == len(client.checks)


def test_questions_are_numbered(sent):
    client, text = sent
    lines = section(text, "Questions to the client")
    numbers = [int(line[:2]) for line in lines if re.match(r"[ 0-9][0-9][.] ", line)]
    assert numbers == list(range(1, sum(bool(check.ask) for check in client.checks) + 1))


def test_the_ledger_is_aligned_and_every_reason_has_its_remedy(sent):
    client, text = sent
    lines = section(text, "What became of every row")
    assert lines[0].split() == [
        "table", "status", "reason", "rows", "share", "amount", "examples", "remedy"
    ][:-1]  # fmt: skip
    end = lines[0].index("rows") + len("rows")
    for line in lines[1 : 1 + len(client.ledger)]:
        assert line[end - 1].isdigit() and line[end] == " "
    for reason in ("missing customer_id", "unreadable date", "exact duplicate row"):
        assert sum(line.startswith(f"{reason}: ") for line in map(str.strip, lines)) == 1


def test_amounts_of_few_customers_are_withheld(sent):
    """The duplicate is one customer's row: 10.50 may not stand there, nor follow."""
    lines = section(sent[1], "What became of every row")
    duplicate = next(line for line in lines if "exact duplicate row" in line)
    assert "10.50" not in duplicate
    assert "10.50" not in next(line for line in lines if " read " in line)


def test_july_is_withheld_beside_the_books(sent):
    lines = section(sent[1], "Against the books")
    july = next(line for line in lines if line.startswith("2020-07"))
    assert july.split() == ["2020-07", "1,200.00", "withheld"]
    assert "777.77" not in sent[1]
    may = next(line for line in lines if line.startswith("2020-05"))
    assert re.fullmatch(r"2020-05 +1,200\.00 +1,200\.00 +\+0\.00%", may)
    assert lines[-1].endswith("in part")
    whole = next(line for line in lines if line.startswith("2020 "))
    assert "withheld" in whole or sum("withheld" in line for line in lines) > 1


def test_how_the_files_were_read_has_its_place(sent):
    lines = section(sent[1], "How the files were read")
    assert any(line.startswith("transactions: ") for line in lines)


def test_sections_that_have_nothing_to_say_are_left_out(sent):
    client, _ = sent
    text = ledger_text(client.ledger[client.ledger["status"] == "used"])
    assert text.splitlines()[-1].split()[:2] == ["control_totals", "used"]
