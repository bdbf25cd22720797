"""What a recipe is, which there are, and the hash of the code that one rests on."""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import inspect
import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PACKAGE = FOLDER.parent  # in whose chapters' folders the recipes stand
FILE_LIMIT = 8 * 2**20  # bytes of one file beside a record


class RecipeError(RuntimeError):
    """A recipe or record that is not there, or cannot be used; one line, what is wrong and what to do."""


@dataclass(frozen=True)
class Recipe:
    """A run that takes longer than a page's minute.

    name: of its file `recipe_NAME.py`, hyphens for underscores. about: one sentence. config: settings, values that JSON
    can hold. seeds: on which it runs unless others are asked for. run: (seed, config) -> results by name, small, values
    that JSON can hold; the entry "files", if any, maps file names to bytes (at most 8 MB each) that are kept beside the
    record. code: the functions and classes of the package whose change makes the record stale; `run` is always among
    them. threads: of torch, while it runs.
    """

    name: str
    about: str
    config: Mapping[str, Any]
    seeds: Sequence[int]
    run: Callable[[int, dict[str, Any]], dict[str, Any]]
    code: Sequence[Callable[..., Any]]
    threads: int = 1

    def code_hash(self) -> str:
        """A hash of the code that the results rest on; comments, docstrings and layout don't count."""
        return code_hash((self.run, *self.code))


def modules() -> dict[str, str]:
    """The module of every recipe by the recipe's name: files `recipe_NAME.py` of the package, found without importing.

    Raises RecipeError where two share a name.
    """
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("recipe_*.py")):
        name = path.stem.removeprefix("recipe_").replace("_", "-")
        inside = path.relative_to(PACKAGE).with_suffix("").parts
        if name in found:
            raise RecipeError(
                f"two recipes are called {name!r}: {found[name]} and {'.'.join(inside)}; rename the file of one"
            )
        found[name] = ".".join(("alignlab", *inside))
    return found


def names() -> list[str]:
    """Names of all recipes, in order."""
    return sorted(modules())


def lookup(name: str) -> Recipe:
    """A recipe by its name. Raises RecipeError where there is none, with the nearest name."""
    check_name(name)
    recipe = importlib.import_module(modules()[name]).RECIPE
    if not isinstance(recipe, Recipe) or recipe.name != name:
        raise RecipeError(
            f"the module of recipe {name!r} must hold RECIPE = Recipe(name={name!r}, …)"
        )
    return recipe


def check_name(name: str) -> None:
    """Raise RecipeError where no recipe has this name."""
    if name not in names():
        raise RecipeError(
            f"No recipe is called {name!r}; {nearest(name, names())}"
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say of a name that isn't known: the nearest one, else all."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return (
        f"did you mean {close[0]!r}?"
        if close
        else f"there are: {', '.join(known) or 'none yet'}"
    )


def code_hash(functions: Iterable[Callable[..., Any]]) -> str:
    """Sixteen hex digits made from the syntax of functions and classes, each counted once, in any order."""
    parts = {}
    for function in functions:
        plain = inspect.unwrap(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
        parts[f"{plain.__module__}.{plain.__qualname__}"] = _syntax(tree)
    return hashlib.sha256(
        json.dumps(parts, sort_keys=True).encode()
    ).hexdigest()[:16]


def _syntax(node: Any) -> Any:
    """A syntax tree as nested lists, without docstrings and places, the same in every version of Python."""
    if isinstance(node, list):
        return [_syntax(part) for part in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {}
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(
            node,
            ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module,
        ):
            value = (
                value[1:]
                if ast.get_docstring(node, clean=False) is not None
                else value
            )
        if value is None or value == [] or name in ("kind", "type_comment"):
            continue
        fields[name] = _syntax(value)
    return [type(node).__name__, fields]
