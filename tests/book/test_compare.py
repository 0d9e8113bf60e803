"""What differs between two versions: nothing too much, nothing missed."""

from pathlib import Path

import pytest
from small_versions import EXHIBITS, FINDINGS, INTAKE, PROVENANCE, TABLES, changed, exhibit, publish

from crmlib.book import compare
from crmlib.book.compare import ABSENT, Comparison
from crmlib.errors import CrmError


def compared(root: Path, old: dict | None = None, new: dict | None = None) -> Comparison:
    first, second = publish(root, "0a0a0a0a", **old or {}), publish(root, "1b1b1b1b", **new or {})
    return compare.of(first.path, second.path)


def causes(comparison: Comparison) -> list[str]:
    """Names of all that is said to have been changed."""
    found = [*comparison.settings, *comparison.inputs, *comparison.rows]
    return [each.name for each in (*found, *comparison.parts, *comparison.packages)]


def effects(comparison: Comparison) -> list[str]:
    """Ids of all that is said to differ."""
    found = comparison.findings
    records = [*found.new, *found.dropped, *comparison.new_exhibits, *comparison.dropped_exhibits]
    ids = [each.id for each in (*found.moves, *comparison.exhibits)]
    return ids + [record["id"] for record in records]


def test_two_versions_of_the_same_differ_in_nothing(tmp_path):
    comparison = compared(tmp_path)
    assert causes(comparison) == effects(comparison) == comparison.broken == []
    assert (comparison.findings.unchanged, comparison.exhibits_in_both) == (3, 2)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"value.annual_discount_rate": 0.15}, [("value.annual_discount_rate", 0.1, 0.15)]),
        ({"value.tier_cuts": [0.2, 0.8]}, [("value.tier_cuts", [0.5, 0.8], [0.2, 0.8])]),
        ({"inputs.survey": {"path": "s.csv", "sheet": None}},
         [("inputs.survey.path", ABSENT, "s.csv")]),
        ({"tolerances.findings": {"equity": 0.5}}, [("tolerances.findings.equity", ABSENT, 0.5)]),
        ({"value": {"tier_cuts": [0.5, 0.8]}}, [("value.annual_discount_rate", 0.1, ABSENT)]),
        ({"title": True}, [("title", "A shop", True)]),
    ],
)  # fmt: skip
def test_settings_by_dotted_key(tmp_path, settings, expected):
    comparison = compared(tmp_path, new={"settings": settings})
    assert [(each.name, each.old, each.new) for each in comparison.settings] == expected
    assert causes(comparison) == [name for name, *_ in expected]
    assert effects(comparison) == []


def test_one_and_true_are_two_values_of_a_setting(tmp_path):
    comparison = compared(tmp_path, {"settings": {"title": 1}}, {"settings": {"title": True}})
    assert causes(comparison) == ["title"]


def test_an_input_with_other_bytes_and_rows(tmp_path):
    other = {"inputs": {"shop.csv": "cd" * 32, "more.csv": "ef" * 32}}
    rows = INTAKE.replace("1150", "1100")
    comparison = compared(tmp_path, new={"provenance": other, "intake": rows})
    assert [(each.name, each.old is ABSENT) for each in comparison.inputs] == [
        ("shop.csv", False),
        ("more.csv", True),
    ]
    (change,) = comparison.rows
    assert (change.name, change.old, change.new) == (
        "transactions",
        ("1200", "1150"),
        ("1200", "1100"),
    )


def test_the_same_bytes_under_another_name_are_no_other_input(tmp_path):
    moved = {"inputs": {"/elsewhere/shop.csv": "ab" * 32}}
    assert causes(compared(tmp_path, new={"provenance": moved})) == []


@pytest.mark.parametrize(
    ("part", "name"),
    [("notebooks", "Notebooks"), ("code", "Code of crmlib"), ("lock", "Package lock")],
)
def test_other_notebooks_code_and_lock_are_named(tmp_path, part, name):
    assert causes(compared(tmp_path, new={"provenance": {part: "00" * 32}})) == [name]


def test_packages_with_both_releases(tmp_path):
    packages = PROVENANCE["packages"] | {"pandas": "3.2.0", "pillow": "13.0.0"}
    comparison = compared(tmp_path, new={"provenance": {"packages": packages}})
    assert [(each.name, each.old, each.new) for each in comparison.packages] == [
        ("pandas", "3.1.1", "3.2.0"),
        ("pillow", ABSENT, "13.0.0"),
    ]


