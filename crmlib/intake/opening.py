"""Open everything the client sent, and say what a reader must know of it.

Answers the first question of the workbook: can these data carry the analysis, and
what must the client be asked?
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmlib.errors import InputError, suggestion
from crmlib.intake import answers, books, checks
from crmlib.intake.answers import respondents
from crmlib.intake.checks import Check, Facts, Link
from crmlib.intake.client_tables import ClientTable, open_table
from crmlib.intake.customers import NOTHING_BOUGHT, to_frame
from crmlib.intake.identities import NOBODY, follow
from crmlib.intake.links import coverage
from crmlib.intake.questions import check_questions
from crmlib.intake.reading.probe import locate
from crmlib.intake.reading.reader import connect
from crmlib.intake.reasons import check_reasons
from crmlib.intake.transactions import Intake, open_transactions
from crmlib.params import Engagement


@dataclass(frozen=True)
class Client:
    """Everything the client sent, and what a reader must know of it."""

    transactions: Intake | None  # None where the client gave answers alone
    tables: dict[str, ClientTable]
    ledger: pd.DataFrame  # of all tables
    notes: pd.DataFrame  # table, note: how each file was read
    links: tuple[Link, ...]  # whether the tables know the same customers
    books: books.Reconciliation | None  # None without control totals and ledger
    checks: tuple[Check, ...]

    @property
    def facts(self) -> Facts | None:
        """What the purchases come to, where there are any."""
        return None if self.transactions is None else self.transactions.facts

    @property
    def first_date(self) -> dt.date | None:
        """The day of the first purchase."""
        return None if self.facts is None else self.facts.first_date

    @property
    def by_month(self) -> pd.DataFrame | None:
        """Customers and revenue by calendar month."""
        return None if self.transactions is None else self.transactions.by_month

    @property
    def names(self) -> tuple[str, ...]:
        """Every table that was opened, purchases first."""
        return (*([] if self.transactions is None else ["transactions"]), *self.tables)

    @property
    def people(self) -> tuple[int, str]:
        """How many the tables speak of, and what they are called.

        Customers who bought; without purchases, respondents of all tables of answers.
        """
        if self.facts is not None:
            return self.facts.customers, "customers"
        return respondents(self.tables), "respondents"

    def purchases(self) -> ir.Table | None:
        """Purchase days of all customers, in order."""
        return None if self.transactions is None else self.transactions.ordered()

    def customer_view(self) -> pd.DataFrame | None:
        """One row per customer, with the attributes that the client gave.

        None without purchases: nothing says who is a customer.

        Customers are who bought, and who in the time observed had a contract or stands in
        the ledger with more than marketing; of those who never bought `n_transactions`,
        `total_amount` and `last_year_amount` are 0 and what describes purchases is empty.
        Attributes come from the tables `customers` and `external`; one that is called like
        a column of ours gets `_attribute` behind its name.
        """
        if self.transactions is None:
            return None
        view = self._with_others(to_frame(self.transactions.customers.order_by("customer_id")))
        for name in ("customers", "external"):
            if name not in self.tables:
                continue
            attributes, key = to_frame(self.tables[name].rows), self.tables[name].key
            if key not in view:
                raise InputError(
                    f"inputs.{name}.key",
                    f"`{key}` is no column of the customers.",
                    suggestion(key, map(str, view.columns)),
                )
            names = _free_names(self.tables[name], view.columns)
            attributes[key] = attributes[key].astype(view["customer_id"].dtype)
            if key != "customer_id":
                view[key] = view[key].astype(view["customer_id"].dtype)
            view = view.merge(attributes.rename(columns=names), how="left", on=key)
        return view

    def attributes(self) -> list[str] | None:
        """What `customer_view` calls the client's attributes; None without purchases."""
        if self.transactions is None:
            return None
        ours, found = list(self.transactions.customers.columns), []
        for name in ("customers", "external"):
            if name in self.tables:
                found += _free_names(self.tables[name], [*ours, *found]).values()
        return found

    def _with_others(self, view: pd.DataFrame) -> pd.DataFrame:
        """The customers who bought, and those whom contracts or the ledger show."""
        facts = self.transactions.facts
        window = ibis.literal(facts.window_start), ibis.literal(facts.window_end)
        found = []
        if "contracts" in self.tables:
            rows = self.tables["contracts"].rows
            runs = rows.end_date.isnull() | (rows.end_date >= window[0])
            found.append(rows.filter(runs & (rows.start_date <= window[1])))
        if "ledger" in self.tables:
            rows = self.tables["ledger"].rows
            served = rows.line != "marketing"  # which prospects cost, too
            seen = rows.month.between(window[0].truncate("M"), window[1])
            found.append(rows.filter(served & seen))
        silent = set()
        for rows in found:
            ids = to_frame(rows.select(customer_id=rows.customer_id.cast("string")).distinct())
            silent |= set(ids["customer_id"]) - set(view["customer_id"])
        if not silent:
            return view
        others = pd.DataFrame({"customer_id": sorted(silent)})
        nothing = dict.fromkeys([name for name in NOTHING_BOUGHT if name in view], 0)
        together = pd.concat([view, others.assign(**nothing)], ignore_index=True)
        return together.sort_values("customer_id", ignore_index=True)

    @property
    def refused(self) -> pd.DataFrame:
        """Each row that is not used: table, file, row, rows, customer_id, reason."""
        found = [self.transactions, *self.tables.values()]
        found = [each for each in found if each is not None]
        return pd.concat([each.refused for each in found], ignore_index=True)

    def kept_tables(self) -> dict[str, ir.Table]:
        """The client's other tables, by the name under which a version keeps them.

        With the purchases by product and channel, where nothing else tells these.
        """
        parts = {} if self.transactions is None else self.transactions.kept_parts()
        return parts | {f"client_{name}": table.rows for name, table in self.tables.items()}


