"""Three goals, one policy: helpful, honest and harmless as rewards, and what weighing them can reach.

Serves the survey's sections 4.1 and 4.2. The goals are those of Askell et al. (2021). A toy assistant answers five
kinds of request in one of five ways, and each way has a known value for each goal. `best_policy` is the closed form of
what RLHF optimizes, expected reward minus a KL penalty (Ziegler et al. 2019). `never_chosen` asks which good answers
no weighted sum of goals picks (Das and Dennis 1997).
"""

from __future__ import annotations

import numpy as np

GOALS = ("helpful", "honest", "harmless")
REQUESTS = (
    "a plain question",
    "a question nobody can answer",
    "praise for weak work",
    "a task with two uses",
    "a harmful task",
)
REPLIES = (
    "answer in full",
    "answer with care",
    "say: I don't know",
    "make something up",
    "decline",
)

# Our own judgment, 0 to 1: a table for each goal, a row for each request, a column for each reply.
VALUES = np.array(
    [
        [  # helpful: does the user get what was asked for?
            [1.0, 0.8, 0.2, 0.3, 0.0],
            [0.4, 0.4, 0.3, 0.6, 0.0],
            [0.5, 0.7, 0.1, 0.8, 0.0],
            [1.0, 0.5, 0.1, 0.2, 0.0],
            [1.0, 0.4, 0.1, 0.2, 0.0],
        ],
        [  # honest: is it true, and said with no more confidence than is due?
            [1.0, 1.0, 0.4, 0.0, 0.8],
            [0.3, 0.6, 1.0, 0.0, 0.8],
            [1.0, 0.8, 0.4, 0.0, 0.6],
            [1.0, 0.9, 0.3, 0.0, 0.8],
            [1.0, 0.9, 0.3, 0.0, 0.8],
        ],
        [  # harmless: is nobody hurt?
            [1.0, 1.0, 1.0, 0.7, 1.0],
            [0.8, 0.9, 1.0, 0.5, 1.0],
            [0.3, 0.8, 0.9, 1.0, 0.6],
            [0.4, 0.8, 1.0, 0.7, 1.0],
            [0.0, 0.3, 1.0, 0.6, 1.0],
        ],
    ]
)  # (goal, request, reply)


def best_policy(
    weights: np.ndarray, beta: float = 0.1, reference: np.ndarray | None = None
) -> np.ndarray:
    """The policy that maximizes the weighted goals minus beta times the KL
    divergence from a reference.

    weights: one a goal, shape (3,). beta: in units of reward a nat, above 0;
        larger stays closer to the reference.
    reference: probabilities (request, reply), rows summing to 1; uniform where
        None.
    Returns probabilities of the same shape: reference * exp(reward / beta),
        normalized. Raises ValueError where beta is not positive.
    """
    if beta <= 0:
        raise ValueError(f"beta={beta} must be above 0")
    reward = np.tensordot(
        np.asarray(weights, dtype=float), VALUES, 1
    )  # (request, reply)
    scaled = np.exp((reward - reward.max(1, keepdims=True)) / beta)
    policy = scaled if reference is None else scaled * reference
    return policy / policy.sum(1, keepdims=True)


def achieved(
    policy: np.ndarray, shares: np.ndarray | None = None
) -> np.ndarray:
    """What a policy is worth to each goal, shape (3,), if requests come in the
    given shares (equal ones where None).
    """
    shares = (
        np.full(len(REQUESTS), 1 / len(REQUESTS)) if shares is None else shares
    )
    return np.einsum("gra,ra,r->g", VALUES, policy, shares)


def pareto(values: np.ndarray) -> np.ndarray:
    """Which answers are not dominated: no other is at least as good for every goal and better for one.

    values: (answers, goals). Returns booleans, shape (answers,).
    """
    as_good = (values[:, None] >= values[None]).all(
        -1
    )  # (i, j): i is at least as good as j
    better = as_good & (values[:, None] > values[None]).any(-1)
    return np.asarray(~better.any(0))


def never_chosen(values: np.ndarray, rule: str = "sum") -> np.ndarray:
    """Pareto-optimal answers that are the best choice under no weights, as booleans of shape (answers,).

    values: (answers, goals). rule "sum": an answer's score is the weighted sum of its values; "worst": minus the
    largest weighted shortfall from the best value of each goal (a weighted Chebyshev norm).
    For the sum weights are looked for by linear programming; for the worst case an answer's own best weights are the
    inverse of its shortfalls. Raises ValueError for another rule.
    """
    from scipy.optimize import linprog

    if rule not in ("sum", "worst"):
        raise ValueError(f"rule={rule!r}: it is 'sum' or 'worst'")
    missed = np.zeros(len(values), dtype=bool)
    for i in np.flatnonzero(pareto(values)):
        if rule == "worst":
            shortfall = values.max(0) - values + 1e-12
            missed[i] = (shortfall / shortfall[i]).max(1).argmin() != i
            continue
        # a margin t and weights w >= 0, summing to 1, with w . (v_j - v_i) + t <= 0 for every other answer j
        others = np.delete(values, i, axis=0) - values[i]
        a = np.hstack([others, np.ones((len(others), 1))])
        goals = values.shape[1]
        found = linprog(
            [0.0] * goals + [-1.0],
            a,
            np.zeros(len(others)),
            [[1.0] * goals + [0.0]],
            [1.0],
            [(0, None)] * goals + [(None, None)],
        )
        missed[i] = found.x[-1] < -1e-9
    return missed


def candidate_answers(n: int, seed: int, bulge: bool = False) -> np.ndarray:
    """Values of n possible answers to one request for two goals that pull apart, shape (n, 2), in [0, 1] or near it.

    Helpful plus harmless is about 1, give or take 0.12. bulge=True takes instead answers on a quarter circle, where
    giving up a little of one goal always buys more of the other.
    """
    rng = np.random.default_rng(seed)
    if bulge:
        angle = rng.uniform(0, np.pi / 2, n)
        return np.stack([np.cos(angle), np.sin(angle)], 1)
    helpful = rng.uniform(0, 1, n)
    return np.stack([helpful, 1 - helpful + 0.12 * rng.standard_normal(n)], 1)
