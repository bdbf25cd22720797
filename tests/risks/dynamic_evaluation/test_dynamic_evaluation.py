"""The modules of `alignlab.risks.dynamic_evaluation`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.dynamic_evaluation.example import average, draws, error


def test_draws_repeat_with_the_seed():
    assert np.array_equal(draws(2, 3, 0), draws(2, 3, 0)) and draws(2, 3, 0).shape == (2, 3)
    assert not np.array_equal(draws(2, 3, 0), draws(2, 3, 1))


def test_the_error_of_an_average_falls_with_the_root_of_n():
    assert error(average(draws(4000, 100, 0))) == pytest.approx(0.1, rel=0.1)