def test_findings_that_moved_came_and_went(tmp_path):
    moved = changed("equity", value=70.0, lo=60.0, hi=85.0)
    moved = [line | {"id": "turnover"} if line["id"] == "revenue" else line for line in moved]
    comparison = compared(tmp_path, new={"findings": moved})
    assert effects(comparison) == ["equity", "turnover", "revenue"]
    assert [one.id for one in comparison.broken] == ["equity", "revenue"]


@pytest.mark.parametrize("part", ["title", "source", "period", "n", "population", "unit", "note"])
def test_a_caption_that_differs_touches_its_exhibit(tmp_path, part):
    value = 31 if part == "n" else "Another"
    exhibits = [EXHIBITS[0], EXHIBITS[1] | {part: value}]
    comparison = compared(tmp_path, new={"exhibits": exhibits})
    (change,) = comparison.exhibits
    assert change.id == "worth" and not change.table and not change.redrawn
    assert [word.name for word in change.words] == [part]
    assert effects(comparison) == ["worth"]


def test_a_table_that_differs_touches_its_exhibit_and_no_other(tmp_path):
    tables = {"months": TABLES["months"].replace("300.5", "299.5")}
    comparison = compared(tmp_path, new={"tables": tables})
    (change,) = comparison.exhibits
    assert (change.id, change.words) == ("months", ())
    assert [row.key for row in change.table.rows] == [("2020-03",)]


def test_exhibits_that_came_and_went(tmp_path):
    other = exhibit("worth", "02_value") | {"id": "equity"}
    comparison = compared(tmp_path, new={"exhibits": [EXHIBITS[0], other]})
    assert effects(comparison) == ["equity", "worth"]


def test_chapters_that_one_version_has_alone_are_named_and_not_compared(tmp_path):
    part = {"chapters": ("01_customers",), "findings": FINDINGS[:1], "exhibits": EXHIBITS[:1]}
    part |= {"provenance": {"notebooks": "00" * 32}}
    comparison = compared(tmp_path, new=part)
    assert comparison.both == ["01_customers"]
    assert [(edition.name, names) for edition, names in comparison.alone] == [
        ("v1-0a0a0a0a", ["02_value", "03_segments", "06_summary"])
    ]
    assert causes(comparison) == effects(comparison) == comparison.broken == []
    assert comparison.findings.both == 1


def test_the_later_versions_tolerances_decide(tmp_path):
    moved = {"findings": changed("revenue", value=101.0)}
    lenient = {"settings": {"tolerances.census": 0.05}}
    (broken,) = compared(tmp_path / "a", lenient, moved).broken
    assert str(broken) == "revenue: changed by 1%; tolerances.census allows 0%"
    assert compared(tmp_path / "b", None, moved | lenient).broken == []


def test_a_version_from_before_tolerances_has_the_defaults(tmp_path):
    moved = {"findings": changed("revenue", value=101.0), "settings": {"tolerances": None}}
    assert [one.id for one in compared(tmp_path, new=moved).broken] == ["revenue"]


def test_a_tolerance_for_a_finding_that_nobody_has(tmp_path):
    settings = {"tolerances.findings": {"equty": 0.1}}
    with pytest.raises(CrmError) as error:
        _ = compared(tmp_path, new={"settings": settings}).broken
    assert str(error.value).endswith(
        "v2-1b1b1b1b/params.yml: tolerances.findings.equty: neither v1-0a0a0a0a nor v2-1b1b1b1b "
        "has such a finding. Did you mean `equity`?"
    )


def test_a_tolerance_for_a_finding_of_a_chapter_that_was_left_out(tmp_path):
    part = {"chapters": ("01_customers",), "findings": FINDINGS[:1], "exhibits": EXHIBITS[:1]}
    tolerant = part | {"settings": {"tolerances.findings": {"equity": 0.1}}}
    assert compared(tmp_path, part, tolerant).broken == []


def test_tolerances_that_this_crm_does_not_read(tmp_path):
    with pytest.raises(CrmError, match="this crm does not read them"):
        _ = compared(tmp_path, new={"settings": {"tolerances.counts": 0.1}}).broken
