"""A recipe's record: what it found on each seed, by which code, settings and versions, and whether that still holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignlab.recipes import _recipe
from alignlab.recipes._recipe import RecipeError, nearest


@dataclass(frozen=True)
class Record:
    """What a recipe found, as shipped.

    results: by seed, then by name. seconds: of processor time, by seed. files: by seed, then file name, their sha256.
    stamped: each change of code that left the results as they are: {from, why, seed, date} (`alignlab recipe restamp`).
    """

    name: str
    config: dict[str, Any]
    code_hash: str
    results: dict[int, dict[str, Any]]
    seconds: dict[int, float]
    files: dict[int, dict[str, str]]
    versions: dict[str, str]
    date: str
    stamped: tuple[dict[str, Any], ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds it was run on, in order."""
        return tuple(sorted(self.results))

    def value(self, key: str, seed: int) -> Any:
        """A result of one seed. Raises RecipeError where the seed was not run or has no such result."""
        found = self._of(self.results, seed)
        if key not in found:
            raise RecipeError(
                f"the record of {self.name!r} has no result {key!r}; {nearest(key, found)}"
            )
        return found[key]

    def file(self, name: str, seed: int) -> Path:
        """A file that the recipe left beside its record. Raises RecipeError where it is missing or was changed."""
        found = self._of(self.files, seed)
        if name not in found:
            raise RecipeError(
                f"the record of {self.name!r} has no file {name!r}; {nearest(name, found)}"
            )
        path = file_path(self.name, seed, name)
        if (
            not path.is_file()
            or hashlib.sha256(path.read_bytes()).hexdigest() != found[name]
        ):
            raise RecipeError(
                f"{path.name} of the record of {self.name!r} is missing or was changed; {_again(self.name)}"
            )
        return path

    def complaint(self) -> str | None:
        """Why the record no longer says what its recipe would find; None where it does."""
        recipe = _recipe.lookup(self.name)
        if self.code_hash != recipe.code_hash():
            return f"the record of {self.name!r} is stale: its code has changed since; {_again(self.name)}"
        if self.config != plain(recipe.config):
            return f"the record of {self.name!r} is stale: its settings have changed since; {_again(self.name)}"
        return None

    def code_is_current(self) -> bool:
        """Whether the code that the recipe reaches is still that which made the record."""
        return self.code_hash == _recipe.lookup(self.name).code_hash()

    def _of(self, by_seed: dict[int, Any], seed: int) -> Any:
        if seed not in self.results:
            raise RecipeError(
                f"the record of {self.name!r} holds the seeds {', '.join(map(str, self.seeds))}, not {seed}"
            )
        return by_seed.get(seed, {})


def record(name: str) -> Record:
    """The shipped record of a recipe.

    Raises RecipeError: no such recipe, never run, or changed by hand since it was run.
    """
    _recipe.check_name(name)
    path = record_path(name)
    if not path.is_file():
        raise RecipeError(
            f"recipe {name!r} has no record yet: run `alignlab recipe run {name}`"
        )
    return parse(name, path.read_text(encoding="utf-8"))


def describe(name: str) -> dict[str, Any]:
    """What a list says of a recipe: name, about, recorded, current, state in words, seeds, seconds in all."""
    row: dict[str, Any] = {
        "name": name,
        "about": _recipe.lookup(name).about,
        "recorded": False,
        "current": False,
    }
    row |= {"state": "not recorded yet", "seeds": [], "seconds": 0.0}
    try:
        found = record(name)
    except RecipeError as error:
        return (
            row
            if not record_path(name).is_file()
            else {**row, "state": str(error)}
        )
    complaint = found.complaint()
    state = (
        "current"
        if complaint is None
        else "stale: its code or settings have changed since"
    )
    row |= {"recorded": True, "current": complaint is None, "state": state}
    return {
        **row,
        "seeds": list(found.seeds),
        "seconds": round(sum(found.seconds.values()), 1),
    }


def parse(name: str, text: str) -> Record:
    """A record from its file's text. Raises RecipeError where it cannot be read or was changed by hand."""
    try:
        read = json.loads(text)
        sealed = read.pop("digest") == digest(read)
        by_seed = {
            key: {int(seed): value for seed, value in read[key].items()}
            for key in ("results", "seconds", "files")
        }
        found = Record(
            name,
            read["config"],
            read["code_hash"],
            **by_seed,
            versions=read["versions"],
            date=read["date"],
            stamped=tuple(read.get("stamped", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(
            f"the record of {name!r} cannot be read ({error}); {_again(name)}"
        ) from None
    if not sealed:
        raise RecipeError(
            f"a digit or word of the record of {name!r} was changed after the run; {_again(name)}"
        )
    return found


def to_text(record: Record) -> str:
    """A record as its file holds it."""
    written: dict[str, Any] = {
        "config": record.config,
        "code_hash": record.code_hash,
        "seeds": list(record.seeds),
        "results": {str(seed): record.results[seed] for seed in record.seeds},
        "seconds": {str(seed): record.seconds[seed] for seed in record.seeds},
        "files": {
            str(seed): record.files[seed]
            for seed in record.seeds
            if record.files.get(seed)
        },
        "versions": record.versions,
        "date": record.date,
    }
    if record.stamped:
        written["stamped"] = list(record.stamped)
    return (
        json.dumps(
            {**written, "digest": digest(written)}, indent=1, ensure_ascii=False
        )
        + "\n"
    )


def digest(written: dict[str, Any]) -> str:
    """A hash of all that a record says."""
    return hashlib.sha256(
        json.dumps(written, sort_keys=True).encode()
    ).hexdigest()[:16]


def plain(value: Any) -> Any:
    """A value as JSON gives it back: tuples become lists, mappings become dicts with text as keys."""
    return json.loads(
        json.dumps(
            dict(value) if hasattr(value, "keys") else value, allow_nan=False
        )
    )


def record_path(name: str) -> Path:
    """Where a recipe's record stands."""
    return _recipe.FOLDER / "records" / f"{name.replace('-', '_')}.json"


def file_path(name: str, seed: int, file: str) -> Path:
    """Where a file beside a record stands."""
    return (
        _recipe.FOLDER / "records" / name.replace("-", "_") / str(seed) / file
    )


def _again(name: str) -> str:
    return f"run `alignlab recipe run {name}`"
