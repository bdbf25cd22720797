"""Running a recipe: seed by seed, each kept as soon as it is done, so that a killed run goes on where it was."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alignlab.assets import cache_dir
from alignlab.recipes import _records
from alignlab.recipes._recipe import FILE_LIMIT, Recipe, RecipeError
from alignlab.recipes._records import Record

NOTED = ("alignlab", "numpy", "torch", "transformers", "scikit-learn", "peft")
_running: list[tuple[Path, Callable[[float, str], None]]] = []


def run_recipe(
    recipe: Recipe, seeds: Sequence[int] | None = None, *, again: bool = False
) -> Record:
    """Run a recipe and write its record; the record.

    seeds: the recipe's own where None. A seed is not run again that the record holds already, or that an earlier,
    killed run had done, by the same code and settings; again: run all of them anew.
    Raises RecipeError where a result cannot be written down.
    """
    config, code = _records.plain(recipe.config), recipe.code_hash()
    wanted = tuple(
        dict.fromkeys(
            int(seed) for seed in (recipe.seeds if seeds is None else seeds)
        )
    )
    if min(wanted, default=0) < 0:
        raise RecipeError(f"seed {min(wanted)} is negative: seeds start at 0")
    parts = cache_dir() / "recipes" / f"{recipe.name}-{_key(config, code)}"
    if again:
        shutil.rmtree(parts, ignore_errors=True)
    known = _kept(recipe.name, config, code)
    todo = [
        seed
        for seed in wanted
        if again
        or (seed not in known and not (parts / f"{seed}.json").exists())
    ]
    with _progress(recipe.name, len(todo)) as advance:
        for number, seed in enumerate(todo):
            _run_seed(
                recipe,
                seed,
                config,
                parts,
                functools.partial(_within, advance, number, seed),
            )
            advance(number + 1.0, seed, "")
    for seed in wanted:
        if (parts / f"{seed}.json").exists():
            known[seed] = json.loads(
                (parts / f"{seed}.json").read_text(encoding="utf-8")
            )
            known[seed]["from"] = parts / str(seed)
    if not todo and not any("from" in part for part in known.values()):
        return _records.record(recipe.name)
    return _write(recipe, config, code, known, parts)


def workdir(*, shared: bool = False) -> Path:
    """A folder of the seed that runs, kept while it isn't done: a long seed may leave checkpoints there.

    shared: one for all seeds of the run instead, by the same code and settings, kept until the record is written.
    Raises RecipeError where no recipe runs.
    """
    if not _running:
        raise RecipeError(
            "workdir() is for a recipe that runs: start it with `alignlab recipe run NAME`"
        )
    work = _running[-1][0]
    folder = work.parent / "shared" if shared else work
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def report(share: float, text: str = "") -> None:
    """Move the running recipe's bar: which share of the seed is done (0 to 1), and what is being done."""
    if _running:
        _running[-1][1](share, text)


def _run_seed(
    recipe: Recipe,
    seed: int,
    config: dict[str, Any],
    parts: Path,
    advance: Callable[[float, str], None],
) -> None:
    """Run one seed and keep what it found."""
    import torch

    threads, work, spent = (
        torch.get_num_threads(),
        parts / f"{seed}.work",
        parts / f"{seed}.seconds",
    )
    start = _processor_seconds() - (
        float(spent.read_text()) if spent.exists() else 0.0
    )  # what killed runs took counts

    def noted(share: float, text: str) -> None:
        _atomically(spent, str(_processor_seconds() - start).encode())
        advance(share, text)

    torch.set_num_threads(recipe.threads)
    _running.append((work, noted))
    try:
        results = dict(recipe.run(seed, _records.plain(config)))
    finally:
        _running.pop()
        torch.set_num_threads(threads)
    files = {}
    for name, content in results.pop("files", {}).items():
        if len(content) > FILE_LIMIT:
            raise RecipeError(
                f"{recipe.name}, seed {seed}: {name} has {len(content):,} bytes, {FILE_LIMIT:,} are allowed"
            )
        _atomically(parts / str(seed) / name, content)
        files[name] = hashlib.sha256(content).hexdigest()
    try:
        results = _records.plain(results)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            f"{recipe.name}, seed {seed}: a result cannot be written as JSON: {error}"
        ) from error
    done = {
        "results": results,
        "seconds": round(_processor_seconds() - start, 1),
        "files": files,
    }
    _atomically(parts / f"{seed}.json", json.dumps(done).encode())
    spent.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)


def results_of(recipe: Recipe, seed: int) -> dict[str, Any]:
    """What a recipe finds on a seed, run anew and kept nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        parts, config = Path(folder), _records.plain(recipe.config)
        _run_seed(recipe, seed, config, parts, lambda share, text: None)
        done = json.loads((parts / f"{seed}.json").read_text(encoding="utf-8"))
    return dict(done["results"])


def _within(
    advance: Callable[[float, int, str], None],
    number: int,
    seed: int,
    share: float,
    text: str,
) -> None:
    """Move the bar to a share of the seed that is the `number`-th to run."""
    advance(number + min(max(share, 0.0), 1.0), seed, text)


def _kept(
    name: str, config: dict[str, Any], code: str
) -> dict[int, dict[str, Any]]:
    """What the shipped record holds, seed by seed, where it was made by the same code and settings."""
    try:
        old = _records.record(name)
    except RecipeError:
        return {}
    if (old.config, old.code_hash) != (config, code):
        return {}
    return {
        s: {
            "results": old.results[s],
            "seconds": old.seconds[s],
            "files": old.files.get(s, {}),
        }
        for s in old.seeds
    }


def _write(
    recipe: Recipe,
    config: dict[str, Any],
    code: str,
    known: dict[int, dict[str, Any]],
    parts: Path,
) -> Record:
    by_seed: Any = {
        key: {s: part[key] for s, part in known.items()}
        for key in ("results", "seconds", "files")
    }
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    made = Record(
        recipe.name, config, code, **by_seed, versions=_versions(), date=date
    )
    for seed, part in known.items():
        for name in part["files"] if "from" in part else ():
            _atomically(
                _records.file_path(recipe.name, seed, name),
                (part["from"] / name).read_bytes(),
            )
    folder = _records.record_path(recipe.name).with_suffix("")
    for left in folder.glob(
        "*/*"
    ):  # of seeds or code that the new record no longer holds
        if left.name not in made.files.get(int(left.parent.name), {}):
            left.unlink()
    _atomically(
        _records.record_path(recipe.name), _records.to_text(made).encode()
    )
    shutil.rmtree(parts, ignore_errors=True)
    return _records.record(recipe.name)


def _key(config: dict[str, Any], code: str) -> str:
    return hashlib.sha256(
        f"{json.dumps(config, sort_keys=True)} {code}".encode()
    ).hexdigest()[:12]


def _atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_bytes(content)
    beside.replace(path)


def _processor_seconds() -> float:
    """Processor seconds of this process and of those it waited for."""
    times = os.times()
    return (
        times.user + times.system + times.children_user + times.children_system
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in NOTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def _progress(
    name: str, total: int
) -> Iterator[Callable[[float, int, str], None]]:
    """A function (seeds done, seed, text) that moves a bar where standard error is a terminal."""
    if not total or not sys.stderr.isatty():
        yield lambda done, seed, text: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)

        def advance(done: float, seed: int, text: str) -> None:
            label = f"{name}, seed {seed}" + (f": {text}" if text else "")
            bar.update(task, completed=min(done, total), description=label)

        yield advance
