"""Commands for runs too long for a page."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from alignlab.cli.app import JSON, app

recipe = typer.Typer(
    help="Runs too long for a page: make their records, see which there are.",
    no_args_is_help=True,
)
app.add_typer(recipe, name="recipe")


@recipe.command("run")
def recipe_run(
    name: Annotated[
        str, typer.Argument(help="A recipe, see `alignlab recipe list`.")
    ],
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seeds", help="Seeds instead of the recipe's own."),
    ] = None,
    more: Annotated[
        list[int] | None,
        typer.Argument(help="More seeds, after --seeds.", metavar="[SEED]..."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Run seeds anew that are done already."),
    ] = False,
) -> None:
    """Run a recipe and write its record; a seed that is done is kept, so a killed run goes on."""
    from alignlab import recipes

    made = recipes.run_recipe(
        recipes.lookup(name),
        [*(seeds or []), *(more or [])] or None,
        again=again,
    )
    took = sum(made.seconds.values())
    typer.echo(
        f"{name}: recorded on seeds {', '.join(map(str, made.seeds))}, {took:.0f} s of processor time"
    )


@recipe.command("list")
def recipe_list(as_json: JSON = False) -> None:
    """Every recipe: whether it was recorded, whether its code is still the same, how long it takes."""
    from alignlab import recipes

    rows = [recipes.describe(name) for name in recipes.names()]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        took = (
            f", {row['seconds']:.0f} s on seeds {', '.join(map(str, row['seeds']))}"
            if row["recorded"]
            else ""
        )
        typer.echo(f"{row['name']} ({row['state']}{took}): {row['about']}")
    if not rows:
        typer.echo("no recipes yet")


@recipe.command("restamp")
def recipe_restamp(
    name: Annotated[str, typer.Argument(help="Its name.")],
    why: Annotated[
        str,
        typer.Option(
            "--why", help="What changed, and why the results stay as they are."
        ),
    ] = "",
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help="Run this seed again first; it must agree."
        ),
    ] = None,
) -> None:
    """Keep a record whose code changed in a way that cannot change its results; the reason stands in the record."""
    from alignlab import recipes

    recipes.restamp(name, why, seed)
    typer.echo(f"{name}: current")
