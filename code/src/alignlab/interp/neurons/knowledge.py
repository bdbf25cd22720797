"""Knowledge neurons: units of the MLPs' hidden layers to which an answer's probability is attributed.

Serves section 6.3. Dai et al. (2022): integrated gradients (Sundararajan et al. 2017) of the answer's probability with
respect to the hidden activations at the prompt's last token; the units with the largest share are suppressed or
amplified. `written` is a rival that needs no gradient: what a unit writes towards the answer's token. Here the hidden
layer is a SwiGLU's, before the down-projection.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alignlab.interp.facts import answer_token
from alignlab.lm import LM, capture, patch
from alignlab.lm.generation import keep_logits
from alignlab.lm.load import encode
from alignlab.lm.sites import find_site
from alignlab.lm.stack import stack_of

Neuron = tuple[int, int]  # layer, index in its hidden layer


def attributions(
    lm: LM, prompt: str, answer: str, steps: int = 8
) -> NDArray[np.float64]:
    """Integrated gradients of the answer's probability, one number a unit,
    shape (layer, d_mlp).

    w ∫ ∂P(αw)/∂w dα from α = 0 to 1 (Dai et al. 2022, eq. 3 and 4): a layer's
    hidden activations w at the last token are scaled from zero to what they
    are, one layer at a time; the integral is a midpoint sum of `steps` terms.
    Over one layer the attributions sum to P(answer) minus its value with that
    layer's units at zero, up to the sum's error.
    """
    ids, token = encode(lm, prompt), answer_token(lm, answer)
    stack = stack_of(lm)
    past = _past(lm, ids[:-1])
    alpha = (torch.arange(steps, device=lm.device) + 0.5) / steps
    whole, scaled = [], []  # one a layer: (1, d_mlp) and (step, d_mlp)

    def scale(hidden: Tensor) -> Tensor:
        """Scale the rows that joined last, (row, 1, d_mlp) -> the same."""
        whole.append(hidden[0].detach())
        scaled.append((alpha[:, None] * whole[-1]).requires_grad_())
        return torch.cat([hidden[:-steps], scaled[-1][:, None]])

    last = torch.tensor([ids[-1:]], device=lm.device)
    x = stack.body.embed_tokens(last)  # (row, 1, d_model); row 0 stays as it is
    turns = stack.body.rotary_emb(x, torch.full_like(last, len(ids) - 1))
    for i, layer in enumerate(stack.body.layers):
        x = torch.cat([x, x[:1].detach().expand(steps, 1, -1)])
        past.layers[i].batch_repeat_interleave(len(x))
        with patch(lm, {f"layers.{i}.mlp.hidden": scale}):
            x = layer(x, past_key_values=past, position_embeddings=turns)
    p = stack.logits(x[1:, 0]).softmax(-1)[:, token]
    gradients = torch.autograd.grad(p.sum(), scaled)
    found = [w * gradient.mean(0) for w, gradient in zip(whole, gradients)]
    return torch.cat(found).double().cpu().numpy()


def top_neurons(
    attribution: NDArray[np.float64], k: int, without: Sequence[Neuron] = ()
) -> list[Neuron]:
    """The k units with the largest attribution, largest first, leaving out those in `without`."""
    value = attribution.copy()
    for layer, index in without:
        value[layer, index] = -np.inf
    order = np.argsort(-value, axis=None, kind="stable")[:k]
    return [
        (int(i), int(j)) for i, j in zip(*np.unravel_index(order, value.shape))
    ]


def agreed(*attributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """A unit's least attribution over several wordings of one fact, each as a
    share of the wording's largest, (layer, d_mlp).

    Dai et al. (2022) keep the units that lie above a threshold in
    most wordings; ranked by this, as many units can be kept as one likes.
    """
    least: NDArray[np.float64] = np.min(
        [found / found.max() for found in attributions], axis=0
    )
    return least


@torch.no_grad()
def written(lm: LM, prompt: str, answer: str) -> NDArray[np.float64]:
    """What each unit writes at the prompt's last token towards the logit of
    the answer's first token, (layer, d_mlp).

    Activation times the product of the unit's column of the down-projection
    with the token's unembedding. The final norm's weights are in it, its scale
    is not, since it is the same for all units.
    """
    names = [f"layers.{i}.mlp.hidden" for i in range(lm.n_layers)]
    seen = capture(lm, [encode(lm, prompt)], names, "last")
    model: Any = lm.model
    token = answer_token(lm, answer)
    towards = model.get_output_embeddings().weight[token]
    towards = towards * model.model.norm.weight
    found = []
    for name in names:
        site: Any = find_site(lm, name)
        found.append(seen[name][0] * (site.module.weight.T @ towards))
    return torch.stack(found).double().cpu().numpy()


def activity(lm: LM, prompt: str) -> NDArray[np.float64]:
    """Absolute activation of each unit at the prompt's last token, (layer,
    d_mlp): the baseline of Dai et al. (2022).
    """
    names = [f"layers.{i}.mlp.hidden" for i in range(lm.n_layers)]
    seen = capture(lm, [encode(lm, prompt)], names, "last")
    hidden = torch.cat([seen[name] for name in names])
    return hidden.abs().double().cpu().numpy()


def shared_neurons(
    chosen: Sequence[Sequence[Neuron]], share: float = 0.5
) -> list[Neuron]:
    """Units that stand in the lists of at least this share of a relation's facts: they are about the relation."""
    count = Counter(neuron for neurons in chosen for neuron in set(neurons))
    return sorted(
        neuron
        for neuron, n in count.items()
        if n >= share * len(chosen) and n > 1
    )


