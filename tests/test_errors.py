"""Messages: what a person reads, and what a stranger's words may not do in it."""

from __future__ import annotations

import pickle

import pytest

from crmlib import errors
from crmlib.errors import CrmError, InputError, ParamsError, suggestion

ACTING = {
    "\x1b[2J": r"\x1b[2J", "\x9b31m": r"\x9b31m", "\n": r"\n", "\r": r"\r", "\t": r"\t",
    "\0": r"\x00", "\x7f": r"\x7f", "\x85": r"\x85", "\u2028": r"\u2028", "\u2029": r"\u2029",
    "\u202e": r"\u202e", "\u2066": r"\u2066", "\u200f": r"\u200f", "\u061c": r"\u061c",
    "\ufeff": r"\ufeff", "\udc80": r"\udc80", "\U000e0041": r"\U000e0041",
}  # fmt: skip


@pytest.mark.parametrize("piece", ACTING)
def test_what_could_act_on_a_terminal_is_shown_escaped(piece):
    error = InputError(f"a{piece}b", f"c{piece}d", f"e{piece}f", [f"g{piece}h"])
    shown = ACTING[piece]
    assert str(error) == f"a{shown}b: c{shown}d e{shown}f\n  g{shown}h"
    assert str(CrmError.relayed(str(error))) == str(error)


@pytest.mark.parametrize("text", ["Zürich 客户 ½ €", "می‌خواهم", "C:\\new", "a'b\"c"])
def test_words_of_any_language_stay_as_they_are(text):
    assert str(InputError(text, text, text)) == f"{text}: {text} {text}"


def test_a_long_piece_loses_its_middle():
    error = InputError("place", "x" * 10_000 + " was found", "remedy")
    said = str(error)
    assert len(said) < errors.MAX_PIECE + 50
    assert said.startswith("place: xxx")
    assert said.endswith("xxx was found remedy")


def test_several_mistakes_stand_one_a_line():
    others = [ParamsError("b.yml: y", "wrong."), "a detail"]
    error = ParamsError("a.yml: x", "wrong.", "Mend it.", others)
    assert str(error) == "a.yml: x: wrong. Mend it.\nb.yml: y: wrong.\n  a detail"
    assert str(ParamsError.relayed(str(error))) == str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_no_message_floods_a_terminal():
    lines = str(InputError("a", "b", others=[f"file {n}" for n in range(1000)])).splitlines()
    assert len(lines) == errors.MAX_LINES + 2
    assert lines[-1] == "  … and 950 more"


SECRETS = ["pa'ss\"wo\\rd", "a b/c@d:e", "geheim", "密码\x1b"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_password_is_in_no_message_however_it_is_written(monkeypatch, secret):
    import json
    from urllib.parse import quote, quote_plus

    monkeypatch.setenv("CRM_DATABASE_PASSWORD", secret)
    forms = [secret, repr(secret)[1:-1], json.dumps(secret), quote(secret, safe="")]
    forms += [quote_plus(secret), repr(f"'{secret}\""), errors.visible(secret)]
    for form in forms:
        said = str(InputError(f"1 {form} 2", f"3 {form} 4", f"5 {form} 6", [f"7 {form} 8"]))
        for written in (secret, *forms):
            assert written not in said
        assert said.count("***") == 4
        assert "1 " in said and " 8" in said


def test_a_password_in_an_address_goes_with_its_user():
    said = str(InputError("postgresql://ann:p@ss@db:5432/bank", "refused", "mysql://bob@db/x"))
    assert said == "postgresql://***@db:5432/bank: refused mysql://***@db/x"
    for harmless in ("https://example.org/a@b", "see http://a.org and me@b.org"):
        assert errors.redacted(harmless) == harmless


def test_the_database_s_user_goes_where_it_is_named_as_one(monkeypatch):
    monkeypatch.setenv("CRM_DATABASE_USER", "ann")
    told = 'password failed for user "ann" (user=ann), role `ann`; see /home/ann/x, annual'
    assert errors.redacted(told) == (
        'password failed for user "***" (user=***), role `***`; see /home/ann/x, annual'
    )


def test_without_credentials_nothing_changes(monkeypatch):
    monkeypatch.setenv("CRM_DATABASE_PASSWORD", "")
    monkeypatch.delenv("CRM_DATABASE_USER", raising=False)
    assert errors.redacted("a user b") == "a user b"


def test_only_a_near_name_is_suggested():
    assert suggestion("horizont", ["horizon_years", "seed"]) == "Did you mean `horizon_years`?"
    assert suggestion("roof", ["prof", "shop"]) == "Did you mean `prof`?"
    assert suggestion("abxy", ["abcd", "cdnow"]) == "Known here: `abcd`, `cdnow`."
    assert suggestion("x", []) == ""
