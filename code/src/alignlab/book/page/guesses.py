"""`predict`: the reader commits to a guess before the next cell shows what happens.

The guess stays in the reader's browser (localStorage) and goes nowhere else. Without scripts the answer folds open.
"""

import re
from collections.abc import Sequence

from alignlab.book.page import session
from alignlab.book.page.fragments import escape, script, style
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
    KIND.show({"key": key, "question": question, "options": list(options), "answer": answer, "because": because})


def guess_html(record: Record) -> str:
    """The question as a form with native radio buttons."""
    key, options, answer = record["key"], record["options"], record["answer"]
    name = "al-" + re.sub(r"\W+", "-", key)
    choices = "".join(
        f'<label><input type="radio" name="{name}" value="{i}"><span>{escape(option)}</span></label>'
        for i, option in enumerate(options)
    )
    return (
        f'{style("guess")}<form class="al-predict" data-key="{escape(key)}" data-answer="{answer}">'
        f"<fieldset><legend>{escape(record['question'])}</legend>{choices}</fieldset>"
        '<button type="submit" disabled>Commit to this guess</button>'
        f'<details class="al-answer"><summary>The answer</summary><p><strong>{escape(options[answer])}.</strong> '
        f"{escape(record['because'])}</p></details>"
        '<div class="al-result" role="status"></div></form>'
        f"{script('guess')}"
    )


def guess_text(record: Record) -> str:
    """The question as plain text."""
    return "\n".join([f"Guess first: {record['question']}", *(f"  ( ) {option}" for option in record["options"])])


def _differ(stored: Record, fresh: Record) -> list[str]:
    return [f"guess {stored.get('key')!r}: {key} is not what the page declares" for key in changed(stored, fresh)]


KIND = Kind("guess", lambda record, _: {"text/html": guess_html(record), "text/plain": guess_text(record)}, _differ)
