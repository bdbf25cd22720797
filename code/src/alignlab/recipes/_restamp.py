"""Stamp a record anew where only the names of its code changed: a module moved, the syntax is the same.

A record is refused where its stamp is not that of the old tree, or where the syntax of one of its functions differs
between the trees, the moved modules' names apart.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from alignlab.recipes import _recipe, _records
from alignlab.recipes._recipe import RecipeError


def restamp(name: str, old: Path, moved: Mapping[str, str]) -> bool:
    """Give a recipe's record the stamp of the code as it is now; whether that changed anything.

    old: the package's folder as it was when the record was made (`code/src/alignlab` of another checkout). moved: old
    name -> new name of modules, or of functions that went to another module, each beginning with "alignlab.".
    Raises RecipeError where the record was not made by the old code, or where its code differs in more than names.
    """
    recipe, found = _recipe.lookup(name), _records.record(name)
    if found.code_hash == recipe.code_hash():
        return False
    before = {new: was for was, new in moved.items()}
    functions = {_full(f): f for f in (recipe.run, *recipe.code)}
    parts: dict[str, Any] = {}
    for now, function in functions.items():
        was = _renamed(now, before)
        then = _definition(old, was, name)
        parts[was] = _recipe._syntax(ast.Module([then], []))
        plain = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        if _moved(then, moved) != _moved(ast.parse(plain).body[0], moved):
            raise RecipeError(
                f"{now} differs in syntax from {was}: the record of {name!r} can't be stamped; "
                f"run `alignlab recipe run {name}`"
            )
    made_by = hashlib.sha256(
        json.dumps(parts, sort_keys=True).encode()
    ).hexdigest()[:16]
    if made_by != found.code_hash:
        raise RecipeError(
            f"the record of {name!r} was not made by the code in {old}: give the tree that made it"
        )
    stamped = replace(found, code_hash=recipe.code_hash())
    _records.record_path(name).write_text(
        _records.to_text(stamped), encoding="utf-8"
    )
    return True


def _full(function: Callable[..., Any]) -> str:
    plain = inspect.unwrap(function)
    return f"{plain.__module__}.{plain.__qualname__}"


def _renamed(name: str, names: Mapping[str, str]) -> str:
    """A dotted name with its longest known beginning replaced."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        if (start := ".".join(parts[:k])) in names:
            return ".".join([names[start], *parts[k:]])
    return name


def _definition(package: Path, name: str, recipe: str) -> Any:
    """The function or class of a full name, read from a package's folder. Raises RecipeError where it isn't there."""
    parts = name.split(".")[1:]
    for k in range(len(parts) - 1, 0, -1):
        path = package.joinpath(*parts[:k]).with_suffix(".py")
        if path.is_file():
            node: Any = ast.parse(path.read_text(encoding="utf-8"))
            for part in parts[k:]:
                inside = [
                    n for n in node.body if getattr(n, "name", "") == part
                ]
                if not inside:
                    break
                node = inside[-1]
            else:
                return node
    raise RecipeError(
        f"{package} has no {name}: the record of {recipe!r} can't be stamped; say where it was with --moved"
    )


def _moved(node: ast.AST, moved: Mapping[str, str]) -> Any:
    """Syntax with imports flattened and every name of the package as it is called now."""
    tree = ast.parse(ast.unparse(node))
    for inside in ast.walk(tree):
        body = getattr(inside, "body", None)
        if isinstance(body, list):
            inside.body = [n for part in body for n in _flat(part, moved)]  # type: ignore[attr-defined]
    return _recipe._syntax(tree)


def _flat(node: ast.stmt, moved: Mapping[str, str]) -> Iterator[ast.stmt]:
    if not isinstance(node, ast.ImportFrom) or node.level:
        yield node
        return
    for name in sorted(node.names, key=lambda n: n.name):
        full = _renamed(f"{node.module}.{name.name}", moved)
        home, _, last = full.rpartition(".")
        yield ast.ImportFrom(
            home, [ast.alias(last, name.asname or name.name)], 0
        )
