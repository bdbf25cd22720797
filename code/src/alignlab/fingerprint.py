"""Fingerprints of code: what a function reaches inside a package, read from source, hashed by its syntax.

Nothing is imported. What counts are definitions, not where they stand: names are replaced by the order in which the
definitions are reached, so that comments, docstrings, layout and the moving of files change nothing, while another
definition behind the same name does. Where the source can't tell (a module used as a value, a name composed at run
time), the whole module counts.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WHOLE = "*"  # in place of a name: every definition of the module
SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SKIPPED = ("kind", "type_comment", "ctx")


@dataclass(frozen=True)
class Closure:
    """What is reached from some definitions.

    digest: sixteen hex digits. objects: (module, name) pairs. strings: all texts that occur in them, and texts of
    keys by the text that they map to, where a dictionary of texts says so.
    """

    digest: str
    objects: frozenset[tuple[str, str]]
    strings: frozenset[str]
    keys: Mapping[str, frozenset[str]]

    @property
    def modules(self) -> frozenset[str]:
        """The modules in which something is reached."""
        return frozenset(module for module, _ in self.objects)


@dataclass
class _Module:
    name: str
    package: bool
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, list[str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    loads: set[str] = field(default_factory=set)
    effects: list[ast.stmt] = field(default_factory=list)


class Sources:
    """The modules of a package by name, read when first needed.

    folder: of the package. more: further modules, by name, as files or as text.
    """

    def __init__(
        self, folder: Path, more: Mapping[str, Path | str] | None = None
    ) -> None:
        """Note which modules there are."""
        self.folder, self.top = Path(folder), Path(folder).name
        self.paths: dict[str, Path | str] = {
            _dotted(path, self.folder): path
            for path in sorted(self.folder.rglob("*.py"))
        }
        self.paths |= more or {}
        self._read: dict[str, _Module] = {}
        self._found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
        self._effects: dict[str, list[ast.stmt]] = {}
        self._written: dict[ast.stmt, _Text] = {}

    def ours(self, name: str) -> bool:
        """Whether a module of this name is known."""
        return name in self.paths

    def below(self, prefix: str) -> list[str]:
        """Names of all modules that start with a text."""
        return sorted(name for name in self.paths if name.startswith(prefix))

    def module(self, name: str) -> _Module:
        """A module's definitions, imports and code that runs when it is loaded."""
        if name not in self._read:
            source = self.paths[name]
            package = isinstance(source, Path) and source.name == "__init__.py"
            tree = (
                ast.parse(source)
                if isinstance(source, str)
                else _parsed(source, source.stat().st_mtime_ns)
            )
            module = self._read[name] = _Module(name, package)
            for statement in tree.body:
                _sort(module, statement)
        return self._read[name]

    def texts(self, module: str, name: str) -> frozenset[str]:
        """All texts in a module's definition of a name."""
        return frozenset(
            node.value
            for statement in self.module(module).defined.get(name, [])
            for node in ast.walk(statement)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )

    def resolve(
        self, module: str, name: str, seen: frozenset[Any] = frozenset()
    ) -> list[tuple[str, str | None]]:
        """What a name at the top of a module means: (module, name), (module, None) for a module itself.

        Names from outside the package come back as ("", dotted name); none are found for builtins.
        """
        if not seen:
            if (module, name) not in self._found:
                start = frozenset({(module, name)})
                self._found[module, name] = self._resolve(module, name, start)
            return self._found[module, name]
        if (module, name) in seen:
            return []
        return self._resolve(module, name, seen | {(module, name)})

    def effects(self, module: str) -> list[ast.stmt]:
        """What runs when a module is loaded and may change something outside of the name that it defines."""
        if module not in self._effects:
            self._effects[module] = list(_effects(self, self.module(module)))
        return self._effects[module]

    def written(self, module: str, node: ast.stmt) -> _Text:
        """A statement at the top of a module as its syntax and the definitions that it uses."""
        if node not in self._written:
            made = _Writer(self, module, node)
            self._written[node] = _Text(
                made.digest, made.uses, made.strings, made.keys
            )
        return self._written[node]

    def whole(self, module: str) -> list[_Use]:
        """What a module defines, and what it imports of the package's definitions, in the order of the names."""
        here = self.module(module)
        found = [
            _Use(home, meant)
            for name in sorted({*here.defined, *here.imported})
            for home, meant in self.resolve(module, name)
            if home and meant
        ]
        stars = [_Use(star, WHOLE) for star in here.stars if self.ours(star)]
        return found + stars

    def extended(self, more: Mapping[str, Path | str]) -> Sources:
        """The same with further modules, under names that none had before; what was read is shared."""
        new = copy.copy(self)
        new.paths = {**self.paths, **more}
        return new

    def _resolve(
        self, module: str, name: str, seen: frozenset[Any]
    ) -> list[tuple[str, str | None]]:
        here = self.module(module)
        found: list[tuple[str, str | None]] = []
        if name in here.defined:
            found.append((module, name))
        for target in here.imported.get(name, []):
            found += self.target(target, seen)
        for star in here.stars:
            found += self.resolve(star, name, seen) if self.ours(star) else []
        return list(dict.fromkeys(found))

    def target(
        self, dotted: str, seen: frozenset[Any] = frozenset()
    ) -> list[tuple[str, str | None]]:
        """What an imported dotted name means, as `resolve` says it."""
        if dotted.split(".")[0] != self.top:
            return [("", dotted)]
        base, _, name = dotted.rpartition(".")
        found = self.resolve(base, name, seen) if self.ours(base) else []
        if not found and self.ours(dotted):
            return [(dotted, None)]
        return found or [(base, WHOLE) if self.ours(base) else ("", dotted)]


