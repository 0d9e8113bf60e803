"""Versions on disk: numbered, whole, unchanged, and honest about damage."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from crmlib.book import versions
from crmlib.errors import VersionError

HASHES = ("0a0a0a0a", "1b1b1b1b", "2c2c2c2c")


def make(
    root: Path, hash8: str, text: str = "figures", engagement: str = "shop", chapters=()
) -> tuple:
    with versions.begin(root, engagement) as build:
        (build.path / "tables").mkdir()
        (build.path / "tables" / "value.csv").write_text(text)
        (build.path / "index.html").write_text("report")
        files = versions.hash_files(build.path)
        versions.write_manifest(build.path, {"files": files, "chapters": dict.fromkeys(chapters)})
        return build.publish(hash8)


def make_in_process(root: Path, hash8: str) -> None:
    make(root, hash8)


def test_numbers_rise_by_one_whatever_their_hash(tmp_path):
    made = [make(tmp_path, hash8)[0] for hash8 in reversed(HASHES)]
    assert [version.number for version in made] == [1, 2, 3]
    assert versions.list_versions(tmp_path, "shop") == made
    assert versions.newest(tmp_path, "shop") == made[-1]


def test_tenth_version_follows_the_ninth(tmp_path):
    for number in range(11):
        make(tmp_path, f"{number:08x}")
    assert [version.number for version in versions.list_versions(tmp_path)] == list(range(1, 12))


def test_a_hash_is_published_once_and_stays_as_it_was(tmp_path):
    first, existed = make(tmp_path, HASHES[0], "figures")
    assert not existed
    again, existed = make(tmp_path, HASHES[0], "other figures")
    assert existed
    assert again == first
    assert (first.path / "tables" / "value.csv").read_text() == "figures"
    shown = {path.name for path in (tmp_path / "shop").glob("[!.]*")}
    assert shown == {first.name, "index.json"}


def test_a_version_holds_neither_lock_nor_scratch(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    left = {path.relative_to(version.path).as_posix() for path in version.path.rglob("*")}
    assert left == {"index.html", "manifest.json", "tables", "tables/value.csv"}


def test_others_can_read_a_version(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    (tmp_path / "plain").mkdir()
    assert version.path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_build_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), versions.begin(tmp_path, "shop"):
        raise ZeroDivisionError
    assert [path.name for path in (tmp_path / "shop").iterdir()] == [".lock"]


def test_a_failed_build_can_be_kept_and_is_no_version(tmp_path):
    with versions.begin(tmp_path, "shop") as build:
        (build.path / "error.txt").write_text("why")
        kept = build.keep_failed()
    assert kept.name.startswith("failed-")
    assert [path.name for path in kept.iterdir()] == ["error.txt"]
    assert versions.list_versions(tmp_path) == []


def test_stale_builds_go_and_living_ones_stay(tmp_path):
    stale = tmp_path / "shop" / ".build-stale"
    (stale / "tables").mkdir(parents=True)
    (stale / ".lock").touch()
    with versions.begin(tmp_path, "shop") as living:
        with versions.begin(tmp_path, "shop") as other:
            assert not stale.exists()
            assert living.path.exists()
            assert other.path != living.path
        assert living.path.exists()


def test_only_folders_with_a_readable_manifest_are_versions(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    folder = tmp_path / "shop"
    for name, manifest in (
        ("v2-1b1b1b1b", None),
        ("v3-1b1b1b1b", '{"half": '),
        ("v4-1b1b1b1b", "[]"),
        ("v05-1b1b1b1b", "{}"),
        ("v6-1b1b", "{}"),
    ):
        (folder / name).mkdir()
        if manifest is not None:
            (folder / name / "manifest.json").write_text(manifest)
    assert versions.list_versions(tmp_path, "shop") == [version]


def test_find_is_by_hash_and_engagement(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    assert versions.find(tmp_path, "shop", HASHES[0]) == version
    assert versions.find(tmp_path, "shop", HASHES[1]) is None
    assert versions.find(tmp_path, "bank", HASHES[0]) is None


def test_newest_passes_over_versions_without_the_chapters_wanted(tmp_path):
    whole, _ = make(tmp_path, HASHES[0], chapters=["01_customers", "02_value"])
    part, _ = make(tmp_path, HASHES[1], chapters=["01_customers"])
    assert versions.newest(tmp_path, "shop", holding=["01_customers"]) == part
    assert versions.newest(tmp_path, "shop", holding=["02_value"]) == whole
    with pytest.raises(VersionError, match="has no complete version with 06_summary yet"):
        versions.newest(tmp_path, "shop", holding=["06_summary"])


def test_newest_says_how_to_make_one(tmp_path):
    with pytest.raises(VersionError, match=r"crm run params/shop\.yml"):
        versions.newest(tmp_path, "shop")


def test_newest_names_the_engagement_that_was_meant(tmp_path):
    make(tmp_path, HASHES[0], engagement="bank")
    with pytest.raises(VersionError, match="Did you mean `bank`"):
        versions.newest(tmp_path, "bnak")


def test_verify_finds_a_whole_version_whole(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    make(tmp_path, HASHES[1])
    assert versions.verify(version.path) == []


def test_verify_finds_one_flipped_bit(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    path = version.path / "tables" / "value.csv"
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    assert versions.verify(version.path) == ["tables/value.csv: altered"]


def test_verify_finds_missing_and_added_files(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    (version.path / "index.html").rename(version.path / "other.html")
    assert versions.verify(version.path) == ["index.html: missing", "other.html: not listed"]


def test_verify_finds_an_altered_manifest(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    path = version.path / "tables" / "value.csv"
    path.write_text("nicer figures")
    versions.write_manifest(version.path, {"files": versions.hash_files(version.path)})
    assert versions.verify(version.path) == ["manifest.json: altered"]


def test_verify_finds_a_version_that_was_never_published(tmp_path):
    version, _ = make(tmp_path, HASHES[0])
    copy = version.path.rename(version.path.with_name("v2-0a0a0a0a"))
    assert versions.verify(copy) == [
        "manifest.json: its digest is not noted in index.json beside the version"
    ]


def test_verify_refuses_a_folder_that_is_no_version(tmp_path):
    with pytest.raises(VersionError, match=r"holds no readable manifest\.json"):
        versions.verify(tmp_path)


def test_a_name_noted_before_a_crash_is_forgotten(tmp_path):
    make(tmp_path, HASHES[0])
    index = tmp_path / "shop" / "index.json"
    index.write_text(index.read_text().replace("{", '{"v2-dddddddd": "00",'))
    make(tmp_path, HASHES[1])
    assert "dddddddd" not in index.read_text()
    assert [versions.verify(v.path) for v in versions.list_versions(tmp_path)] == [[], []]


def test_builds_side_by_side_get_different_numbers(tmp_path):
    context = multiprocessing.get_context("fork")
    hashes = [f"{number % 12:08x}" for number in range(24)]
    processes = [
        context.Process(target=make_in_process, args=(tmp_path, hash8)) for hash8 in hashes
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 24
    made = versions.list_versions(tmp_path, "shop")
    assert [version.number for version in made] == list(range(1, 13))
    assert {version.hash8 for version in made} == set(hashes)
    assert all(versions.verify(version.path) == [] for version in made)


def test_a_root_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "reports"
    path.touch()
    with pytest.raises(VersionError, match="is a file; a folder for reports was expected"):
        versions.require_root(path)
    with pytest.raises(VersionError, match="cannot be made"):
        versions.require_root(path / "below")


def test_no_password_is_in_a_manifest(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", "s3cret")
    inputs = {"postgresql://ann:other@db/bank#sales": "00", "x": ["s3cret"]}
    versions.write_manifest(tmp_path, {"files": {}, "inputs": inputs})
    assert versions.read_manifest(tmp_path)["inputs"] == {
        "postgresql://***@db/bank#sales": "00",
        "x": ["***"],
    }
