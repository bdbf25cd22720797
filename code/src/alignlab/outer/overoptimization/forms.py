"""The two curves of Gao et al. (2023, section 3): gold reward over distance from the start, in two numbers each.

Serves the survey's section 4.3.3. The paper writes d (alpha - beta d) for best-of-n and d (alpha - beta log d) for
reinforcement learning, with d the root of the KL divergence from the start. A third curve that the paper doesn't have,
alpha (1 - exp(-beta d)), levels off, and serves as a rival with as many numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import curve_fit

Form = Callable[..., np.ndarray]  # distance and two numbers -> gold reward


def parabola(d: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """d (alpha - beta d), the paper's form for best-of-n."""
    return d * (alpha - beta * d)


def logarithm(d: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """d (alpha - beta log d), the paper's form for reinforcement learning."""
    return d * (alpha - beta * np.log(d))


def leveling_off(d: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """alpha (1 - exp(-beta d)), which never falls while alpha is positive."""
    return alpha * (1 - np.exp(-beta * d))


def fit_form(
    form: Form, distance: np.ndarray, gold: np.ndarray
) -> tuple[np.ndarray, float]:
    """Least squares of one of the forms.

    distance, gold: shape (points,), distances above 0. Returns the two numbers
        and the root mean squared residual. Raises ValueError where a distance
        is not above 0, or for fewer points than three.
    """
    if len(distance) < 3 or not (distance > 0).all():
        raise ValueError(
            f"{len(distance)} points, the least distance "
            f"{min(distance, default=0)}: give three at least, all above 0"
        )
    numbers, _ = curve_fit(form, distance, gold, p0=(1.0, 0.1), maxfev=10_000)
    residual = gold - form(distance, *numbers)
    return numbers, float(np.sqrt((residual**2).mean()))
