"""The command `alignlab`: fetch models and data, see what is wrong, write pages and verify their claims."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# By name, so that nothing is imported for an error that cannot happen.
FORESEEN = {
    "AssetError",
    "PageError",
    "ClaimFailed",
    "RecipeError",
    "SiteError",
}


class OneLine(TyperGroup):
    """Commands whose foreseeable errors are one line on standard error and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (line := _foreseen(error)) is None:
                raise
            typer.echo(f"alignlab: {line}", err=True)
            raise typer.Exit(1) from None


def _foreseen(error: Exception) -> str | None:
    """What to print of an error, one line; None where it is a fault of the program and its traceback is wanted."""
    first = next(iter(str(error).splitlines()), type(error).__name__)
    if FORESEEN & {kind.__name__ for kind in type(error).__mro__}:
        return first
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and not error.name.startswith("alignlab")
    ):
        return f"the module {error.name} is not installed; install what the book needs: pip install -r requirements.txt"
    if isinstance(error, OSError) and error.errno not in (None, errno.EPIPE):
        return (
            f"{error.strerror}: {error.filename}" if error.filename else first
        )
    return None


app = typer.Typer(
    help=__doc__, cls=OneLine, no_args_is_help=True, add_completion=False
)
ROOT = Annotated[
    Path,
    typer.Option(
        help="The book's folder, the one that holds text/ and chapters/."
    ),
]
HTML = Path("_build/html")
BUILT = Annotated[Path, typer.Option(help="The folder of the built pages.")]
BOOK_FILE = Annotated[Path, typer.Option("--to", help="The file to write.")]
JSON = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of a table.")
]


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


@app.command()
def claims(
    chapters: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pages, such as 04-outer/rlhf; all where none is named."
        ),
    ] = None,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """What the stored claims of pages prove, the weakest first; exit code 1 where one breaks the rule."""
    from alignlab.book.files import pages
    from alignlab.book.page import evidence
    from alignlab.book.page.claims import ClaimFailed, complaints

    book = _book(root)
    names: list[str | None] = list(chapters) if chapters else [None]
    named = [pages.claims_records(book, name) for name in names]
    records = evidence.report([record for page in named for record in page])
    for record in records:
        known = set(record["faults"])
        missed = [text for text in complaints(record) if text not in known]
        record["faults"] = [*missed, *record["faults"]]
    if as_json:
        typer.echo(json.dumps(records, indent=1))
    else:
        for record in records:
            _print_proof(record)
    faulty = [record["id"] for record in records if record["faults"]]
    if faulty:
        more = f" and {len(faulty) - 5} more" if len(faulty) > 5 else ""
        raise ClaimFailed(
            f"{len(faulty)} of {len(records)} claims break the rule of docs/claims.md: "
            f"{', '.join(faulty[:5])}{more}"
        )


@app.command()
def verify(
    chapter: Annotated[
        str | None,
        typer.Argument(help="A page, such as 04-outer/reward-modeling."),
    ] = None,
    seed_offset: Annotated[
        int, typer.Option(help="Added to every seed.")
    ] = 1000,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """Run pages anew on other seeds; exit code 1 where a claim does not hold."""
    if seed_offset < 0:
        raise typer.BadParameter(
            f"seeds can't be negative, and {seed_offset} makes them so",
            param_hint="--seed-offset",
        )
    from alignlab.book.files import renewing
    from alignlab.book.page.claims import ClaimFailed

    records = renewing.verify(_book(root), chapter, seed_offset)
    _print(records, as_json)
    missed = [record["id"] for record in records if not record["passed"]]
    if missed:
        raise ClaimFailed(
            f"{len(missed)} of {len(records)} claims failed at seed offset {seed_offset}: {', '.join(missed)}"
        )


@app.command()
def refresh(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="Pages; all where none is named.")
    ] = None,
    root: ROOT = Path(),
    traceback: Annotated[
        bool,
        typer.Option("--traceback", help="Print all that a failing cell left."),
    ] = False,
) -> None:
    """Write notebooks from their text and run them."""
    from alignlab.book.files import contents, pages, renewing

    try:
        changed = renewing.refresh(_book(root), chapters or [])
    except pages.PageError as error:
        if traceback:
            typer.echo(str(error), err=True)
        raise
    contents.tidy(root)
    typer.echo(f"changed: {', '.join(changed) or 'nothing'}")


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

    changed = contents.tidy(_book(root), write=not check)
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

    for path in template.new(_book(root), name):
        typer.echo(str(path))


