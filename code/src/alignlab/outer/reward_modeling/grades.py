"""How much better? Picks that come with a grade.

Serves the survey's section 4.3.1. Labelers of Llama 2 said of each pick whether
it was significantly better, better, slightly better, or negligibly better, and
its reward model was asked for a margin that grows with the grade (Touvron et
al. 2023, section 3.2.2). Grades of the toy are the annotator's own utility
difference, in four classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import check_shapes
from alignlab.outer.reward import bradley_terry_loss
from alignlab.outer.reward_modeling.fitting import fit_loss

# A pick is negligibly better up to a perceived lead of 1 log-odds, slightly
# better up to 2, better up to 4, and significantly better beyond.
EDGES = (1.0, 2.0, 4.0)


def graded_picks(
    answers: Tensor, reward: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Picks, and the grade that the annotator gives with each.

    answers: features, shape (n, 2, d). reward: shape (d,). The lead that the
    annotator perceives is the difference of the rewards plus logistic noise, so
    that picks follow Bradley and Terry. Returns the pairs, the picked answer
    first, shape (n, 2, d), and grades 0 (negligibly better) to 3
    (significantly better), shape (n,).
    """
    uniform = torch.rand(len(answers), dtype=torch.float64, generator=generator)
    noise = torch.logit(uniform)
    lead = (answers[:, 0] - answers[:, 1]) @ reward + noise
    pairs = torch.where(lead[:, None, None] > 0, answers, answers.flip(1))
    return pairs, torch.bucketize(
        lead.abs(), torch.tensor(EDGES, dtype=torch.float64)
    )


def margin_loss(chosen: Tensor, rejected: Tensor, margin: Tensor) -> Tensor:
    """The loss of a pick that is asked for a lead (Touvron et al. 2023, eq. 2).

    chosen, rejected: rewards of the two answers; margin: the lead asked for,
    all of shape (batch,). With margin 0 this is the Bradley-Terry loss.
    Returns nats, shape (batch,). Raises ValueError for shapes that differ, or
    a margin that is not a number.
    """
    check_shapes(chosen.shape, rejected=rejected, margin=margin)
    check_numbers(margin, "the margin of pair ")
    return -F.logsigmoid(chosen - rejected - margin)


def interval_loss(chosen: Tensor, rejected: Tensor, grade: Tensor) -> Tensor:
    """Negative log-probability of a pick together with its grade.

    The perceived lead, the difference of the rewards plus logistic noise, lies
    between the two edges of its grade (McCullagh 1980, proportional odds). The
    edges are those that the annotator uses, which nobody knows of people.
    chosen, rejected: shape (batch,); grade: 0 to 3, shape (batch,).
    Returns nats, shape (batch,). Between the edges a < b the logistic
    distribution has sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a)
    (1 - exp(a - b)), whose logarithm loses nothing where the lead is large.
    Raises ValueError for a grade that isn't there, or shapes that differ.
    """
    check_shapes(chosen.shape, rejected=rejected, grade=grade)
    known = torch.isin(grade, torch.arange(len(EDGES) + 1))
    if not known.all():
        raise ValueError(
            f"grade {grade[~known][0].item()} isn't there: grades are "
            f"0 to {len(EDGES)}, whole numbers"
        )
    ends = torch.tensor([0.0, *EDGES, torch.inf], dtype=chosen.dtype)
    at, lead = grade.long(), chosen - rejected
    low, high = ends[at], ends[at + 1]
    within = torch.log1p(-torch.exp(low - high))
    return -(F.logsigmoid(high - lead) + F.logsigmoid(lead - low) + within)


def fit_margins(pairs: Tensor, margin: Tensor, ridge: float = 1e-2) -> Tensor:
    """The linear reward of least margin loss.

    pairs: features, the picked answer first, shape (n, 2, d). margin: shape
    (n,). Returns weights of shape (d,).
    """
    return fit_loss(
        lambda w: margin_loss(pairs[:, 0] @ w, pairs[:, 1] @ w, margin).sum(),
        pairs.shape[-1],
        ridge,
    )


def fit_weighted(pairs: Tensor, weight: Tensor, ridge: float = 1e-2) -> Tensor:
    """The linear reward of least Bradley-Terry loss, each pair's times a weight.

    pairs: features, the picked answer first, shape (n, 2, d). weight: shape
    (n,), not negative. Returns weights of shape (d,). Raises ValueError for
    a weight below 0 or not a number, which no loss can be weighed with.
    """
    check_numbers(weight, "the weight of pair ")
    if (weight < 0).any():
        raise ValueError(f"weight {weight.min()} is negative: give 0 or more")

    def loss(w: Tensor) -> Tensor:
        each = bradley_terry_loss(pairs[:, 0] @ w, pairs[:, 1] @ w)
        return (weight * each).sum()

    return fit_loss(loss, pairs.shape[-1], ridge)


def fit_grades(pairs: Tensor, grade: Tensor, ridge: float = 1e-2) -> Tensor:
    """The linear reward under which picks and grades are most probable.

    pairs: shape (n, 2, d). grade: shape (n,). Returns weights of shape (d,).
    """
    return fit_loss(
        lambda w: interval_loss(pairs[:, 0] @ w, pairs[:, 1] @ w, grade).sum(),
        pairs.shape[-1],
        ridge,
    )
