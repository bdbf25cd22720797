"""What the page shows without claiming it, because it has to come out so."""

import numpy as np
import torch
from alignlab.outer.preferences import LENGTH, rank, true_reward
from alignlab.outer.reward import agreement, fit_reward


def picks(bias, n=4000, d=8):
    g = torch.Generator().manual_seed(0)
    taste = true_reward(d, 2.0, g)
    answers = torch.randn(n, 2, d, dtype=torch.float64, generator=g)
    return taste, rank(answers, taste, g, bias)


def test_the_fit_returns_the_liking_for_length_that_annotators_have():
    for bias in (0.0, 0.8, 1.6):
        assert abs(float(fit_reward(picks(bias)[1])[LENGTH]) - bias) < 0.15


def test_copies_on_both_sides_of_a_split_are_predicted_though_a_coin_decided():
    leaky, clean = [], []
    for seed in range(6):
        g = torch.Generator().manual_seed(seed)
        copies = torch.randn(100, 2, 64, dtype=torch.float64, generator=g).repeat_interleave(6, dim=0)
        mixed = torch.randperm(600, generator=g)
        for order, found in ((mixed, leaky), (torch.arange(600), clean)):
            head = fit_reward(copies[order[:480]], ridge=1.0)
            found.append(agreement(head, *copies[order[480:]].unbind(1)))
    assert np.mean(leaky) > 0.9 and abs(np.mean(clean) - 0.5) < 0.1
