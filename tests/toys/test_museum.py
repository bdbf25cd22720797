"""The museum guide's loss: what is left out of it counts for nothing."""

import pytest
import torch
import torch.nn.functional as F
from alignlab.lm import TinyConfig, TinyTransformer
from alignlab.toys import museum


def plain(model, seed, **how):
    """The loss with the logits of every position."""
    draw = torch.Generator().manual_seed(seed)
    tokens, weights, end = museum._batch(64, draw, True, **how)
    length = tokens.shape[1]
    text = museum.ID[museum.CHAT[0]] + museum._walk(museum._AFTER_TEXT, 32, length - 1, draw)
    text = torch.cat([torch.full((32, 1), museum.ID["<text>"]), text], 1)
    both = torch.cat([tokens, text])
    losses = F.cross_entropy(model(both[:, :-1]).transpose(1, 2), both[:, 1:], reduction="none")
    request = torch.arange(length - 1) < end[:, None]
    language = losses[:64][request].mean() + losses[64:].mean()
    return (losses[:64] * weights[:, 1:]).sum() / weights[:, 1:].sum() + 0.3 * language


@pytest.mark.parametrize("how", [{}, {"deep": 0.5, "slips": 0.0}])
def test_the_loss_needs_only_the_logits_of_words_that_count(how):
    model = TinyTransformer(TinyConfig(len(museum.VOCAB), 32, 1, context=museum.LENGTH, d_mlp=32), seed=0)
    draw = torch.Generator().manual_seed(3)
    found = [museum._loss(model, draw, refuse=True, **how), plain(model, 3, **how)]
    torch.testing.assert_close(*found)
    for a, b in zip(*(torch.autograd.grad(loss, list(model.parameters())) for loss in found)):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)
