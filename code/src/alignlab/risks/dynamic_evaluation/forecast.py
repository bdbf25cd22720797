"""From few tries to many: what share of requests will fall within N tries?

Serves survey section 9.6. Hughes et al. (2024, "Best-of-N Jailbreaking") fit
a power law to -log(success within N); Schaeffer et al. (2025, "How Do Large
Language Monkeys Get Their Power (Laws)?") explain it by requests that differ,
for which a beta distribution of success rates is one form.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, special, stats

from alignlab.risks.dynamic_evaluation.wordings import Floats, Ints


def exact(rates: Floats, n: float) -> float:
    """Success within n independent tries at known rates, (request,)."""
    return float(np.mean(1 - (1 - rates) ** n))


def seen(hits: Ints, tries: int) -> tuple[Floats, Floats]:
    """Success within 1, 2, 4, ... of the tries made, without bias.

    hits: successes of each request, (request,). Averages over all choices of
    n among the tries.
    """
    ns = 2.0 ** np.arange(int(np.log2(tries)) + 1)
    won = [stats.hypergeom.sf(0, tries, hits, int(n)).mean() for n in ns]
    return ns, np.array(won)


def power_law(hits: Ints, tries: int, n: float, first: int = 1) -> float:
    """-log(success) falls as a straight line on logarithmic axes.

    first: the line is drawn through success within so many tries or more.
    """
    ns, won = seen(hits, tries)
    keep = (won > 0) & (won < 1) & (ns >= first)
    if keep.sum() < 2:
        return float(won[-1])
    slope, level = np.polyfit(np.log(ns[keep]), np.log(-np.log(won[keep])), 1)
    return float(np.exp(-np.exp(level + slope * np.log(n))))


def late_line(hits: Ints, tries: int, n: float) -> float:
    """The same through success within a quarter of the tries or more."""
    return power_law(hits, tries, n, tries // 4)


def one_rate(hits: Ints, tries: int, n: float) -> float:
    """Every request alike: independent tries at the mean rate."""
    return float(1 - (1 - hits.mean() / tries) ** n)


def unequal(hits: Ints, tries: int, n: float) -> float:
    """Rates drawn from a beta distribution, fitted by likelihood."""
    at = _beta(hits, tries)
    log = special.betaln(at[0], at[1] + n) - special.betaln(at[0], at[1])
    return float(1 - np.exp(log))


def _beta(hits: Ints, tries: int) -> Floats:
    """The two parameters that make the hits likeliest."""

    def loss(logs: Floats) -> float:
        a, b = np.exp(logs)  # binomial coefficients don't depend on them
        found = special.betaln(a + hits, b + tries - hits)
        return float(len(hits) * special.betaln(a, b) - found.sum())

    found = optimize.minimize(
        loss, np.log([0.3, 3.0]), method="L-BFGS-B", bounds=[(-5, 5)] * 2
    )
    return np.asarray(np.exp(found.x))
