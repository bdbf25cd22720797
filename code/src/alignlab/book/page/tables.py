"""Tables: a pandas frame as an accessible HTML table, numbers right-aligned."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alignlab.book.page.fragments import decimal, digest, escape, said, style
from alignlab.book.page.kinds import Kind, Record, near

if TYPE_CHECKING:
    import pandas as pd


def table(
    df: "pd.DataFrame", caption: str, digits: int = 2, tol: float | None = None, drawn: Sequence[str] = ()
) -> None:
    """Show a table; the index is its first column, the header of each row.

    caption: what the table shows. digits: decimals of the numbers that are not whole.
    tol: where training decides the numbers, the absolute difference by which a stored one may move on another
    processor; without it every cell is compared exactly. drawn: columns whose text a trained model wrote, which after
    training on another processor it may write otherwise; not compared.
    Raises ValueError without a caption, or where `drawn` names no column.
    """
    if not caption.strip():
        raise ValueError("a table needs a caption")
    unnamed = df.index.name is None and df.index.equals(type(df.index)(range(len(df)))) if len(df) else False
    frame = df if unnamed else df.reset_index()
    record: dict[str, Any] = {
        "caption": caption,
        "columns": [str(column) for column in frame.columns],
        "rows": [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)],
        "digits": digits,
        "tol": tol,
    }
    if unknown := sorted(set(drawn) - set(record["columns"])):
        raise ValueError(f"drawn= names {unknown}, the columns are {record['columns']}")
    if drawn:
        record["drawn"] = list(drawn)
    KIND.show(record)


def _cell(value: Any) -> Any:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def cell_text(value: Any, digits: int) -> str:
    """A cell as the table prints it; a missing value is a dash."""
    if value is None:
        return "\u2013"
    if isinstance(value, float):
        return decimal(value, digits)
    return str(value).replace("-", "\u2212") if isinstance(value, int) else str(value)


def table_html(record: dict[str, Any]) -> str:
    """The table as HTML with its own style."""
    numeric = [all(not isinstance(row[i], str) for row in record["rows"]) for i in range(len(record["columns"]))]
    kind = [' class="al-num"' if n else "" for n in numeric]
    head = "".join(f'<th scope="col"{k}>{escape(name)}</th>' for name, k in zip(record["columns"], kind))
    body = ""
    for row in record["rows"]:
        first, *rest = (escape(cell_text(value, record["digits"])) for value in row)
        cells = "".join(f"<td{k}>{text}</td>" for text, k in zip(rest, kind[1:]))
        body += f'<tr><th scope="row"{kind[0]}>{first}</th>{cells}</tr>'
    return (
        f'{style("table")}<div class="al-table" data-record="{digest(record)}" tabindex="0" role="group" '
        f'aria-label="Table: {escape(record["caption"])}">'
        f"<table><caption>{said(record['caption'])}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def table_text(record: dict[str, Any]) -> str:
    """The table as plain text."""
    rows = [record["columns"]] + [[cell_text(value, record["digits"]) for value in row] for row in record["rows"]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(record["columns"]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([record["caption"], *lines])


def _differ(stored: Record, fresh: Record) -> list[str]:
    """All but the numbers is compared exactly; of columns drawn nothing is."""
    shapes = [list(map(len, record["rows"])) for record in (stored, fresh)]
    if {**stored, "rows": None} != {**fresh, "rows": None} or shapes[0] != shapes[1]:
        return [f"table {stored.get('caption')!r}: its head or shape is not what the run gives"]
    kept = [column not in stored.get("drawn", ()) for column in stored["columns"]]
    return [
        f"table {stored['caption']!r}: stored {b!r}, the run gives {a!r}"
        for before, after in zip(stored["rows"], fresh["rows"])
        for b, a, compared in zip(before, after, kept)
        if compared and not near(b, a, stored.get("tol"))
    ]


def _prints(record: Record, _pieces: Sequence[str]) -> dict[str, str]:
    return {"text/html": table_html(record), "text/plain": table_text(record)}


KIND = Kind("table", _prints, _differ, sealed=False)
