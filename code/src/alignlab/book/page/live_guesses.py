"""Guesses with a live kernel: ipywidgets, both the 7.7 of Colab and the 8.1 of JupyterLab.

A kernel can't write into the reader's browser, so these guesses are kept until the kernel stops, and the score is that
of the guesses since it started.
"""

from typing import Any

from alignlab.book.page.confidence import WORDS, Judged, brier, percent, said
from alignlab.book.page.fragments import escape, style
from alignlab.book.page.kinds import Record

given: dict[str, Judged] = {}
"""The guesses of this kernel by key; the first commitment to each counts."""


def verdict(record: Record, chosen: int, step: int) -> str:
    """What is said once the reader has committed, as plain text."""
    options, answer = record["options"], record["answer"]
    right = "Your guess was right." if chosen == answer else f"Not what happens. The answer: {options[answer]}."
    hits = sum(guess.right for guess in given.values())
    score = brier(list(given.values()))
    so_far = "" if score is None else f" So far {hits} of {len(given)} right, Brier score {score:.2f}."
    return f"{right} You were {said(step, len(options))}. {record['because']}{so_far}"


def widget(record: Record) -> Any:
    """The question as a widget: options, how sure, a button, and the verdict after it."""
    import ipywidgets as widgets

    options = record["options"]
    wide = {"width": "auto", "max_width": "640px"}
    asked = widgets.HTML(f"{style('guess')}<p><strong>{escape(record['question'])}</strong></p>")
    choice = widgets.RadioButtons(
        options=[(option, i) for i, option in enumerate(options)], value=None, layout=widgets.Layout(**wide)
    )
    sure = widgets.ToggleButtons(
        options=[(f"{word} ({percent(i, len(options))} %)", i) for i, word in enumerate(WORDS)],
        value=None,
        description="How sure are you?",
        style={"description_width": "initial", "button_width": "auto"},
        layout=widgets.Layout(**wide),
    )
    commit = widgets.Button(
        description="Commit to this guess", disabled=True, layout=widgets.Layout(width="auto", max_width="240px")
    )
    result = widgets.HTML()

    def ready(_change: Any = None) -> None:
        commit.disabled = choice.value is None or sure.value is None

    def reveal(_button: Any = None) -> None:
        if choice.value is None or sure.value is None:
            return
        right = choice.value == record["answer"]
        given.setdefault(record["key"], Judged(sure.value, len(options), right))
        for part in (choice, sure, commit):
            part.disabled = True
        result.value = f'<p role="status">{escape(verdict(record, choice.value, sure.value))}</p>'

    choice.observe(ready, names="value")
    sure.observe(ready, names="value")
    commit.on_click(reveal)
    return widgets.VBox([asked, choice, sure, commit, result])


def show_live(record: Record) -> None:
    """Show the widget."""
    from IPython.display import display

    display(widget(record))
