"""`python -m benchmarks`: see the package's docstring."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from typing import Any

from benchmarks import Benchmark, find
from benchmarks._measure import emulated, machine, measure


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and return 0; 1 where a row's results differ or a side failed; 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside the peer's, in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (all, if none is named)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], help="only this number format")
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of each side (3)")
    parser.add_argument("--list", action="store_true", help="say what there is")
    options = parser.parse_args(argv)
    known = find()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        print(f"no benchmark {unknown[0]!r}: {hint}", file=sys.stderr)
        return 2
    if options.list:
        for name, (_, benchmark) in known.items():
            print(f"{name}: {benchmark.title}")
        return 0

    from alignlab import assets

    model = str(assets.fetch("smollm2-135m-instruct"))
    rows = []
    if not options.json:
        print(machine())
    for name in options.names or known:
        module, benchmark = known[name]
        for dtype in benchmark.tolerance:
            if options.dtype not in (None, dtype):
                continue
            if emulated(dtype) and options.dtype is None:
                row = skipped(benchmark, dtype)
            else:
                row = measure(module, benchmark, dtype, model, options.rounds)
            rows.append(row)
            if not options.json:
                print(text(row), flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))
    return int(
        any(row["equal"] is False or (row["note"] and row["equal"] is None and not row.get("skipped")) for row in rows)
    )


def skipped(benchmark: Benchmark, dtype: str) -> dict[str, Any]:
    """The row of a format that this processor has no arithmetic for."""
    return {
        "name": benchmark.name,
        "title": benchmark.title,
        "dtype": dtype,
        "ours": {"configuration": benchmark.ours.configuration},
        "peer": {"configuration": benchmark.peer.configuration},
        "tolerance": benchmark.tolerance[dtype],
        "difference": None,
        "equal": None,
        "ratio": None,
        "note": f"not measured: this processor only emulates {dtype} (--dtype {dtype} measures it all the same)",
        "machine": machine(),
        "skipped": True,
    }


def text(row: dict[str, Any]) -> str:
    """A row for a reader."""
    lines = ["", f"{row['name']} ({row['dtype']}): {row['title']}"]
    for which in ("ours", "peer"):
        side = row[which]
        time = f"{side['seconds']:9.3f} s  " if "seconds" in side else " " * 13
        lines.append(f"  {which}  {time}{side['configuration']}")
    if row["difference"] is not None:
        equal = "equal" if row["equal"] else "NOT equal"
        lines.append(f"  results {equal}: largest difference {row['difference']:.2g}, tolerance {row['tolerance']:.2g}")
    if row["ratio"] is not None:
        lines.append(f"  ours is {row['ratio']:.2f} times as fast")
    if row["note"]:
        lines.append(f"  {row['note']}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
