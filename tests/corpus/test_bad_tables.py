"""The other tables: identities, books, contracts, ledger, survey, initiatives, databases."""

import sqlite3
from pathlib import Path

from corpus import GOOD, SECRET, Accepted, Case, accepted, every, refused

SALES = {"sales.csv": GOOD}


def other(name: str, table: str, rows: str, expect, **settings) -> Case:
    """One more table beside good transactions."""
    return Case(name, {**SALES, "other.csv": rows}, expect,
                inputs={table: {"path": "other.csv", **settings}})  # fmt: skip


def ledger(table: str, read: int, used: int, says: tuple[str, ...] = (), **excluded) -> Accepted:
    reasons = {reason.replace("__", " "): rows for reason, rows in excluded.items()}
    return Accepted(read, used, reasons, says, table)


def two(name: str, tables: dict[str, str], expect) -> Case:
    files = {f"{table}.csv": rows for table, rows in tables.items()}
    inputs = {table: {"path": f"{table}.csv"} for table in tables}
    return Case(name, {**SALES, **files}, expect, inputs=inputs)


def database(name: str, url: str, table: str, expect, **files) -> Case:
    return Case(name, files, expect, settings={"database": url, "table": table})


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE sales (customer_id TEXT, date TEXT, amount NUMERIC)")
        made.execute(f"INSERT INTO sales VALUES ('{SECRET}', '2024-01-13', 5)")
    made.close()


A, B, C = (f"{SECRET}{at}" for at in range(3))
PAIRS = "source_id,customer_id\n"
BOOKS = "period,revenue\n"
CONTRACT = "customer_id,contract_id,product,start_date,end_date,monthly_margin\n"
LEDGER = "customer_id,month,product,line,amount\n"
INITIATIVES = (
    "id,name,lever,horizon,segments,reach,take_up,unit_cost,fixed_cost,effect_unit,prior_mean,"
    "prior_sd,evidence,half_life\n"
)
CALL = "i1,Call,retain,early,all,0.5,0.1,5,100,retention_pp,2,1,B,1\n"
ASSETS = "id,type,build_cost,run_cost,lead_waves,owned\n"
PILOTS = "initiative,segment,arm,n,mean,sd,outcome,window_days,estimand,start,look\n"
SECRET_URL = "postgresql://ann:hunter2@db/bank"

