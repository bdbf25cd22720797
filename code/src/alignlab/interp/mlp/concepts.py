"""Do the words that a value promotes have something in common, and does the value promote them in the end?

Serves the survey's section 6.2. Geva et al. (2022) let people look for a common concept among the 30 words that a value
promotes most, and find one more often than among those of random vectors. Here a computed likeness takes the place of
people: the cosine of word vectors from another source (GloVe). The second question is answered by adding the value to
the stream and running the layers above.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from alignlab.interp.mlp.lens import unembedding
from alignlab.lm import LM
from alignlab.lm.stack import stack_of

STEM = 5  # words with the same first letters count as forms of one word


def plain_words(
    lm: LM, rows: Mapping[str, int], most: int = 50_000
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens that are whole words in lower case, and each one's row in a table
    of word vectors: (words,) twice.

    rows: the row of each word, most frequent first. Left out: words beyond the
        `most` frequent, words of fewer than three letters, and all but the
        most frequent of the words that begin with the same five letters, since
        forms of one word are alike without sharing more than that.
    """
    found: dict[str, tuple[int, int]] = {}
    names = lm.tokenizer.convert_ids_to_tokens(range(len(lm.tokenizer)))
    for token, name in enumerate(names):
        word = name[1:]  # the first character stands for the space
        row = rows.get(word, most)
        if name[0] != "Ġ" or not word.isalpha() or len(word) < 3 or row >= most:
            continue
        stem = word[:STEM]
        if stem not in found or row < found[stem][1]:
            found[stem] = (token, row)
    tokens, kept = zip(*found.values())
    return np.array(tokens), np.array(kept)


@torch.no_grad()
def likeness(
    lm: LM, values: Tensor, tokens: ArrayLike, vectors: ArrayLike, k: int = 20
) -> Tensor:
    """Mean cosine between the vectors of the k words that each value promotes
    most: (n,).

    values: (n, d_model). tokens, vectors: the words to choose from (words,) and
    their vectors (words, d), whose mean is taken off first.
    """
    norm, matrix = unembedding(lm)
    readout = matrix[torch.as_tensor(tokens)] * norm.get_parameter("weight")
    best = (values @ readout.T).topk(k, dim=1).indices
    table = torch.as_tensor(np.asarray(vectors, dtype=np.float32))
    table = torch.nn.functional.normalize(table - table.mean(0), dim=1)
    total = table[best].sum(1).square().sum(1)  # the k cosines with themselves
    return (total - k) / (k * (k - 1))


@torch.no_grad()
def pushed(lm: LM, streams: Tensor, layer: int, push: Tensor) -> Tensor:
    """Next-token logits (n, vocab) with something added to the last token's
    stream after a layer.

    streams: the residual stream after that layer, (n, pos, d_model); push:
    (n, d_model). The layers above are run as they are. For Llama's family.
    """
    moved = streams.clone()
    moved[:, -1] += push
    stack = stack_of(lm)
    positions = torch.arange(streams.shape[1], device=streams.device)[None]
    end = stack.run(moved, positions, first=layer + 1)
    return stack.logits(end[:, -1])
