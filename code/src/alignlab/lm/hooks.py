"""Read and change a model's activations by name, with hooks that always clean up.

Serves the survey's section on mechanistic interpretability, and everything that steers a model from inside. The names
stand in `alignlab.lm.sites`; they work for a loaded `LM` and for a `TinyTransformer`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from alignlab.lm.checks import check_fits, check_ids
from alignlab.lm.load import LM, encode
from alignlab.lm.masks import pad_right
from alignlab.lm.sites import Site, find_site, network_of

Prompts = Sequence[str] | Sequence[Sequence[int]] | Tensor

BATCH_TOKENS = 2048  # tokens, padding included, that `capture` runs at once


class _Stop(Exception):
    """Raised inside a forward pass when everything asked for has been seen."""


def capture(
    model: LM | nn.Module,
    prompts: Prompts,
    names: Sequence[str],
    positions: Literal["last", "all"] | int = "last",
) -> dict[str, Tensor]:
    """Activations of each name for each prompt.

    model: an `LM`, or a `TinyTransformer`.
    prompts: texts (for an LM), lists of token ids, or a tensor of token ids (prompt, pos).
    positions: "last" gives each prompt's last token, shape (prompt, d); an int the token at that index of each prompt
        (negative from its end), shape (prompt, d); "all" every token, shape (prompt, pos, d), where positions past a
        prompt's end are 0.
    Returned on the model's device, without gradient. Prompts are run in right-padded batches of similar length; the
    pass ends as soon as the last name has been seen, so logits are never computed, and a middle layer costs half.
    Raises KeyError for an unknown name, IndexError where a prompt is too short for `positions`, ValueError where there
    is no prompt, one without tokens, or one that exceeds the model's context.
    """
    names = [names] if isinstance(names, str) else list(names)
    network, device = network_of(model)
    sites = {name: find_site(model, name) for name in names}
    ids = _ids(model, prompts)
    index = [_index(len(row), positions) for row in ids]
    longest = max(map(len, ids))
    rows: dict[str, list[Tensor]] = {
        name: [torch.empty(0)] * len(ids) for name in names
    }
    for batch in _batches(ids):
        tokens, mask, _ = pad_right([ids[i] for i in batch], device)
        where = (
            torch.tensor([index[i] for i in batch], device=device)
            if positions != "all"
            else None
        )
        seen: dict[str, Tensor] = {}
        with (
            torch.no_grad(),
            _reading(sites, seen, where),
            contextlib.suppress(_Stop),
        ):
            if isinstance(model, LM):
                network(input_ids=tokens, attention_mask=mask, use_cache=False)
            else:
                network(tokens)
        for name, value in seen.items():
            if (
                where is None
            ):  # (batch, pos, d): blank the padding, then make room for the longest prompt
                value = nn.functional.pad(
                    value * mask[..., None].to(value.dtype),
                    (0, 0, 0, longest - value.shape[1]),
                )
            for i, row in zip(batch, value):
                rows[name][i] = row
    return {name: torch.stack(rows[name]) for name in names}


@contextlib.contextmanager
def patch(
    model: LM | nn.Module, changes: Mapping[str, Callable[[Tensor], Tensor]]
) -> Iterator[None]:
    """Within the block, every forward pass replaces the named activations: `fn(activation) -> activation`.

    An activation has shape (batch, pos, d), the result must have the same. Gradients flow through. With a cache a pass
    sees only its new tokens, `generate` pads on the left, and `logprobs` packs many texts into one row: there, use an
    `fn` that treats all positions alike (an ablated direction, an added vector); for one that doesn't, call the model
    itself. Several patches of one name apply in the order given; all are removed at the end, whatever happened.
    Raises KeyError for an unknown name, ValueError for a result of another shape.
    """
    for name, fn in changes.items():
        if not callable(fn):
            raise TypeError(
                f"the patch of {name!r} is {fn!r}: give a function of the activation"
            )
    with contextlib.ExitStack() as stack:
        for name, fn in changes.items():
            stack.callback(
                _attach(find_site(model, name), _replacing(name, fn)).remove
            )
        yield


@contextlib.contextmanager
def _reading(
    sites: Mapping[str, Site], seen: dict[str, Tensor], where: Tensor | None
) -> Iterator[None]:
    """Within the block, passes fill `seen` (at the positions `where`, if given) and stop when every site is there."""

    def reader(name: str) -> Callable[[Tensor], None]:
        def read(value: Tensor) -> None:
            seen[name] = (
                value
                if where is None
                else value[torch.arange(len(where), device=value.device), where]
            )
            if len(seen) == len(sites):
                raise _Stop

        return read

    with contextlib.ExitStack() as stack:
        for name, site in sites.items():
            stack.callback(_attach(site, reader(name)).remove)
        yield


def _attach(site: Site, fn: Callable[[Tensor], Tensor | None]) -> Any:
    """Hook `fn` to a site; what it returns, unless None, replaces the activation."""

    def on_input(module: nn.Module, args: tuple[Any, ...]) -> Any:
        new = fn(args[0])
        return None if new is None else (new, *args[1:])

    def on_output(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        new = fn(output[0] if isinstance(output, tuple) else output)
        if new is None:
            return None
        return (new, *output[1:]) if isinstance(output, tuple) else new

    if site.side == "input":
        return site.module.register_forward_pre_hook(on_input)
    return site.module.register_forward_hook(on_output)


def _replacing(
    name: str, fn: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    def replace(value: Tensor) -> Tensor:
        new = fn(value)
        if not isinstance(new, Tensor) or new.shape != value.shape:
            what = (
                f"shape {tuple(new.shape)}"
                if isinstance(new, Tensor)
                else type(new).__name__
            )
            raise ValueError(
                f"the patch of {name!r} gave {what}, the activation has shape {tuple(value.shape)}"
            )
        return new

    return replace


def _ids(model: LM | nn.Module, prompts: Prompts) -> list[list[int]]:
    if isinstance(prompts, str):
        raise TypeError("prompts is one string: give a list of prompts")
    if isinstance(prompts, Tensor):
        if prompts.ndim != 2:
            raise ValueError(
                f"token ids of shape {tuple(prompts.shape)}: give (prompt, pos), for one prompt tokens[None]"
            )
        prompts = prompts.tolist()
    ids = []
    for prompt in prompts:
        if isinstance(prompt, str):
            if not isinstance(model, LM):
                raise TypeError(
                    f"{type(model).__name__} has no tokenizer: give token ids instead of text"
                )
            ids.append(encode(model, prompt))
        else:
            if isinstance(prompt, bytes) or not hasattr(prompt, "__iter__"):
                raise TypeError(
                    f"prompt {len(ids)} is {prompt!r}: give text, or a list of token ids"
                )
            ids.append([int(token) for token in prompt])
    check_ids(ids)
    if isinstance(model, LM):
        check_fits(model, max(map(len, ids)))
    return ids


def _index(length: int, positions: Literal["last", "all"] | int) -> int:
    if isinstance(positions, str) and positions not in ("last", "all"):
        raise ValueError(
            f"positions={positions!r} is not 'last', 'all' or an index"
        )
    index = -1 if isinstance(positions, str) else positions
    if not -length <= index < length:
        raise IndexError(
            f"position {index} asked of a prompt of {length} tokens"
        )
    return index % length


def _batches(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of prompts in batches of similar length, at most BATCH_TOKENS with padding."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * len(ids[i]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    yield batch
