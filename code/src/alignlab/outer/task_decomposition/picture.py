"""Lines over steps or levels: the mean of the seeds, and each seed behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def lines(
    ax: Axes,
    over: Sequence[int],
    values: Mapping[str, Floats],
    looks: Mapping[str, tuple[str, str, float]],
) -> None:
    """Draw shares right, (seeds, points) by name, and a legend below.

    looks: color, format and width of each line; where lines may coincide,
    the first is the widest.
    """
    for name, rows in values.items():
        color, form, width = looks[name]
        for row in rows:
            ax.plot(over, row, color=color, alpha=0.3, linewidth=1)
        mean = rows.mean(0)
        ax.plot(over, mean, form, color=color, linewidth=width, label=name)
    ax.set(ylabel="share right", ylim=(0, 1.03))
    ax.figure.legend(loc="outside lower center", handlelength=3.5)
