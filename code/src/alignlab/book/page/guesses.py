"""`predict`: the reader commits to a guess, and says how sure it is, before the next cell shows what happens.

The guess stays in the reader's browser (localStorage) and goes nowhere else. Without scripts the answer folds open;
with a live kernel the question is made of ipywidgets (`live_guesses`). The questions at a page's end
(`book.quiz`) are asked with the same form.
"""

import json
import re
from collections.abc import Sequence

from alignlab.book.page import live_guesses, session
from alignlab.book.page.confidence import WORDS, percent
from alignlab.book.page.fragments import escape, script, seal, style
from alignlab.book.page.kinds import Kind, Record, changed


def predict(id: str, question: str, options: Sequence[str], *, answer: int, because: str) -> None:
    """Show a question with options; the answer and its reason appear once the reader has committed.

    answer: index of the right option. because: one or two sentences, the reason or what the run will show.
    Raises ValueError where there are fewer than two options, two alike, or the answer is none of them.
    """
    if not re.fullmatch(r"[\w-]+", id):
        raise ValueError(f"an id is letters, digits, '-' and '_', not {id!r}")
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError(f"a guess needs at least two different options, not {list(options)}")
    if not 0 <= answer < len(options):
        raise ValueError(f"answer={answer} is none of the {len(options)} options")
    if not because.strip():
        raise ValueError("say why (because=)")
    key = f"{session.page()}/{id}"
    record = {"key": key, "question": question, "options": list(options), "answer": answer, "because": because}
    if session.static():
        KIND.show(record)
    else:
        live_guesses.show_live(record)


def mark(question: str, options: Sequence[str], answer: int) -> str:
    """A short fingerprint of what is asked, kept beside an answer: once it differs, that answer counts no more."""
    return seal(json.dumps([question, list(options), answer]))


def form_html(
    key: str,
    question: str,
    options: Sequence[str],
    answer: int,
    *,
    kind: str,
    legend: str,
    labels: Sequence[str],
    told: str,
) -> str:
    """A question as a form with native radio buttons: the options, how sure, and the answer folded.

    kind: "guess" or "question". legend, labels, told: question, options and answer as HTML.
    """
    name = "al-" + re.sub(r"\W+", "-", key)
    choices = "".join(
        f'<label><input type="radio" name="{name}" value="{i}"><span>{label}</span></label>'
        for i, label in enumerate(labels)
    )
    steps = "".join(
        f'<label><input type="radio" name="{name}-sure" value="{i}"><span>{word} '
        f"<small>{percent(i, len(options))}&nbsp;%</small></span></label>"
        for i, word in enumerate(WORDS)
    )
    return (
        f'<form class="al-predict" data-kind="{kind}" data-key="{escape(key)}" data-answer="{answer}" '
        f'data-mark="{mark(question, options, answer)}">'
        f"<fieldset><legend>{legend}</legend>{choices}</fieldset>"
        f'<fieldset class="al-sure"><legend>How sure are you?</legend>{steps}</fieldset>'
        f'<button type="submit" disabled>Commit to this {"guess" if kind == "guess" else "answer"}</button>'
        f'<details class="al-answer"><summary>The answer</summary>{told}</details>'
        '<div class="al-result" role="status"></div></form>'
    )


def guess_html(record: Record) -> str:
    """The question as a form, with its style and script."""
    question, options, answer = record["question"], record["options"], record["answer"]
    told = f"<p><strong>{escape(options[answer])}.</strong> {escape(record['because'])}</p>"
    labels = [escape(option) for option in options]
    legend = escape(question)
    form = form_html(record["key"], question, options, answer, kind="guess", legend=legend, labels=labels, told=told)
    return f"{style('guess')}{form}{script('guess')}"


def guess_text(record: Record) -> str:
    """The question as plain text."""
    return "\n".join([f"Guess first: {record['question']}", *(f"  ( ) {option}" for option in record["options"])])


def _differ(stored: Record, fresh: Record) -> list[str]:
    return [f"guess {stored.get('key')!r}: {key} is not what the page declares" for key in changed(stored, fresh)]


KIND = Kind("guess", lambda record, _: {"text/html": guess_html(record), "text/plain": guess_text(record)}, _differ)
