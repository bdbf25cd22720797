"""Lines over steps or levels: the mean of the seeds, and each seed behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def lines(
    ax: Axes,
    over: Sequence[int],
    values: Mapping[str, Floats],
    looks: Mapping[str, tuple[str, str]],
    place: Literal["center right", "lower left", "best"],
) -> None:
    """Draw shares right, (seeds, points) by name, and a legend.

    looks: color and format of each line. place: where the legend goes.
    """
    for name, rows in values.items():
        color, form = looks[name]
        ax.plot(over, rows.mean(0), form, color=color, label=name)
        for row in rows:
            ax.plot(over, row, color=color, alpha=0.3, linewidth=1)
    ax.set(ylabel="share right", ylim=(0, 1.03))
    ax.legend(fontsize=8, loc=place)
