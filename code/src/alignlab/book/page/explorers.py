"""Explorers: a figure that the reader moves. One spec, three renderings.

`explore(draw, say, layer=range(0, 30, 5))` draws every state. Where a page is built (`ALIGNLAB_STATIC=1`) the states
are written into the page with native controls and a small script, so they move without a kernel. With a live kernel
the controls are ipywidgets. Everywhere the sentence of `say` stands below the figure and is its alternative text.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from alignlab.book.page import live, session
from alignlab.book.page.figures import PICTURE, labelled, words, words_differ
from alignlab.book.page.fragments import escape, script, style
from alignlab.book.page.kinds import Kind, Record, alike, changed
from alignlab.book.page.states import Spec, State, combinations, frame, kind_of, label_of, value_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FRAMES = 80
MOST_BYTES = 2_500_000

# Called with the spec of each explorer after it has been shown; the tests look on from here.
observers: list[Callable[[Spec], None]] = []


def explore(
    draw: Callable[..., "Figure"],
    say: Callable[..., str],
    *,
    title: str,
    start: State | None = None,
    labels: dict[str, str] | None = None,
    tol: float | None = None,
    drawn: bool = False,
    **states: Iterable[Any],
) -> Any:
    """Show a figure with a control for each named state.

    draw: called with one value a name, gives a matplotlib figure. say: called alike, gives the sentence that says what
    the figure shows. start: the values shown first (default the first of each). labels: what a control is called where
    the name alone would not do, such as {"n": "number of comparisons"}. states: the values of each control, five
    combinations at least; numbers become sliders, up to four words buttons, more words a menu. tol: where training
    decides the numbers of the sentences, the share of its value (0.1 is ten percent) by which a stored one may move on
    another processor; without it they are compared exactly. drawn: a search or a trained model chooses words of the
    sentences and pictures, and on another processor may choose others; neither is compared.
    Raises ValueError where there are too few or too many states, or where what is shown does not change.
    """
    values = {name: tuple(v) for name, v in states.items()}
    spec = Spec(draw, say, title, values, _start(values, start), dict(labels or {}), tol, drawn)
    validate(spec)
    if session.static():
        KIND.show(*recorded(spec))
    else:
        live.show_live(spec)
    for observer in observers:
        observer(spec)


def _start(values: dict[str, tuple[Any, ...]], start: State | None) -> State:
    chosen = {name: options[0] for name, options in values.items() if options} | (start or {})
    for name, value in chosen.items():
        if name not in values or value not in values[name]:
            raise ValueError(f"start: {name}={value!r} is not among the explorer's states")
    return chosen


def validate(spec: Spec) -> None:
    """Raise ValueError where a spec has too few or too many states, or a control that cannot move."""
    if not spec.title.strip():
        raise ValueError("an explorer needs a title")
    if not spec.states:
        raise ValueError("an explorer needs at least one control, such as layer=range(0, 30, 5)")
    for name, values in spec.states.items():
        if len(values) < 2:
            raise ValueError(f"control {name!r} has {len(values)} value(s), nothing to move")
        if len(set(map(repr, values))) < len(values):
            raise ValueError(f"control {name!r} repeats a value: {values}")
    count = len(combinations(spec))
    if count < 5:
        raise ValueError(f"an explorer needs at least five states, this has {count}")
    if count > MOST_FRAMES:
        raise ValueError(f"{count} states are more than a page can carry ({MOST_FRAMES}); use coarser steps")


def recorded(spec: Spec) -> tuple[Record, list[str]]:
    """An explorer's record, with the sentence of every state, and every state's picture as a piece."""
    states = combinations(spec)
    drawn = [frame(spec, state) for state in states]
    pictures = [PICTURE.findall(picture)[0] for picture, _ in drawn]
    sentences = [sentence for _, sentence in drawn]
    if len(set(pictures)) < 2:
        raise ValueError(f"explorer {spec.title!r}: the figure is the same in every state")
    if len(set(sentences)) < 2:
        raise ValueError(f"explorer {spec.title!r}: the sentence is the same in every state")
    size = sum(len(picture) for picture, _ in drawn)
    if size > MOST_BYTES:
        raise ValueError(
            f"explorer {spec.title!r}: {size / 1e6:.1f} MB of frames, {MOST_BYTES / 1e6:.1f} MB at most; "
            "draw fewer points or fewer states"
        )
    record: Record = {
        "title": spec.title,
        "id": spec.uid,
        "controls": [_control(spec, name) for name in spec.states],
        "start": states.index(spec.start),
        "sentences": sentences,
        "words": [words(picture) for picture in pictures],
        "tol": spec.tol,
        "drawn": spec.drawn,
    }
    return record, [_own_ids(picture, i) for i, picture in enumerate(pictures)]


def _control(spec: Spec, name: str) -> Record:
    values = spec.states[name]
    return {
        "name": name,
        "label": label_of(spec, name),
        "kind": kind_of(values),
        "texts": [value_text(value) for value in values],
        "at": values.index(spec.start[name]),
    }


def static_html(spec: Spec) -> tuple[str, str]:
    """The explorer with every state in the page, and its plain text (the sentence of the first state shown)."""
    record, pieces = recorded(spec)
    return explorer_html(record, pieces), explorer_text(record)


def explorer_html(record: Record, pieces: Sequence[str], still: bool = False) -> str:
    """The explorer with every state in the page.

    still: with the state it starts with alone, for a reader whose controls move only what a live kernel draws.
    """
    title, first = escape(record["title"]), record["start"]
    sentences = [sentence.replace(" %", "\u00a0%") for sentence in record["sentences"]]  # a sign stays with its number
    frames = "".join(
        f'<div class="al-frame" data-say="{escape(sentence)}"{"" if i == first else " hidden"}>'
        f"{labelled(piece, sentence)}</div>"
        for i, (piece, sentence) in enumerate(zip(pieces, sentences, strict=True))
        if i == first or not still
    )
    controls = "".join(control_html(record["id"], control) for control in record["controls"])
    controls = "" if still else f'<div class="al-controls">{controls}</div>'
    after = '<p class="al-soft">Run this cell to move the figure.</p></div>' if still else f"</div>{script('explorer')}"
    return (
        f'{style("figure", "explorer")}<div class="al-explorer" id="{record["id"]}" role="group" '
        f'aria-label="Explorer: {title}"><p class="al-title">{title}</p>{controls}'
        f'<div class="al-pic al-frames">{frames}</div>'
        f'<p class="al-say" aria-live="polite">{escape(sentences[first])}</p>{after}'
    )


def explorer_text(record: Record) -> str:
    """The explorer as plain text: its title and the sentence of the first state shown."""
    return f"{record['title']}\n{record['sentences'][record['start']]}"


def _own_ids(picture: str, index: int) -> str:
    """Ids of a frame made its own: two states may hold the same picture."""
    return re.sub(r'( id="|href="#|url\(#)(f[0-9a-f]{7}-)', rf"\1s{index}\2", picture)


def control_html(uid: str, control: Record) -> str:
    """One control of the static rendering, made of native form elements."""
    label, ident, at, texts = control["label"], f"{uid}-{control['name']}", control["at"], control["texts"]
    if control["kind"] == "range":
        return (
            f'<div class="al-control"><label for="{ident}">{escape(label)}</label>'
            f'<input type="range" id="{ident}" min="0" max="{len(texts) - 1}" step="1" value="{at}" '
            f'aria-valuetext="{escape(texts[at])}" data-texts="{escape("|".join(texts))}" autocomplete="off">'
            f'<output for="{ident}">{escape(texts[at])}</output></div>'
        )
    if control["kind"] == "select":
        options = "".join(
            f'<option value="{i}"{" selected" if i == at else ""}>{escape(text)}</option>'
            for i, text in enumerate(texts)
        )
        return (
            f'<div class="al-control"><label for="{ident}">{escape(label)}</label>'
            f'<select id="{ident}" autocomplete="off">{options}</select></div>'
        )
    buttons = "".join(
        f'<label><input type="radio" name="{ident}" value="{i}"{" checked" if i == at else ""} autocomplete="off">'
        f"<span>{escape(text)}</span></label>"
        for i, text in enumerate(texts)
    )
    return f'<fieldset class="al-control al-choice"><legend>{escape(label)}</legend>{buttons}</fieldset>'


def _differ(stored: Record, fresh: Record) -> list[str]:
    """Numbers of the sentences move within the explorer's tolerance; what is drawn is not compared at all."""
    name = f"explorer {stored.get('title')!r}"
    said = [
        f"{name}: {key} is stored as {stored.get(key)!r}, the run gives {fresh.get(key)!r}"
        for key in changed(stored, fresh, "sentences", "words")
    ]
    if said or stored["drawn"]:
        return said
    tol = stored["tol"]
    for b, a in zip(stored["sentences"], fresh["sentences"], strict=True):
        if b != a and (tol is None or not alike(b, a, tol)):
            said.append(f"{name}: {b!r} is stored, the run says {a!r}")
    for b, a in zip(stored["words"], fresh["words"], strict=True):
        said += words_differ(b, a)
    return said


def _prints(record: Record, pieces: Sequence[str]) -> dict[str, str]:
    return {"text/html": explorer_html(record, pieces), "text/plain": explorer_text(record)}


KIND = Kind("explorer", _prints, _differ, PICTURE)
