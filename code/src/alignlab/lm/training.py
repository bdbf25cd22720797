"""A training loop with nothing in it but training, and a switch for arithmetic that repeats."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


def train(
    model: nn.Module,
    loss_fn: Callable[[nn.Module, int, torch.Generator], Tensor],
    steps: int,
    lr: float = 1e-3,
    seed: int = 0,
    weight_decay: float = 0.0,
    clip: float = 1.0,
) -> list[float]:
    """Minimize `loss_fn` with AdamW (Loshchilov and Hutter 2019) at a constant learning rate; return each step's loss.

    loss_fn(model, step, generator): a scalar loss; whatever is random in it (batches, noise) is drawn from `generator`,
        a CPU generator seeded with `seed`, so the run repeats.
    Only parameters with `requires_grad` are trained. clip: the gradient's norm is cut to this. A progress bar is shown
    on a terminal and nowhere else. The model's training mode is on during the run and as before afterwards.
    Raises FloatingPointError at the first loss or gradient that is not finite, before it reaches the weights, and
    ValueError where nothing can be trained.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError(
            "no parameter of the model requires a gradient: open some with requires_grad_(True)"
        )
    optimizer = torch.optim.AdamW(
        parameters, lr=lr, weight_decay=weight_decay, fused=True
    )
    generator = torch.Generator().manual_seed(seed)
    was_training = model.training
    model.train()
    losses: list[float] = []
    try:
        with _progress(steps) as advance:
            for step in range(steps):
                loss = loss_fn(model, step, generator)
                losses.append(descend(optimizer, loss, step, clip))
                advance(losses[-1])
    finally:
        model.train(was_training)
    return losses


def descend(
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    step: int,
    clip: float = math.inf,
) -> float:
    """One step of an optimizer down a scalar loss, whose value is returned; clip: the gradient's norm is cut to this.

    Raises FloatingPointError, and leaves the weights as they are, where the loss or a gradient is not finite: the batch
    of that step holds what should not be there, or the steps before were too long.
    """
    value = loss.item()
    rates = ", ".join(f"{group['lr']:g}" for group in optimizer.param_groups)
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the loss is {value} at step {step}, on that step's batch: look at its values, or lower the learning rate "
            f"({rates})"
        )
    optimizer.zero_grad()
    loss.backward()
    norm = clip_finite(optimizer, clip)
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"the gradient's norm is {norm} at step {step}, on that step's batch (loss {value:.6g}): look at its "
            f"values, or lower the learning rate ({rates})"
        )
    optimizer.step()
    return value


def clip_finite(
    optimizer: torch.optim.Optimizer, clip: float = math.inf
) -> float:
    """The norm of all gradients of an optimizer's parameters, which are cut to `clip` first if it is finite."""
    parameters = [
        p
        for group in optimizer.param_groups
        for p in group["params"]
        if p.grad is not None
    ]
    if math.isfinite(clip):
        return float(nn.utils.clip_grad_norm_(parameters, clip))
    return float(nn.utils.get_total_norm([p.grad for p in parameters]))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread: tiny tensors are faster so, and the last digits don't depend on the thread count."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _progress(steps: int) -> Iterator[Callable[[float], None]]:
    """A bar with the running loss where stderr is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda loss: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        yield lambda loss: bar.update(
            task, advance=1, description=f"training, loss {loss:.3f}"
        )
