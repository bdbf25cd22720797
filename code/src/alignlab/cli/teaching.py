"""Commands for teachers: what a class answered, and the questions for another system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignlab.cli.app import PAGES, ROOT, app, book_folder, terminal


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

    found = classroom.add_up(files, register.asked(written(book_folder(root))))
    if found.rows:
        console = terminal()
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
    chapters: PAGES = None,
    root: ROOT = Path(),
) -> None:
    """Write the questions as Moodle XML, with the explanation of every answer."""
    from alignlab.book.files import pages
    from alignlab.book.files.written import written
    from alignlab.book.quiz.moodle import moodle
    from alignlab.book.quiz.questions import questions

    titles = written(book_folder(root))
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
