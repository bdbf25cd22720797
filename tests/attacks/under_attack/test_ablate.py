"""A held component is what it was set to, and all that is orthogonal to it stays."""

import pytest
import torch
from alignlab.attacks.under_attack.ablate import hold, mean_difference
from alignlab.attacks.under_attack.stream import Rows


def test_the_component_is_held_and_the_rest_stays():
    x, head = torch.randn(2, 3, 4), torch.randn(1, 5, 4)
    none = torch.zeros(2, 3, dtype=torch.long)
    rows = Rows(x, head, none, none, none.bool()[..., None], none[:, 0], none.bool(), 18)
    way = torch.tensor([3.0, 4.0, 0.0, 0.0])
    held = hold(rows, way, 1.5)
    assert torch.allclose(held.x @ way / 5, torch.full((2, 3), 1.5), atol=1e-5)
    assert torch.allclose(held.head @ way / 5, torch.full((1, 5), 1.5), atol=1e-5)
    across = torch.tensor([4.0, -3.0, 1.0, 2.0])
    assert torch.allclose(held.x @ across, x @ across, atol=1e-5)
    with pytest.raises(ValueError, match="length 0"):
        hold(rows, torch.zeros(4), 0.0)


def test_a_mean_difference_is_what_it_says():
    far, near = torch.tensor([[2.0, 0.0], [4.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert mean_difference(far, near).tolist() == [3.0, -1.0]
    with pytest.raises(ValueError, match="one width"):
        mean_difference(far, near[:, :1])
