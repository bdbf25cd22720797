"""SmolLM2 writes on from the first words of human passages, with the watermark or without, and scores texts.

Serves section 2.1.2. The green half is decided by the word before and the next word's first letter
(`misuse_and_society.marks`), so only tokens that begin a word, a space and a letter, are pushed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alignlab.lm import LM
from alignlab.lm.generation import sample
from alignlab.lm.load import encode
from alignlab.risks.misuse_and_society import marks
from alignlab.risks.misuse_and_society.surprise import Surprise, surprise
from alignlab.risks.misuse_and_society.words import words


def opening_letters(lm: LM) -> torch.Tensor:
    """Of each token: the place in the alphabet of the letter with which it begins a word, -1 where it begins none."""
    found = []
    for token in lm.tokenizer.convert_ids_to_tokens(range(len(lm.tokenizer))):
        second = token[1:2].lower()
        begins = token.startswith("\u0120") and second in marks.LETTERS
        found.append(marks.LETTERS.index(second) if begins and second else -1)
    return torch.tensor(found)


@torch.no_grad()
def continuations(
    lm: LM,
    prompts: Sequence[str],
    tokens: int,
    seed: int,
    temperature: float = 1.0,
    delta: float = 0.0,
    key: int = 0,
) -> list[str]:
    """What the model writes after each prompt, `tokens` tokens of it, the end of text forbidden.

    Prompts must have the same number of tokens. delta: nats added to the logits of green words' first tokens, after
    the division by the temperature. Returns the texts without their prompts.
    """
    ids = torch.tensor([encode(lm, prompt) for prompt in prompts])
    letters = opening_letters(lm)
    generator = np.random.default_rng([seed, 53])
    texts, cache, new = list(prompts), None, ids
    rows: list[list[int]] = [[] for _ in prompts]
    for _ in range(tokens):
        out = lm.model(input_ids=new, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        logits = out.logits[:, -1].double() / temperature
        logits[:, lm.tokenizer.all_special_ids] = -torch.inf
        for i, text in enumerate(texts if delta else []):
            table = marks.green_letters((words(text) or [""])[-1:], key)[0]
            green = torch.tensor([*table, False])[letters]
            logits[i, : len(green)] += delta * green
        draws = torch.tensor(generator.random(len(texts)))
        chosen = sample(logits, draws)
        for row, token in zip(rows, chosen):
            row.append(token)
        texts = [a + lm.tokenizer.decode(b) for a, b in zip(prompts, rows)]
        new = torch.tensor(chosen)[:, None]
    return [text[len(a) :] for a, text in zip(prompts, texts)]


@torch.no_grad()
def read(lm: LM, text: str, skip: int, tokens: int) -> Surprise:
    """What the model thinks of `tokens` tokens of a text after the first `skip` (at least one); arrays (tokens,).

    Raises ValueError for a text that is too short.
    """
    ids = encode(lm, text)[: skip + tokens]
    if len(ids) < skip + tokens:
        raise ValueError(
            f"the text has {len(ids)} tokens: {skip + tokens} are to be read"
        )
    logits = lm.model(input_ids=torch.tensor([ids])).logits[0, skip - 1 : -1]
    logp = logits.double().log_softmax(-1).numpy()
    return surprise(logp, np.array(ids[skip:]))
