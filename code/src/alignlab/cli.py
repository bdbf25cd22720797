"""The command `alignlab`: fetch models and data, see what is wrong, write pages and verify their claims."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
ROOT = Annotated[Path, typer.Option(help="The book's folder, the one that holds text/ and chapters/.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models and data sets.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is registered.")] = False,
) -> None:
    """Fetch models and data into the cache, verified."""
    from alignlab.assets import fetch as fetch_asset
    from alignlab.assets import registry

    for name in list(registry()) if all_ else names or []:
        typer.echo(f"{name}: {fetch_asset(name)}")
    if not names and not all_:
        typer.echo(f"name one of: {', '.join(registry())}, or --all")


@app.command()
def claims(as_json: JSON = False, root: ROOT = Path()) -> None:
    """The claims of all pages, as their notebooks hold them."""
    from alignlab.book import pages

    _print(pages.claims_records(root), as_json)


@app.command()
def verify(
    chapter: Annotated[str | None, typer.Argument(help="A page, such as 04-outer/reward-modeling.")] = None,
    seed_offset: Annotated[int, typer.Option(help="Added to every seed.")] = 1000,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """Run pages anew on other seeds; exit code 1 where a claim does not hold."""
    from alignlab.book import pages

    records = pages.verify(root, chapter, seed_offset)
    _print(records, as_json)
    if not all(record["passed"] for record in records):
        raise typer.Exit(1)


@app.command()
def refresh(
    chapters: Annotated[list[str] | None, typer.Argument(help="Pages; all where none is named.")] = None,
    root: ROOT = Path(),
) -> None:
    """Write notebooks from their text and run them."""
    from alignlab.book import pages

    changed = pages.refresh(root, chapters or [])
    typer.echo(f"changed: {', '.join(changed) or 'nothing'}")


@app.command()
def new(name: Annotated[str, typer.Argument(help="NN-section/name")], root: ROOT = Path()) -> None:
    """Start a chapter from the template."""
    from alignlab.book import pages

    typer.echo(str(pages.new(root, name)))


def _print(records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(records, indent=1))
        return
    for record in records:
        values = "; ".join(f"{m['name']} {m['values']} in {m['band']}" for m in record["measures"])
        typer.echo(f"{'holds' if record['passed'] else 'FAILS'}  {record['id']}: {values}")


def main() -> None:
    """Run the command; what can go wrong is said in one line."""
    from alignlab.assets import AssetError

    try:
        app()
    except AssetError as error:
        sys.exit(f"alignlab: {error}")
    except Exception as error:
        if type(error).__name__ != "PageError":
            raise
        sys.exit(f"alignlab: {error}")


if __name__ == "__main__":
    main()
