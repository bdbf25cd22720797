"""What a class answered: the files that readers export on the page *Your guesses*, added up.

Answers are judged by this book and not by what a file says of itself: an answer counts where the book asks that very
question, with those options, today. A damaged or foreign file is refused with a line that says what to do, and the
others are counted.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignlab.book.page.confidence import WORDS, Judged, brier
from alignlab.book.quiz.register import Asked

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

FORMAT, VERSION = "alignlab-guesses", 1
AGAIN = "have it exported again, on the page Your guesses"
LARGEST = 5_000_000
MOST = 40
"""Questions that a figure shows, those that fooled most."""


class Refused(ValueError):
    """A file that can't be counted; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Answer:
    """What a reader answered, as the file has it. sure: step 0 to 3, -1 where it was not asked yet."""

    key: str
    chosen: int
    sure: int
    mark: str | None


@dataclass(frozen=True)
class Reader:
    """A reader's file."""

    name: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Row:
    """A reader's answer to a question of this book, judged."""

    reader: str
    asked: Asked
    chosen: int
    step: int

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.chosen == self.asked.answer

    @property
    def judged(self) -> Judged | None:
        """The answer with how sure it was, None where that was not asked."""
        return Judged(self.step, len(self.asked.options), self.right) if self.step >= 0 else None


@dataclass
class Class:
    """All that was read: judged answers, names in order, what was refused or left out, in words."""

    rows: list[Row] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path) -> Reader:
    """One exported file. Raises Refused."""
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(
                f"is larger than any export ({LARGEST // 1_000_000} MB): name the files that readers exported"
            )
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refused("does not exist: check the name") from None
    except IsADirectoryError:
        raise Refused(f"is a folder: name its files, such as {path}/*.json") from None
    except OSError as error:
        raise Refused(f"can't be read ({error.strerror}): check the file and its rights") from None
    except UnicodeDecodeError:
        raise Refused(f"is no text: it may be another file, or damaged; {AGAIN}") from None
    except (json.JSONDecodeError, RecursionError):
        raise Refused(f"is no JSON, or was cut off: {AGAIN}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Refused(f"is JSON, and no export of this book: {AGAIN}")
    if found.get("version") != VERSION:
        raise Refused(
            f"is an export of version {found.get('version')!r}, this command reads {VERSION}: update the book"
        )
    answers = found.get("answers")
    if not isinstance(answers, list):
        raise Refused(f"holds no list of answers: {AGAIN}")
    name = found.get("name")
    made = tuple(_answer(entry, n) for n, entry in enumerate(answers, 1))
    if len({answer.key for answer in made}) < len(made):
        raise Refused(f"answers a question twice: {AGAIN}")
    return Reader(" ".join(name.split()) if isinstance(name, str) and name.strip() else path.stem, made)


def _answer(entry: Any, n: int) -> Answer:
    def number(key: str, least: int, most: int) -> bool:
        value = entry.get(key)
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    whole = isinstance(entry, dict) and isinstance(entry.get("key"), str) and isinstance(entry.get("mark"), str | None)
    if not whole or not number("chosen", 0, 99) or not number("sure", -1, len(WORDS) - 1):
        raise Refused(f"is damaged, its answer {n} is not whole: {AGAIN}")
    return Answer(entry["key"], entry["chosen"], entry["sure"], entry["mark"])


def add_up(paths: Iterable[Path], asked: Sequence[Asked]) -> Class:
    """Read files and judge their answers by what the book asks. Refused files are listed, the others counted."""
    made, known = Class(), {one.key: one for one in asked}
    seen: dict[tuple[Answer, ...], Path] = {}
    for path in paths:
        try:
            reader = read(path)
        except Refused as error:
            made.refused.append(f"{path} {error}")
            continue
        if reader.answers and reader.answers in seen:
            made.notes.append(f"{path} holds the very answers of {seen[reader.answers]}: counted once")
            continue
        seen[reader.answers] = path
        name = reader.name if reader.name not in made.readers else f"{reader.name} ({path.stem})"
        while name in made.readers:
            name += "'"
        made.readers.append(name)
        left = 0
        for answer in reader.answers:
            one = known.get(answer.key)
            if one is None or answer.mark not in (None, one.mark) or answer.chosen >= len(one.options):
                left += 1
            else:
                made.rows.append(Row(name, one, answer.chosen, answer.sure))
        if left:
            made.notes.append(
                f"{path}: {left} of {len(reader.answers)} answers are to questions that this book does not ask or "
                "asks otherwise, and are left out: count them with the edition that was read"
            )
    return made


@dataclass(frozen=True)
class Tally:
    """How a question, or a reader, fared."""

    name: str
    rows: tuple[Row, ...]

    @property
    def hits(self) -> int:
        """Right answers."""
        return sum(row.right for row in self.rows)

    @property
    def scored(self) -> list[Judged]:
        """Answers with how sure they were."""
        return [judged for row in self.rows if (judged := row.judged)]

    @property
    def brier(self) -> float | None:
        """The Brier score, None where nobody was asked how sure."""
        return brier(self.scored)

    @property
    def said(self) -> float | None:
        """What was said on average, in percent."""
        return sum(j.percent for j in self.scored) / len(self.scored) if self.scored else None

    @property
    def fooled(self) -> list[Row]:
        """Wrong answers, the surest first."""
        return sorted((row for row in self.rows if not row.right), key=lambda row: (-row.step, row.reader))


def by_question(rows: Sequence[Row]) -> list[Tally]:
    """The questions that were answered, those that fooled most first: by share of wrong answers, then by the score."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.asked.key, []).append(row)
    made = [Tally(key, tuple(group)) for key, group in found.items()]
    return sorted(made, key=lambda t: (t.hits / len(t.rows), -(t.brier or 0.0), t.name))


def by_reader(rows: Sequence[Row], readers: Sequence[str]) -> list[Tally]:
    """The readers in their order."""
    return [Tally(name, tuple(row for row in rows if row.reader == name)) for name in readers]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def question_table(rows: Sequence[Row]) -> Table:
    """Which question fooled whom, as Rich prints it."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Which question fooled whom", title_justify="left", show_lines=True)
    for head, width in (("question", 24), ("right", 7), ("said", 5), ("Brier", 5), ("fooled, the surest first", 12)):
        table.add_column(head, justify="right" if head in ("right", "said", "Brier") else "left", min_width=width)
    for tally in by_question(rows):
        one = tally.rows[0].asked
        fooled = ", ".join(f"{row.reader} ({_sure(row)})" for row in tally.fooled)
        wrong = [row.chosen for row in tally.fooled]
        top = max(sorted(set(wrong)), key=wrong.count, default=None)
        most = "" if top is None else f"\n[dim]most often: {escape(one.options[top])}[/dim]"
        table.add_row(
            f"[bold]{escape(one.label)}[/bold]\n{escape(one.question)}{most}",
            f"{tally.hits} of {len(tally.rows)}",
            _number(tally.said, ".0f") + (" %" if tally.said is not None else ""),
            _number(tally.brier, ".2f"),
            escape(fooled),
        )
    return table


