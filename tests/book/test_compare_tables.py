"""Rows of two tables: matched by their labels, equal to the ninth digit."""

from pathlib import Path

import pytest

from crmlib.book import compare_tables
from crmlib.book.compare_tables import TableChange

MONTHS = "month,customers,revenue\n2020-01,10,100.5\n2020-02,20,200.5\n"


@pytest.fixture
def between(tmp_path: Path):
    def _between(old: str, new: str) -> TableChange:
        for name, text in (("old.csv", old), ("new.csv", new)):
            (tmp_path / name).write_text(text)
        return compare_tables.between(tmp_path / "old.csv", tmp_path / "new.csv")

    return _between


def states(change: TableChange) -> list[tuple]:
    return [(row.state, row.key) for row in change.rows]


def test_equal_tables_do_not_differ(between):
    assert not between(MONTHS, MONTHS)


def test_floats_are_equal_to_the_ninth_digit(between):
    assert not between(MONTHS, MONTHS.replace("100.5", "100.50000001"))
    change = between(MONTHS, MONTHS.replace("100.5", "100.5000002"))
    assert states(change) == [("changed", ("2020-01",))]


@pytest.mark.parametrize("cell", ["", "-100.5", "1e-300", "inf", "100.5 EUR"])
def test_other_cells_differ(between, cell):
    change = between(MONTHS, MONTHS.replace("100.5", cell))
    assert [change.columns[i] for i in change.touched()] == ["revenue"]
    assert (change.rows[0].old, change.rows[0].new) == (["10", "100.5"], ["10", cell])


def test_a_row_more_at_the_top_leaves_the_others_as_they_are(between):
    head, rest = MONTHS.split("\n", 1)
    assert states(between(MONTHS, f"{head}\n2019-12,5,50.5\n{rest}")) == [("new", ("2019-12",))]
    assert states(between(f"{head}\n2019-12,5,50.5\n{rest}", MONTHS)) == [("dropped", ("2019-12",))]


def test_rows_in_another_order_do_not_differ(between):
    head, *rows = MONTHS.splitlines()
    assert not between(MONTHS, "\n".join([head, *reversed(rows)]) + "\n")


def test_two_labels_name_a_row_where_one_does_not(between):
    table = "model,parameter,estimate\nA,r,0.5\nA,s,0.6\nB,r,0.7\n"
    change = between(table, table.replace("0.6", "0.8"))
    assert change.keys == ("model", "parameter")
    assert states(change) == [("changed", ("A", "s"))]


def test_measures_name_no_row_and_position_does(between):
    curve = "customers,revenue\n0.0,0.0\n0.5,0.8\n1.0,1.0\n"
    change = between(curve, curve.replace("0.5,", "0.45,"))
    assert change.keys == ()
    assert states(change) == [("changed", ("2",))]


def test_labels_that_stand_twice_name_no_row(between):
    table = "reason,rows\nmissing,1.5\nmissing,2.5\n"
    assert states(between(table, table.replace("2.5", "3.5"))) == [("changed", ("2",))]


def test_columns_that_came_and_went_are_named(between):
    change = between(MONTHS, MONTHS.replace("customers", "buyers"))
    assert (change.added, change.dropped) == (("buyers",), ("customers",))
    assert change.columns == ("buyers", "revenue", "customers")
    assert change.rows[0].old == ["", "100.5", "10"]


def test_an_exhibit_without_rows_loses_them_all(between):
    assert [row.state for row in between(MONTHS, "month,customers,revenue\n").rows] == [
        "dropped",
        "dropped",
    ]
    assert [row.state for row in between("", MONTHS).rows] == ["new", "new"]


def test_a_cell_that_was_kept_from_being_a_formula_is_read_back(between):
    assert not between("name,n\n'=A1,1.5\n", 'name,n\n"\'=A1",1.5\n')
    change = between("name,n\n'=A1,1.5\n", "name,n\n'=A1,2.5\n")
    assert change.rows[0].key == ("=A1",)
