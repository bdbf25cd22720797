"""What a recipe is, which there are, and the hash of the code that one rests on."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignlab.assets import registry
from alignlab.fingerprint import Closure, Sources, closure

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
    record. What `run` reaches inside the package is the code whose change makes the record stale. threads: of torch,
    while it runs.
    """

    name: str
    about: str
    config: Mapping[str, Any]
    seeds: Sequence[int]
    run: Callable[[int, dict[str, Any]], dict[str, Any]]
    threads: int = 1

    def code_hash(self) -> str:
        """A hash of all that the results rest on but settings; comments, docstrings and places don't count."""
        return code_hash(self.name, self.run)


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


# What these return is checked against the registry's checksums, or moves a bar: their code decides no result.
APART = tuple(
    f"alignlab.{name}"
    for name in (
        *("assets.store", "assets.carrier", "assets.convert"),
        *("assets.table", "assets.progress", "recipes._"),
    )
)


def code_hash(name: str, run: Callable[..., Any]) -> str:
    """Sixteen hex digits made from all that a recipe's `run` reaches in the package, from its files and assets too.

    Raises RecipeError where `run` is no function at the top of a module.
    """
    module = getattr(run, "__module__", "")
    source = inspect.getsourcefile(inspect.unwrap(run))
    sources = Sources(PACKAGE, {module: Path(source or "")})
    try:
        reached = closure(
            sources,
            [(module, getattr(run, "__qualname__", ""))],
            apart=lambda module: module.startswith(APART),
        )
    except KeyError:
        raise RecipeError(
            f"the run of recipe {name!r} must be a function at the top of its module, not {run!r}"
        ) from None
    said = reached.strings | sources.texts(module, "RECIPE")
    parts = [
        reached.digest,
        files_said(reached, said, PACKAGE, f"records/{name.replace('-', '_')}"),
        assets_said(said),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def files_said(
    reached: Closure, said: Iterable[str], folder: Path, own: str = "/"
) -> list[str]:
    """Checksums of the package's files that texts in the code name, by name or by a key that is mapped to their path.

    own: part of a path that does not count, that of a recipe's own record.
    """
    files: dict[str, list[Path]] = {}
    for path in folder.rglob("*.*"):
        if path.suffix not in (".py", ".pyc") and path.is_file():
            inside = path.relative_to(folder)
            if inside.parts[:2] != ("recipes", "records"):
                files.setdefault(path.name, []).append(path)
            if f"{own}/" not in f"/{inside.as_posix()}":
                files.setdefault(inside.as_posix(), []).append(path)
    named = set(said)
    found = {
        path
        for text in named
        if "/" not in text or reached.keys.get(text, frozenset({text})) & named
        for path in files.get(text, ())
    }
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in found
    )


def assets_said(said: Iterable[str]) -> list[str]:
    """Checksums of the registered assets that texts in the code name."""
    known = registry()
    return sorted(
        file.sha256
        for text in set(said)
        if text in known
        for file in known[text].files.values()
    )
