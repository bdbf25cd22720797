"""Keep a record whose code changed in a way that cannot change its results, such as a check of its inputs.

The reason, and which seed was run again to see it, stand in the record.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from typing import Any

from alignlab.recipes import _recipe, _records, _running
from alignlab.recipes._recipe import RecipeError
from alignlab.recipes._records import Record


def restamp(
    name: str, why: str, seed: int | None = None, within: float = 0.05
) -> Record:
    """Give a record the stamp of the code as it is now.

    why: what changed, and why that leaves the results as they are. seed: one of the record's that is run again first
    and must agree (numbers within the share `within` of the record's: another kind of processor trains a little
    otherwise); None takes the reason alone.
    A record that is current already stays as it is. Raises RecipeError without a reason, where the settings have
    changed, or where the seed's results differ.
    """
    record, recipe = _records.record(name), _recipe.lookup(name)
    if record.complaint() is None:
        return record
    if not why.strip():
        raise RecipeError(
            f"say why the change of code leaves the record of {name!r} as it is, or run `alignlab recipe run {name}`"
        )
    if record.config != _records.plain(recipe.config):
        raise RecipeError(str(record.complaint()))
    if seed is not None:
        if seed not in record.results:
            raise RecipeError(
                f"the record of {name!r} holds the seeds {', '.join(map(str, record.seeds))}, not {seed}"
            )
        again = _running.results_of(recipe, seed)
        if found := difference(record.results[seed], again, within):
            raise RecipeError(
                f"the record of {name!r} can't be kept: {found} on seed {seed}; run `alignlab recipe run {name}`"
            )
    stamp = {
        "from": record.code_hash,
        "why": why.strip(),
        "seed": seed,
        "date": datetime.date.today().isoformat(),
    }
    made = dataclasses.replace(
        record,
        code_hash=recipe.code_hash(),
        stamped=(*record.stamped, stamp),
    )
    _running._atomically(
        _records.record_path(name), _records.to_text(made).encode()
    )
    return made


def difference(
    old: Any, new: Any, within: float, where: str = "result"
) -> str | None:
    """The first difference between two results as JSON holds them, in words; None where they agree."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.keys() != new.keys():
            return f"{where} has other names"
        pairs = [(f"{where} {key!r}", old[key], new[key]) for key in old]
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{where} has {len(new)} entries, not {len(old)}"
        pairs = [
            (f"{where}[{i}]", *pair) for i, pair in enumerate(zip(old, new))
        ]
    elif _number(old) and _number(new):
        near = math.isclose(old, new, rel_tol=within, abs_tol=1e-6)
        return None if near else f"{where} is {new:.6g}, not {old:.6g}"
    else:
        return None if old == new else f"{where} is {new!r}, not {old!r}"
    found = (difference(a, b, within, place) for place, a, b in pairs)
    return next((line for line in found if line), None)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
