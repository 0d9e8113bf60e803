"""Params files: YAML that is none, keys and values that cannot be, and `--set`."""

from pathlib import Path

from corpus import GOOD, Case, accepted, every, refused

PARAMS = """\
engagement: shop
title: A shop
currency: EUR
observation_end: 2024-12-31
inputs:
  transactions:
    path: sales.csv
privacy: {min_cell: 1}
"""


def file(name: str, content, *fragments: str) -> Case:
    """A params file as it stands, refused."""
    return Case(name, GOOD, refused(*fragments), params=content)


def line(name: str, text: str, *fragments: str) -> Case:
    """A good params file with one more line."""
    return file(name, f"{PARAMS}{text}\n", *fragments)


def setting(name: str, text: str, *fragments: str) -> Case:
    """A good params file and a `--set`."""
    return Case(name, GOOD, refused(*fragments), params=PARAMS, arguments=("--set", text))


def folder(path: Path) -> None:
    path.mkdir()


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{this}: &{this} [{', '.join([f'*{last}'] * 9)}]\n"
    for last, this in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
)
MERGES = "m0: &m0 {x: 1}\n" + "".join(
    f"m{at}: &m{at} {{<<: [{', '.join([f'*m{at - 1}'] * 9)}]}}\n" for at in range(1, 60)
)