def _free_names(table: ClientTable, taken: Iterable[str]) -> dict[str, str]:
    """Names of a table's attributes beside the columns that are there, by their own."""
    there, names = set(taken), {}
    for column in table.rows.columns:
        if column != table.key:
            name = column
            while name in there:
                name = f"{name}_attribute"
            names[column] = name
    return names


def open_client(engagement: Engagement) -> Client:
    """Open every table that the params name.

    Raises
    ------
    InputError
        A file that cannot be read, lacks a column, or leaves too few usable rows.
    ParamsError
        A threshold for a reason that does not exist, a time zone that is not known, a
        name in `questions` or `needs` that the tables do not hold.
    """
    check_reasons(engagement.customers.max_excluded_by_reason)
    client, merged = _opened(engagement, as_base=True)
    rows = {name: table.rows for name, table in client.tables.items()}
    check_questions(engagement, rows, client.attributes())
    transactions, tables, ledger = client.transactions, client.tables, client.ledger
    reconciled = _reconcile(engagement, tables, transactions)
    links = coverage(tables, None if transactions is None else transactions.purchases)
    if transactions is None:
        asked = answers.look(client.tables, ledger, links, merged, engagement)
    else:
        asked = checks.look(transactions, ledger, reconciled, links, merged, engagement)
    return replace(client, links=links, books=reconciled, checks=asked)


def open_some(engagement: Engagement) -> Client:
    """Open tables of some customers, who need not stand for a business: nothing is checked
    but that tables can be read, and each row that is refused is named.

    Raises
    ------
    InputError
        A file that cannot be read or lacks a column.
    ParamsError
        A time zone that is not known.
    """
    return _opened(engagement, as_base=False)[0]


def _opened(engagement: Engagement, *, as_base: bool) -> tuple[Client, int]:
    """Every table, cleaned, without links, books and checks; and how many ids are merged."""
    connection = connect()
    tables: dict[str, ClientTable] = {}
    identities = NOBODY
    others = [name for name in engagement.inputs.given() if name != "transactions"]
    if "identities" in others:
        found = open_table(connection, engagement, "identities", identities, as_base=as_base)
        tables["identities"] = found
        identities = follow(connection, found.rows, locate(engagement, "identities").place)
    transactions = None
    if engagement.inputs.transactions is not None:
        transactions = open_transactions(engagement, connection, identities, as_base=as_base)
    for name in others:
        if name != "identities":
            tables[name] = open_table(connection, engagement, name, identities, as_base=as_base)
    ledgers = [table.ledger for table in tables.values()]
    notes = []
    if transactions is not None:
        ledgers = [transactions.ledger, *ledgers]
        notes = [("transactions", note) for note in transactions.notes]
    notes += [(table.name, note) for table in tables.values() for note in table.notes]
    frame = pd.DataFrame(notes, columns=["table", "note"])
    ledger = pd.concat(ledgers, ignore_index=True)
    return Client(transactions, tables, ledger, frame, (), None, ()), identities.merged


def _reconcile(
    engagement: Engagement, tables: dict[str, ClientTable], transactions: Intake | None
) -> books.Reconciliation | None:
    if transactions is None:
        return None
    totals = to_frame(tables["control_totals"].rows) if "control_totals" in tables else None
    place = "" if totals is None else locate(engagement, "control_totals").place
    facts, tolerance = transactions.facts, engagement.customers.control_tolerance
    window = (facts.window_start, facts.window_end)
    if "ledger" in tables:
        sums = books.sum_ledger(tables["ledger"].rows, window)
        return books.reconcile_ledger(totals, sums, window, tolerance, place)
    if totals is None:
        return None
    return books.reconcile(totals, transactions.by_day, window, tolerance, place)