def closure(
    sources: Sources,
    roots: Iterable[tuple[str, str]],
    apart: Callable[[str], bool] = lambda module: False,
    dynamic: Callable[[str], bool] = lambda module: True,
) -> Closure:
    """What is reached from definitions, roots being (module, name) pairs, `WHOLE` for all that a module defines.

    apart: modules of which only the names that are used count. dynamic: which modules a name composed at run time may
    mean. Raises KeyError where a root is not there.
    """
    roots = list(roots)
    for module, name in roots:
        if name != WHOLE and name not in sources.module(module).defined:
            raise KeyError(f"{module} defines no {name}")
    loaded: set[str] = set()
    effects: list[tuple[str, str, ast.stmt]] = []
    while True:
        walk = _Walk(sources, apart, dynamic)
        for module, name in roots:
            walk.index(module, name)
        walk.run()
        for _, module, statement in effects:
            walk.statement(module, statement)
            walk.run()
        new = _loaded(sources, {m for m, _ in walk.order}, apart) - loaded
        more = [
            (ast.dump(statement), name, statement)
            for name in new
            for statement in sources.effects(name)
        ]
        loaded |= new
        if not more:
            break
        effects = sorted(effects + more, key=lambda effect: effect[:2])
    keys: dict[str, set[str]] = {}
    for text, key in walk.keys:
        keys.setdefault(text, set()).add(key)
    return Closure(
        _digest(walk.written),
        frozenset(walk.order),
        frozenset(walk.strings),
        {text: frozenset(found) for text, found in keys.items()},
    )


def _loaded(
    sources: Sources, modules: set[str], apart: Callable[[str], bool]
) -> set[str]:
    """Modules that are loaded where some are: those, what they import at their top, and the packages around them."""
    todo, found = set(modules), set[str]()
    while todo:
        name = todo.pop()
        if name not in found and sources.ours(name) and not apart(name):
            found.add(name)
            todo |= sources.module(name).loads | {name.rpartition(".")[0]}
    return found


class _Walk:
    """Definitions in the order in which they are reached, and their syntax with that order for names."""

    def __init__(
        self,
        sources: Sources,
        apart: Callable[[str], bool],
        dynamic: Callable[[str], bool],
    ) -> None:
        self.sources, self.apart, self.dynamic = sources, apart, dynamic
        self.order: dict[tuple[str, str], int] = {}
        self.written: list[Any] = []
        self._todo: list[tuple[str, str]] = []
        self.strings: set[str] = set()
        self.keys: set[tuple[str, str]] = set()

    def index(self, module: str, name: str) -> int:
        """The place of a definition, the next one where it is new."""
        if (module, name) not in self.order:
            self._todo.append((module, name))
        return self.order.setdefault((module, name), len(self.order))

    def run(self) -> None:
        """Write down all that is reached, until nothing new is."""
        while self._todo:
            module, name = self._todo.pop(0)
            if name == WHOLE:
                self.written.append(
                    [self._place(use) for use in self.sources.whole(module)]
                )
                continue
            for statement in self.sources.module(module).defined[name]:
                self.statement(module, statement)

    def statement(self, module: str, node: ast.stmt) -> None:
        """Write down one statement at the top of a module."""
        text = self.sources.written(module, node)
        self.strings |= text.strings
        self.keys |= text.keys
        self.written.append(
            [text.digest, [self._place(use) for use in text.uses]]
        )

    def _place(self, use: _Use) -> Any:
        """How the use of a definition is written: its place, its name where it is apart, nothing where it can't be."""
        if self.apart(use.module):
            name = use.module.rpartition(".")[2]
            return ["apart", name if use.name == WHOLE else use.name]
        if use.runtime and not self.dynamic(use.module):
            return None
        return self.index(use.module, use.name)


