"""Names say what distinguishes, are unique and editable, and stay with their customers."""

import numpy as np
import pandas as pd
import pytest

from crmlib.segments.clusters import Segmentation, fit_segments
from crmlib.segments.naming import (
    AVERAGE,
    continue_segments,
    match_segments,
    name_segments,
    standardised_differences,
)

FEATURES = ["frequency", "cost_share_online", "mean_ticket", "tenure"]


def customers(n: int = 3000, seed: int = 7) -> np.ndarray:
    """Prepared features of five overlapping kinds of customer, two of them of one size."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(5).normal(0, 2.2, (5, 4))
    return centres[rng.choice(5, n, p=[0.3, 0.2, 0.2, 0.18, 0.12])] + rng.normal(size=(n, 4))


def frame(matrix: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(matrix, columns=FEATURES[: matrix.shape[1]])


def test_the_difference_from_the_rest_by_hand():
    table = pd.DataFrame({"frequency": [0.0, 0.0, 3.0, 3.0], "flat": 1.0})
    found = standardised_differences(table, [0, 0, 1, 1])
    # three apart, of a standard deviation of 1.5
    assert found["frequency"].tolist() == [-2.0, 2.0] and found["flat"].tolist() == [0.0, 0.0]


def test_names_are_the_words_of_the_largest_differences():
    table = pd.DataFrame(
        {
            "frequency": [3.0, 3.0, 0.0, 0.0, 0.0, 0.0],
            "cost_share_online": [2.0, 2.1, 0.0, 0.4, 0.2, 0.0],
            "tenure": [1.0, 1.1, 0.9, 1.0, 9.0, 9.0],
        }
    )
    found = name_segments(table, [0, 0, 1, 1, 2, 2]).names
    assert found[0] == "frequent, online users" and found[2].startswith("long-standing")
    assert "infrequent" in found[1]


def test_what_is_bought_and_where_gives_words():
    table = pd.DataFrame(
        {
            "spend_on_garden_tools": [9.0, 9.1, 0.0, 0.1, 0.0, 0.1],
            "spend_share_online": [0.0, 0.0, 0.9, 0.8, 0.1, 0.0],
            "products_bought": [2.0, 2.0, 2.0, 2.0, 7.0, 7.1],
            "spend_on_others": [0.0, 0.1, 0.0, 0.1, 8.0, 8.1],
        }
    )
    first, second, third = name_segments(table, [0, 0, 1, 1, 2, 2]).names
    assert "strong in other products" in third
    assert first.startswith("strong in garden tools")
    assert second.startswith("online buyers")
    assert third.startswith("buying many products")


def test_units_do_not_change_names():
    matrix = customers()
    labels = fit_segments(matrix, method="kmeans", k=5, seed=1).labels
    scaled = frame(matrix * [100, 0.01, 1, 7] + 3)
    assert name_segments(frame(matrix), labels).names == name_segments(scaled, labels).names


def test_names_are_unique_even_where_segments_are_alike():
    table = pd.DataFrame({"frequency": np.zeros(6)})
    found = name_segments(table, [0, 0, 1, 1, 2, 2]).names
    assert found == (AVERAGE, f"{AVERAGE} (2)", f"{AVERAGE} (3)")
    assert name_segments(table, np.zeros(6)).names == (AVERAGE,)


def test_two_segments_with_the_same_first_words_both_get_a_third():
    table = pd.DataFrame(
        {
            "frequency": [4.0, 4.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0],
            "mean_ticket": [3.0, 3.1, 3.0, 3.1, 0.0, 0.0, 0.0, 0.0],
            "tenure": [1.0, 1.0, 0.0, 0.0, 2.0, -1.0, 2.0, -1.0],
        }
    )
    found = name_segments(table, [0, 0, 1, 1, 2, 2, 2, 2]).names
    assert {name.rpartition(", ")[2] for name in found[:2]} == {"long-standing", "recently won"}
    assert found[0].rpartition(", ")[0] == found[1].rpartition(", ")[0]


def test_a_word_that_tells_siblings_apart_is_true_beside_all_others():
    # both spend much and often; the second is the less long-standing, yet more so than others
    table = pd.DataFrame(
        {
            "frequency": [4.0] * 4 + [0.0] * 8,
            "mean_ticket": [3.0] * 4 + [0.0] * 8,
            "tenure": [8.0, 8.0, 3.0, 3.0] + [9.0, -8.0] * 4,
        }
    )
    found = name_segments(table, [0, 0, 1, 1, *[2] * 8]).names
    assert found[:2] == ("frequent, high ticket, long-standing", "frequent, high ticket")


def test_the_clients_own_names_take_their_place():
    table = pd.DataFrame({"frequency": [3.0, 3.0, 0.0, 0.0]})
    found = name_segments(table, [0, 0, 1, 1], own={"frequent": "Regulars", "rare": "Others"})
    assert found.names == ("Regulars", "infrequent") and found.proposed[0] == "frequent"
    assert found.unused == ("rare",)


@pytest.mark.parametrize(
    "own", [{"frequent": "All", "infrequent": "All"}, {"frequent": "infrequent"},
            {"frequent": "inactive"}],
)  # fmt: skip
def test_an_own_name_that_another_segment_has_is_not_given(own):
    table = pd.DataFrame({"frequency": [3.0, 3.0, 0.0, 0.0]})
    found = name_segments(table, [0, 0, 1, 1], own=own, reserved=["inactive"])
    assert found.taken == tuple(own) and found.names == ("frequent", "infrequent")


def test_two_segments_may_change_names():
    table = pd.DataFrame({"frequency": [3.0, 3.0, 0.0, 0.0]})
    own = {"frequent": "infrequent", "infrequent": "frequent"}
    found = name_segments(table, [0, 0, 1, 1], own=own)
    assert found.taken == () and found.names == ("infrequent", "frequent")


def test_a_kept_name_is_not_given_to_another():
    table = pd.DataFrame({"frequency": [3.0, 3.0, 0.0, 0.0]})
    found = name_segments(table, [0, 0, 1, 1], kept={1: "frequent"})
    assert found.names == ("frequent (2)", "frequent")


def test_matching_is_one_to_one_and_says_what_is_new_and_gone():
    earlier = np.repeat([0, 1, 2], [40, 40, 20])
    now = np.repeat([1, 0, 2, 2, 3], [40, 38, 2, 10, 10])
    found = match_segments(earlier, now, least=0.6)
    assert found.earlier.tolist() == [1, 0, -1, -1] and found.gone == (2,)
    assert found.agreement == pytest.approx([0.95, 1.0, 0, 0])


def test_a_new_segment_comes_behind_those_that_go_on():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    shape = fit_segments(np.eye(3), method="kmeans", k=3, seed=1).shape
    today = Segmentation("kmeans", 3, labels, shape, 100)
    earlier = np.repeat([-1, 1, 0], [50, 30, 20])
    found = continue_segments(today, earlier, ["A", "B"])
    assert found.kept == {0: "A", 1: "B"} and found.gone == ()
    assert found.segmentation.labels.tolist() == np.repeat([2, 1, 0], [50, 30, 20]).tolist()
    assert found.agreement.tolist() == [1, 1, 0]
    # a place among segments goes with its number
    assert (found.segmentation.centres == shape.means[[2, 1, 0]]).all()


@pytest.mark.parametrize("method", ["kmeans", "mixture"])
def test_another_seed_and_new_customers_leave_names_where_they_are(method):
    matrix = customers()
    first = fit_segments(matrix, method=method, k=5, seed=1)
    names = name_segments(frame(matrix), first.labels).names
    more = np.vstack([matrix, customers(30, seed=70)])
    again = fit_segments(more, method=method, k=5, seed=2, sample=2500)
    earlier = np.append(first.labels, np.full(30, -1))
    found = continue_segments(again, earlier, names)
    kept = name_segments(frame(more), found.segmentation.labels, kept=found.kept).names
    before = np.array(names)[first.labels]
    after = np.array(kept)[found.segmentation.labels[:3000]]
    assert set(kept) == set(names) and (before == after).mean() >= 0.95
    assert (first.labels == found.segmentation.labels[:3000]).mean() >= 0.95
    assert (found.segmentation.predict(more) == found.segmentation.labels).all()


def test_matching_needs_customers_who_are_in_both():
    with pytest.raises(ValueError, match="both versions"):
        match_segments([], [])
