"""Run tasks with a progress bar, in one process or, by Accelerate, in several."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alignlab.evals.items import Task
from alignlab.evals.scorecard import Settings, chosen, score
from alignlab.lm import LM


def state() -> Any:
    """Accelerate's state where a launcher started this process, else None."""
    if "WORLD_SIZE" not in os.environ:
        return None
    import torch
    from accelerate import PartialState

    asked = os.environ.get("ACCELERATE_USE_CPU", "no") == "yes"
    return PartialState(cpu=asked or not torch.cuda.is_available())


def place() -> tuple[int, int]:
    """This process's rank, and how many there are."""
    found = state()
    return (found.process_index, found.num_processes) if found else (0, 1)


def device() -> Any:
    """The device that Accelerate gives this process; None lets us choose."""
    found = state()
    return found.device if found else None


def run(
    lm: LM,
    tasks: Sequence[Task],
    folder: Path,
    settings: Settings,
    shard: tuple[int, int] = (0, 1),
) -> None:
    """Score all tasks; a bar on standard error shows where the run is.

    With several processes each takes its share of every task, and all wait
    for the last.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    rank, processes = shard
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    quiet = rank > 0 or not sys.stderr.isatty()
    with Progress(
        *columns, console=Console(stderr=True), disable=quiet
    ) as progress:
        for task in tasks:
            items = chosen(task.build(), settings.limit)[rank::processes]
            bar = progress.add_task(task.name, total=len(items))
            score(
                lm,
                task,
                folder,
                settings,
                shard,
                lambda n, bar=bar: progress.advance(bar, n),  # type: ignore[misc]
            )
    if (found := state()) is not None:
        found.wait_for_everyone()
