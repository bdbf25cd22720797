"""The command that scores a model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from alignlab.cli.app import app, terminal


@app.command()
def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(help="A registered model, a folder or a hub id."),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--task", help="A task; repeat it for more, default all."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="Folder of the results; a killed run goes on there."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="So many items a task, drawn at random once for all."
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Items between two writes.")] = 32,
    device: Annotated[
        str | None,
        typer.Option(help="cpu, cuda, …; default: a GPU where there is one."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16, …, auto.")
    ] = None,
    processes: Annotated[
        int, typer.Option(help="Share the items among so many, by Accelerate.")
    ] = 1,
    listed: Annotated[
        bool, typer.Option("--list", help="Only list the tasks.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Drop what the folder holds.")
    ] = False,
    inspect: Annotated[
        Path | None,
        typer.Option(
            help="Only write the tasks for inspect-ai, to this folder."
        ),
    ] = None,
) -> None:
    """Score a model on the book's tasks: JSON and a page, every number with interval, items and chance."""
    from alignlab.evals import inspect_export, report, scorecard
    from alignlab.evals.tasks import TASKS

    if listed:
        for task in TASKS.values():
            typer.echo(f"{task.name}: {task.about} ({task.source})")
        return
    unknown = [name for name in tasks or [] if name not in TASKS]
    if unknown:
        raise scorecard.EvaluationError(
            f"no task is called {unknown[0]!r}; there are {', '.join(TASKS)}"
        )
    settings = scorecard.Settings(limit, batch)
    wanted = [TASKS[name] for name in tasks or TASKS]
    if inspect is not None:
        if not tasks:
            wanted = [t for t in wanted if inspect_export.exportable(t)]
        for path in inspect_export.export(wanted, inspect, limit):
            typer.echo(str(path))
        return
    if model is None:
        raise typer.BadParameter(
            "name a model to score, or --list", param_hint="MODEL"
        )
    folder = to or Path("results") / model.replace("/", "--")
    launched = "WORLD_SIZE" in os.environ
    if again and not launched:
        for task in wanted:
            for path in folder.glob(f"{task.name}.*.jsonl"):
                path.unlink()
    if processes > 1 and not launched:
        raise typer.Exit(_launch(processes, device))

    from alignlab.evals import running
    from alignlab.lm import load_lm

    rank, count = running.place()
    lm = load_lm(model, device or running.device(), dtype)
    running.run(lm, wanted, folder, settings, (rank, count))
    if rank:
        return
    identity = scorecard.model_of(lm)
    results = [
        scorecard.totals(task, folder, identity, limit) for task in wanted
    ]
    card = report.scorecard(model, identity, results)
    data, page = report.write(folder, card)
    from rich.table import Table

    table = Table(*report.HEADS, title=f"Scorecard of {model}")
    for row in report.rows(card):
        table.add_row(*row)
    terminal().print(table)
    typer.echo(report.NOTE)
    typer.echo(f"{data}\n{page}")


def _launch(processes: int, device: str | None) -> int:
    """Run this same command in several processes, which Accelerate's state joins.

    torch's launcher starts them, since Accelerate's own needs MPI on a CPU.
    """
    place = dict(os.environ)
    if device == "cpu" or not _has_gpu():
        place["ACCELERATE_USE_CPU"] = "yes"
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    words += ["--nproc-per-node", str(processes), "-m", "alignlab.cli"]
    return subprocess.run(
        [*words, *sys.argv[1:]], env=place, check=False
    ).returncode


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
