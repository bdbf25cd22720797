"""Numbers of the run that prose uses: `` {glue:text}`name` `` on the page, filled in when the page is exported."""

import math
import re
from typing import Any

from alignlab.book.page.fragments import decimal
from alignlab.book.page.kinds import Kind, Record, changed, near

GLUE = "application/papermill.record/"


def number(name: str, value: float, digits: int = 2, tol: float | None = None) -> None:
    """Keep a number of this run under a name; nothing visible is printed.

    digits: decimals that prose shows. tol: the absolute difference by which the stored value may move on another
    processor; default 2 % of the value, at least half a unit of the last shown digit.
    Raises ValueError where the value is not finite or the name cannot stand in a role.
    """
    if not re.fullmatch(r"[A-Za-z][\w-]*", name):
        raise ValueError(f"a number's name is letters, digits, '-' and '_', not {name!r}")
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"number {name!r} is {value}")
    if tol is None:
        tol = max(0.02 * abs(value), 0.5 * 10.0**-digits)
    record: dict[str, Any] = {
        "name": name,
        "value": float(f"{value:.6g}"),
        "digits": digits,
        "tol": float(f"{tol:.3g}"),
    }
    KIND.show(record, scrapbook={"name": name, "mime_prefix": GLUE})


def number_text(record: dict[str, Any]) -> str:
    """A number as prose shows it."""
    return decimal(record["value"], record["digits"])


def _differ(stored: Record, fresh: Record) -> list[str]:
    same = not changed(stored, fresh, "value", "tol") and near(stored["value"], fresh["value"], fresh["tol"])
    return [] if same else [f"number {stored.get('name')!r}: stored {stored}, the run gives {fresh}"]


KIND = Kind("number", lambda record, _: {f"{GLUE}text/plain": number_text(record)}, _differ)
