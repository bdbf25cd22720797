"""DP-SGD: what Opacus does to one gradient, and the two forms of the model."""

import math

import numpy as np
import pytest
import torch
from alignlab.attacks.privacy import mailbox, private_training, window_lm

LINES = mailbox.mailbox(1, n=40, each=1, levels=(0,)).lines


def test_both_forms_of_the_model_agree():
    weights = window_lm.born((3,))
    net = private_training.network(weights)
    before = window_lm.windows(LINES[:4])
    ours = window_lm.logits(weights, before.flatten(0, 1)[None])[0]
    assert torch.allclose(net(before).flatten(0, 1), ours, atol=1e-5)
    back = private_training.weights_of(net)
    assert all(torch.equal(back[name], weights[name]) for name in weights)


def test_line_losses_are_those_of_window_lm():
    weights = window_lm.born((3,))
    net = private_training.network(weights)
    ids = torch.from_numpy(LINES[:4])
    ours = window_lm.token_losses(weights, LINES[:4])[0].nanmean(1)
    told = private_training.line_losses(net(window_lm.windows(LINES[:4])), ids)
    assert torch.allclose(told, ours, atol=1e-5)


def test_epsilon_is_the_accountants_and_falls_with_noise():
    from opacus.accountants import PRVAccountant

    told = {noise: private_training.learn_privately(LINES, 0, noise, epochs=1, batch=20)[1] for noise in (0.8, 1.6)}
    accountant = PRVAccountant()
    steps = len(LINES) // 20
    for _ in range(steps):
        accountant.step(noise_multiplier=0.8, sample_rate=1 / steps)
    assert told[0.8] == pytest.approx(accountant.get_epsilon(1e-5))
    assert told[1.6] < told[0.8]


def test_without_noise_nothing_is_promised():
    weights, epsilon = private_training.learn_privately(LINES, 0, 0.0, epochs=1, batch=20)
    assert math.isinf(epsilon)
    assert all(np.isfinite(value).all() for value in weights.values())
    with pytest.raises(ValueError, match="negative"):
        private_training.learn_privately(LINES, 0, -1.0)
