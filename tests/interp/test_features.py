"""Superposition and dictionaries: exact dimensionalities, known solutions found, and what is refused."""

import math

import pytest
import torch
import torch.nn.functional as F
from alignlab.interp import dictionary as d
from alignlab.interp import features
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


@pytest.mark.parametrize("kind, how", [("l1", {"strength": 0.5}), ("topk", {"k": 2}), ("jumprelu", {"strength": 0.2})])
def test_known_features_are_recovered(kind, how):
    truth = d.random_features(2, 16, 8, 0)
    model = d.train_dictionary(d.sparse_world(truth, 0.06), 24, kind, steps=500, **how)
    assert (d.mean_max_cosine(truth, model.decoder) > 0.78).all()
    assert torch.allclose(model.decoder.norm(dim=-1), torch.ones(2, 24), atol=1e-5)
    x = d.sparse_world(truth, 0.06, 500)(torch.Generator().manual_seed(1))
    assert (d.unexplained(model, x) < 0.4).all()
    active, dead = d.activity_of(model, x)
    assert (active < 6).all() and (dead < 0.7).all()
    assert torch.allclose(model[1].encode(x[1]), model.encode(x)[1], atol=1e-5)


def test_keep_largest_keeps_k():
    kept = d.keep_largest(torch.tensor([[3.0, 1, 2, 0]]), 2)
    assert kept.tolist() == [[3, 0, 2, 0]]


def test_the_straight_through_gradient_moves_a_threshold():
    x, threshold = torch.tensor([[0.10], [0.5]]), torch.full((1, 1), 0.1, requires_grad=True)
    (x * d.above(x, threshold)).sum().backward()
    assert threshold.grad.item() == pytest.approx(-0.10 / d.WIDTH)


def test_mean_max_cosine_is_one_for_itself_and_ignores_order():
    truth = d.random_features(1, 6, 4, 0)[0]
    assert d.mean_max_cosine(truth, 3 * truth.flip(0)) == pytest.approx(1.0)


@pytest.mark.parametrize("kind, k", [("other", 1), ("topk", 0), ("topk", 9)])
def test_what_cannot_be_trained_is_refused(kind, k):
    with pytest.raises(ValueError):
        d.train_dictionary(d.sparse_world(d.random_features(1, 4, 2, 0), 0.5), 8, kind, k=k)


def test_a_dictionary_survives_its_file(tmp_path):
    truth = d.random_features(1, 8, 4, 0)
    model = d.train_dictionary(d.sparse_world(truth, 0.1), 12, "topk", k=2, steps=20)[0]
    (tmp_path / "x.safetensors").write_bytes(features.dictionary_bytes(model, 2.5))
    read, scale = features.load_dictionary(tmp_path / "x.safetensors")
    assert (read.kind, read.k, scale) == ("topk", 2, 2.5)
    assert torch.allclose(read.decoder, model.decoder, atol=1e-3)


def test_all_principal_components_explain_everything():
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    left = [float(d.unexplained(features.principal(x, k), x)) for k in (2, 4, 6)]
    assert left[0] > left[1] > left[2] and left[2] < 1e-5


def test_loss_recovered_is_one_for_the_model_and_zero_for_the_mean():
    assert features.loss_recovered(3.0, 3.0, 7.0) == 1 and features.loss_recovered(3.0, 7.0, 7.0) == 0
