"""What the commands share: the application, one-line errors, common options, where tables are printed."""

from __future__ import annotations

import errno
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
    "EvaluationError",
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
    help="The book on the command line: fetch models and data, see what is wrong, write pages, verify their claims.",
    cls=OneLine,
    no_args_is_help=True,
    add_completion=False,
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
PAGES = Annotated[
    list[str] | None, typer.Argument(help="Pages; all where none is named.")
]
LISTED = Annotated[
    list[str] | None,
    typer.Argument(help="Pages; all of _toc.yml where none is named."),
]
PRINTED = Annotated[
    list[str] | None,
    typer.Argument(help="Pages; the whole book where none is named."),
]
REF = Annotated[
    str | None,
    typer.Option(
        help="Tag or commit to install from; default: this version's tag."
    ),
]


def terminal() -> Any:
    """Where tables are printed."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 160  # a file or a pipe has no width that lines would have to be wrapped at
    return console


def book_folder(root: Path) -> Path:
    """The root folder, once it is seen to hold a book. Raises PageError where it doesn't."""
    if not (root / "text").is_dir():
        from alignlab.book.files.pages import PageError

        what = "holds no text/" if root.is_dir() else "is no folder"
        raise PageError(
            f"{root.resolve()} {what}: run this in the book's folder or name that with --root"
        )
    return root
