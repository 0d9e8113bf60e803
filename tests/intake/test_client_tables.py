"""The client's other tables: every kind of column, keys, kept columns, and their ledger."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import ibis
import pyarrow
import pytest

from crmlib.errors import InputError
from crmlib.intake import open_client, to_frame
from crmlib.intake.client_tables import ClientTable, open_table
from crmlib.intake.identities import NOBODY
from crmlib.intake.reading.reader import connect
from crmlib.tables import TABLES

DAY = dt.date


def opened(engagement, name: str) -> ClientTable:
    return open_table(connect(), engagement, name, NOBODY)


def cells(table: ClientTable) -> list[dict]:
    return table.rows.to_pyarrow().to_pylist()


def excluded(table: ClientTable) -> dict[str, int]:
    lines = table.ledger[table.ledger["status"] == "excluded"]
    return dict(zip(lines["reason"], lines["rows"], strict=True))


EVERY_TABLE = {
    "contracts": "customer_id,contract_id,product,start_date,end_date,monthly_margin\n"
    "a,K1,loan,2019-05-01,,12.50\nb,K2,card,2020-01-01,2020-06-30,\n",
    "ledger": "customer_id,month,product,line,amount,channel\n"
    "a,2020-01,loan,revenue,100.10,web\na,2020-01,loan,Cost_to_Serve,3,\n",
    "customers": "customer_id,joined,preferred_channel,consent,is_prospect,pays,decides,benefits,"
    "acquisition_cost,age,plz\na,2019-01-02,web,ja,no,1,1,0,12.5,41,01067\n"
    "c,,branch,nein,yes,0,0,1,,35,80331\n",
    "identities": "source_id,customer_id\nb,a\n",
    "control_totals": "period,revenue,margin\n2020,12,4\n2020-Q1,12,\n",
    "external": "customer_id,wallet,region\na,250.75,north\n",
    "survey": "respondent_id,customer_id,weight,q1,q2\nr1,a,1.5,5,agree\nr2,,0.5,,disagree\n",
    "choices": "respondent_id,task,alternative,chosen,price,brand\nr1,1,A,1,1.5,x\nr1,1,B,0,2,y\n",
    "maxdiff": "respondent_id,task,item,best,worst\nr1,1,price,1,0\nr1,1,speed,0,1\n",
    "initiatives": "id,name,lever,horizon,segments,reach,take_up,unit_cost,fixed_cost,"
    "effect_unit,prior_mean,prior_sd,evidence,half_life,earliest_wave\n"
    "I1,Call at risk,retain,early,all,0.5,0.2,3.5,1000,retention_pp,0.03,0.01,B,2,1\n",
    "processes": "initiative,step,exists\nI1,list,yes\nI1,call,no\n",
    "assets": "id,type,build_cost,run_cost,lead_waves,owned\nA1,data,5000,10,1,no\n",
    "requires": "initiative,asset\nI1,A1\n",
    "budgets": "wave,cap\n1,10000\n2,5000\n",
    "pilots": "initiative,segment,arm,n,mean,sd,outcome,window_days,estimand,start,look\n"
    "I1,high,treated,500,1.5,0.7,margin,90,assigned,2020-03-01,1\n",
    "contacts": "customer_id,campaign,arm,channel,sent_at,responded_at,outcome\n"
    "a,C1,treated,mail,2020-02-01 10:00,2020-02-03 09:00,1\na,C1,treated,mail,2020-02-02 08:30,,\n",
}
ENGINE_TYPES = {
    "id": "string", "day": "date", "month": "date", "amount": "decimal(38,6)",
    "number": "float64", "count": "int64", "share": "float64", "flag": "boolean", "text": "string",
}  # fmt: skip


@pytest.fixture(scope="module")
def everything(send):
    """All seventeen tables, opened together."""
    return open_client(send(**EVERY_TABLE))


def test_every_table_is_opened_and_typed_as_its_columns_say(everything):
    assert set(everything.tables) | {"transactions"} == set(TABLES)
    for name, table in everything.tables.items():
        header = EVERY_TABLE[name].splitlines()[0].split(",")
        kinds = {c: k.kind for c, k in TABLES[name].columns.items() if c in header}
        schema = table.rows.schema()
        assert {c: schema[c] for c in kinds} == {
            c: ibis.dtype(ENGINE_TYPES[kind]) for c, kind in kinds.items()
        }, name
        assert sorted(table.rows.columns) == sorted(header), name


def test_every_row_of_every_table_is_used(everything):
    used = everything.ledger[everything.ledger["status"] == "used"].set_index("table")["rows"]
    for name, text in EVERY_TABLE.items():
        assert used[name] == len(text.splitlines()) - 1, name


def test_cells_of_every_kind(everything):
    def first(name: str, row: int = 0) -> dict:
        return cells(everything.tables[name])[row]

    contract, open_end = first("contracts", 1), first("contracts")
    assert contract["end_date"] == DAY(2020, 6, 30)
    assert open_end["end_date"] is None
    assert (str(open_end["monthly_margin"]), contract["monthly_margin"]) == ("12.500000", None)
    assert first("ledger")["month"] == DAY(2020, 1, 1)
    assert [row["line"] for row in cells(everything.tables["ledger"])] == [
        "revenue", "cost_to_serve"
    ]  # fmt: skip
    person = first("customers")
    assert (person["consent"], person["is_prospect"], person["pays"]) == (True, False, True)
    assert (person["joined"], person["age"], person["plz"]) == (DAY(2019, 1, 2), 41.0, "01067")
    assert [row["q1"] for row in cells(everything.tables["survey"])] == [5.0, None]
    assert [row["weight"] for row in cells(everything.tables["survey"])] == [1.5, 0.5]
    assert [row["chosen"] for row in cells(everything.tables["choices"])] == [True, False]
    assert [row["price"] for row in cells(everything.tables["choices"])] == [1.5, 2.0]
    initiative = first("initiatives")
    assert (initiative["reach"], initiative["earliest_wave"]) == (0.5, 1)
    assert [row["wave"] for row in cells(everything.tables["budgets"])] == [1, 2]
    assert first("contacts")["sent_at"] == DAY(2020, 2, 1)
    assert first("contacts", 1)["responded_at"] is None


def test_merged_ids_are_replaced_in_every_table(everything):
    """b is a: in contracts as in purchases."""
    assert [row["customer_id"] for row in cells(everything.tables["contracts"])] == ["a", "a"]
    assert everything.transactions.facts.customers == 1


def test_attributes_stand_beside_the_measures_of_each_buyer(everything):
    view = everything.customer_view()
    assert view["customer_id"].tolist() == ["a"]
    assert view[["total_amount", "age", "plz", "wallet", "region"]].to_numpy().tolist() == [
        [12.0, 41.0, "01067", 250.75, "north"]
    ]


def test_other_tables_are_kept_under_their_own_names(everything):
    assert set(everything.kept_tables()) == {f"client_{name}" for name in EVERY_TABLE}


BAD_CELLS = {
    "contracts": [
        ("contract_id", " ", "missing contract_id"),
        ("start_date", "", "missing start_date"),
        ("start_date", "soon", "unreadable start_date"),
        ("end_date", "never", "unreadable end_date"),
    ],
    "ledger": [
        ("month", "2020-13", "unreadable month"),
        ("line", "profit", "unknown line"),
        ("line", "", "missing line"),
        ("amount", "much", "unreadable amount"),
        ("amount", "$5", "unreadable amount"),
    ],
    "budgets": [("wave", "1.5", "unreadable wave"), ("wave", "-1", "unreadable wave")],
    "initiatives": [
        ("reach", "1.2", "unreadable reach"),
        ("reach", "-0.1", "unreadable reach"),
        ("prior_sd", "wide", "unreadable prior_sd"),
        ("lever", "sell", "unknown lever"),
    ],
    "assets": [("owned", "perhaps", "unreadable owned")],
}


@pytest.mark.parametrize("table", BAD_CELLS)
def test_a_row_is_excluded_by_its_bad_cell(send, table):
    """Each row has one bad cell and, where that is not in it, a key of its own."""
    header, good, *_ = EVERY_TABLE[table].splitlines()
    names, lines = header.split(","), [header, good]
    for number, (column, cell, _) in enumerate(BAD_CELLS[table], start=10):
        bad = good.split(",")
        for name in TABLES[table].key:
            bad[names.index(name)] = str(number)
        bad[names.index(column)] = cell
        lines.append(",".join(bad))
    stated = {table: {"date_format": "%Y-%m-%d", "decimal": "."}}
    found = opened(send(settings=stated, **{table: "\n".join(lines) + "\n"}), table)
    assert excluded(found) == Counter(reason for _, _, reason in BAD_CELLS[table])
    assert len(cells(found)) == 1


def test_an_optional_cell_that_cannot_be_read_is_left_empty_and_noted(send):
    content = (
        "customer_id,joined,consent,acquisition_cost\n"
        "a,2019-01-01,yes,5\nb,2019-01-02,perhaps,\nc,,maybe,free\n"
    )
    stated = {"customers": {"date_format": "%Y-%m-%d", "decimal": "."}}
    found = opened(send(settings=stated, customers=content), "customers")
    assert excluded(found) == {}
    assert [row["consent"] for row in cells(found)] == [True, None, None]
    assert found.notes[-2:] == (
        "2 cells of `consent` cannot be read and count as empty.",
        "1 cell of `acquisition_cost` cannot be read and count as empty.",
    )


def test_times_in_words_are_left_empty_and_noted(send):
    rows = ["r1,1,A,1,12.5", "r1,1,B,0,12.5", "r1,2,A,1,a minute", "r1,2,B,0,a minute"]
    text = "\n".join(["respondent_id,task,alternative,chosen,seconds", *rows]) + "\n"
    table = opened(send(choices=text, settings={"choices": {"decimal": "."}}), "choices")
    assert [row["seconds"] for row in cells(table)] == [12.5, 12.5, None, None]
    assert table.notes[-1] == "2 cells of `seconds` cannot be read and count as empty."


def test_a_task_whose_best_item_is_its_worst_is_excluded_whole(send):
    right = [f"r{n},1,{row}" for n in range(9) for row in ("fee,1,0", "rate,0,1", "care,0,0")]
    wrong = ["r1,2,fee,1,1", "r1,2,rate,0,0", "r1,2,care,0,0"]
    text = "\n".join(["respondent_id,task,item,best,worst", *right, *wrong]) + "\n"
    table = opened(send(maxdiff=text), "maxdiff")
    assert {row["task"] for row in cells(table)} == {"1"}
    assert excluded(table) == {"task without exactly one choice": 3}


def test_the_first_row_of_a_key_stands_and_duplicates_are_named_apart(send):
    content = "contract_id,customer_id,product,start_date,end_date\n"
    rows = ["K1,a,x,2020-01-01,", "K2,b,x,2020-01-01,", "K1,a,x,2020-01-01,", "K1,b,y,2020-01-01,"]
    found = opened(send(contracts=content + "\n".join(rows) + "\n"), "contracts")
    assert excluded(found) == {"exact duplicate row": 1, "second row with the same key": 1}
    assert [(row["contract_id"], row["product"]) for row in cells(found)] == [
        ("K1", "x"), ("K2", "x")
    ]  # fmt: skip
    kept = {"contracts": {"duplicates": "keep"}}
    found = opened(send(settings=kept, contracts=content + "\n".join(rows) + "\n"), "contracts")
    assert excluded(found) == {"second row with the same key": 2}


def test_an_unusable_row_holds_no_key(send):
    content = "wave,cap\n1,x\n1,5\n1,6\n"
    stated = {"budgets": {"decimal": "."}}
    found = opened(send(settings=stated, budgets=content), "budgets")
    assert excluded(found) == {"unreadable cap": 1, "second row with the same key": 1}
    assert [float(row["cap"]) for row in cells(found)] == [5.0]


def test_rows_stay_in_the_order_of_the_file(send):
    rows = [(i * 7919 % 5003, i) for i in range(5003)]
    content = "wave,cap\n" + "".join(f"{wave},{cap}\n" for wave, cap in rows)
    found = cells(opened(send(budgets=content), "budgets"))
    assert [(row["wave"], int(row["cap"])) for row in found] == rows


def test_unreadable_lines_are_counted_and_amounts_add_up(send):
    content = 'wave,cap\n1,5\n\n2\n3,"7\n'
    assert excluded(opened(send(budgets=content), "budgets")) == {
        "unreadable line": 2, "blank line": 1
    }  # fmt: skip
    content = EVERY_TABLE["ledger"] + "b,2020-02,loan,profit,10,\n"
    found = opened(send(ledger=content), "ledger").ledger.set_index(["status", "reason"])["amount"]
    assert found.round(2).to_dict() == {
        ("read", ""): 113.10, ("excluded", "unknown line"): 10.0, ("used", ""): 103.10
    }  # fmt: skip


KEPT = {
    "plain": (["1", "22", "-3.5"], [1.0, 22.0, -3.5]),
    "gap": (["1", " ", "2"], [1.0, None, 2.0]),
    "code": (["01", "2", "3"], ["01", "2", "3"]),
    "word": (["1", "two", "3"], ["1", "two", "3"]),
    "power": (["1", "1e3", "3"], ["1", "1e3", "3"]),
    "long": (["1234567890123456", "1", "2"], ["1234567890123456", "1", "2"]),
    "empty": (["", "", ""], [None, None, None]),
    "text": ([" x ", "y", "z"], ["x", "y", "z"]),
}


def test_a_kept_column_is_numeric_where_every_cell_is_a_number(send):
    written = zip(*(cells for cells, _ in KEPT.values()), strict=True)
    lines = [f"c{i}," + ",".join(row) for i, row in enumerate(written)]
    content = "\n".join(["customer_id," + ",".join(KEPT), *lines]) + "\n"
    found = cells(opened(send(customers=content), "customers"))
    for name, (_, read) in KEPT.items():
        assert [row[name] for row in found] == read, name


def test_kept_numbers_have_the_decimal_mark_of_their_table(send):
    content = 'customer_id,score\na,"1,5"\nb,"2,25"\n'
    comma = {"customers": {"decimal": ","}}
    found = cells(opened(send(settings=comma, customers=content), "customers"))
    assert [row["score"] for row in found] == [1.5, 2.25]
    found = cells(opened(send(customers=content), "customers"))
    assert [row["score"] for row in found] == ["1,5", "2,25"]


def test_kept_columns_may_be_called_like_ours_and_like_each_other(send):
    """`joined` is mapped, so the file's own `joined` is another column."""
    content = (
        "customer_id,since,joined,Region,region,reason,record,file,c0,digest,key,self,JOINED\n"
        "a,2019-01-01,early,N,n,r,1,f,zero,d,k,s,J\n"
    )
    mapped = {"customers": {"columns": {"joined": "since"}}}
    found = opened(send(settings=mapped, customers=content), "customers")
    assert cells(found) == [
        {
            "customer_id": "a", "joined": DAY(2019, 1, 1), "joined_2": "early", "Region": "N",
            "region_2": "n", "reason": "r", "record": 1.0, "file": "f", "c0": "zero",
            "digest": "d", "key": "k", "self": "s", "JOINED_3": "J",
        }
    ]  # fmt: skip