CASES = [
    # identities
    other("a chain of identities", "identities", PAIRS + f"{A},{B}\n{B},{C}\n",
          accepted(3, 3, says=("1 customers",))),
    other("identities in a circle", "identities", PAIRS + f"{A},{B}\n{B},{C}\n{C},{A}\n",
          refused("inputs.identities.path: other.csv: its identities go in a circle",
                  "Let every `source_id`")),
    other("an id merged into itself", "identities", PAIRS + f"{A},{A}\n",
          accepted(3, 3, says=("3 customers",))),
    other("one id merged twice, the same identity twice, and one without a customer", "identities",
          PAIRS + f"{A},{B}\n{A},{B}\n{A},{C}\n{A},\n",
          ledger("identities", 4, 1, second__row__with__the__same__key=1,
                 exact__duplicate__row=1, missing__customer_id=1)),
    other("a chain of thirty identities", "identities",
          PAIRS + "".join(f"p{at},p{at + 1}\n" for at in range(30)), accepted(3, 3)),
    # control totals
    other("books that do not agree", "control_totals", BOOKS + "2024-02,40\n",
          accepted(3, 3, says=("in 2024-02 the export is below them by 50.0%",))),
    other("books of other years", "control_totals", BOOKS + "2019,40\n",
          accepted(3, 3, says=("No period of the control totals lies wholly",))),
    other("a period that is none", "control_totals", BOOKS + "2024-13,40\n",
          refused("period '2024-13' is no year, quarter or month",
                  "Write 2024, 2024-Q1 or 2024-01")),
    other("one period twice", "control_totals", BOOKS + "2024-02,20\n2024-02,21\n",
          ledger("control_totals", 2, 1, second__row__with__the__same__key=1)),
    other("books without a readable amount", "control_totals", BOOKS + "2024-02,much\n",
          refused("other.csv: none of its 1 row can be used", '"unreadable revenue"')),
    other("books of quarters and months, in words", "control_totals",
          BOOKS + "Q1 2024,60\nFeb 2024,20\n2024-03,30\n",
          accepted(3, 3, says=("Q1 2024", "Revenue agrees with the books in all 2 periods"))),
    # contracts, ledger, customers
    other("contracts", "contracts", CONTRACT + f"{A},1,card,2020-01-31,,5\n{A},2,loan,x,,5\n"
          f"{A},3,loan,2020-01-31,2021-13-31,5\n{A},1,loan,2020-01-31,,5\n"
          f"{A},5,loan,2020-01-31,,x\n"
          f"{A},6,loan,2021-01-31,,x\n",
          ledger("contracts", 6, 3, ("2 cells of `monthly_margin` cannot be read",),
                 unreadable__start_date=1, unreadable__end_date=1,
                 second__row__with__the__same__key=1)),
    other("contracts that end before they start, or start after we look", "contracts",
          CONTRACT + f"{A},1,card,2020-01-31,2020-01-30,5\n{A},2,loan,2031-01-01,,5\n"
          f"{A},3,loan,2020-01-31,9999-12-31,5\n",
          ledger("contracts", 3, 1, ends__before__it__starts=1,
                 starts__after__observation_end=1)),
    other("contracts without a product", "contracts", "customer_id,contract_id\na,1\n",
          refused("inputs.contracts.path: other.csv: there is no column `product`",
                  "inputs.contracts.columns.product")),
    other("a ledger with an unknown line", "ledger",
          LEDGER + f"{A},2024-01,card,revenue,5\n{A},2024-01,card,profit,5\n"
          f"{A},13/2024,card,revenue,1\n"
          f"{A},2024-02,card,REVENUE,5\n",
          ledger("ledger", 4, 2, unknown__line=1, unreadable__month=1)),
    other("customers twice, and a flag that is none", "customers",
          f"customer_id,town,consent\n{A},Ulm,maybe\n{A},Bonn,yes\n{B},Köln,yes\n",
          ledger("customers", 3, 2, ("1 cell of `consent` cannot be read",),
                 second__row__with__the__same__key=1)),
    other("customers who never bought", "customers",
          "customer_id,town\n" + "".join(f"n{at},Ulm\n" for at in range(20)),
          accepted(3, 3, says=("No customer in customers is found in transactions",))),
    other("a file of one column is enough for customers", "customers", f"customer_id\n{A}\n",
          ledger("customers", 1, 1)),
    other("an outside key that is not there", "external", "customer_id,wallet\na,5\n",
          refused("there is no column `postcode`, which `inputs.external.key` names"),
          key="postcode"),
    other("outside data without a customer", "external", "who,wallet\na,5\n",
          refused("inputs.external.path: other.csv: there is no column `customer_id`")),
    # survey, choices
    other("a respondent twice, and answers without one", "survey",
          "respondent_id,q1,q2\n1,5,4\n1,3,2\n,9,9\n",
          ledger("survey", 3, 1, second__row__with__the__same__key=1, missing__respondent_id=1)),
    other("choices with a word for chosen", "choices",
          "respondent_id,task,alternative,chosen,price\n1,1,1,yes,5\n1,1,2,perhaps,6\n1,1,3,0,7\n",
          ledger("choices", 3, 2, unreadable__chosen=1)),
    other("weights that are none", "survey",
          "respondent_id,weight,q1\n1,1.5,4\n2,0,2\n3,-1,9\n4,many,3\n5,,3\n",
          ledger("survey", 5, 1, weight__not__above__0=4)),
    other("tasks with two choices and with none", "choices",
          "respondent_id,task,alternative,chosen\n1,1,a,true\n1,1,b,no\n1,2,a,1\n1,2,b,1\n"
          "2,1,a,0\n2,1,b,false\n",
          ledger("choices", 6, 2, task__without__exactly__one__choice=4)),
    other("items that are best and worst, or neither", "maxdiff",
          "respondent_id,task,item,best,worst\n1,1,a,1,0\n1,1,b,0,1\n1,1,c,0,0\n"
          "1,2,a,1,1\n1,2,b,0,0\n1,3,a,1,0\n1,3,b,0,0\n",
          ledger("maxdiff", 7, 3, task__without__exactly__one__choice=4)),
    # initiatives and what hangs on them
    other("an initiative with unknown words", "initiatives",
          INITIATIVES + CALL + CALL.replace("i1", "i2").replace("retain", "hold")
          + CALL.replace("i1", "i3").replace(",B,", ",F,")
          + CALL.replace("i1", "i4").replace("0.5", "50"),
          ledger("initiatives", 4, 1, unknown__lever=1, unknown__evidence=1, unreadable__reach=1)),
    two("an initiative that needs an asset that is not there",
        {"initiatives": INITIATIVES + CALL, "assets": ASSETS + "a1,data,5,1,0,no\n",
         "requires": "initiative,asset\ni1,a1\ni1,a2\ni9,a1\n"},
        accepted(3, 3, says=("1 of 2 values of asset in requires are not in assets",
                             "1 of 2 values of initiative in requires are not in initiatives"))),
    other("a budget that counts backwards", "budgets", "wave,cap\n1,100\n-1,100\n1.5,100\n",
          ledger("budgets", 3, 1, unreadable__wave=2)),
    other("a pilot with an unknown estimand", "pilots",
          PILOTS + "i1,all,control,100,5,1,margin,30,assigned,2024-01-13,1\n"
          "i1,all,treated,100,5,1,margin,30,everybody,2024-01-13,1\n",
          ledger("pilots", 2, 1, unknown__estimand=1)),
    other("contacts without an arm", "contacts",
          f"customer_id,campaign,arm,channel,sent_at\n{A},c1,,mail,2024-01-13\n"
          f"{B},c1,treated,mail,2024-01-13\n",
          ledger("contacts", 2, 1, missing__arm=1)),
    other("a table that is not there", "survey", "respondent_id,q1\n1,5\n",
          refused("inputs.survey.path: gone.csv: there is no such file"), path="gone.csv"),
    # databases
    database("a table of a database", "sqlite:///crm.db", "sales", accepted(1, 1),
             **{"crm.db": sqlite}),
    database("a table that the database does not have", "sqlite:///crm.db", "sale",
             refused("inputs.transactions.database: sqlite:///crm.db, table sale",
                     "there is no such table", "Did you mean `sales`?"), **{"crm.db": sqlite}),
    database("a database that is not there", "sqlite:///crn.db", "sales",
             refused("sqlite:///crn.db: there is no such file", "Did you mean `crm.db`?"),
             **{"crm.db": sqlite}),
    database("a database that is none", "sqlite:///crm.db", "sales",
             refused("is no sqlite file", "Name the database's file"), **{"crm.db": GOOD}),
    database("a database of another kind", "duckdb:///crm.db", "sales",
             refused("is an sqlite file", "Write `sqlite:///` before it"), **{"crm.db": sqlite}),
    database("a user and password in the address", SECRET_URL, "sales",
             refused("inputs.transactions.database: holds a user or a password",
                     "CRM_DATABASE_USER")),
    database("a password among the options", "postgresql://db/bank?password=hunter2", "sales",
             refused("holds a user or a password")),
    database("a database that nobody reads", "mysql://ann:hunter2@db/bank", "sales",
             refused("inputs.transactions.database: `mysql` is no database that is read", "Use")),
    database("an address that is none", "bank", "sales",
             refused("inputs.transactions.database", "Use `duckdb:///file`")),
    database("a password behind an address that is none", "ann:hunter2@db", "sales",
             refused("inputs.transactions.database", "is no database that is read")),
    Case("a database without a table", SALES, refused(
             "inputs.transactions: `database` and `table` belong together"),
         settings={"database": "sqlite:///crm.db"}),
    Case("a path and a database", SALES, refused(
             "inputs.transactions: either `path` or `database` says where the table lies"),
         arguments=("--set", "inputs.transactions.database=sqlite:///crm.db")),
]  # fmt: skip

test_bad_tables = every(CASES)