CASES = [
    file("a folder for params", folder, "shop.yml: is a folder; a params file (YAML)"),
    file("an empty params file", "", "shop.yml: holds no settings; `key: value` lines"),
    file("comments alone", "# later\n", "shop.yml: holds no settings"),
    file("a list at the top", "- engagement: shop\n", "shop.yml: holds no settings"),
    file("a word at the top", "shop\n", "shop.yml: holds no settings"),
    file("params in UTF-16", PARAMS.encode("utf-16"), "shop.yml: is not UTF-8 text: byte 0",
         "Save it as UTF-8"),
    file("params in Latin-1", PARAMS.replace("A shop", "Käfer").encode("latin-1"),
         "shop.yml: is not UTF-8 text: byte 25"),
    Case("params with a byte-order mark and CRLF", GOOD, accepted(3, 3),
         params=b"\xef\xbb\xbf" + PARAMS.replace("\n", "\r\n").encode()),
    Case("anchors and merge keys", GOOD, accepted(3, 3),
         params=PARAMS + "value: &v {horizon_years: 2, <<: {margin_rate: 0.5}}\n"),
    file("a params file of 2 MB", PARAMS + "# x\n" * 500_000, "shop.yml: has 2,000,",
         "under `inputs`"),
    file("a table in the place of params", GOOD, "shop.yml"),
    line("tabs for blanks", "value:\n\thorizon_years: 3", "shop.yml, line 10: is not valid YAML",
         "indented with a tab; use blanks"),
    line("a bracket that is not closed", "value: [", "shop.yml, line 10: is not valid YAML"),
    line("a key twice", "title: Again", "shop.yml, line 9: is not valid YAML",
         "key `title` stands twice"),
    line("a Python object", "x: !!python/object/apply:os.system [ls]",
         "shop.yml, line 9: is not valid YAML", "a tag (`!…`) that is not read"),
    line("a value that contradicts its tag", "seed: !!int many", "shop.yml, line 9",
         "`many` is not what `!!int` says"),
    line("a control character", "x: \x07", "shop.yml, line 9", r"'\x07' is not allowed"),
    line("two documents", "---\nseed: 2", "shop.yml, line 9", "found another document"),
    line("an empty number", 'seed: !!int ""', "shop.yml, line 9: is not valid YAML"),
    file("lists a thousand deep", "x: " + "[" * 3000, "shop.yml: is not valid YAML",
         "too deep in each other"),
    file("a billion laughs", LAUGHS + PARAMS.replace("A shop", "*q"), "shop.yml: title: found [[",
         "expected text"),
    file("a billion merges", MERGES + PARAMS, "shop.yml: m0: unknown key"),
    line("an alias of nothing", "value: *v", "shop.yml, line 9", "undefined alias"),
    line("a list that holds itself", "value: &v [*v]", "shop.yml: value: found [[", "`key: value`"),
    # keys
    line("an unknown section", "valeu: {}", "shop.yml: valeu: unknown key",
         "Did you mean `value`?"),
    line("an unknown key", "value: {horizon: 5}", "shop.yml: value.horizon: unknown key",
         "Did you mean `horizon_years`?"),
    line("a key that is like no other", "xyz: 5", "shop.yml: xyz: unknown key",
         "Known here: `baseline`, `currency`"),
    file("an unknown key of a table", PARAMS.replace("path:", "encodign: utf-8\n    path:"),
         "shop.yml: inputs.transactions.encodign: unknown key", "Did you mean `encoding`?"),
    file("an unknown key of another table",
         PARAMS.replace("inputs:", "inputs:\n  survey: {pth: x.csv}"),
         "shop.yml: inputs.survey.pth: unknown key", "Did you mean `path`?"),
    file("an unknown column", PARAMS.replace("path:", "columns: {amnt: AMT}\n    path:"),
         "shop.yml: inputs.transactions.columns.amnt: is not one of our columns",
         "Did you mean `amount`?"),
    line("a number as key", "3: 3", "shop.yml: 3: is no word", 'Put it in quotes: `"3"`'),
    line("a truth as key", "yes: 3", "shop.yml: true: is no word", "Put it in quotes"),
    line("nothing as key", "~: 3", "shop.yml: null: is no word"),
    line("a list as key", "? [a]\n: 1", "shop.yml, line 9", "a key must be a word"),
    line("an escape in a key", '"\\x1b[2J": 1', r"shop.yml: \x1b[2J: unknown key"),
    # values
    file("no currency", PARAMS.replace("currency: EUR\n", ""), "shop.yml: currency: is required"),
    file("no inputs", PARAMS.partition("inputs")[0], "shop.yml: inputs: is required and not given"),
    file("nothing below inputs", PARAMS.partition("  trans")[0], "shop.yml: inputs: found nothing"),
    file("no path", PARAMS.replace("path: sales.csv", "header: true"),
         "shop.yml: inputs.transactions: either `path` or `database`"),
    file("a number as path", PARAMS.replace("sales.csv", "3"),
         "shop.yml: inputs.transactions.path: found 3; expected text"),
    file("a day that does not exist", PARAMS.replace("12-31", "02-30"),
         "shop.yml, line 4", "`2024-02-30` is not a day of the calendar"),
    file("a day in quotes", PARAMS.replace("2024-12-31", "'2024-12-31'"),
         "shop.yml: observation_end: found '2024-12-31'; expected a day", "without quotes"),
    file("a day in German", PARAMS.replace("2024-12-31", "31.12.2024"),
         "shop.yml: observation_end: found '31.12.2024'; expected a day such as 2024-12-31"),
    file("a day of another age", PARAMS.replace("2024", "2204"),
         "shop.yml: observation_end: found 2204-12-31; expected less than 2100-01-01"),
    line("an observation that ends before it starts", "observation_start: 2025-01-01",
         "shop.yml: observation_start: 2025-01-01 is not before observation_end 2024-12-31"),
    line("params of another version", "params_version: 2",
         "shop.yml: params_version: found 2", "reads version 1", "Use the crm"),
    line("a number in words", "value: {horizon_years: three}",
         "shop.yml: value.horizon_years: found 'three'; expected a valid number"),
    line("out of range", "value: {horizon_years: 31}",
         "found 31; expected less than or equal to 30"),
    line("not a number", "value: {horizon_years: .nan}", "found nan; expected a finite number"),
    line("infinity", "value: {annual_discount_rate: .inf}",
         "value.annual_discount_rate: found inf"),
    line("an attribute without a table of customers", "value: {contract_drivers: [town]}",
         "shop.yml: value.contract_drivers: names attributes of customers", "`inputs.customers`"),
    line("a channel of acquisition without a table of customers", "value: {acquired_by: way}",
         "shop.yml: value.acquired_by: names an attribute of customers", "`inputs.customers`"),
    line("an attribute twice", "value: {contract_drivers: [town, town]}",
         "shop.yml: value.contract_drivers: ['town', 'town'] must differ from each other"),
    line("too few labels", "value: {tier_labels: [a, b]}", "shop.yml: value.tier_labels",
         "2 cuts make 3 tiers, but 2 labels are given"),
    line("cuts that fall", "value: {tier_cuts: [0.8, 0.5]}", "shop.yml: value.tier_cuts",
         "must rise from one cut to the next"),
    line("thresholds that rise", "value: {tier_thresholds: [20, 100]}",
         "shop.yml: value.tier_thresholds", "must fall from one tier to the next"),
    line("too few thresholds", "value: {tier_thresholds: [100]}",
         "shop.yml: value.tier_thresholds", "3 tiers begin at 2 thresholds, but 1 are given"),
    line("a word for a list", "value: {tier_labels: high}",
         "shop.yml: value.tier_labels: found 'high'; expected a list"),
    line("a word for a section", "value: high", "shop.yml: value: found 'high'; expected settings"),
    file("a field of fixed width without its end",
         PARAMS.replace("path:", "fields: {date: [1]}\n    path:"),
         "shop.yml: inputs.transactions.fields.date: found [1]; expected a list of at least 2"),
    file("a truth in words", PARAMS.replace("path:", "header: maybe\n    path:"),
         "shop.yml: inputs.transactions.header: found 'maybe'; expected true or false"),
    file("a title of 100,000 characters", PARAMS.replace("A shop", "x" * 100_000),
         "shop.yml: title: found 'xxx", "expected at most 200 characters"),
    file("an escape in the title", PARAMS.replace("A shop", '"\\e[2J"'),
         r"shop.yml: title: found '\x1b[2J'; expected text without control characters"),
    file("an engagement above its folder", PARAMS.replace("engagement: shop", "engagement: ../up"),
         "shop.yml: engagement: found '../up'; expected up to 40 lower-case letters"),
    file("an engagement that is a path", PARAMS.replace("engagement: shop", "engagement: /tmp/up"),
         "shop.yml: engagement: found '/tmp/up'"),
    file("an engagement in the home folder", PARAMS.replace("engagement: shop", "engagement: ~up"),
         "shop.yml: engagement: found '~up'"),
    file("a currency that is none", PARAMS.replace("EUR", "euro"),
         "shop.yml: currency: found 'euro'; expected a three-letter currency code such as EUR"),
    line("every mistake at once", "seed: -1\nvalue: {margin_rate: 0}\nxyz: 1",
         "shop.yml: seed: found -1", "shop.yml: value.margin_rate", "shop.yml: xyz"),
    # --set
    setting("a setting without a value", "seed", "--set seed: `section.key=value` was expected"),
    setting("a setting without a key", "=3", "--set =3: `section.key=value` was expected"),
    setting("a setting with an empty part", ".seed=3", "--set .seed=3: `section.key=value`"),
    setting("a setting in the place of a section", "value=3", "--set: value: found 3",
            "`key: value` lines"),
    setting("a setting below a value", "title.x=3",
         "--set title.x=3: `title` has no keys below it"),
    setting("an unknown setting", "value.horizon=3", "--set: value.horizon: unknown key",
            "Did you mean `horizon_years`?"),
    setting("a setting that is no YAML", "seed=[", "--set seed=[: the value is not valid YAML"),
    setting("a setting of a day that does not exist", "observation_end=2024-02-30",
            "--set observation_end=2024-02-30", "`2024-02-30` is not a day of the calendar"),
    setting("an escape in a setting", "\x1b[2J=3", r"--set: \x1b[2J: unknown key"),
    # the same from `crm run`
    Case("run: an unknown key", GOOD, refused("shop.yml: valeu: unknown key"),
         params=PARAMS + "valeu: {}\n", command="run"),
    Case("run: a file that is not there", GOOD,
         refused("shop.yml: inputs.transactions.path: sale.csv: there is no such file"),
         settings={"path": "sale.csv"}, command="run"),
    Case("run: a column that is not there", GOOD.replace("amount", "money"),
         refused("shop.yml: inputs.transactions.path: sales.csv: there is no column `amount`"),
         command="run"),
    Case("run: a workbook named .csv", b"PK\x05\x06" + bytes(18),
         refused("shop.yml: inputs.transactions.path: sales.csv"), command="run"),
]  # fmt: skip

test_bad_params = every(CASES)