@dataclass(frozen=True)
class _Use:
    module: str
    name: str
    runtime: bool = False


@dataclass
class _Text:
    digest: str
    uses: list[_Use]
    strings: set[str]
    keys: set[tuple[str, str]]


class _Writer:
    """A statement's syntax, the package's definitions that it uses told beside it, in order."""

    def __init__(self, sources: Sources, module: str, node: ast.stmt) -> None:
        self.sources, self._module = sources, module
        self.uses: list[_Use] = []
        self.strings: set[str] = set()
        self.keys: set[tuple[str, str]] = set()
        self._local: dict[str, list[str]] = {}
        here = sources.module(module)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                for name, dotted in _bound(inner, here):
                    self._local.setdefault(name, []).append(dotted)
        self.digest = _digest(self.syntax(node))

    def syntax(self, node: Any) -> Any:
        """A syntax tree as nested lists, the same in every version of Python, names resolved."""
        if isinstance(node, list):
            return [self.syntax(part) for part in node]
        if not isinstance(node, ast.AST):
            return repr(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.strings.add(node.value)
        if isinstance(node, ast.Import | ast.ImportFrom):
            return self._import(node)
        if isinstance(node, ast.Dict):
            self._mapping(node)
        if isinstance(node, ast.Call):
            return ["Call", self._runtime(node), self._fields(node)]
        if isinstance(node, ast.Name | ast.Attribute):
            return self._chain(node)
        return [type(node).__name__, self._fields(node)]

    def _fields(self, node: ast.AST) -> dict[str, Any]:
        fields = {}
        for name, value in ast.iter_fields(node):
            if name == "body" and isinstance(node, SCOPES | ast.Module):
                described = ast.get_docstring(node, clean=False) is not None
                value = value[1:] if described else value
            if value is None or value == [] or name in SKIPPED:
                continue
            fields[name] = self.syntax(value)
        return fields

    def _import(self, node: ast.Import | ast.ImportFrom) -> Any:
        """An import inside a definition: what it binds is resolved where it is used."""
        here = self.sources.module(self._module)
        outside = [
            dotted
            for _, dotted in _bound(node, here)
            if dotted.split(".")[0] != self.sources.top
        ]
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return [outside, self._reach([(_source_of(node, here), None)])]
        return ["Import", outside]

    def _mapping(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values):
            texts = [
                part.value
                for part in (key, value)
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
            ]
            if len(texts) == 2:
                self.keys.add((texts[1], texts[0]))

    def _chain(self, node: ast.Name | ast.Attribute) -> Any:
        """A name with its attributes; as far as it leads through modules it is resolved."""
        steps: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            steps.append(base.attr)
            base = base.value
        steps.reverse()
        if not isinstance(base, ast.Name):
            assert isinstance(node, ast.Attribute)
            return ["Attribute", node.attr, self.syntax(node.value)]
        found = self._meaning(base.id)
        while steps and any(name is None for _, name in found):
            step, *steps = steps
            found = [
                deeper
                for module, name in found
                for deeper in (
                    self._inside(module, step)
                    if name is None
                    else [(module, name)]
                )
            ]
        if not found:
            return ["Name", base.id, *steps]
        stored = isinstance(base.ctx, ast.Store | ast.Del)
        return ["Ref", base.id if stored else "", self._reach(found), *steps]

    def _meaning(self, name: str) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = []
        for dotted in self._local.get(name, []):
            found += (
                [(dotted, None)]
                if dotted == self.sources.top
                else self.sources.target(dotted)
            )
        return list(
            dict.fromkeys(found + self.sources.resolve(self._module, name))
        )

    def _inside(self, module: str, name: str) -> list[tuple[str, str | None]]:
        found = self.sources.resolve(module, name)
        if not found and self.sources.ours(f"{module}.{name}"):
            return [(f"{module}.{name}", None)]
        return found or [(module, WHOLE)]

    def _reach(self, found: Iterable[tuple[str, str | None]]) -> list[Any]:
        """How things that were found are written: a mark for one of ours, its name for one from outside."""
        out: list[Any] = []
        for module, name in found:
            if not module:
                out.append(name)
            elif name is not None:
                self.uses.append(_Use(module, name))
                out.append("#")
            elif self.sources.ours(module):
                below = self.sources.below(f"{module}.")
                out.append(self._whole([module, *below]))
        return out

    def _whole(self, modules: Collection[str], runtime: bool = False) -> int:
        self.uses += [_Use(module, WHOLE, runtime) for module in modules]
        return len(modules) * (not runtime)

    def _runtime(self, node: ast.Call) -> int:
        """Modules that a call may mean whose name is known at run time only."""
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if isinstance(node.func, ast.Name) and called in (
            "globals",
            "eval",
            "exec",
        ):
            return self._whole([self._module])
        if called not in ("import_module", "__import__") or not node.args:
            return 0
        asked = node.args[0]
        start = asked.values[0] if isinstance(asked, ast.JoinedStr) else asked
        if isinstance(start, ast.Constant) and isinstance(start.value, str):
            if start.value.split(".")[0] != self.sources.top:
                return 0
            known = (
                self.sources.below(start.value)
                if isinstance(asked, ast.JoinedStr)
                else [n for n in (start.value,) if self.sources.ours(n)]
            )
        else:
            known = self._named(asked) or self.sources.below(self.sources.top)
        return self._whole(known, runtime=True)

    def _named(self, asked: ast.expr) -> list[str]:
        """The modules below those that an expression names."""
        found = {
            module
            for inner in ast.walk(asked)
            if isinstance(inner, ast.Name)
            for module, name in self._meaning(inner.id)
            if module and name is None
        }
        return [
            n for module in sorted(found) for n in self.sources.below(module)
        ]


def _sort(module: _Module, node: ast.stmt, typing: bool = False) -> None:
    """File a statement at the top of a module under what it defines, imports or does."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        for name, dotted in _bound(node, module):
            module.imported.setdefault(name, []).append(dotted)
            if not typing:
                parts = dotted.split(".")
                module.loads |= {
                    ".".join(parts[: n + 1]) for n in range(len(parts))
                }
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module.stars.append(_source_of(node, module))
            module.loads.add(module.stars[-1])
    elif isinstance(node, SCOPES):
        module.defined.setdefault(node.name, []).append(node)
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target]
        )
        for target in targets:
            names = list(_targets(target))
            for name in names:
                module.defined.setdefault(name, []).append(node)
            if not names:
                module.effects.append(node)
    elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
        test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
        before = set(module.defined)
        for part in _within(node):
            _sort(module, part, typing or "TYPE_CHECKING" in test)
        if "TYPE_CHECKING" in test or "__main__" in test:
            return
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                module.defined.setdefault(inner.id, []).append(node)
        for name in set(module.defined) - before:
            module.defined[name].append(node)
        module.effects.append(node)
    elif not (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        module.effects.append(node)


def _within(node: ast.AST) -> Iterator[ast.stmt]:
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(node, name, [])
    for handler in getattr(node, "handlers", []):
        yield from handler.body


def _targets(node: ast.expr) -> Iterator[str]:
    """The module's own names that an assignment sets or changes."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Tuple | ast.List):
        for part in node.elts:
            yield from _targets(part)
    elif isinstance(node, ast.Subscript | ast.Attribute | ast.Starred):
        yield from _targets(node.value)


def _effects(sources: Sources, module: _Module) -> Iterator[ast.stmt]:
    """What runs when a module is loaded and may change something outside of the name that it defines."""
    yield from module.effects
    for statements in module.defined.values():
        for node in statements:
            if isinstance(node, SCOPES):
                calls: Iterable[ast.expr] = node.decorator_list
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                calls = [
                    inner.func
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Call)
                ]
            else:
                continue
            if any(_calls_ours(sources, module, call) for call in calls):
                yield node


