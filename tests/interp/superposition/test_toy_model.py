"""Toy models of superposition and units turned on: exact shapes, known solutions, and what is refused."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from alignlab.interp.superposition import intervention, recipe_dictionary
from alignlab.interp.superposition import toy_model as s


def corners(n: int) -> torch.Tensor:
    angle = torch.arange(n) * 2 * math.pi / n
    return torch.stack([angle.cos(), angle.sin()], dim=1)


TETRAHEDRON = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SHAPES = {
    "antipodal": (torch.tensor([[1.0], [-1.0]]), 1 / 2),
    "triangle": (corners(3), 2 / 3),
    "tetrahedron": (TETRAHEDRON, 3 / 4),
    "pentagon": (corners(5), 2 / 5),
    "orthogonal": (torch.eye(4), 1.0),
}


@pytest.mark.parametrize("name", SHAPES)
def test_dimensionality_of_known_shapes(name):
    directions, known = SHAPES[name]
    for scale in (1.0, 0.3):
        found = s.dimensionality(scale * directions)
        assert found.tolist() == pytest.approx([known] * len(directions), abs=1e-6)


def test_a_feature_without_direction_has_no_dimension_and_shares_add_up():
    W = torch.cat([torch.randn(7, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 3)])
    found = s.dimensionality(W)
    assert found[-1] == 0 and found.sum() <= 3 + 1e-5
    assert s.stored(W) == 7
    assert s.dimensions_per_feature(torch.eye(4)) == 1


def test_dense_features_get_axes_and_sparse_ones_share():
    matters = [0.9**i for i in range(5)]
    toys = s.best_of(s.train_toys(5, 2, [1.0] * 3 + [0.05] * 3, matters, seed=3, steps=1000), 3)
    assert s.stored(toys.weights).tolist() == [2, 5]
    assert s.dimensionality(toys.weights)[1].tolist() == pytest.approx([0.4] * 5, abs=0.06)


def test_without_the_nonlinearity_nothing_is_shared():
    toys = s.train_toys(4, 2, [0.05], seed=0, steps=600, importance=[1, 0.9, 0.8, 0.7], relu=False)
    assert s.stored(toys.weights).tolist() == [2]


def test_features_are_present_as_often_as_asked_and_then_uniform():
    density = torch.tensor([0.1, 1.0])[:, None]
    x = s.sparse_features((2, 100_000), density, np.random.default_rng(0))
    present = x > 0
    assert present.float().mean(1).tolist() == pytest.approx([0.1, 1.0], abs=0.005)
    for row, there in zip(x, present):
        assert float(row.max()) < 1
        assert float(row[there].mean()) == pytest.approx(1 / 2, abs=0.01)
        assert float(row[there].var()) == pytest.approx(1 / 12, abs=0.005)


def test_best_of_takes_the_lowest_loss_of_each_group():
    toys = s.Toys(torch.arange(6.0).view(6, 1, 1), torch.zeros(6, 1), torch.tensor([3.0, 1, 2, 5, 6, 4]))
    assert s.best_of(toys, 3).weights.flatten().tolist() == [1, 5]
    with pytest.raises(ValueError, match="do not divide"):
        s.best_of(toys, 4)


def test_an_impossible_density_is_refused():
    with pytest.raises(ValueError, match="probabilities"):
        s.train_toys(3, 1, [0.0])


def test_solu_lets_one_through_and_shrinks_many():
    x = torch.tensor([[8.0, 0, 0, 0], [1.0, 1, 1, 1]])
    assert s.solu(x)[0, 0] > 7.9 and torch.allclose(s.solu(x)[1], torch.full((4,), 0.25))


def test_selectivity_of_neurons_that_answer_to_one_and_to_two():
    into = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])
    found = s.selectivity_of_neurons(torch.eye(2)[None], into, torch.zeros(1, 1, 2), F.relu)
    assert found[0].tolist() == pytest.approx([1.0, 0.5])


def test_the_cost_of_axes_is_the_variance_of_what_is_guessed():
    x = torch.rand(400_000, generator=torch.Generator().manual_seed(0))
    x = x * (torch.rand(400_000, generator=torch.Generator().manual_seed(1)) < 0.3)
    assert s.cost_of_axes(1, 0.3, [1.0, 0.5]) == pytest.approx(0.5 * float(x.var()), rel=0.01)
    assert s.cost_of_axes(2, 0.3, [1.0, 0.5]) == 0


def test_opposition_is_one_for_pairs_and_known_for_a_triangle():
    assert s.opposition(torch.tensor([[2.0, 0], [-1.0, 0], [0, 3], [0, -3]])).tolist() == [1, 1, 1, 1]
    assert s.opposition(corners(3)).tolist() == pytest.approx([0.5] * 3, abs=1e-6)
    assert s.opposition(torch.eye(3)).tolist() == [0, 0, 0]


def test_directions_that_share_evenly_have_equal_dimensionality_and_are_not_pairs():
    frame = s.evenly_shared(20, 10, 0)
    assert torch.allclose(frame.norm(dim=-1), torch.ones(20), atol=1e-5)
    assert s.dimensionality(frame).tolist() == pytest.approx([0.5] * 20, abs=0.01)
    assert s.opposition(frame).mean() < 0.7
    with pytest.raises(ValueError, match="cannot fill"):
        s.evenly_shared(3, 4, 0)


def test_agreement_is_a_correlation():
    a = torch.tensor([[1.0, 2, 3], [3.0, 2, 1]])
    assert intervention.agreement(a, 5 * a + 2).tolist() == pytest.approx([1, 1])
    assert intervention.agreement(a, a.flip(0)).tolist() == pytest.approx([-1, -1])


def test_rare_units_keep_the_rule():
    activity = torch.zeros(100, 5)
    for unit, places in enumerate((1, 3, 4, 5, 50)):
        activity[:places, unit] = 1.0
    assert intervention.rare_units(activity, least=3, share=0.1, count=2) == [1, 3]
    with pytest.raises(ValueError, match="3 units"):
        intervention.rare_units(activity, least=3, share=0.1, count=4)


def test_the_error_on_fresh_examples_is_known_for_features_on_axes():
    """Two features on axes and the mean of the others: what `cost_of_axes` says."""
    matters, density = [1.0, 0.9, 0.5], [0.1, 0.4]
    bias = torch.tensor([[0.0, 0, p / 2] for p in density])
    toys = s.Toys(torch.eye(3)[:, :2].expand(2, 3, 2), bias, torch.zeros(2))
    known = [s.cost_of_axes(2, p, matters) for p in density]
    for relu in (True, False):
        found = s.error_on_fresh(toys, density, matters, seed=0, examples=200_000, relu=relu)
        assert found.tolist() == pytest.approx(known, rel=0.03)
    with pytest.raises(ValueError, match="1 densities for 2 networks"):
        s.error_on_fresh(toys, [0.1], matters, seed=0)


def test_given_directions_become_a_dictionary():
    units = recipe_dictionary.units_of(torch.tensor([[2.0, 0, 0], [0, 0, 3.0]]), torch.ones(3), k=1)
    activity = units.encode(torch.tensor([[1.5, 1, 3.0], [0.0, 1, 1]]))
    assert activity.tolist() == [[0, 2], [0, 0]]
    assert units.decode(activity).tolist() == [[1, 1, 3], [1, 1, 1]]


def test_matched_counts_the_effects_that_find_their_own_signature():
    signature = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]])
    assert recipe_dictionary.matched(2 * signature + 1, signature) == 1
    assert recipe_dictionary.matched(signature[[0, 2, 1]], signature) == pytest.approx(1 / 3)
