"""What each measure says of toy models whose tables are written down."""

import numpy as np
import pytest
from alignlab.evals.bias.planted import ATTRIBUTES, PERSONS, SIZE, UNRELATED, Models
from alignlab.evals.bias.toy_measures import says

GROUP = np.repeat([1.0, -1.0], PERSONS // 2)[:, None]
SIDE = np.repeat([1.0, -1.0, 0.0], [ATTRIBUTES // 2] * 2 + [UNRELATED])
RELATED = (SIDE != 0).astype(float)


def model(name: float, word: float, both: float, fluent: float = 9.0) -> Models:
    """One model in which a name, a word and the two together add this much."""
    table = GROUP * name + SIDE * word + both * GROUP * SIDE + fluent * RELATED
    rng = np.random.default_rng(0)
    return Models(
        table[None],
        7.0 * GROUP[None, :, 0],
        rng.normal(size=(1, PERSONS, SIZE)),
        rng.normal(size=(1, ATTRIBUTES + UNRELATED, SIZE)),
    )


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("whole sentences", 1.0),  # the first group's names are likelier
        ("conditional (CrowS-Pairs)", 0.0),
        ("one person (StereoSet)", 1.0),  # words outweigh the association
        ("StereoSet, both groups", 0.5),
        ("StereoSet, both groups (half)", 0.5),
        ("CrowS-Pairs, both kinds", 0.0),
        ("CrowS-Pairs, both kinds (half)", 0.0),
        ("log odds ratio", -4.0),
        ("log odds ratio (half)", -4.0),
    ],
)
def test_a_reversed_association_under_frequent_names_and_words(name: str, share: float) -> None:
    assert says(name, model(name=0.0, word=3.0, both=-1.0)) == pytest.approx([share])


def test_in_nats_one_way_keeps_what_both_ways_cancel() -> None:
    found = model(name=0.25, word=3.0, both=-1.0)
    assert says("conditional, nats", found) == pytest.approx([2 * (0.25 - 1.0)])
    assert says("log odds ratio", found) == pytest.approx([-4.0])


def test_half_sees_the_first_half_of_each_side_only() -> None:
    found = model(0.0, 0.0, 0.0)
    quarter = ATTRIBUTES // 4
    for start in (quarter, 3 * quarter):  # the halves that are left out
        found.table[..., : PERSONS // 2, start : start + quarter] += 5.0
    first = found.table[..., : PERSONS // 2, : ATTRIBUTES // 2]
    assert first.mean() == pytest.approx(9.0 + 2.5)
    assert says("conditional (CrowS-Pairs)", found) == pytest.approx([0.75])
    assert says("conditional (CrowS-Pairs) (half)", found) == pytest.approx([0.5])


def test_icat_is_full_where_shares_are_even_and_words_are_related() -> None:
    assert says("ICAT", model(0.0, 0.0, 0.0)) == pytest.approx([100.0])
    assert says("ICAT", model(0.0, 3.0, 0.0)) == pytest.approx([0.0])
    assert says("ICAT", model(0.0, 0.0, 0.0, fluent=-9.0)) == pytest.approx([0.0])


def test_weat_is_plus_and_minus_where_vectors_are_the_sides() -> None:
    found = model(0.0, 0.0, 0.0)
    axes = np.eye(SIZE)
    persons = np.repeat([axes[0], axes[1]], PERSONS // 2, 0)[None]
    sides = np.repeat([axes[0], axes[1]], ATTRIBUTES // 2, 0)
    attributes = np.concatenate([sides, np.ones((UNRELATED, SIZE))])[None]
    there = found._replace(persons=persons, attributes=attributes)
    # nearness 1 and -1, twelve values: their standard deviation is 12/11's root
    assert says("WEAT on the vectors", there) == pytest.approx([2 / np.sqrt(12 / 11)])
    back = there._replace(persons=persons[:, ::-1])
    assert says("WEAT on the vectors", back) == pytest.approx([-2 / np.sqrt(12 / 11)])


def test_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no measure is called"):
        says("a guess", model(0.0, 0.0, 0.0))
