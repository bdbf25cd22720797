"""Logits at some places only are those of the models themselves, and so are their gradients."""

import pytest
import torch
from alignlab.lm import TinyConfig, TinyTransformer
from alignlab.lm.wanted import logits_at, logits_of, word_logprobs
from torch import Tensor

CONFIGS = [
    TinyConfig(11, d_model=16, n_layers=2, n_heads=2, context=9, d_mlp=24),
    TinyConfig(7, d_model=8, n_layers=1, n_heads=4, context=9, eps=1e-3),
    TinyConfig(5, d_model=8, n_layers=3, n_heads=2, context=9, mlp=False),
    TinyConfig(5, d_model=8, n_layers=0, n_heads=2, context=9, rope_base=50.0),
]


def _model(config: TinyConfig, seed: int) -> TinyTransformer:
    """A model whose weights are large enough for attention to look somewhere."""
    model = TinyTransformer(config, seed)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += 0.3 * noise
    return model


def _rows(config: TinyConfig, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(config.vocab, shape, generator=generator)


@pytest.mark.parametrize("config", CONFIGS)
def test_at_places_as_the_model(config: TinyConfig) -> None:
    model, tokens = _model(config, 1), _rows(config, 6, 9)
    at = torch.rand(6, 9, generator=torch.Generator().manual_seed(4)) < 0.4
    expected = model(tokens)[at]
    torch.testing.assert_close(logits_at(model, tokens, at), expected)
    wanted = torch.autograd.grad(expected.square().sum(), list(model.parameters()), allow_unused=True)
    found = torch.autograd.grad(
        logits_at(model, tokens, at).square().sum(),
        list(model.parameters()),
        allow_unused=True,
    )
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("first", [0, 3, 7])
def test_side_by_side_as_each_alone(config: TinyConfig, first: int) -> None:
    models = [_model(config, seed) for seed in range(3)]
    tokens = _rows(config, 3, 4, 8)
    states = [dict(model.named_parameters()) for model in models]
    crowd = {n: torch.stack([one[n] for one in states]) for n in states[0]}
    found = logits_of(models[0], crowd, tokens, first)
    for model, rows, own in zip(models, tokens, found, strict=True):
        torch.testing.assert_close(own, model(rows)[:, first:])


def test_words_as_the_model_finds_them() -> None:
    model, tokens = _model(CONFIGS[0], 2), _rows(CONFIGS[0], 6, 9)
    mask = tokens > 4
    logp = model(tokens[:, :-1]).log_softmax(-1)
    expected = logp.gather(2, tokens[:, 1:, None])[..., 0][mask[:, 1:]]
    torch.testing.assert_close(word_logprobs(model, tokens, mask), expected)


def test_refuses_what_it_cannot_read() -> None:
    model = _model(CONFIGS[0], 0)
    with pytest.raises(ValueError, match="context of 9"):
        logits_at(model, _rows(CONFIGS[0], 2, 10), torch.ones(2, 10) > 0)
    with pytest.raises(ValueError, match="shape"):
        logits_at(model, _rows(CONFIGS[0], 2, 9), torch.ones(2, 8) > 0)