@app.command("format")
def format_(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="Pages; all where none is named.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would change.")
    ] = False,
    root: ROOT = Path(),
) -> None:
    """Format and lint the code of pages; exit code 1 where something is left to mend by hand."""
    from alignlab.book.files import reading

    changed = reading.format_pages(_book(root), chapters or [], check)
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

    rows = reading.report(_book(root))
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
def colab(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Folder to write to, each page as SECTION/NAME.ipynb."
        ),
    ],
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; all of _toc.yml where none is named."),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            help="Tag or commit to install from; default: this version's tag."
        ),
    ] = None,
    root: ROOT = Path(),
) -> None:
    """Export the Colab edition of pages: plain Markdown, numbers filled in, the helper installed by the first cell."""
    from alignlab.book.editions.colab import export

    for path in export(_book(root), to, chapters or [], ref):
        typer.echo(str(path))


@app.command()
def slides(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Folder to write to, each deck as SECTION/NAME.html."
        ),
    ],
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; all of _toc.yml where none is named."),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Show the code cells too.")
    ] = False,
    root: ROOT = Path(),
) -> None:
    """Write slides of pages from their stored results; they run without a kernel and without the network."""
    from alignlab.book.editions.slides import export

    for path in export(_book(root), to, chapters or [], code):
        typer.echo(str(path))


@app.command()
def notebooks(
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            help="Folder to write to: student/SECTION/NAME.ipynb and instructor/SECTION/NAME.ipynb.",
        ),
    ],
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; all of _toc.yml where none is named."),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            help="Tag or commit to install from; default: this version's tag."
        ),
    ] = None,
    root: ROOT = Path(),
) -> None:
    """Export notebooks for a class: without solutions for students, with them and usual mistakes for the instructor."""
    from alignlab.book.editions.classroom import export

    for path in export(_book(root), to, chapters or [], ref):
        typer.echo(str(path))


@app.command()
def pdf(
    to: BOOK_FILE,
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; the whole book where none is named."),
    ] = None,
    built: BUILT = HTML,
    root: ROOT = Path(),
) -> None:
    """Print the whole built book as a PDF; needs Chromium."""
    from alignlab.book.editions import printed
    from alignlab.doctor.checks import find_browser

    made = printed.pdf(_book(root), built, to, chapters or [], find_browser())
    _tell_size(made)


@app.command()
def epub(
    to: BOOK_FILE,
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; the whole book where none is named."),
    ] = None,
    built: BUILT = HTML,
    root: ROOT = Path(),
) -> None:
    """Write the whole built book as an EPUB; needs pypandoc."""
    from alignlab.book.editions import printed

    _tell_size(printed.epub(_book(root), built, to, chapters or []))


def _tell_size(path: Path) -> None:
    typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


@app.command()
def site(
    built: Annotated[
        Path, typer.Argument(help="The folder of the built pages.")
    ] = HTML,
    place: Annotated[
        str | None,
        typer.Option(
            help="Address of a folder that will hold the weights instead; ends in a slash."
        ),
    ] = None,
) -> None:
    """Put SmolLM2's weights into a built site, so that it runs in a reader's browser (102 MB more)."""
    from alignlab.book.site.weights import add_weights

    folder = add_weights(built, place)
    parts = sorted(folder.iterdir())
    size = sum(part.stat().st_size for part in parts) / 1e6
    typer.echo(f"{folder}: {len(parts)} parts, {size:.0f} MB")


@app.command()
def coverage(as_json: JSON = False, root: ROOT = Path()) -> None:
    """How much of the survey's reading list the chapters cite, section by section."""
    from alignlab.book.files import references

    found = references.coverage(_book(root))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    _console().print(references.coverage_table(found))


