"""Inert versions of the methods of 06-interpretability/probing."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _blind_probe(X: Any, y: Any, C: float = 0.0) -> Any:
    """A probe that reads nothing and always answers "no"."""
    import numpy as np
    from alignlab.interp.probes import Probe

    return Probe(np.zeros(np.asarray(X).shape[1]), 1.0)


def _consistent_with_nothing(first: Any, second: Any, seed: int = 0, restarts: int = 0, steps: int = 0) -> Any:
    """A search that found no direction."""
    return _blind_probe(first, None)


def _no_shift(z: Any, y: Any, heads: int = 0) -> Any:
    """A push of length zero."""
    return {}


def _erases_nothing(X: Any, y: Any, correlations: bool = True) -> Any:
    """An eraser that leaves every vector as it is."""
    import numpy as np
    from alignlab.interp.erasure import Eraser

    mean = np.asarray(X, dtype=float).mean(0)
    return Eraser(mean, np.zeros_like(mean), np.zeros_like(mean))


INERT["alignlab.interp.probes.linear_probe"] = _blind_probe
INERT["alignlab.interp.probes.contrast_consistent_search"] = _consistent_with_nothing
INERT["alignlab.interp.steering.head_shift"] = _no_shift
INERT["alignlab.interp.erasure.leace"] = _erases_nothing