def test_tables_that_keep_no_others_drop_them(send):
    found = opened(send(budgets="wave,cap,note\n1,5,x\n"), "budgets")
    assert found.rows.columns == ("wave", "cap")


def test_mapped_names_quoted_cells_and_german_numbers(send):
    content = 'Vertrag;Kunde;Produkt;Beginn;Ende;DB\n1;"M;1";"Kredit ""A""";31.12.2019;;1.234,50\n'
    mapped = {
        "contracts": {
            "columns": {
                "contract_id": "Vertrag", "customer_id": "Kunde", "product": "Produkt",
                "start_date": "Beginn", "end_date": "Ende", "monthly_margin": "DB",
            },
            "delimiter": ";",
        }
    }  # fmt: skip
    row = cells(opened(send(settings=mapped, contracts=content), "contracts"))[0]
    assert (row["customer_id"], row["product"]) == ("M;1", 'Kredit "A"')
    assert (row["start_date"], str(row["monthly_margin"])) == (DAY(2019, 12, 31), "1234.500000")


def test_a_parquet_table_keeps_its_own_types(send):
    table = pyarrow.table(
        {
            "customer_id": pyarrow.array([7, 8], pyarrow.int64()),
            "joined": pyarrow.array([DAY(2019, 1, 1), None], pyarrow.date32()),
            "consent": [True, None],
            "acquisition_cost": [1.25, float("nan")],
            "score": pyarrow.array([3, 4], pyarrow.int16()),
            "member": [True, False],
            "seen": pyarrow.array([DAY(2020, 1, 1), None], pyarrow.date32()),
        }
    )
    found = opened(send(customers=table), "customers")
    assert cells(found)[0] == {
        "customer_id": 7, "joined": DAY(2019, 1, 1), "consent": True,
        "acquisition_cost": pytest.approx(1.25), "score": 3, "member": True,
        "seen": DAY(2020, 1, 1),
    }  # fmt: skip
    assert cells(found)[1]["acquisition_cost"] is None


