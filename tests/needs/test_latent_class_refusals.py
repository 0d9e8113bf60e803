"""Answers that tell little or nothing: a finite model, or a refusal with a name."""

import numpy as np
import pandas as pd
import pytest
from answer_sheets import carcinoma, planted

from crmlib.needs import LatentClass, choose_classes
from crmlib.stats.optimise import NotIdentified


def assert_finite(model: LatentClass) -> None:
    assert np.isfinite([model.llf, model.bic, model.icl, model.entropy_r2]).all()
    assert np.isfinite(model.item_probabilities.to_numpy()).all()
    np.testing.assert_allclose(model.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(model.item_probabilities.groupby("item").sum(), 1)


def test_a_constant_item_says_nothing_and_is_named():
    plain = LatentClass(2).fit(carcinoma())
    for ordinal in ([], ["H"]):
        found = LatentClass(2, ordinal=ordinal).fit(carcinoma().assign(H=3))
        assert_finite(found)
        assert found.n_parameters == plain.n_parameters
        assert found.llf == pytest.approx(plain.llf, abs=1e-5)
        assert any("all answer alike to H" in note for note in found.notes)


def test_an_item_that_settles_the_class():
    base = planted(400, seed=1, k=2)
    settled = base.sheets.assign(sure=base.member)
    for ordinal in ([], ["sure"]):
        found = LatentClass(2, ordinal=ordinal).fit(settled)
        assert_finite(found)
        assert (pd.crosstab(found.classes, base.member) == 0).sum().sum() == 2
    assert any("boundary" in note for note in LatentClass(2).fit(settled).notes)


def test_a_class_that_vanishes():
    sheets = pd.DataFrame(np.tile([[1, 1, 1], [2, 2, 2]], (20, 1)), columns=list("abc"))
    found = LatentClass(2).fit(sheets)
    assert_finite(found)
    with pytest.raises(NotIdentified, match="3 classes need as many different answer sheets"):
        LatentClass(3).fit(sheets)
    third = sheets.assign(c=[1, 2, 2, 2] * 10)
    assert_finite(LatentClass(3, n_init=3).fit(third))


def test_people_with_one_answer_or_none():
    sheets = planted(200, seed=1).sheets
    sheets.iloc[0, 1:] = np.nan
    sheets.iloc[1] = np.nan
    found = LatentClass(3).fit(sheets)
    assert_finite(found)
    assert found.n_respondents == 199
    np.testing.assert_allclose(found.posterior.iloc[1], found.shares)


def test_one_respondent_and_all_alike():
    one = pd.DataFrame({"a": [1], "b": [2]})
    assert_finite(LatentClass(1).fit(one))
    alike = pd.DataFrame({"a": [1] * 9, "b": [2] * 9})
    assert choose_classes(alike, most=4).table["k"].tolist() == [1]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, -1.0, 1.0], "weight of answer sheet 2 is -1:"),
        ([1.0, np.nan, 1.0], "weight of answer sheet 2 is nan"),
        ([0.0, 0.0, 0.0], "no respondent has both an answer and a weight"),
        ([1.0, 1.0], "3 answer sheets but 2 weights"),
    ],
)
def test_weights_that_are_none(weights, said):
    sheets = pd.DataFrame({"a": [1, 2, 1], "b": [1, 1, 2]})
    with pytest.raises(NotIdentified, match=said):
        LatentClass(1).fit(sheets, weights)


def test_weight_zero_is_not_counted():
    sheets = planted(300, seed=1).sheets
    weights = np.where(np.arange(300) < 200, 1.0, 0.0)
    found, fewer = LatentClass(2).fit(sheets, weights), LatentClass(2).fit(sheets.iloc[:200])
    assert found.n_respondents == 200
    assert found.llf == pytest.approx(fewer.llf, abs=1e-5)


@pytest.mark.parametrize(
    ("column", "ordinal", "said"),
    [
        ([np.nan] * 3, (), "nobody answered item 'a'"),
        (["x", "y", "x"], ("a",), "answers have no order"),
        (["x", 2, "x"], (), "mixes answers of different kinds"),
        ([1.0, np.inf, 2.0], (), "infinite answer"),
        ([1, 2, 1], ("z",), "ordinal item 'z' is not in the table"),
    ],
)
def test_items_that_are_none(column, ordinal, said):
    with pytest.raises(NotIdentified, match=said):
        LatentClass(1, ordinal=ordinal).fit(pd.DataFrame({"a": column}))


def test_a_key_among_the_items():
    sheets = pd.DataFrame({"respondent": np.arange(80), "a": np.arange(80) % 2})
    with pytest.raises(NotIdentified, match="item 'respondent' has 80 different answers"):
        LatentClass(2).fit(sheets)


def test_an_answer_that_nobody_gave_before():
    model = LatentClass(2).fit(carcinoma())
    with pytest.raises(NotIdentified, match="item 'C' has the answer 5 in row 3, but"):
        model.predict(carcinoma().assign(C=[1, 1, 1, 5] + [1] * 114))
    with pytest.raises(NotIdentified, match="item 'C' is missing from"):
        model.predict(carcinoma().drop(columns="C"))