def _sure(row: Row) -> str:
    return f"{row.judged.percent} %" if row.judged else "not asked how sure"


def reader_table(rows: Sequence[Row], readers: Sequence[str]) -> Table:
    """How each reader fared, as Rich prints it."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Readers", title_justify="left")
    for head in ("reader", "right", "said", "came true", "Brier"):
        table.add_column(head, justify="left" if head == "reader" else "right")
    for tally in by_reader(rows, readers):
        scored = tally.scored
        true = 100 * sum(j.right for j in scored) / len(scored) if scored else None
        percents = [f"{value:.0f} %" if value is not None else "" for value in (tally.said, true)]
        table.add_row(escape(tally.name), f"{tally.hits} of {len(tally.rows)}", *percents, _number(tally.brier, ".2f"))
    return table


COLUMNS = ("reader", "key", "kind", "page", "question", "answer", "chosen", "right", "percent", "score")


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """One line for each answer, UTF-8 with a header. percent and score are empty where nobody asked how sure."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for row in rows:
            one, judged = row.asked, row.judged
            texts = (one.question, one.options[one.answer], one.options[row.chosen])
            score = (judged.percent, f"{judged.score:.4f}") if judged else ("", "")
            lines.writerow([_safe(row.reader), one.key, one.kind, one.slug, *map(_safe, texts), int(row.right), *score])


def _safe(text: str) -> str:
    """Text that a spreadsheet takes for text, whatever it begins with."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def figure(rows: Sequence[Row], readers: Sequence[str]) -> Figure:
    """Questions against readers: blue where right, vermilion where wrong, the stronger the surer; empty: no answer."""
    from matplotlib.figure import Figure

    from alignlab.book.page import style

    tallies, people = by_question(rows)[:MOST], list(readers)
    colors = {True: style.LIGHT["aligned"], False: style.LIGHT["attacked"]}
    width, height = 4.6 + 0.42 * len(people), 1.5 + 0.26 * len(tallies)
    made = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    ax = made.subplots()
    for y, tally in enumerate(tallies):
        for row in tally.rows:
            sure = row.judged.percent if row.judged else 33
            x = people.index(row.reader)
            ax.barh(y, 0.94, left=x - 0.47, height=0.9, color=colors[row.right], alpha=0.15 + 0.85 * (sure / 100) ** 2)
            ink = "white" if sure > 90 else style.LIGHT["ink"]
            ax.text(x, y, "+" if row.right else "x", ha="center", va="center", color=ink, fontsize=8)
    ax.set_yticks(range(len(tallies)), [t.rows[0].asked.label for t in tallies], fontsize=8)
    ax.set_xticks(range(len(people)), people, rotation=60, ha="right", fontsize=8)
    ax.set(xlim=(-0.5, max(len(people), 1) - 0.5), ylim=(len(tallies) - 0.5, -0.5))
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    more = len(by_question(rows)) - len(tallies)
    left = f"\nthe {len(tallies)} that fooled most, {more} more not shown" if more else ""
    ax.set_title(f"Which question fooled whom\n+ right, x wrong; the darker, the surer{left}", loc="left", fontsize=10)
    return made


def save_figure(rows: Sequence[Row], readers: Sequence[str], path: Path) -> None:
    """Write the figure as SVG or PNG, by the file's ending."""
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "alignlab"}):
        figure(rows, readers).savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
