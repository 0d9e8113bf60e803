"""The clock goes back, or the client's file changes, while a version is made."""

from __future__ import annotations

import datetime as dt
import shutil
from types import SimpleNamespace

import pytest
import small_book
from typer.testing import CliRunner

from crmlib import cli
from crmlib.book import runner, versions
from crmlib.errors import InputError


@pytest.fixture
def clock_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is decades behind each time that somebody looks."""
    years = iter(range(2090, 1990, -20))

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(next(years), 1, 1, tzinfo=tz)

    monkeypatch.setattr(runner, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))


def test_numbers_and_lists_do_not_follow_the_clock(shop, clock_set_back):
    shutil.rmtree(shop.version(2))
    second = shop.run_first().version
    third = shop.run_first(overrides=["summary.max_findings=3"]).version
    assert [second.number, third.number] == [2, 3]
    for version in (second, third):
        manifest = version.manifest()
        assert manifest["started"] > manifest["ended"]
        assert versions.verify(version.path) == []
    assert versions.newest(shop.out, "shop") == third
    page = (shop.folder / "index.html").read_text()
    assert page.index("Version 3") < page.index("Version 2") < page.index("Version 1")
    assert "2030-01-01 00:00 UTC" in page
    listed = CliRunner().invoke(cli.app, ["versions", "--out", str(shop.out)]).stdout
    assert [line.split()[1][:2] for line in listed.splitlines()] == ["v1", "v2", "v3"]


@pytest.mark.parametrize("ended", [None, 7, "yesterday", "\x1b[31m"])
def test_a_manifest_with_another_time_is_listed_still(shop, ended):
    path = shop.version(2)
    versions.write_manifest(path, versions.read_manifest(path) | {"ended": ended})
    listed = CliRunner().invoke(cli.app, ["versions", "--out", str(shop.out)])
    assert listed.exit_code == 0
    assert path.name in listed.stdout
    assert "\x1b" not in listed.stdout


@pytest.mark.parametrize("change", ["written", "gone"])
def test_an_input_that_changes_while_it_is_read_is_refused(shop, tmp_path, change):
    shutil.rmtree(shop.version(2))
    before = shop.left
    params_path = small_book.write_params(tmp_path / "client")
    source = params_path.with_name("shop.csv")
    shop = type(shop)(params_path, shop.notebooks, shop.out)

    def during(step: runner.Step) -> None:
        if change == "gone":
            source.unlink()
        else:
            source.write_text(small_book.SHOP + "c,2020-04-01,1.00\n")

    with pytest.raises(InputError) as error:
        shop.run_first(progress=during)
    assert str(error.value) == (
        "shop.csv: changed while it was read; nothing was published. Run again."
    )
    assert shop.left == before
    source.write_text(small_book.SHOP)
    assert shop.run_first().version.number == 2
