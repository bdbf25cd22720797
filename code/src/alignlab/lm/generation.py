"""Text out of a model: chat, batched generation, the distribution of the next token."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.lm.load import LM, encode

BATCH_TOKENS = 8192  # prompt and new tokens, padding included, that `generate` keeps in its cache at once


def chat(
    lm: LM,
    message: str | Sequence[Mapping[str, str]],
    system: str | None = None,
    max_new_tokens: int = 64,
    temperature: float = 0.0,
    seed: int = 0,
) -> str:
    """The model's answer to a message, or to a conversation of {"role", "content"} that ends with the user's turn."""
    return generate(
        lm,
        [chat_prompt(lm, message, system)],
        max_new_tokens,
        temperature,
        seed=seed,
    )[0].strip()


def chat_prompt(
    lm: LM,
    message: str | Sequence[Mapping[str, str]],
    system: str | None = None,
) -> str:
    """A message, or a conversation, in the model's chat template, up to where the assistant's answer begins.

    system: None leaves the system turn to the template (SmolLM2's names itself there); "" sends an empty one.
    Raises ValueError where the model has no chat template, or `system` is given beside a conversation that has one.
    """
    turns = (
        [{"role": "user", "content": message}]
        if isinstance(message, str)
        else [dict(turn) for turn in message]
    )
    if system is not None:
        if turns and turns[0]["role"] == "system":
            raise ValueError(
                "the conversation has a system turn already: leave `system` out"
            )
        turns.insert(0, {"role": "system", "content": system})
    if lm.tokenizer.chat_template is None:
        raise ValueError(
            f"{lm.name} has no chat template, it is no chat model: write the prompt yourself"
        )
    return lm.tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True
    )


def generate(
    lm: LM,
    prompts: Sequence[str],
    max_new_tokens: int = 32,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    stop: str | Sequence[str] | None = None,
) -> list[str]:
    """Completions (without their prompts, special tokens left out), one for each prompt.

    temperature: 0 takes the likeliest token each time; above, tokens are drawn from softmax(logits / temperature),
        with top_p < 1 from its likeliest part that holds that much probability (Holtzman et al. 2020).
    seed: prompt i draws from a stream of its own that (seed, i) fixes: what else is in the list doesn't matter, equal
        prompts give different samples, no global random state is read or changed.
    stop: string or strings at which a completion ends; the completion doesn't contain it.
    Prompts are padded on the left and run in batches; equal prompts are read once.
    """
    if isinstance(prompts, str):
        raise TypeError("prompts is one string: give a list of prompts")
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError(
            f"temperature={temperature} must be at least 0 and top_p={top_p} in (0, 1]"
        )
    stops = [stop] if isinstance(stop, str) else list(stop or [])
    rngs = [np.random.default_rng([seed, i]) for i in range(len(prompts))]

    def choose(logits: Tensor, rows: Sequence[int]) -> list[int]:
        if temperature == 0:
            return logits.argmax(-1).tolist()
        draws = torch.tensor(
            [rngs[i].random() for i in rows], dtype=torch.float64
        )
        return sample(logits / temperature, draws, top_p)

    ids = [encode(lm, prompt) for prompt in prompts]
    if not all(ids):
        raise ValueError(
            "an empty prompt: the model needs at least one token to go on from"
        )
    completions = [""] * len(ids)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    while order:
        batch = [order.pop()]  # the longest left decides how many fit
        room = max(1, BATCH_TOKENS // (len(ids[batch[0]]) + max_new_tokens))
        batch += [order.pop() for _ in range(min(room - 1, len(order)))]
        for i, text in zip(
            batch,
            _continue(
                lm,
                [ids[i] for i in batch],
                batch,
                choose,
                max_new_tokens,
                stops,
            ),
        ):
            completions[i] = text
    return completions


def sample(logits: Tensor, draws: Tensor, top_p: float = 1.0) -> list[int]:
    """Draw a token for each row of `logits` (batch, vocab), given uniform numbers `draws` (batch,) in [0, 1)."""
    probs = logits.double().cpu().softmax(-1)
    tokens = None
    if top_p < 1:
        probs, tokens = probs.sort(descending=True)
        probs[probs.cumsum(-1) - probs >= top_p] = (
            0  # those after the nucleus is full
        )
    cumulative = probs.cumsum(-1)
    chosen = torch.searchsorted(
        cumulative, (draws * cumulative[:, -1])[:, None], right=True
    ).clamp(max=probs.shape[1] - 1)
    return (chosen if tokens is None else tokens.gather(1, chosen))[
        :, 0
    ].tolist()


@torch.no_grad()
def next_token_probs(
    lm: LM, prompt: str, k: int = 10
) -> list[tuple[str, float]]:
    """The k likeliest next tokens, as text, with their probabilities, likeliest first."""
    ids = torch.tensor([encode(lm, prompt)], device=lm.device)
    logits = lm.model(
        input_ids=ids, use_cache=False, **keep_logits(lm, 1)
    ).logits[0, -1]
    top = logits.float().softmax(-1).topk(k)
    return [
        (lm.tokenizer.decode([i]), p)
        for i, p in zip(top.indices.tolist(), top.values.tolist())
    ]


def keep_logits(lm: LM, which: int | Tensor) -> dict[str, Any]:
    """The argument that makes a forward pass unembed only the last `which` positions (or those of an index tensor).

    Empty for models that don't know it; they return the logits of all positions. An index copies the states, where a
    slice would leave gaps between them, and for states with gaps torch multiplies by a copy of the unembedding a row.
    """
    which = (
        torch.arange(-which, 0, device=lm.device)
        if isinstance(which, int)
        else which
    )
    inner = (
        lm.model.get_base_model()
        if hasattr(lm.model, "get_base_model")
        else lm.model
    )  # inside a PEFT adapter
    return (
        {"logits_to_keep": which}
        if "logits_to_keep" in inspect.signature(inner.forward).parameters
        else {}
    )


@torch.no_grad()
def _continue(
    lm: LM,
    ids: Sequence[Sequence[int]],
    names: Sequence[int],
    choose: Callable[[Tensor, Sequence[int]], list[int]],
    max_new_tokens: int,
    stops: Sequence[str],
) -> list[str]:
    """Continue each row of `ids`, one batch; rows that have ended leave it. names: what `choose` calls the rows."""
    distinct = list(dict.fromkeys(map(tuple, ids)))
    longest = max(map(len, distinct))
    tokens = torch.tensor(
        [[0] * (longest - len(row)) + list(row) for row in distinct],
        device=lm.device,
    )
    mask = torch.tensor(
        [[0] * (longest - len(row)) + [1] * len(row) for row in distinct],
        device=lm.device,
    )
    cache: Any = None
    ends = _end_tokens(lm)
    new: list[list[int]] = [[] for _ in ids]
    texts = [""] * len(ids)
    alive = list(range(len(ids)))
    for step in range(max_new_tokens):
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        out = lm.model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            **keep_logits(lm, 1),
        )
        cache, logits = out.past_key_values, out.logits[:, -1]
        if (
            step == 0
        ):  # give each row its own copy of what its prompt left in the cache
            rows = torch.tensor(
                [distinct.index(tuple(row)) for row in ids], device=lm.device
            )
            cache.batch_select_indices(rows)
            logits, mask = logits[rows], mask[rows]
        chosen = choose(logits, [names[i] for i in alive])
        keep = []
        for k, (i, token) in enumerate(zip(alive, chosen)):
            if token in ends:
                continue
            new[i].append(token)
            texts[i] = lm.tokenizer.decode(
                new[i],
                skip_special_tokens=True,
                clean_up_tokenization_spaces=False,
            )
            cuts = [texts[i].find(s) for s in stops if s in texts[i]]
            if cuts:
                texts[i] = texts[i][: min(cuts)]
            else:
                keep.append(k)
        if not keep:
            break
        if len(keep) < len(alive):
            alive = [alive[k] for k in keep]
            index = torch.tensor(keep, device=lm.device)
            cache.batch_select_indices(index)
            mask = mask[index]
        tokens = torch.tensor([[new[i][-1]] for i in alive], device=lm.device)
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
    return texts


def _end_tokens(lm: LM) -> set[int]:
    """Tokens that end an answer: what the model's generation settings name, and the tokenizer's end of text."""
    ends = lm.model.generation_config.eos_token_id
    known = {
        lm.tokenizer.eos_token_id,
        *(ends if isinstance(ends, list) else [ends]),
    }
    return {token for token in known if token is not None}
