"""A raw file's first params: roles by name and content, evidence beside each guess."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import xlsxwriter
import yaml

from crmlib import params
from crmlib.errors import InputError, ParamsError
from crmlib.intake.proposing.proposal import Draft, check_name, draft
from crmlib.intake.proposing.roles import NAMES, ColumnFacts, guess_roles, score

CDNOW = Path(find_spec("lifetimes").origin).parent / "datasets" / "CDNOW_master.txt"


@pytest.mark.parametrize(
    "name, role",
    [
        ("CustNo", "customer_id"), ("Kundennummer", "customer_id"), ("KUNDEN_NR", "customer_id"),
        ("client", "customer_id"), ("Numéro client", "customer_id"), ("客户编号", "customer_id"),
        ("InvoiceDate", "date"), ("Rechnungsdatum", "date"), ("fecha", "date"),
        ("订单日期", "date"), ("Nettoverkaufsumsatz", "amount"), ("Lieferdatum", "date"),
        ("Umsatz", "amount"), ("Betrag (EUR)", "amount"), ("Montant HT", "amount"),
        ("importe", "amount"), ("dollar_value", "amount"), ("消费金额(元)", "amount"),
        ("Menge", "quantity"), ("Qty.", "quantity"), ("数量", "quantity"),
        ("Preis", "unit_price"), ("UnitPrice", "unit_price"), ("单价", "unit_price"),
        ("order", "order_id"), ("InvoiceNo", "order_id"), ("Beleg-Nr.", "order_id"),
        ("Bestellnummer", "order_id"), ("订单号", "order_id"),
        ("Profit", "margin"), ("Deckungsbeitrag", "margin"),
        ("StockCode", "product"), ("Artikelnummer", "product"), ("商品名称", "product"),
        ("Filiale", "channel"), ("sales_channel", "channel"),
    ],
)  # fmt: skip
def test_a_name_states_its_role(name, role):
    points = {each: score(name, each) for each in NAMES}
    assert max(points, key=points.__getitem__) == role
    assert sorted(points.values())[-2] < points[role]


@pytest.mark.parametrize("name", ["Country", "Discount", "Zip", "column_1", "备注", "Ref"])
def test_a_name_that_states_nothing(name):
    assert not any(score(name, role) for role in NAMES)


def facts(name: str, different: int, days=0.0, numbers=0.0, decimals=0.0) -> ColumnFacts:
    return ColumnFacts(name, f"c_{name}", 1000, different, days, numbers, decimals)


def found(columns: Sequence[ColumnFacts], named: bool = True) -> dict[str, str]:
    return {role: guess.column.name for role, guess in guess_roles(columns, named).items()}


def test_content_decides_where_names_do_not():
    columns = [
        facts("column_1", 300, numbers=1.0),  # repeats: who
        facts("column_2", 200, days=1.0, numbers=1.0),
        facts("column_3", 9, numbers=1.0),
        facts("column_4", 700, numbers=1.0, decimals=1.0),
        facts("column_5", 1000, numbers=1.0),  # a row number
    ]
    expected = {"customer_id": "column_1", "date": "column_2", "amount": "column_4"}
    assert found(columns, named=False) == expected


def test_a_name_counts_only_where_the_cells_agree():
    columns = [
        facts("customer", 300),
        facts("date", 200, days=1.0),
        facts("order", 700, numbers=1.0, decimals=1.0),
        facts("amount", 3),  # words
    ]
    assert found(columns) == {"customer_id": "customer", "date": "date", "amount": "order"}


def test_the_surest_name_is_taken_and_each_column_once():
    columns = [
        facts("Order ID", 500), facts("Order Date", 200, days=1.0),
        facts("Ship Date", 200, days=1.0), facts("Customer Name", 290), facts("Customer ID", 300),
        facts("Sales", 700, numbers=1.0, decimals=1.0), facts("Quantity", 9, numbers=1.0),
        facts("Profit", 700, numbers=1.0, decimals=1.0),
    ]  # fmt: skip
    assert found(columns) == {
        "customer_id": "Customer ID", "date": "Order Date", "amount": "Sales",
        "order_id": "Order ID", "margin": "Profit",
    }  # fmt: skip


def write_retail(path: Path) -> Path:
    """Order lines as of an online shop: quotes, commas, cancellations, nameless customers."""
    dice = random.Random(7)
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for number in range(536365, 536965):
        when = dt.datetime(2010, 12, 1, 8, 26) + dt.timedelta(minutes=dice.randrange(500_000))
        day = f"{when.month}/{when.day}/{when.year} {when.hour}:{when.minute:02}"
        cancelled = dice.random() < 0.05
        who = "" if dice.random() < 0.1 else str(dice.randrange(17850, 17950))
        for _ in range(dice.randint(1, 4)):
            quantity = dice.randint(1, 12) * (-1 if cancelled else 1)
            text = dice.choice(['"SET 7 ""BABUSHKA"", BOXES"', '"CREAM, CUPID"', "T-LIGHT HOLDER"])
            lines.append(
                f"{'C' * cancelled}{number},85123A,{text},{quantity},{day},"
                f"{dice.uniform(0.5, 9):.2f},{who},United Kingdom"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


def settings(proposed: Draft, folder: Path) -> params.Engagement:
    return params.resolve(yaml.safe_load(proposed.text), "x.yml", folder)


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    folder = tmp_path_factory.mktemp("retail")
    return draft("retail", write_retail(folder / "online retail.csv"), folder)


def test_order_lines_with_returns(retail, tmp_path):
    found = settings(retail, tmp_path).inputs.transactions
    assert found.path == "online retail.csv"
    assert found.columns == {
        "customer_id": "CustomerID", "date": "InvoiceDate", "quantity": "Quantity",
        "unit_price": "UnitPrice", "order_id": "InvoiceNo", "product": "StockCode",
    }  # fmt: skip
    assert found.date_format == "%m/%d/%Y %H:%M"
    assert found.decimal == "."
    assert found.returns == "keep"
    assert "their orders begin with C" in retail.text


def test_what_the_file_does_not_say_is_asked(retail):
    asked = retail.text.partition("# What the file does not say:")[2]
    assert "Is the currency EUR" in asked
    assert "without a customer" in asked
    assert "negative rows mean" in asked
    assert "currency: EUR   # GUESS: nothing in the file says the currency" in retail.text


def test_every_guess_of_a_role_has_its_evidence(retail):
    block = retail.text.partition("columns:\n")[2].partition("date_format")[0]
    assert all("   # " in line for line in block.rstrip().splitlines()[:-1])


def test_the_raw_text_of_cdnow(tmp_path):
    proposed = draft("cdnow_raw", CDNOW, tmp_path)
    found = settings(proposed, tmp_path)
    table = found.inputs.transactions
    assert set(table.columns) >= {"customer_id", "date", "amount"}
    assert (table.date_format, table.duplicates) == ("%Y%m%d", "keep")
    assert found.observation_start == dt.date(1997, 1, 1)
    assert found.observation_end == dt.date(1998, 6, 30)
    assert found.time_unit == "week"


Make = Callable[..., Draft]


@pytest.fixture
def propose(tmp_path) -> Make:
    def make(content: str, name: str = "t.csv") -> Draft:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return draft("shop", tmp_path / name, tmp_path)

    return make


def test_a_german_export(propose, tmp_path):
    rows = [f"K{i % 7};{1 + i % 28:02}.0{1 + i % 9}.2023;{i}.{100 + i},50 €" for i in range(1, 60)]
    proposed = propose("Kundennr;Rechnungsdatum;Betrag\n" + "\n".join(rows) + "\n")
    found = settings(proposed, tmp_path)
    assert found.currency == "EUR"
    assert "`€` stands in 59 cells" in proposed.text
    assert (found.inputs.transactions.decimal, found.inputs.transactions.date_format) == (
        ",", "%d.%m.%Y",
    )  # fmt: skip


def test_other_currencies_are_called_out(propose, tmp_path):
    rows = [f"{i % 7},2023-01-{1 + i % 28:02},{'$' if i % 9 else '€'}{i}.50" for i in range(1, 60)]
    proposed = propose("client,date,total\n" + "\n".join(rows) + "\n")
    assert settings(proposed, tmp_path).currency == "USD"
    assert "`€` in 6 others, which are excluded" in proposed.text


def test_dates_that_allow_two_readings_are_left_open(propose, tmp_path):
    """The file is proposed all the same; `crm check` refuses it until the client says which."""
    rows = [f"{i % 5},0{1 + i % 9}/0{1 + i % 7}/2023,{i}.50" for i in range(1, 40)]
    proposed = propose("client,date,total\n" + "\n".join(rows) + "\n")
    assert settings(proposed, tmp_path).inputs.transactions.date_format == "auto"
    assert "date_format: auto   # OPEN: `01/02/2023` is" in proposed.text
    assert proposed.questions[0].startswith("`date_format`: ")


def test_a_file_without_names(propose, tmp_path):
    rows = [f"{i % 23},202301{1 + i % 28:02},{1 + i % 4},{i}.{10 + i % 90}" for i in range(1, 200)]
    proposed = propose("\n".join(rows) + "\n")
    found = settings(proposed, tmp_path).inputs.transactions
    assert not found.header
    assert found.columns == {"customer_id": "column_1", "date": "column_2", "amount": "column_4"}
    assert any(question.startswith("Is `column_4` the") for question in proposed.questions)


def test_a_typed_file_needs_no_format(tmp_path):
    days = [dt.date(2023, 1, 1 + i % 28) for i in range(60)]
    table = {
        "client": [i % 9 for i in range(60)],
        "day": days,
        "sales": [i + 0.5 for i in range(60)],
    }
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "t.parquet")
    proposed = draft("shop", tmp_path / "t.parquet", tmp_path)
    found = settings(proposed, tmp_path)
    assert (found.inputs.transactions.date_format, found.inputs.transactions.decimal) == (
        "auto", "auto",
    )  # fmt: skip
    assert found.observation_end == dt.date(2023, 1, 28)


def test_a_workbook(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet, style = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Kundennr", "Datum", "Umsatz"])
        for i in range(1, 60):
            sheet.write_row(i, 0, [f"K{i % 7}"])
            sheet.write_datetime(i, 1, dt.datetime(2023, 1, 1 + i % 28), style)
            sheet.write_number(i, 2, i + 0.25)
    found = settings(draft("shop", tmp_path / "t.xlsx", tmp_path), tmp_path)
    assert set(found.inputs.transactions.columns) == {"customer_id", "date", "amount"}
    assert found.observation_end == dt.date(2023, 1, 28)


def test_a_currency_by_the_name_of_the_column(propose, tmp_path):
    proposed = propose("customer,date,amount_gbp\na,2023-01-31,5.00\na,2023-02-28,6.00\n")
    assert settings(proposed, tmp_path).currency == "GBP"
    assert "the column is called `amount_gbp`" in proposed.text


def test_names_that_yaml_would_misread_are_quoted(propose, tmp_path):
    proposed = propose(
        '"client: no","date: of","amount # 1"\na,2023-01-31,5.00\na,2023-02-28,6.50\n'
    )
    columns = settings(proposed, tmp_path).inputs.transactions.columns
    assert set(columns.values()) == {"client: no", "date: of", "amount # 1"}


def test_many_rows_without_a_customer_raise_the_limit_aloud(propose, tmp_path):
    rows = [f"{'' if i % 3 == 0 else i % 5},2023-01-{1 + i % 28:02},{i}.50" for i in range(1, 90)]
    proposed = propose("client,date,total\n" + "\n".join(rows) + "\n")
    assert settings(proposed, tmp_path).customers.max_excluded_share == 0.35
    assert "GUESS: 32.6% of the rows cannot be used" in proposed.text


def test_a_file_without_days_is_refused(propose):
    with pytest.raises(ParamsError, match="no column holds days") as refusal:
        propose("a,b\n1,x\n2,y\n")
    assert "Its columns are `a`, `b`." in str(refusal.value)


def test_a_file_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "sales.csv").write_text("a\n")
    with pytest.raises((ParamsError, InputError), match=r"Did you mean `sales\.csv`"):
        draft("shop", tmp_path / "sale.csv", tmp_path)


@pytest.mark.parametrize(
    "name, valid",
    [
        ("City Bank", "city_bank"),
        ("2024-shop", "client_2024_shop"),
        ("ÜBER", "ber"),
        ("_", "client"),
    ],
)
def test_a_name_that_no_engagement_can_have(name, valid):
    with pytest.raises(ParamsError, match=f"`{valid}` would do"):
        check_name(name)
    check_name(valid)
