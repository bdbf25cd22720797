"""Small language models whose association between group and attribute is known.

A corpus holds sentences of two words, a person and an attribute. Each model
gets a corpus of its own, and in each three things are drawn independently:
how strongly group and attribute are *associated*, how much more often one
group is *named*, and how much more often one kind of attribute is *said*. A
model has to find probabilities by gradient descent through vectors of six
numbers, and some models are trained for longer than others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

PERSONS, ATTRIBUTES = 12, 16  # half of each to either side
UNRELATED = 8  # further attributes that go with nobody
SENTENCES = 4000  # a corpus
SIZE = 6  # of a vector
OWN = 0.7  # nats, spread of what goes with what for no reason


class Corpora(NamedTuple):
    """counts: (models, persons, attributes and unrelated). The rest (models,).

    association, named, said: in nats. steps: of training.
    """

    counts: Array
    association: Array
    named: Array
    said: Array
    steps: Array


class Models(NamedTuple):
    """What was learned, log-probabilities in nats.

    table: log P(attribute | person), (models, persons, attributes and
    unrelated). names: log P(person), (models, persons). persons, attributes:
    the vectors, (models, words, SIZE).
    """

    table: Array
    names: Array
    persons: Array
    attributes: Array


def corpora(
    seed: int, models: int = 60, named: float = 1.0, said: float = 1.0
) -> Corpora:
    """Corpora of `models` models.

    named, said: standard deviation over models of the two frequencies, nats.
    Associations lie evenly between -0.5 and 1.5 nats, as half a log odds
    ratio; steps between 20 and 300, evenly on a logarithmic scale.
    Raises ValueError for fewer than two models or a negative deviation.
    """
    if models < 2 or named < 0 or said < 0:
        raise ValueError(
            f"models={models}, named={named}, said={said}: at least two "
            "models and deviations of 0 or more are needed"
        )
    rng = np.random.default_rng(seed)
    association = rng.uniform(-0.5, 1.5, models)
    more_named = named * rng.normal(size=models)
    more_said = said * rng.normal(size=models)
    steps = np.exp(rng.uniform(np.log(20), np.log(300), models)).astype(int)
    group = np.repeat([0.5, -0.5], PERSONS // 2)
    side = np.repeat([0.5, -0.5, 0.0], [ATTRIBUTES // 2] * 2 + [UNRELATED])
    person = rng.normal(0, 0.7, (models, len(group)))
    person += more_named[:, None] * group
    attribute = rng.normal(0, 0.7, (models, len(side)))
    attribute += more_said[:, None] * side - 1.5 * (side == 0)
    together = OWN * rng.normal(size=(models, len(group), len(side)))
    together += 2 * association[:, None, None] * np.outer(group, side)
    score = person[:, :, None] + attribute[:, None] + together
    share = np.exp(score - score.max((1, 2), keepdims=True))
    share /= share.sum((1, 2), keepdims=True)
    counts = [
        rng.multinomial(SENTENCES, one.ravel()).reshape(one.shape)
        for one in share
    ]
    return Corpora(
        np.array(counts, float), association, more_named, more_said, steps
    )


def fit(corpus: Corpora, seed: int = 0) -> Models:
    """Train all models at once by Adam on the mean negative log-likelihood.

    P(attribute | person) is a softmax of the product of two vectors plus a
    bias, P(person) a softmax. A model's result is kept at its own last step.
    """
    counts = corpus.counts
    share = torch.tensor(counts / counts.sum((1, 2), keepdims=True)).float()
    models, persons, attributes = share.shape
    start = torch.Generator().manual_seed(seed)

    def drawn(words: int) -> torch.Tensor:
        shape = (models, words, SIZE)
        return (0.3 * torch.randn(shape, generator=start)).requires_grad_()

    who, what = drawn(persons), drawn(attributes)
    bias = torch.zeros(models, attributes, requires_grad=True)
    names = torch.zeros(models, persons, requires_grad=True)
    optimizer = torch.optim.Adam([who, what, bias, names], lr=0.05)
    found = Models(
        np.zeros(share.shape),
        np.zeros((models, persons)),
        np.zeros(who.shape),
        np.zeros(what.shape),
    )
    for step in range(int(corpus.steps.max()) + 1):
        table = (who @ what.transpose(1, 2) + bias[:, None]).log_softmax(-1)
        named = names.log_softmax(-1)
        done = np.flatnonzero(corpus.steps == step)
        for kept, value in zip(found, (table, named, who, what)):
            kept[done] = value.detach().numpy()[done]
        loss = -(share * (table + named[..., None])).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found
