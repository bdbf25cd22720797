"""The directive `{play}`: a part of a page in which SmolLM2 itself runs, in the reader's browser.

`{play} chat`, `next`, `score`, `attack`, `dial`, `lens` or `steer`. The scripts lie under `assets/play/`; the weights
are fetched on the reader's click, where the site has them (`alignlab site`). What stands in the directive's body, such
as recorded answers, is always shown: it is what remains where the model can't run.
"""

import json
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from alignlab.book.page.fragments import escape, style

TITLES = {
    "chat": ("Talk to SmolLM2", "The same question to the released model and to SmolLM2-safer."),
    "next": ("The next token", "The ten likeliest next tokens of a text; choose one and go on."),
    "score": ("Score a text", "How surprising each token is to the model, given what stands before it."),
    "attack": (
        "Attack SmolLM2",
        "Begin the answer for it, add a suffix, show it examples; see whether it still declines.",
    ),
    "dial": (
        "The alignment dial",
        "SmolLM2-safer is the released model plus an adapter. Turn the adapter up and down.",
    ),
    "lens": ("Inside SmolLM2", "The model cut after a layer: what it would say without the layers that follow."),
    "steer": ("Push refusal", "A constant added after layer 22, along the direction in which refusal lies."),
}


def play_html(kind: str, options: dict[str, Any], to_root: str) -> str:
    """The part of a page as HTML, to be filled by `play.js`.

    kind: one of TITLES. options: a `title` to be shown, and what the controls start with (`ask`, `prefill`, `suffix`,
    `examples`, `scale`, `model`).
    to_root: relative path from the page to the site's root, such as "../../".
    """
    name, say = TITLES[kind]
    title = f'<p class="al-title">{escape(options["title"])}</p>' if "title" in options else ""
    start = json.dumps({key: value for key, value in options.items() if key != "title"}, ensure_ascii=False)
    return (
        f'{style("explorer", "model", "play")}<div class="al-play" data-kind="{kind}" data-options="{escape(start)}" '
        f'role="group" aria-label="{escape(name)}">{title}<p class="al-soft">{escape(say)}</p>'
        "<noscript><p>The model runs by a script, and scripts are switched off.</p></noscript></div>"
        f'<script type="module" src="{to_root}_static/play/play.js"></script>'
    )


def _kind(argument: str) -> str:
    return directives.choice(argument, tuple(TITLES))


def _model(argument: str) -> str:
    return directives.choice(argument, ("released", "safer", "both"))


class Play(SphinxDirective):
    """One part in which the model runs; its body stands above it, with the model or without."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012  (docutils' own way)
        "title": directives.unchanged_required,
        "ask": directives.unchanged_required,
        "prefill": directives.unchanged,
        "suffix": directives.unchanged,
        "examples": directives.nonnegative_int,
        "scale": float,
        "model": _model,
    }

    def run(self) -> list[nodes.Node]:
        """The body, then the part."""
        kind = _kind(self.arguments[0])
        to_root = "../" * self.env.docname.count("/")
        recorded = self.parse_content_to_nodes() if self.content else []
        return [*recorded, nodes.raw("", play_html(kind, self.options, to_root), format="html")]
