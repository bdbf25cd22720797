"""Commands about claims: what they prove, and whether they hold on other seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from alignlab.cli.app import JSON, ROOT, app, book_folder


@app.command()
def claims(
    chapters: Annotated[
        list[str] | None,
        typer.Argument(
            help="Pages, such as 04-outer/rlhf; all where none is named."
        ),
    ] = None,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """What the stored claims of pages prove, the weakest first; exit code 1 where one breaks the rule."""
    from alignlab.book.files import pages
    from alignlab.book.page import evidence
    from alignlab.book.page.claims import ClaimFailed, complaints

    book = book_folder(root)
    names: list[str | None] = list(chapters) if chapters else [None]
    named = [pages.claims_records(book, name) for name in names]
    records = evidence.report([record for page in named for record in page])
    for record in records:
        known = set(record["faults"])
        missed = [text for text in complaints(record) if text not in known]
        record["faults"] = [*missed, *record["faults"]]
    if as_json:
        typer.echo(json.dumps(records, indent=1))
    else:
        for record in records:
            _print_proof(record)
    faulty = [record["id"] for record in records if record["faults"]]
    if faulty:
        more = f" and {len(faulty) - 5} more" if len(faulty) > 5 else ""
        raise ClaimFailed(
            f"{len(faulty)} of {len(records)} claims break the rule of docs/claims.md: "
            f"{', '.join(faulty[:5])}{more}"
        )


@app.command()
def verify(
    chapter: Annotated[
        str | None,
        typer.Argument(help="A page, such as 04-outer/reward-modeling."),
    ] = None,
    seed_offset: Annotated[
        int, typer.Option(help="Added to every seed.")
    ] = 1000,
    as_json: JSON = False,
    root: ROOT = Path(),
) -> None:
    """Run pages anew on other seeds; exit code 1 where a claim does not hold."""
    if seed_offset < 0:
        raise typer.BadParameter(
            f"seeds can't be negative, and {seed_offset} makes them so",
            param_hint="--seed-offset",
        )
    from alignlab.book.files import renewing
    from alignlab.book.page.claims import ClaimFailed

    records = renewing.verify(book_folder(root), chapter, seed_offset)
    _print(records, as_json)
    missed = [record["id"] for record in records if not record["passed"]]
    if missed:
        raise ClaimFailed(
            f"{len(missed)} of {len(records)} claims failed at seed offset {seed_offset}: {', '.join(missed)}"
        )


def _print_proof(record: dict[str, Any]) -> None:
    """One claim: separation, measures, rival, what became of the band, and what is wrong."""
    from alignlab.book.page import evidence
    from alignlab.book.page.claims import band_text

    say, controls = typer.echo, record["controls"]
    apart = evidence.separation_text(evidence.weakest(record))
    verdict = "holds" if record["passed"] else "FAILS"
    recorded = " (recorded)" if record["source"] == "recipe" else ""
    say(f"{verdict}  {record['id']}{recorded}: separation {apart}")
    for measure in record["measures"]:
        gap = evidence.distance(measure, controls)
        far = "no control" if gap is None else f"nearest control {gap:.3g} away"
        say(
            f"  {measure['name']} {measure['values']}, {band_text(measure['band'])}: "
            f"separation {evidence.separation_text(measure['separation'])}; "
            f"{evidence.band_width_text(measure)}; tolerance {measure['tol']:g}, {far}"
        )
        if measure["band_from"]:
            say(f"    band: {measure['band_from']}")
        for move in measure["band_history"]:
            say(
                f"    band moved from {band_text(move['from'])} to {band_text(move['to'])}, "
                f"on seeds {move['seeds']}: {move['why']}"
            )
    for control in controls:
        if control["rival"]:
            say(
                f"  rival: {control['name']} {control['values']}: {control['why']}"
            )
    for text in record["faults"]:
        say(f"  ERROR: {text}")
    for text in record["notes"]:
        say(f"  note: {text}")


def _print(records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(records, indent=1))
        return
    for record in records:
        values = "; ".join(
            f"{m['name']} {m['values']} in {m['band']}"
            for m in record["measures"]
        )
        recorded = " (recorded)" if record["source"] == "recipe" else ""
        typer.echo(
            f"{'holds' if record['passed'] else 'FAILS'}  {record['id']}{recorded}: {values}"
        )
