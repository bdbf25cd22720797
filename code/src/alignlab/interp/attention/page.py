"""Exercises of the page `06-interpretability/attention`, and inert versions of the methods of its claims."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _pattern_and_tokens(rng: np.random.Generator) -> tuple[Any, ...]:
    """A causal pattern, and tokens of which some occur twice and one occurs twice in a row."""
    tokens = np.concatenate(
        [block := rng.permutation(5), block[-1:], rng.permutation(5)]
    )
    weights = np.tril(rng.random((len(tokens), len(tokens))))
    return weights / weights.sum(1, keepdims=True), tokens


def _prefix(
    pattern: np.ndarray,
    tokens: np.ndarray,
    shift: int = 1,
    every: bool = False,
    first: bool = False,
    last: bool = False,
) -> float:
    sums = []
    for query in range(len(tokens)):
        after = [
            key
            for key in range(1, query + 1)
            if tokens[key - 1] == tokens[query]
        ]
        if after or every:
            after = after[:1] if first else after[-1:] if last else after
            places = [key - 1 + shift for key in after]
            sums.append(pattern[query, places].sum())
    return float(np.mean(sums))


def _total(pattern: np.ndarray, tokens: np.ndarray) -> float:
    """The sum over queries in place of their mean."""
    asked = sum(token in tokens[:i] for i, token in enumerate(tokens))
    return _prefix(pattern, tokens) * asked


def _late(pattern: np.ndarray, tokens: np.ndarray) -> float:
    """Transposed: how much the token is looked at."""
    return _prefix(pattern.T, tokens)


def _table(rng: np.random.Generator) -> tuple[Any, ...]:
    """An OV table, three times out of four of a head that lowers what it looks at and else of one that copies it."""
    n = int(rng.integers(4, 8))
    table = rng.normal(size=(n, n)) + np.diag(rng.normal(1.0, 1.0, n))
    return (table if rng.random() < 0.25 else -table,)


def _copying(table: np.ndarray) -> float:
    eigenvalues = np.linalg.eigvals(table)
    return float(eigenvalues.sum().real / np.abs(eigenvalues).sum())


EXERCISES = [
    Exercise(
        name="prefix_score",
        reference=_prefix,
        inputs=_pattern_and_tokens,
        wrong=[
            Wrong(
                lambda p, t: _prefix(p, t, shift=0),
                "this is the attention on the earlier copies themselves; an induction head looks one place further.",
            ),
            Wrong(
                lambda p, t: _prefix(p, t, every=True),
                "tokens that have not occurred before count for nothing: leave them out of the mean.",
            ),
            Wrong(
                lambda p, t: _prefix(p, t, first=True),
                "a token may have occurred more than once: sum over all.",
            ),
            Wrong(
                lambda p, t: _prefix(p, t, last=True),
                "the latest earlier copy is one of several: sum over all.",
            ),
            Wrong(
                _total,
                "this is the sum over the queries; divide it by how many of them have an earlier copy.",
            ),
            Wrong(
                _late,
                "the first axis of the pattern is the query: the token that looks.",
            ),
        ],
    ),
    Exercise(
        name="copying_score",
        reference=_copying,
        inputs=_table,
        wrong=[
            Wrong(
                lambda m: float(
                    np.linalg.eigvals(m).sum().real
                    / np.linalg.svd(m, compute_uv=False).sum()
                ),
                "the denominator sums the sizes of the eigenvalues, not the singular values.",
            ),
            Wrong(
                lambda m: float(
                    np.abs(np.linalg.eigvals(m).sum())
                    / np.abs(np.linalg.eigvals(m)).sum()
                ),
                "the sum keeps its sign: a head that lowers what it looks at scores below 0.",
            ),
            Wrong(
                lambda m: float(np.trace(m) / np.abs(np.diag(m)).sum()),
                "the trace is the sum of the eigenvalues, but the diagonal's sizes are not theirs.",
            ),
            Wrong(
                lambda m: float(np.trace(m) / np.abs(m).sum()),
                "the denominator sums the sizes of the eigenvalues, not of the table's entries.",
            ),
            Wrong(
                lambda m: float(np.mean(np.linalg.eigvals(m).real > 0)),
                "this counts positive eigenvalues; weigh each by its size.",
            ),
            Wrong(
                lambda m: float(
                    np.linalg.eigvals(m).sum().real
                    / np.abs(np.linalg.eigvals(m).real).sum()
                ),
                "a complex eigenvalue's size is its absolute value, not that of its real part.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _not_trained(seed: int, shape: Any = None) -> Any:
    """A model as it starts, shown at every look."""
    import numpy as np
    import torch

    from alignlab.interp.attention.heads import (
        attention_patterns,
        prefix_matching,
        previous_token,
    )
    from alignlab.interp.attention.induction import (
        Formation,
        Shape,
        repeating,
        split_losses,
    )
    from alignlab.lm import TinyConfig, TinyTransformer

    shape = shape or Shape()
    config = TinyConfig(
        shape.vocab,
        shape.d_model,
        shape.layers,
        shape.heads,
        shape.length,
        mlp=False,
    )
    model = TinyTransformer(config, seed=seed).requires_grad_(False)
    tokens, periods = repeating(
        64, shape, torch.Generator().manual_seed(10_000_019 + seed)
    )
    shown = repeating(1, shape, torch.Generator().manual_seed(5), period=8)[0][
        :, :20
    ]
    patterns, example = (
        attention_patterns(model, tokens),
        attention_patterns(model, shown)[:, 0].numpy(),
    )
    scores = (
        prefix_matching(patterns, tokens).numpy(),
        previous_token(patterns).numpy(),
    )
    step = np.append(np.arange(0, shape.steps, shape.every), shape.steps)
    again: list[Any] = [
        np.array([part] * len(step))
        for part in (*split_losses(model, tokens, periods), *scores, example)
    ]
    return Formation(*[model, step, *again, shown[0]])


@contextlib.contextmanager
def _nothing_cut(model: Any, inputs: Any) -> Iterator[None]:
    """Every link left as it is."""
    yield


@contextlib.contextmanager
def _nothing_ablated(model: Any, heads: Any) -> Iterator[None]:
    """Every head left as it is."""
    yield


def _nothing_read(lm: Any, run: Any, edges: Any) -> Any:
    """The logits of the prompts themselves, whatever should be read."""
    return run.logits.expand(len(edges), *run.logits.shape)


def _nothing_put(
    lm: Any, run: Any, source: Any, sets: Any, held: Any = None
) -> Any:
    """The logits of the prompts themselves, whatever heads are given."""
    return run.logits.expand(len(sets), *run.logits.shape)


INERT["alignlab.interp.attention.induction.train_induction"] = _not_trained
INERT["alignlab.interp.attention.circuits.cut_composition"] = _nothing_cut
INERT["alignlab.interp.attention.heads.ablate_heads"] = _nothing_ablated
INERT["alignlab.interp.attention.paths.read_from"] = _nothing_read
INERT["alignlab.interp.attention.paths.put_heads"] = _nothing_put
