"""Causal tracing: which activations carry a fact from its subject to the answer?

Serves sections 6.2 and 6.3. Meng et al. (2022, section 2): noise on the subject's embeddings makes a model lose a fact;
then one activation is put back as it was in the undisturbed run, and one sees how much of the answer's probability
returns. Runs start at the layer that is changed, and all positions of a layer are restored in one batch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from alignlab.interp.facts import (
    Fact,
    answer_probabilities,
    answer_token,
    subject_end,
)
from alignlab.lm import LM, capture, patch
from alignlab.lm.generation import keep_logits
from alignlab.lm.load import encode
from alignlab.lm.stack import from_layer

Part = Literal["resid", "mlp", "attn"]
PARTS: tuple[Part, ...] = ("resid", "mlp", "attn")


@dataclass(frozen=True)
class Trace:
    """What restoring brings back, for one fact.

    clean, corrupted: probability of the answer without noise and with it; restored: with one site put back, shape
    (part, layer, position), positions counted from the subject's first token; last: the subject's last one among them.
    """

    clean: float
    corrupted: float
    restored: np.ndarray
    last: int

    @property
    def effects(self) -> np.ndarray:
        """Indirect effects: restored − corrupted, shape (part, layer, position)."""
        return self.restored - self.corrupted


def causal_trace(
    lm: LM,
    fact: Fact,
    layers: Sequence[int],
    parts: Sequence[Part] = PARTS,
    noise: float = 3.0,
    samples: int = 4,
    window: int = 6,
    seed: int = 0,
) -> Trace:
    """Trace one fact: restore each part at each of `layers` and each position from the subject on.

    noise: standard deviation of the noise on the subject's tokens, in standard deviations of the embeddings (Meng et
    al. take 3); samples: draws of the noise, averaged over. "resid" puts back the residual stream after one layer,
    "mlp" and "attn" the outputs of `window` neighboring layers around it, as one layer's alone do little. The subject
    must not begin the prompt, since a model treats the first token apart.
    """
    ids = encode(lm, fact.prompt)
    start, last = _subject(lm, fact)
    token, depth, at = (
        answer_token(lm, fact.answer),
        lm.n_layers,
        range(start, len(ids)),
    )
    names = [
        f"layers.{i}.{part}"
        for i in range(depth)
        for part in ("resid", "mlp.out", "attn.out")
    ]
    clean = {
        name: value[0]
        for name, value in capture(
            lm, [ids], ["embed", *names], positions="all"
        ).items()
    }
    scale = noise * float(lm.model.get_input_embeddings().weight.std())
    drawn = (
        np.random.default_rng(seed).normal(
            size=(samples, last - start + 1, lm.d_model)
        )
        * scale
    )

    def disturb(embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        embedded[:, start : last + 1] += torch.from_numpy(drawn).to(embedded)
        return embedded

    with patch(lm, {"embed": disturb}):
        noisy = capture(
            lm, [ids] * samples, ["embed", *names[::3]], positions="all"
        )
    states = list(
        noisy.values()
    )  # what each layer reads, then what the last one writes: each (sample, pos, d)
    rows = torch.arange(len(at) * samples)
    places = torch.tensor(
        [p for p in at for _ in range(samples)]
    )  # row -> the position that is put back

    def restore(part: Part, layer: int) -> np.ndarray:
        first = layer + 1 if part == "resid" else max(0, layer - window // 2)
        state = states[first].repeat(
            len(at), 1, 1
        )  # (position x sample, pos, d)
        changes = {}
        if part == "resid":
            state[rows, places] = clean[f"layers.{layer}.resid"][places]
        else:
            for i in range(first, min(depth, layer - window // 2 + window)):
                kept = clean[f"layers.{i}.{part}.out"]
                changes[f"layers.{i - first}.{part}.out"] = (
                    lambda out, kept=kept: out.index_put(
                        (rows, places), kept[places]
                    )
                )
        with from_layer(lm, first), patch(lm, changes):
            p = last_probabilities(lm, state)[:, token]
        return p.reshape(len(at), samples).mean(1).double().cpu().numpy()

    with torch.no_grad():
        p_clean = last_probabilities(lm, clean["embed"][None])[0, token]
        with from_layer(lm, depth):
            p_noisy = last_probabilities(lm, states[-1])[:, token].mean()
        restored = np.array(
            [[restore(part, layer) for layer in layers] for part in parts]
        )
    return Trace(float(p_clean), float(p_noisy), restored, last - start)


def trace_from(
    lm: LM,
    fact: Fact,
    first: int,
    layers: Sequence[int],
    parts: Sequence[Part] = PARTS,
    noise: float = 3.0,
    samples: int = 4,
    window: int = 6,
    seed: int = 0,
) -> Trace:
    """Causal tracing of layer `first` and later ones: the noise comes into the residual stream that this layer reads.

    layers: counted in the whole model, at least `first`; a window ends there. noise: in standard deviations of the
    stream's entries, first token apart. What the layers below have written is then beyond repair, so that none of them
    can bring the fact back. Otherwise as `causal_trace`.
    """
    below = f"layers.{first - 1}.resid" if first else "embed"
    [stream] = capture(lm, [encode(lm, fact.prompt)], [below], "all").values()
    embedded = float(lm.model.get_input_embeddings().weight.std())
    upper = dataclasses.replace(lm, n_layers=lm.n_layers - first)

    def enter(embedding: Tensor) -> Tensor:
        return stream.expand(len(embedding), -1, -1)

    with from_layer(lm, first), patch(lm, {"embed": enter}):
        return causal_trace(
            upper,
            fact,
            [layer - first for layer in layers],
            parts,
            noise * float(stream[0, 1:].std()) / embedded,
            samples,
            window,
            seed,
        )


@dataclass(frozen=True)
class Restored:
    """Probabilities of a fact's answer: clean without noise, noisy with it,
    back with each of some sets of outputs put back.
    """

    clean: float
    noisy: float
    back: dict[str, float]


@torch.no_grad()
def restore_sets(
    lm: LM,
    fact: Fact,
    sets: Mapping[str, tuple[Sequence[str], Literal["subject", "end"]]],
    noise: float = 3.0,
    samples: int = 4,
    seed: int = 0,
) -> Restored:
    """Causal tracing of chosen sites: what `causal_trace` gives there, in one
    pass for all of them.

    sets: names of outputs, such as "layers.4.mlp.out", that are put back
    together, at the subject's last token or at the prompt's. noise, samples,
    seed as in `causal_trace`. Of the rows of the pass the first has no noise;
    the next ones have it and nothing put back; then come those of each set, in
    which outputs are those of the first row.
    """
    start, last = _subject(lm, fact)
    places = {"subject": last, "end": -1}
    scale = noise * float(lm.model.get_input_embeddings().weight.std())
    drawn = scale * np.random.default_rng(seed).normal(
        size=(samples, last - start + 1, lm.d_model)
    )
    at: dict[str, list[tuple[int, int]]] = {}  # of an output: rows, and where
    for n, (names, place) in enumerate(sets.values(), start=1):
        for name in names:
            at.setdefault(name, []).append((n, places[place]))

    def disturb(embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        new = torch.from_numpy(drawn).to(embedded).repeat(1 + len(sets), 1, 1)
        embedded[1:, start : last + 1] += new
        return embedded

    def put_back(rows: list[tuple[int, int]]) -> Callable[[Tensor], Tensor]:
        def change(out: Tensor) -> Tensor:
            out = out.clone()
            for n, where in rows:
                first = 1 + n * samples
                out[first : first + samples, where] = out[0, where]
            return out

        return change

    prompts = [fact.prompt] * (1 + samples * (1 + len(sets)))
    changes = {name: put_back(rows) for name, rows in at.items()}
    with patch(lm, {"embed": disturb, **changes}):
        p = answer_probabilities(lm, prompts, [fact.answer] * len(prompts))[0]
    noisy, *back = p[1:].reshape(-1, samples).mean(1).tolist()
    return Restored(float(p[0]), noisy, dict(zip(sets, back)))


def last_probabilities(
    lm: LM, state: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Probabilities of the next token after each row of vectors that the (remaining) layers read, (batch, vocab)."""
    out = lm.model(
        inputs_embeds=state,
        attention_mask=mask,
        use_cache=False,
        **keep_logits(lm, 1),
    )
    return out.logits[:, -1].float().softmax(-1)


def by_role(trace: Trace, part: int = 0) -> dict[str, np.ndarray]:
    """Indirect effects at the subject's last token, its earlier tokens, the words between, and the prompt's last token.

    Each of shape (layer,), the mean over the tokens of a role; NaN where a prompt has none.
    """
    effects = trace.effects[part]
    n = effects.shape[1]
    roles = {
        "subject, earlier": range(trace.last),
        "subject, last": range(trace.last, trace.last + 1),
        "between": range(trace.last + 1, n - 1),
        "prompt, last": range(n - 1, n),
    }
    empty = np.full(len(effects), np.nan)
    return {
        role: effects[:, list(at)].mean(1) if len(at) else empty
        for role, at in roles.items()
    }


def _subject(lm: LM, fact: Fact) -> tuple[int, int]:
    """Indices of the subject's first and last token. Raises ValueError where the subject begins the prompt."""
    before = fact.template[: fact.template.index("{}")].rstrip()
    if not before:
        raise ValueError(
            f"the subject begins the prompt {fact.prompt!r}: put a word before it"
        )
    return len(encode(lm, before)), subject_end(lm, fact.template, fact.subject)
