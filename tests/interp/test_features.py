"""Dictionaries: known features found, what rivals restore, and what is refused."""

import pytest
import torch
from alignlab.interp import dictionary as d
from alignlab.interp import features


@pytest.fixture(scope="module")
def lm():
    from alignlab.lm import load_lm

    return load_lm("smollm2-135m-instruct", device="cpu")


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


def test_more_bits_than_numbers():
    assert features.as_many_bits(256, 8) == 8 + 3
    assert features.as_many_bits(8, 8) == 8


def test_noise_keeps_mean_and_covariance_and_nothing_else():
    rows = torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) @ torch.tensor(
        [[1.0, 2, 0], [0, 1, 0], [0, 0, 3]]
    )
    noise = features.gaussian_like(rows, 40_000, 1)
    assert torch.allclose(noise.mean(0), rows.mean(0), atol=0.02)
    assert torch.allclose(noise.T.cov(), rows.T.cov(), atol=0.03)
    skewed = ((rows - rows.mean(0)) ** 4).mean(0) / rows.var(0) ** 2
    normal = ((noise - noise.mean(0)) ** 4).mean(0) / noise.var(0) ** 2
    assert (skewed < 2.7).all() and ((normal - 3).abs() < 0.15).all()


def test_greedy_finds_what_few_units_made_and_never_does_worse_with_more():
    units = d.random_features(1, 12, 8, 0)[0]
    center = torch.full((8,), 0.5)
    x = center + torch.tensor([[2.0, 0, 0], [0, -1.0, 0]]) @ units[:3]
    assert torch.allclose(features.greedy(3 * units, center, x, 1), x, atol=1e-5)
    y = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    left = [float((features.greedy(units, center, y, k) - y).square().sum()) for k in (1, 3, 5, 8)]
    assert left[0] > left[1] > left[2] > left[3] and left[3] < 1e-3


def test_a_model_goes_on_from_a_layer_as_it_does_by_itself(lm):
    tokens = torch.tensor([list(range(40, 60)), list(range(140, 160))])
    stream = features.layer_activations(lm, tokens, 10)
    with torch.no_grad():
        whole = lm.model(input_ids=tokens, use_cache=False).logits.float()
    assert torch.allclose(features.logits_from(lm, stream, 10), whole, atol=1e-2)
    same = features.replaced(stream, lambda x: x, 2.0)
    assert torch.allclose(same, stream)
    zeros = features.replaced(stream, torch.zeros_like)
    assert torch.equal(zeros[:, : features.SKIP], stream[:, : features.SKIP]) and (zeros[:, features.SKIP :] == 0).all()
    loss = features.loss_from(lm, tokens, stream, 10)
    at = torch.nn.functional.cross_entropy(
        whole[:, features.SKIP : -1].flatten(0, 1), tokens[:, features.SKIP + 1 :].flatten()
    )
    assert loss == pytest.approx(float(at), abs=1e-3)
    assert features.loss_from(lm, tokens, zeros, 10) > loss


X = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))


def other_file(folder, what):
    path = folder / "file.safetensors"
    if what == "another":
        from safetensors.torch import save_file

        save_file({"weight": torch.zeros(2)}, str(path))
    else:
        path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    return path


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda _: d.unexplained(features.principal(X, 3), torch.ones(20, 8)), "leave nothing to explain"),
        (lambda _: d.mean_max_cosine(torch.zeros(3, 8), X), "a true feature has length 0"),
        (lambda _: features.principal(X, 0), "k=0: there are 1 to 8"),
        (lambda _: features.principal(X, 9), "k=9: there are 1 to 8"),
        (lambda _: features.greedy(X[:5], X.mean(0), X, 6), r"k=6 units of \(5, 8\): 0 to 5"),
        (lambda _: features.loss_recovered(2.0, 2.5, 2.0), "nothing to recover"),
        (lambda folder: features.load_dictionary(other_file(folder, "another")), "is no dictionary: it holds weight"),
        (lambda folder: features.load_dictionary(other_file(folder, "pointer")), "may be cut, or a pointer"),
    ],
)
def test_what_holds_no_features_is_refused(tmp_path, call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call(tmp_path)