@app.command()
def check(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="Pages; all where none is named.")
    ] = None,
    root: ROOT = Path(),
) -> None:
    """Run the tests and pages that a change can have touched since they last passed on this machine."""
    from alignlab.book.proof import changed

    raise typer.Exit(changed.check(_book(root), chapters or []))


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
        found = costs.costs(_book(root))
        told = {
            "pages": found,
            "over": costs.over(found),
            "cells": costs.cells(root)[:cells],
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        typer.echo(costs.table(_book(root), cells))


@app.command("class")
def class_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files that readers exported on the page Your guesses."
        ),
    ],
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write every answer to this CSV file."),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            help="Draw questions against readers, to an .svg or .png file.",
        ),
    ] = None,
    root: ROOT = Path(),
) -> None:
    """Add up what a class answered: which question fooled whom; exit code 1 where a file could not be counted."""
    if figure is not None and figure.suffix not in (".svg", ".png"):
        raise typer.BadParameter(
            f"{figure} ends in neither .svg nor .png", param_hint="--figure"
        )
    from alignlab.book.files.written import written
    from alignlab.book.quiz import classroom, register

    found = classroom.add_up(files, register.asked(written(_book(root))))
    if found.rows:
        console = _console()
        console.print(classroom.question_table(found.rows))
        console.print(classroom.reader_table(found.rows, found.readers))
        if csv is not None:
            classroom.write_csv(found.rows, csv)
        if figure is not None:
            classroom.save_figure(found.rows, found.readers, figure)
    elif not found.refused:
        typer.echo("no answers to count", err=True)
    for line in (*found.notes, *found.refused):
        typer.echo(f"alignlab: {line}", err=True)
    if found.refused:
        raise typer.Exit(1)


quiz = typer.Typer(
    help="The questions at the ends of pages.", no_args_is_help=True
)
app.add_typer(quiz, name="quiz")


@quiz.command("export")
def quiz_export(
    to: Annotated[
        Path, typer.Option("--to", help="The file to write, Moodle XML.")
    ],
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; all where none is named."),
    ] = None,
    root: ROOT = Path(),
) -> None:
    """Write the questions as Moodle XML, with the explanation of every answer."""
    from alignlab.book.files import pages
    from alignlab.book.files.written import written
    from alignlab.book.quiz.moodle import moodle
    from alignlab.book.quiz.questions import questions

    titles = written(_book(root))
    chosen = [pages.resolve(root, name) for name in chapters or []]
    found = [
        (slug, titles[slug].title if slug in titles else slug, asked)
        for slug in chosen or pages.slugs(root)
        if (asked := questions(slug))
    ]
    if not found:
        raise pages.PageError("no page named has questions")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(moodle(found), encoding="utf-8")
    count = sum(len(asked) for _, _, asked in found)
    typer.echo(f"{to}: {count} questions of {len(found)} pages")


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


def _console() -> Any:
    """Where tables are printed."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no width that lines would have to be wrapped at
    return console


def _book(root: Path) -> Path:
    """The root folder, once it is seen to hold a book. Raises PageError where it doesn't."""
    if not (root / "text").is_dir():
        from alignlab.book.files.pages import PageError

        what = "holds no text/" if root.is_dir() else "is no folder"
        raise PageError(
            f"{root.resolve()} {what}: run this in the book's folder or name that with --root"
        )
    return root


def _print_proof(record: dict[str, Any]) -> None:
    """One claim: separation, measures, rival, what became of the band, and what is wrong."""
    from alignlab.book.page import evidence
    from alignlab.book.page.claims import band_text

    say, controls = typer.echo, record["controls"]
    apart = evidence.separation_text(evidence.weakest(record))
    verdict = "holds" if record["passed"] else "FAILS"
    recorded = " (recorded)" if record["source"] == "recipe" else ""
    say(f"{verdict}  {record['id']}{recorded}: separation {apart}")
    for measure in record["measures"]:
        gap = evidence.distance(measure, controls)
        far = "no control" if gap is None else f"nearest control {gap:.3g} away"
        say(
            f"  {measure['name']} {measure['values']}, {band_text(measure['band'])}: "
            f"separation {evidence.separation_text(measure['separation'])}; "
            f"{evidence.band_width_text(measure)}; tolerance {measure['tol']:g}, {far}"
        )
        if measure["band_from"]:
            say(f"    band: {measure['band_from']}")
        for move in measure["band_history"]:
            say(
                f"    band moved from {band_text(move['from'])} to {band_text(move['to'])}, "
                f"on seeds {move['seeds']}: {move['why']}"
            )
    for control in controls:
        if control["rival"]:
            say(
                f"  rival: {control['name']} {control['values']}: {control['why']}"
            )
    for text in record["faults"]:
        say(f"  ERROR: {text}")
    for text in record["notes"]:
        say(f"  note: {text}")


def _print(records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(records, indent=1))
        return
    for record in records:
        values = "; ".join(
            f"{m['name']} {m['values']} in {m['band']}"
            for m in record["measures"]
        )
        recorded = " (recorded)" if record["source"] == "recipe" else ""
        typer.echo(
            f"{'holds' if record['passed'] else 'FAILS'}  {record['id']}{recorded}: {values}"
        )


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # what its encoding lacks (cp1252 of a pipe, say) is spelled out
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
