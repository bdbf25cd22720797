"""Commands for authors: write pages, format, start and check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from alignlab.cli.app import JSON, PAGES, ROOT, app, book_folder, terminal


@app.command()
def refresh(
    chapters: PAGES = None,
    root: ROOT = Path(),
    traceback: Annotated[
        bool,
        typer.Option("--traceback", help="Print all that a failing cell left."),
    ] = False,
) -> None:
    """Write notebooks from their text and run them."""
    from alignlab.book.files import contents, pages, renewing

    try:
        changed = renewing.refresh(book_folder(root), chapters or [])
    except pages.PageError as error:
        if traceback:
            typer.echo(str(error), err=True)
        raise
    contents.tidy(root)
    typer.echo(f"changed: {', '.join(changed) or 'nothing'}")


@app.command()
def measure(chapters: PAGES = None, root: ROOT = Path()) -> None:
    """Run notebooks as they are and store what they cost, after a change of speed alone; their outputs stay."""
    from alignlab.book.files import renewing

    for slug, cost in renewing.measure(
        book_folder(root), chapters or []
    ).items():
        typer.echo(f"{cost:7.1f}  {slug}")


@app.command()
def tidy(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only say what would change; exit code 1."
        ),
    ] = False,
    root: ROOT = Path(),
) -> None:
    """Write the tables of contents and of modules; sort extra.bib and the glossary by key."""
    from alignlab.book.files import contents

    changed = contents.tidy(book_folder(root), write=not check)
    typer.echo(f"changed: {', '.join(changed) or 'nothing'}")
    if check and changed:
        raise typer.Exit(1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="NN-section/name")],
    root: ROOT = Path(),
) -> None:
    """Start a chapter from the template: its page, its folder of the package, its tests."""
    from alignlab.book.files import template

    for path in template.new(book_folder(root), name):
        typer.echo(str(path))


@app.command("format")
def format_(
    chapters: PAGES = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would change.")
    ] = False,
    root: ROOT = Path(),
) -> None:
    """Format and lint the code of pages; exit code 1 where something is left to mend by hand."""
    from alignlab.book.files import reading

    changed = reading.format_pages(book_folder(root), chapters or [], check)
    typer.echo(
        f"{'not formatted' if check else 'changed'}: {', '.join(changed) or 'nothing'}"
    )
    found = reading.complaints(root, chapters or [])
    for line in found:
        typer.echo(line)
    if found or (check and changed):
        raise typer.Exit(1)


@app.command()
def unfolded(as_json: JSON = False, root: ROOT = Path()) -> None:
    """How much code a reader of each page sees before unfolding any, and how much of it is scaffolding."""
    from alignlab.book.files import reading

    rows = reading.report(book_folder(root))
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        kinds = ", ".join(
            f"{kind} {row[kind]}"
            for kind in ("claims", "figures", "tables", "explorers", "imports")
        )
        share = 100 * row["scaffolding"] / max(row["unfolded"], 1)
        typer.echo(
            f"{row['page']}: {row['unfolded']} lines unfolded, {share:.0f} % of them scaffolding ({kinds}); "
            f"longest cell {row['longest']}; {row['folded']} folded; {row['wide']} over {reading.COLUMNS} columns"
        )
    if rows:
        typer.echo(f"median page: {rows[-1]['median unfolded']:g} lines")


@app.command()
def check(
    chapters: PAGES = None,
    root: ROOT = Path(),
) -> None:
    """Run the tests and pages that a change can have touched since they last passed on this machine."""
    from alignlab.book.proof import changed

    raise typer.Exit(changed.check(book_folder(root), chapters or []))


@app.command()
def costs(
    cells: Annotated[
        int, typer.Option(help="How many of the dearest cells to list.")
    ] = 20,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """What pages cost in reference seconds, which are over the budget, and their dearest cells."""
    from alignlab.book.proof import costs

    if as_json:
        found = costs.costs(book_folder(root))
        told = {
            "pages": found,
            "over": costs.over(found),
            "cells": costs.cells(root)[:cells],
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        typer.echo(costs.table(book_folder(root), cells))


@app.command()
def coverage(as_json: JSON = False, root: ROOT = Path()) -> None:
    """How much of the survey's reading list the chapters cite, section by section."""
    from alignlab.book.files import references

    found = references.coverage(book_folder(root))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    terminal().print(references.coverage_table(found))
