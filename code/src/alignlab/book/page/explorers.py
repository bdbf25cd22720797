"""Explorers: a figure that the reader moves. One spec, three renderings.

`explore(draw, say, layer=range(0, 30, 5))` draws every state. Where a page is built (`ALIGNLAB_STATIC=1`) the states
are written into the page with native controls and a small script, so they move without a kernel. With a live kernel
the controls are ipywidgets. Everywhere the sentence of `say` stands below the figure and is its alternative text.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from alignlab.book.page import live, session
from alignlab.book.page.fragments import digest, emit, escape, script, style
from alignlab.book.page.states import Spec, State, combinations, frame, kind_of, label_of, value_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FRAMES = 80
MOST_BYTES = 2_500_000

TOLERANT = ' data-tol="{}" data-told="{}"'
DRAWN = " data-drawn"

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
    tol = tol or (1.0 if drawn else None)
    spec = Spec(draw, say, title, values, _start(values, start), dict(labels or {}), tol, drawn)
    validate(spec)
    if session.static():
        html, text = static_html(spec)
        emit(html, text)
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


def static_html(spec: Spec) -> tuple[str, str]:
    """The explorer with every state in the page, and its plain text (the sentence of the first state shown)."""
    states = combinations(spec)
    drawn = [frame(spec, state) for state in states]
    if len({re.sub(r'aria-label="[^"]*"', "", picture) for picture, _ in drawn}) < 2:  # a label is the sentence
        raise ValueError(f"explorer {spec.title!r}: the figure is the same in every state")
    if len({sentence for _, sentence in drawn}) < 2:
        raise ValueError(f"explorer {spec.title!r}: the sentence is the same in every state")
    size = sum(len(picture) for picture, _ in drawn)
    if size > MOST_BYTES:
        raise ValueError(
            f"explorer {spec.title!r}: {size / 1e6:.1f} MB of frames, {MOST_BYTES / 1e6:.1f} MB at most; "
            "draw fewer points or fewer states"
        )
    first = states.index(spec.start)
    frames = "".join(
        f'<div class="al-frame" data-say="{escape(sentence)}"{"" if i == first else " hidden"}>'
        f"{_own_ids(picture, i)}</div>"
        for i, (picture, sentence) in enumerate(drawn)
    )
    controls = "".join(control_html(spec, name) for name in spec.states)
    compared = (TOLERANT.format(spec.tol, "") if spec.tol else "") + (DRAWN if spec.drawn else "")
    html = (
        f'{style("figure", "explorer")}<div class="al-explorer" id="{spec.uid}" role="group" '
        f'aria-label="Explorer: {escape(spec.title)}"{compared}>'
        f'<p class="al-title">{escape(spec.title)}</p><div class="al-controls">{controls}</div>'
        f'<div class="al-pic al-frames">{frames}</div>'
        f'<p class="al-say" aria-live="polite">{escape(drawn[first][1])}</p></div>{script("explorer")}'
    )
    text = f"{spec.title}\n{drawn[first][1]}"
    if spec.tol:
        html = html.replace(TOLERANT.format(spec.tol, ""), TOLERANT.format(spec.tol, told(html, text)), 1)
    return html, text


def told(html: str, text: str) -> str:
    """A fingerprint of every sentence an explorer holds, so that a changed digit shows although digits may move."""
    said = re.findall(r'(?:data-say|aria-label)="([^"]*)"', html) + re.findall(r'class="al-say"[^>]*>([^<]*)<', html)
    return digest({"said": said, "text": text})


def _own_ids(picture: str, index: int) -> str:
    """Ids of a frame made its own: two states may hold the same picture."""
    return re.sub(r'( id="|href="#|url\(#)(f[0-9a-f]{7}-)', rf"\1s{index}\2", picture)


def control_html(spec: Spec, name: str) -> str:
    """One control of the static rendering, made of native form elements."""
    values, label, ident = spec.states[name], label_of(spec, name), f"{spec.uid}-{name}"
    at = values.index(spec.start[name])
    texts = [value_text(value) for value in values]
    kind = kind_of(values)
    if kind == "range":
        return (
            f'<div class="al-control"><label for="{ident}">{escape(label)}</label>'
            f'<input type="range" id="{ident}" min="0" max="{len(values) - 1}" step="1" value="{at}" '
            f'aria-valuetext="{escape(texts[at])}" data-texts="{escape("|".join(texts))}" autocomplete="off">'
            f'<output for="{ident}">{escape(texts[at])}</output></div>'
        )
    if kind == "select":
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