def test_years_that_parquet_stores_as_floats_are_periods(send):
    table = pyarrow.table({"period": [2020.0, 2021.0], "revenue": [1.0, 2.0]})
    found = opened(send(control_totals=table), "control_totals")
    assert [row["period"] for row in cells(found)] == ["2020", "2021"]


def test_a_workbook(send):
    rows = [
        ("customer_id", "joined", "consent", "acquisition_cost", "plz"),
        ("a", DAY(2019, 3, 4), "yes", 7.5, "01067"),
        (12, None, "no", None, "80331"),
    ]
    found = cells(opened(send(customers=rows), "customers"))
    assert found == [
        {"customer_id": "a", "joined": DAY(2019, 3, 4), "consent": True,
         "acquisition_cost": pytest.approx(7.5), "plz": "01067"},
        {"customer_id": "12", "joined": None, "consent": False, "acquisition_cost": None,
         "plz": "80331"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written, month",
    [("2020-02", 2), ("02/2020", 2), ("Feb 2020", 2), ("2020-02-29", 2), ("29.02.2020", 2)],
)
def test_months_may_be_written_as_months_or_days(send, written, month):
    content = f"customer_id,month,product,line,amount\na,{written},x,revenue,5\n"
    found = opened(send(ledger=content), "ledger")
    assert [row["month"] for row in cells(found)] == [DAY(2020, month, 1)]


def test_one_strange_month_costs_its_row_only(send):
    content = (
        "customer_id,month,product,line,amount\n"
        "a,2020-01,x,revenue,5\na,2020-02,x,revenue,5\na,13/13/13,x,revenue,5\n"
    )
    assert excluded(opened(send(ledger=content), "ledger")) == {"unreadable month": 1}


def test_outside_data_joined_by_an_attribute(send):
    """A postcode is an id, whatever its cells look like; numbers of both files meet as text."""
    client = open_client(
        send(
            transactions="customer_id,date,amount\na,2020-01-01,5\nb,2020-01-02,7\nc,2020-01-03,1\n",
            customers="customer_id,plz,income\na,10115,1\nb,80331,2\nc,,3\n",
            external="plz,wallet,income\n10115,100,30\n80331,200,40\n,5,50\n",
            settings={"external": {"key": "plz"}},
        )
    )
    assert excluded(client.tables["external"]) == {"missing key": 1}
    view = client.customer_view().set_index("customer_id")
    assert view["wallet"].tolist()[:2] == [100.0, 200.0]
    assert view["wallet"].isna().tolist() == [False, False, True]
    assert view["plz"].tolist()[:2] == ["10115", "80331"]
    assert view["income"].tolist() == [1, 2, 3]
    assert view["income_attribute"].tolist()[:2] == [30, 40]


def test_outside_data_of_customers_need_an_id_and_count_each_once(send):
    content = "Kunde,wallet\na,1\n,2\na,3\n"
    mapped = {"external": {"columns": {"customer_id": "Kunde"}}}
    found = opened(send(settings=mapped, external=content), "external")
    assert excluded(found) == {"missing customer_id": 1, "second row with the same key": 1}
    assert (found.key, found.rows.columns) == ("customer_id", ("customer_id", "wallet"))
    mapped["external"]["key"] = "Kunde"  # by their name or by ours
    assert opened(send(settings=mapped, external=content), "external").key == "customer_id"


def test_outside_data_joined_by_what_customers_have_not(send):
    engagement = send(
        customers="customer_id,plz\na,1\n",
        external="post_code,wallet\n1,5\n",
        settings={"external": {"key": "post_code"}},
    )
    with pytest.raises(InputError, match=r"inputs\.external\.key: `post_code` is no column of the"):
        open_client(engagement).customer_view()


def test_attributes_called_like_a_measure_get_another_name(send):
    client = open_client(
        send(
            customers="customer_id,frequency,recency\na,9,1\nb,8,2\n",
            external="customer_id,frequency\na,99\nb,88\n",
        )
    )
    view = client.customer_view()
    assert view["frequency"].tolist() == [0, 0]
    assert view["frequency_attribute"].tolist() == [9, 8]
    assert view["frequency_attribute_attribute"].tolist() == [99, 88]


def test_whole_numbers_in_one_file_are_the_same_ids_as_text_in_another(send):
    table = pyarrow.table({"customer_id": pyarrow.array([1, 2], pyarrow.int32()), "age": [30, 40]})
    rows = "customer_id,date,amount\n1,2020-01-01,5\n2,2020-02-01,5\n3,2020-03-01,5\n"
    view = open_client(send(transactions=rows, customers=table)).customer_view()
    assert view["customer_id"].tolist() == ["1", "2", "3"]
    assert view["age"].tolist()[:2] == [30, 40]


def test_a_table_that_loses_too_much_stops_intake(send):
    content = "wave,cap\n1,5\n2,x\n3,y\n"
    engagement = send(
        budgets=content,
        settings={"budgets": {"decimal": "."}},
        options={"max_excluded_share": 0.5},
    )
    with pytest.raises(InputError, match=r"66\.7% of its rows \(2 of 3\) are excluded"):
        opened(engagement, "budgets")


def test_customers_of_no_purchase_stay_in_their_table_and_not_in_the_view(send):
    client = open_client(send(customers="customer_id,age\na,1\nb,2\nz,3\n"))
    assert len(cells(client.tables["customers"])) == 3
    assert client.customer_view()["customer_id"].tolist() == ["a", "b"]
    assert to_frame(client.tables["customers"].rows)["age"].tolist() == [1.0, 2.0, 3.0]
