"""Commands that export the book: Colab, slides, notebooks, PDF, EPUB, weights of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignlab.cli.app import (
    BOOK_FILE,
    BUILT,
    HTML,
    LISTED,
    PRINTED,
    REF,
    ROOT,
    app,
    book_folder,
)


@app.command()
def colab(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Folder to write to, each page as SECTION/NAME.ipynb."
        ),
    ],
    chapters: LISTED = None,
    ref: REF = None,
    root: ROOT = Path(),
) -> None:
    """Export the Colab edition of pages: plain Markdown, numbers filled in, the helper installed by the first cell."""
    from alignlab.book.editions.colab import export

    for path in export(book_folder(root), to, chapters or [], ref):
        typer.echo(str(path))


@app.command()
def slides(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Folder to write to, each deck as SECTION/NAME.html."
        ),
    ],
    chapters: LISTED = None,
    code: Annotated[
        bool, typer.Option("--code", help="Show the code cells too.")
    ] = False,
    root: ROOT = Path(),
) -> None:
    """Write slides of pages from their stored results; they run without a kernel and without the network."""
    from alignlab.book.editions.slides import export

    for path in export(book_folder(root), to, chapters or [], code):
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
    chapters: LISTED = None,
    ref: REF = None,
    root: ROOT = Path(),
) -> None:
    """Export notebooks for a class: without solutions for students, with them and usual mistakes for the instructor."""
    from alignlab.book.editions.classroom import export

    for path in export(book_folder(root), to, chapters or [], ref):
        typer.echo(str(path))


@app.command()
def pdf(
    to: BOOK_FILE,
    chapters: PRINTED = None,
    built: BUILT = HTML,
    root: ROOT = Path(),
) -> None:
    """Print the whole built book as a PDF; needs Chromium."""
    from alignlab.book.editions import printed
    from alignlab.doctor.checks import find_browser

    made = printed.pdf(
        book_folder(root), built, to, chapters or [], find_browser()
    )
    _tell_size(made)


@app.command()
def epub(
    to: BOOK_FILE,
    chapters: PRINTED = None,
    built: BUILT = HTML,
    root: ROOT = Path(),
) -> None:
    """Write the whole built book as an EPUB; needs pypandoc."""
    from alignlab.book.editions import printed

    _tell_size(printed.epub(book_folder(root), built, to, chapters or []))


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
