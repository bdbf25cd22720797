"""Commands about this machine: fetch models and data, see what is wrong."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from alignlab.cli.app import JSON, app


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of models and data sets.")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Everything that is registered.")
    ] = False,
) -> None:
    """Fetch models and data into the cache, verified."""
    from alignlab.assets import AssetError, lookup, registry
    from alignlab.assets import fetch as fetch_asset

    if not names and not all_:
        typer.echo(
            f"alignlab: name what to fetch, or --all; registered are: {', '.join(registry())}",
            err=True,
        )
        raise typer.Exit(2)
    wanted = (
        list(registry())
        if all_
        else [lookup(name).name for name in names or []]
    )
    failed = False
    for name in (
        wanted
    ):  # one that can't be had keeps none of the others from being fetched
        try:
            typer.echo(f"{name}: {fetch_asset(name)}")
        except AssetError as error:
            typer.echo(f"alignlab: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)


@app.command()
def doctor(
    as_json: JSON = False,
    rehash: Annotated[
        bool, typer.Option(help="Compute every checksum of the cache again.")
    ] = False,
) -> None:
    """See whether the book can run here; exit code 1, and what to do, where it can't."""
    from alignlab import doctor

    report = doctor.examine(rehash=rehash)
    if as_json:
        typer.echo(json.dumps(report, indent=1))
    else:
        doctor.show(report)
    if report["todo"]:
        raise typer.Exit(1)
