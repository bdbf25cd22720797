"""Text out of a model: chat, batched generation, the distribution of the next token."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.lm.checks import (
    check_drawable,
    check_fits,
    check_seed,
    check_temperature,
    check_texts,
    tempered,
)
from alignlab.lm.load import LM, encode
from alignlab.lm.masks import left_positions, pad_left

ROLES = ("system", "user", "assistant", "tool")
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
    markers: bool = False,
) -> str:
    """A message, or a conversation, in the model's chat template, up to where the assistant's answer begins.

    system: None leaves the system turn to the template (SmolLM2's names itself there); "" sends an empty one.
    markers: the text of a special token, such as `<|im_end|>`, in a message (a user's, say) is kept as plain text by an
        invisible word joiner behind its first character, so that nobody's text ends a turn or begins one; True leaves
        it as it is, to be read as the token.
    Raises ValueError where the model has no chat template, `system` is given beside a conversation that has one, or the
    turns are not {"role", "content"} with text in both, the last one not the assistant's.
    """
    turns = _turns(message)
    if system is not None:
        if turns[0]["role"] == "system":
            raise ValueError(
                "the conversation has a system turn already: leave `system` out"
            )
        turns.insert(0, {"role": "system", "content": system})
    if not markers:
        for turn in turns:
            turn["content"] = _plain(lm, turn["content"])
    if lm.tokenizer.chat_template is None:
        raise ValueError(
            f"{lm.name} has no chat template, it is no chat model: write the prompt yourself"
        )
    return lm.tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True
    )


def _turns(message: str | Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """A conversation as a new list of turns, checked."""
    if isinstance(message, str):
        return [{"role": "user", "content": message}]
    shape = '{"role": "user", "content": "…"}'
    if not isinstance(message, Sequence) or not message:
        raise ValueError(
            f"{message!r} is no message: give a string, or a list of turns {shape}"
        )
    turns = []
    for i, turn in enumerate(message):
        if not isinstance(turn, Mapping) or not all(
            isinstance(turn.get(key), str) for key in ("role", "content")
        ):
            raise ValueError(
                f"turn {i} is {turn!r}: give {shape}, text in both"
            )
        if turn["role"] not in ROLES:
            raise ValueError(
                f"turn {i} has the role {turn['role']!r}: roles are {', '.join(ROLES)}"
            )
        turns.append(dict(turn))
    if turns[-1]["role"] == "assistant":
        raise ValueError(
            "the conversation ends with the assistant's turn: end it with the user's, or put the beginning of an "
            "answer behind the prompt"
        )
    return turns


def _plain(lm: LM, text: str) -> str:
    """`text` with its special tokens' text broken by an invisible word joiner, so that no tokenizer reads them."""
    for marker in lm.tokenizer.all_special_tokens:
        if marker in text:
            text = text.replace(marker, marker[0] + "\u2060" + marker[1:])
    return text


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
    stop: string or strings at which a completion ends; the completion doesn't contain it. A character of several tokens
        is whole or not there.
    Prompts are padded on the left and run in batches; equal prompts are read once.
    Raises TypeError for prompts that aren't text; ValueError for an empty prompt or stop string, settings out of range,
    and where a prompt and its new tokens exceed the model's context.
    """
    prompts = check_texts(prompts)
    check_temperature(temperature)
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} must lie in (0, 1]")
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens={max_new_tokens} must be at least 0")
    stops = check_texts([stop] if isinstance(stop, str) else stop or [], "stop")
    if not all(stops):
        raise ValueError(
            "stop holds '', which every completion contains: leave it out"
        )
    seed = check_seed(seed)
    rngs = [np.random.default_rng([seed, i]) for i in range(len(prompts))]

    def choose(logits: Tensor, rows: Sequence[int]) -> list[int]:
        if temperature == 0:
            best = logits.argmax(-1)
            check_drawable(logits.gather(-1, best[:, None]))
            return best.tolist()
        draws = torch.tensor(
            [rngs[i].random() for i in rows], dtype=torch.float64
        )
        return sample(tempered(logits, temperature), draws, top_p)

    ids = [encode(lm, prompt) for prompt in prompts]
    if not all(ids):
        raise ValueError(
            "an empty prompt: the model needs at least one token to go on from"
        )
    longest = max(map(len, ids), default=0)
    check_fits(
        lm,
        longest + max_new_tokens,
        f"the longest prompt has {longest}, max_new_tokens={max_new_tokens}: shorten one of them",
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
    """Draw a token for each row of `logits` (batch, vocab), given uniform numbers `draws` (batch,) in [0, 1).

    Raises ValueError for logits that are not numbers.
    """
    probs = logits.double().cpu().softmax(-1)
    tokens = None
    if top_p < 1:
        probs, tokens = probs.sort(descending=True)
        probs[probs.cumsum(-1) - probs >= top_p] = (
            0  # those after the nucleus is full
        )
    cumulative = probs.cumsum(-1)
    check_drawable(cumulative[:, -1])
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
    """The k likeliest next tokens, as text, with their probabilities, likeliest first; all there are for a larger k.

    Raises ValueError for an empty prompt, one that exceeds the model's context, or a negative k.
    """
    row = encode(lm, *check_texts([prompt]))
    if not row or k < 0:
        raise ValueError(
            f"prompt={prompt!r}, k={k}: the model needs at least one token to go on from, and k at least 0"
        )
    check_fits(lm, len(row))
    ids = torch.tensor([row], device=lm.device)
    logits = lm.model(
        input_ids=ids, use_cache=False, **keep_logits(lm, 1)
    ).logits[0, -1]
    top = logits.float().softmax(-1).topk(min(k, len(logits)))
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
    tokens, mask, _ = pad_left(distinct, lm.device)
    cache: Any = None
    ends = _end_tokens(lm)
    new: list[list[int]] = [[] for _ in ids]
    texts = [""] * len(ids)
    alive = list(range(len(ids)))
    for step in range(max_new_tokens):
        positions = left_positions(mask)[:, -tokens.shape[1] :]
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
            ).rstrip(
                "\ufffd"
            )  # half of a character, until its other tokens come
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
