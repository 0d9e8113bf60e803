"""Words for a version, and versions that are no longer what they were."""

import pytest
from small_versions import publish

from crmlib.book.choosing import choose
from crmlib.errors import VersionError

HASHES = ("0a0a0a0a", "1b1b1b1b", "2c2c2c2c")


@pytest.fixture
def root(tmp_path):
    for hash8 in HASHES:
        publish(tmp_path, hash8)
    return tmp_path


def refused(root, word: str, engagement: str = "shop") -> str:
    with pytest.raises(VersionError) as error:
        choose(root, engagement, word)
    return str(error.value)


@pytest.mark.parametrize(
    ("word", "number"),
    [("v2", 2), ("2", 2), ("v2-1b1b1b1b", 2), ("newest", 3), ("previous", 2), ("1", 1)],
)
def test_words_for_a_version(root, word, number):
    assert choose(root, "shop", word).number == number


@pytest.mark.parametrize("word", ["v2-1b1b1b1c", "v2-1b1b1b"])
def test_a_folder_that_is_nearly_right(root, word):
    said = f"{word}: is no version of shop. Did you mean `v2-1b1b1b1b`?"
    assert refused(root, word) == said


@pytest.mark.parametrize("word", ["9", "last", "", "../../elsewhere", "v0", "-1"])
def test_what_is_no_version_gets_told_which_there_are(root, word):
    said = refused(root, word)
    assert "is no version of shop." in said
    assert "v3-2c2c2c2c" in said


def test_an_engagement_without_versions_names_the_nearest(root):
    assert "has no version yet. Did you mean `shop`?" in refused(root, "1", "shup")
    assert "is no engagement's name" in refused(root, "1", "../shop")


def test_there_is_no_previous_of_one_version(tmp_path):
    publish(tmp_path, HASHES[0])
    assert "previous: is no version of shop." in refused(tmp_path, "previous")


def test_a_number_that_two_folders_have(root):
    (root / "shop" / "v2-1b1b1b1b").rename(root / "shop" / "v3-1b1b1b1b")
    said = "3: is the number of `v3-1b1b1b1b`, `v3-2c2c2c2c`. Name one of these folders."
    assert refused(root, "3") == said


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "findings.json").unlink(), "findings.json: missing"),
        (lambda folder: (folder / "findings.json").write_text("[]"), "findings.json: altered"),
        (lambda folder: (folder / "more.csv").write_text("x"), "more.csv: not listed"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: not whole"),
        (
            lambda folder: (folder / "manifest.json").write_text(
                (folder / "manifest.json").read_text() + " "
            ),
            "manifest.json: altered",
        ),
    ],
)
def test_a_damaged_version_is_refused_with_the_file_that_is(root, damage, said):
    damage(root / "shop" / "v2-1b1b1b1b")
    head, line = refused(root, "2").splitlines()
    assert head.endswith(
        "v2-1b1b1b1b: is damaged: run the book again (crm run params/shop.yml), or name another."
    )
    assert line == f"  {said}"
    assert choose(root, "shop", "3").number == 3
