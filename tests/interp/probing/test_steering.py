"""Steering a tiny transformer by hand-made directions."""

import numpy as np
import pytest
import torch
from alignlab.interp.probing.steering import head_accuracies, head_shift, preference, random_like, steer
from alignlab.lm import TinyConfig, TinyTransformer, capture, load_lm, logprobs

TOKENS = torch.tensor([[1, 2, 3, 4]])


@pytest.fixture
def model() -> TinyTransformer:
    return TinyTransformer(TinyConfig(vocab=8, d_model=16, n_layers=2, n_heads=2, context=8), seed=0).eval()


def test_steer_adds_the_vector_and_leaves_nothing_behind(model):
    vector = np.arange(16.0)
    name = "layers.0.resid"
    before, logits = capture(model, TOKENS, [name], positions="all")[name], model(TOKENS)
    with steer(model, {name: vector}, strength=-2.0):
        during = capture(model, TOKENS, [name], positions="all")[name]
        assert not torch.allclose(model(TOKENS), logits)
    assert torch.allclose(during, before - 2 * torch.from_numpy(vector).float(), atol=1e-5)
    assert torch.equal(model(TOKENS), logits)


def test_steer_along_the_unembedding_raises_its_token(model):
    direction = model.unembed.weight[5].detach().numpy()
    with torch.no_grad():
        plain = model(TOKENS)[0, -1].log_softmax(-1)[5]
        with steer(model, {"layers.1.resid": direction}, strength=10.0):
            steered = model(TOKENS)[0, -1].log_softmax(-1)[5]
    assert steered > plain


def test_steer_refuses_a_vector_of_another_width(model):
    with pytest.raises(ValueError, match="width 3 for an activation of width 16"), steer(model, {"embed": [1.0, 2, 3]}):
        model(TOKENS)


def heads_with_one_that_knows(seed: int = 0):
    """Outputs of 3 layers x 2 heads, width 4; head (1, 0) holds the label along its second axis."""
    rng = np.random.default_rng(seed)
    y = np.arange(200) % 2 == 0
    z = rng.normal(size=(200, 3, 2, 4))
    z[:, 1, 0, 1] += np.where(y, 3.0, -3.0)
    return z, y


def test_the_head_that_knows_is_found_and_shifted_along_what_it_knows():
    z, y = heads_with_one_that_knows()
    accuracies = head_accuracies(z, y)
    assert np.unravel_index(accuracies.argmax(), accuracies.shape) == (1, 0) and accuracies.max() > 0.95
    shift = head_shift(z, y, heads=1)
    assert list(shift) == ["layers.1.attn.z"]
    assert shift["layers.1.attn.z"][4:].tolist() == [0.0] * 4  # the other head is left alone
    assert shift["layers.1.attn.z"][1] == pytest.approx(z[:, 1, 0, 1].std(), rel=0.05)  # one standard deviation


def test_the_random_control_has_the_same_heads_and_lengths():
    z, y = heads_with_one_that_knows()
    shift = head_shift(z, y, heads=3)
    control = random_like(shift, d_head=4, seed=0)
    assert list(control) == list(shift)
    for name in shift:
        lengths = [np.linalg.norm(v.reshape(-1, 4), axis=1) for v in (shift[name], control[name])]
        assert lengths[0] == pytest.approx(lengths[1])
        assert not np.allclose(shift[name], control[name])


def test_head_outputs_need_four_axes():
    with pytest.raises(ValueError, match="layer, head, d_head"):
        head_shift(np.zeros((4, 6)), [True, False, True, False])


def test_preference_is_the_log_odds_of_where_two_texts_part():
    lm = load_lm("smollm2-135m-instruct")
    pairs = [("The city of Paris is in France.", "The city of Paris is in Italy."), ("Snow is white", "Coal is white")]
    expected = [
        logprobs(lm, ["The city of Paris is in"], [[" France.", " Italy."]])[0],
        logprobs(lm, [""], [["Snow is white", "Coal is white"]])[0],
    ]
    assert preference(lm, pairs) == pytest.approx([float(a - b) for a, b in expected], abs=1e-3)
    assert preference(lm, pairs)[0] > 2
    with pytest.raises(ValueError, match="equal"):
        preference(lm, [("same", "same")])