def random_neurons(
    neurons: Sequence[Neuron], d_mlp: int, seed: int
) -> list[Neuron]:
    """As many other units drawn from the same layers."""
    rng = np.random.default_rng(seed)
    found: list[Neuron] = []
    for layer, count in sorted(Counter(layer for layer, _ in neurons).items()):
        taken = {index for other, index in neurons if other == layer}
        free = [index for index in range(d_mlp) if index not in taken]
        found += [
            (layer, int(index))
            for index in rng.choice(free, count, replace=False)
        ]
    return found


@contextlib.contextmanager
def scaled_neurons(
    lm: LM, neurons: Sequence[Neuron], factor: float
) -> Iterator[None]:
    """Within the block these units' activations at each row's last token are multiplied: 0 suppresses, 2 doubles.

    Rows must be padded on the left, as `alignlab.interp.facts.answer_probabilities` does.
    """
    by_layer: dict[int, list[int]] = {}
    for layer, index in neurons:
        by_layer.setdefault(layer, []).append(index)

    def scale(indices: list[int]) -> Callable[[Tensor], Tensor]:
        def change(hidden: Tensor) -> Tensor:
            hidden = hidden.clone()
            hidden[:, -1, indices] *= factor
            return hidden

        return change

    with patch(
        lm,
        {
            f"layers.{layer}.mlp.hidden": scale(indices)
            for layer, indices in by_layer.items()
        },
    ):
        yield


@contextlib.contextmanager
def scaled_rows(
    lm: LM, sets: Sequence[Sequence[Neuron]], factor: float
) -> Iterator[None]:
    """As `scaled_neurons`, with a set of units for each row of a batch of as
    many rows as sets: one pass in place of one a set. A set may be empty.
    """
    by_layer: dict[int, list[tuple[int, int]]] = {}
    for row, neurons in enumerate(sets):
        for layer, index in neurons:
            by_layer.setdefault(layer, []).append((row, index))

    def scale(places: list[tuple[int, int]]) -> Callable[[Tensor], Tensor]:
        rows, indices = torch.tensor(places).T

        def change(hidden: Tensor) -> Tensor:
            hidden = hidden.clone()
            hidden[rows, -1, indices] *= factor
            return hidden

        return change

    changes = {
        f"layers.{layer}.mlp.hidden": scale(places)
        for layer, places in by_layer.items()
    }
    with patch(lm, changes):
        yield


@torch.no_grad()
def _past(lm: LM, ids: Sequence[int]) -> Any:
    """The cache of keys and values of some tokens."""
    out = lm.model(
        input_ids=torch.tensor([ids], device=lm.device),
        use_cache=True,
        **keep_logits(lm, 1),
    )
    return out.past_key_values
