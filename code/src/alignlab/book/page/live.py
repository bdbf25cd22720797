"""Explorers with a live kernel: ipywidgets, both the 7.7 of Colab and the 8.1 of JupyterLab."""

from typing import Any

from alignlab.book.page.fragments import escape, style
from alignlab.book.page.states import Spec, State, frame, kind_of, label_of, value_text


def widget(spec: Spec) -> Any:
    """The explorer as a widget: controls, the figure, the sentence."""
    import ipywidgets as widgets

    controls = {name: _control(widgets, spec, name) for name in spec.states}
    picture, sentence = widgets.HTML(), widgets.HTML()
    shown: dict[tuple[str, ...], tuple[str, str]] = {}

    def redraw(_change: Any = None) -> None:
        state: State = {name: control.value for name, control in controls.items()}
        key = tuple(map(repr, state.values()))
        if key not in shown:
            shown[key] = frame(spec, state)
        drawn, said = shown[key]
        picture.value = f'{style("figure", "explorer")}<div class="al-pic">{drawn}</div>'
        sentence.value = f'<p class="al-say" aria-live="polite">{escape(said)}</p>'

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    title = widgets.HTML(f'<p class="al-title">{escape(spec.title)}</p>')
    return widgets.VBox([title, widgets.VBox(list(controls.values())), picture, sentence])


def _control(widgets: Any, spec: Spec, name: str) -> Any:
    values = spec.states[name]
    options = [(value_text(value), value) for value in values]
    kinds = {"range": widgets.SelectionSlider, "radio": widgets.ToggleButtons, "select": widgets.Dropdown}
    return kinds[kind_of(values)](
        options=options,
        value=spec.start[name],
        description=label_of(spec, name),
        style={"description_width": "initial"},
        layout=widgets.Layout(width="auto", max_width="640px"),
    )


def show_live(spec: Spec) -> None:
    """Show the widget, or the first state where the front end has no widgets."""
    from IPython.display import display

    display(widget(spec))
