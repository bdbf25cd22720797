"""The probe's copy gives what the probe gives and thresholds turn away their share."""

import numpy as np
import pytest
import torch
from alignlab.attacks.under_attack.guards import fit_probe, limit, probe_logit


def test_the_attackers_copy_of_the_probe_scores_as_the_probe():
    rng = np.random.default_rng(0)
    probe = fit_probe(rng.normal(1, 2, size=(30, 5)), rng.normal(0, 1, size=(20, 5)))
    new = rng.normal(size=(7, 5))
    copied = probe_logit(probe, torch.tensor(new)).numpy()
    assert copied == pytest.approx(probe.decision_function(new), rel=1e-5)
    with pytest.raises(ValueError, match="same width"):
        fit_probe(new, new[:, :3])


def test_a_threshold_turns_away_its_share_of_the_ordinary():
    scores = np.arange(100.0)
    assert (scores > limit(scores, 0.05)).mean() == pytest.approx(0.05)
    with pytest.raises(ValueError, match="turned_away"):
        limit(scores, 1.5)
