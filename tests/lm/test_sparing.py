"""Reading word by word gives what the whole model gives."""

import pytest
import torch
from alignlab.lm import TinyConfig, TinyTransformer
from alignlab.lm.sparing import Reader


def shaken(n_layers: int, mlp: bool = True) -> TinyTransformer:
    model = TinyTransformer(TinyConfig(vocab=11, d_model=16, n_layers=n_layers, n_heads=2, context=7, mlp=mlp), 3)
    generator = torch.Generator().manual_seed(n_layers)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


ROWS = torch.randint(11, (5, 7), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("layers", "mlp"), [(0, True), (1, True), (2, True), (2, False)])
def test_word_by_word_is_the_whole(layers: int, mlp: bool) -> None:
    model = shaken(layers, mlp)
    whole, rows, reader = model(ROWS), torch.arange(5), Reader(model, 5)
    for at in range(7):
        torch.testing.assert_close(reader.read(ROWS[rows, at]), whole[rows, at], atol=2e-5, rtol=1e-4)
        if at in (2, 4):
            rows = rows[1:]
            reader.keep(torch.arange(1, len(rows) + 1) if at == 2 else torch.tensor([False, *[True] * len(rows)]))
    with pytest.raises(ValueError, match="7 tokens"):
        reader.read(ROWS[rows, 0])
