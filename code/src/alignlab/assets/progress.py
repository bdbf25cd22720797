"""A progress bar on a terminal, silence elsewhere (a page must print nothing that it doesn't mean to)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alignlab.assets.table import Asset


@contextmanager
def reporting(asset: Asset) -> Iterator[Callable[[int], None]]:
    """A function that takes the bytes arrived so far; it draws a bar where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(asset.name, total=asset.archive_size)

        def report(done: int) -> None:
            label = (
                asset.name
                if done < asset.archive_size
                else f"{asset.name}: unpacking"
            )
            bar.update(
                task, completed=min(done, asset.archive_size), description=label
            )

        yield report
