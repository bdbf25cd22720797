"""Self-diagnosis and self-debiasing: a model that is told what is unwanted, and then avoids what that made likelier.

Serves the survey's section 4.3.2. Schick et al. (2021, "Self-Diagnosis and Self-Debiasing") compare a model's next-
token distribution p with the one it has after a description of the unwanted behavior: tokens that the description made
likelier are scaled down by exp(lambda * (p - p_described)), all others stay. No training, no word list. What we measure
is the probability of profane words, whose list is read to be scored and is never shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from alignlab.lm import LM, TinyTransformer
from alignlab.lm.checks import check_drawable, check_ids
from alignlab.lm.load import encode
from alignlab.lm.masks import masked, pad_left
from alignlab.lm.sparing import Reader
from alignlab.toys import storyland
from alignlab.toys.storyland import Stories

UNWANTED = "The following text contains very hateful, aggressive, disrespectful language:\n"
NEUTRAL = "The following text contains very ordinary, everyday, unremarkable language:\n"


def debias(plain: Tensor, described: Tensor, decay: float) -> Tensor:
    """Scale down the tokens that the description made likelier (Schick et al.
    2021, equations 3 and 4).

    plain, described: next-token probabilities (..., vocab) without and with the
        description. decay: lambda; 0 changes nothing. Returns probabilities of
        the same shape: proportional to plain * min(1, exp(lambda (plain -
        described))).
    Raises ValueError for a negative decay.
    """
    if decay < 0:
        raise ValueError(f"decay={decay} must not be negative")
    scaled = plain * (decay * (plain - described)).clamp(max=0).exp()
    return scaled / scaled.sum(-1, keepdim=True)


def debias_by_ratio(plain: Tensor, described: Tensor, power: float) -> Tensor:
    """Self-debiasing that compares probabilities by their ratio.

    Arguments as for `debias`: proportional to plain * min(1, plain /
        described) ** power, so that a rare token is scaled down as much as a
        frequent one whose probability the description multiplied alike.
    Raises ValueError for a negative power.
    """
    if power < 0:
        raise ValueError(f"power={power} must not be negative")
    ratio = (plain / described.clamp(min=1e-30)).clamp(max=1)
    scaled = plain * ratio**power
    return scaled / scaled.sum(-1, keepdim=True)


@torch.no_grad()
def avoiding_kl(
    model: nn.Module, copy: nn.Module, decay: float, stories: Stories
) -> float:
    """KL divergence from the model, nats a story, of what `write_avoiding` wrote: exact over each next word."""
    tokens, mask = stories
    plain, copied = (
        m(tokens[:, :-1]).double().softmax(-1) for m in (model, copy)
    )
    p = debias(plain, copied, decay)
    each = (p * (p.log() - plain.log())).sum(-1)
    return float(masked(each, mask[:, 1:]).sum(1).mean())


@torch.no_grad()
def write_avoiding(
    model: TinyTransformer,
    copy: TinyTransformer,
    decay: float,
    n: int,
    generator: torch.Generator,
) -> Stories:
    """n stories of a Storyland model that avoids what a copy of it finds likelier than it does itself.

    With a copy that was fine-tuned on the model's own worst texts this is self-detoxification (Xu et al. 2022), though
    with the formula of `debias` in place of their re-ranking of the likeliest tokens.
    """
    tokens = storyland.sample(model, n, generator).tokens[:, :1]
    tokens = torch.cat(
        [tokens, torch.full((n, storyland.LENGTH - 1), storyland.PAD)], 1
    )
    u = torch.rand(
        n, storyland.LENGTH, dtype=torch.float64, generator=generator
    )
    open_, readers = torch.arange(n), [Reader(m, n) for m in (model, copy)]
    for t in range(1, storyland.LENGTH):
        plain, copied = (
            reader.read(tokens[open_, t - 1]).double().softmax(-1)
            for reader in readers
        )
        p = debias(plain, copied, decay).cumsum(-1)
        check_drawable(p[:, -1])
        word = (p < u[open_, t, None] * p[:, -1:]).sum(-1)
        tokens[open_, t] = word
        open_ = open_[word != storyland.END]
        if not len(open_):
            break
        for reader in readers:
            reader.keep(word != storyland.END)
    return Stories(tokens, storyland.answer_mask(tokens))


@torch.no_grad()
def next_distributions(
    lm: LM, texts: Sequence[str], before: str = ""
) -> Tensor:
    """The distribution of the token that follows each text, (texts, vocab), float32; `before` stands in front of each.

    What stands before is read once for all texts, which share its keys and values.
    """
    rows = [encode(lm, text) for text in texts]
    ahead = encode(lm, before) if before else []
    check_ids([ahead + row for row in rows])
    tokens, mask, places = pad_left(rows, lm.device, lm.tokenizer.pad_token_id)
    cache = None
    if ahead:
        first = torch.tensor([ahead], device=lm.device)
        out = lm.model(input_ids=first, use_cache=True, logits_to_keep=1)
        cache = out.past_key_values
        cache.batch_repeat_interleave(len(rows))
        read = torch.ones(
            len(rows), len(ahead), dtype=mask.dtype, device=lm.device
        )
        mask = torch.cat([read, mask], 1)
    logits = lm.model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=places + len(ahead),
        past_key_values=cache,
        logits_to_keep=1,
        use_cache=cache is not None,
    ).logits
    return logits[:, -1].float().softmax(-1).cpu()


@torch.no_grad()
def running_distributions(
    lm: LM, text: str, before: str = ""
) -> tuple[Tensor, Tensor]:
    """The distribution of every token of a text but the first, (tokens - 1, vocab), and the tokens that came, (tokens -
    1,)."""
    ahead, ids = (encode(lm, before) if before else []), encode(lm, text)
    logits = lm.model(
        input_ids=torch.tensor([ahead + ids], device=lm.device),
        logits_to_keep=len(ids),
    ).logits[0, :-1]
    return logits.float().softmax(-1).cpu(), torch.tensor(ids[1:])


def profane_tokens(lm: LM, words: Sequence[str]) -> Tensor:
    """Tokens that are, or begin, one of the words in the middle of a sentence; ids, shape (tokens,).

    A token that begins a word counts where it has at least four letters and covers half of it, so that fragments which
    begin innocent words are left out.
    """
    found = set()
    for word in words:
        first = lm.tokenizer(" " + word, add_special_tokens=False)["input_ids"][
            0
        ]
        piece = lm.tokenizer.decode([first]).strip()
        if (
            word.startswith(piece)
            and len(piece) >= 4
            and (piece == word or 2 * len(piece) >= len(word))
        ):
            found.add(first)
    return torch.tensor(sorted(found))
