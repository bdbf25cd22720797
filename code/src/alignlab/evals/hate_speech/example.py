"""An example to start from: many noisy measurements of one number, averaged (serves section 8.4.3 of the survey).

Replace it by the chapter's own method, one module an idea, and cite its source here.
"""

import numpy as np
from numpy.typing import NDArray


def draws(rows: int, n: int, seed: int) -> NDArray[np.float64]:
    """Measurements of 0 with standard normal noise, shape (rows, n)."""
    return np.random.default_rng(seed).normal(size=(rows, n))


def average(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """One estimate a row: the mean of its measurements, shape (rows,)."""
    return np.asarray(draws.mean(1))


def error(estimates: NDArray[np.float64]) -> float:
    """Root of the mean squared distance of estimates from the truth, 0."""
    return float(np.sqrt((estimates**2).mean()))
