"""Texts in one row, held against each text by itself."""

import pytest
import torch
from alignlab.lm import TinyConfig, TinyTransformer, capture, load_lm
from alignlab.lm.ends import last_logits
from alignlab.lm.rows import capture_ends, run_row
from alignlab.lm.scoring import Tree

TEXTS = ["The city of Paris is in France.", "The city of Paris is in Italy.", "Up", "The city of Rome is in Italy."]


@pytest.fixture(scope="module")
def lm():
    return load_lm()


@pytest.mark.parametrize("row", [1, 12, 500])
def test_ends_are_those_of_each_text_by_itself(lm, row):
    names = ["embed", "layers.3.attn.z", "layers.29.resid"]
    alone, shared = capture(lm, TEXTS, names), capture_ends(lm, TEXTS, names, row)
    for name in names:
        assert shared[name].shape == (4, 576)
        torch.testing.assert_close(shared[name], alone[name], rtol=1e-4, atol=1e-4 * float(alone[name].abs().max()))


def test_a_row_refuses_layers_that_are_not_there(lm):
    tree = Tree()
    tree.add([1, 2], [3])
    with pytest.raises(ValueError, match="layers=31"):
        run_row(lm, tree, 31)
    assert run_row(lm, tree, 0)[0].shape == (1, 2, 576)


def test_no_text_is_refused(lm):
    with pytest.raises(ValueError, match="no prompts"):
        capture_ends(lm, [], ["embed"])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_last_logits_are_the_models(layers, n):
    model = TinyTransformer(TinyConfig(vocab=9, d_model=8, n_layers=layers, n_heads=2, context=6), seed=0)
    tokens = torch.randint(9, (7, 5), generator=torch.Generator().manual_seed(0))
    for given in (tokens, torch.nn.functional.one_hot(tokens, 9).float()):
        torch.testing.assert_close(last_logits(model, given, n), model(given)[:, -n:])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_last_logits_are_the_models_where_rows_end_alike(n):
    model = TinyTransformer(TinyConfig(vocab=9, d_model=8, n_layers=1, n_heads=2, context=6), seed=0)
    for parameter in model.parameters():
        parameter.data *= 8  # attention that is far from even
    tokens = torch.randint(9, (7, 5), generator=torch.Generator().manual_seed(0))
    tokens[:, -n:] = tokens[0, -n:]
    torch.testing.assert_close(last_logits(model, tokens, n), model(tokens)[:, -n:], rtol=1e-5, atol=1e-5)