def _calls_ours(sources: Sources, module: _Module, call: ast.expr) -> bool:
    """Whether a call is of one of the package's functions; its classes only make an object."""
    while isinstance(call, ast.Attribute | ast.Call):
        call = call.value if isinstance(call, ast.Attribute) else call.func
    if not isinstance(call, ast.Name):
        return False
    for home, name in sources.resolve(module.name, call.id):
        if home and name is None:
            return True
        defined = (
            sources.module(home).defined.get(name or "", []) if home else []
        )
        if any(not isinstance(node, ast.ClassDef) for node in defined):
            return True
    return False


def _bound(
    node: ast.Import | ast.ImportFrom, module: _Module
) -> Iterator[tuple[str, str]]:
    """The names that an import binds and what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.split(".")[0]
            yield (
                (alias.asname, alias.name) if alias.asname else (first, first)
            )
            if not alias.asname and first != alias.name:
                module.loads.add(alias.name)
        return
    for alias in node.names:
        if alias.name != "*":
            yield (
                alias.asname or alias.name,
                f"{_source_of(node, module)}.{alias.name}",
            )


def _source_of(node: ast.ImportFrom, module: _Module) -> str:
    """The module from which names are imported, dots resolved."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.package]
    return ".".join([*parts, *([node.module] if node.module else [])])


@functools.lru_cache(maxsize=2000)
def _parsed(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _dotted(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
