"""The directive `{watermark}`: the reader pastes a text, and the page counts green words in it.

Its argument is the key; each paragraph of its body is an example, a label and a colon before the text. The script is
`assets/watermark.js`; the first example and what it counts stand in the page without the script too.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from alignlab.book.page.fragments import decimal, escape, style
from alignlab.risks.misuse_and_society import marks
from alignlab.risks.misuse_and_society.words import words


def examples(lines: list[str]) -> list[tuple[str, str]]:
    """Labels and texts of a directive's body. Raises ValueError for a paragraph without a label."""
    found = []
    for paragraph in "\n".join(lines).split("\n\n"):
        label, colon, text = " ".join(paragraph.split()).partition(": ")
        if not colon:
            raise ValueError(f"no label before a colon in {paragraph[:40]!r}: write `Label: text`")
        found.append((label, text))
    return found


def said(text: str, key: int) -> str:
    """How many pairs are green, as the script says it too, without its verdict."""
    code = marks.codes(marks.pairs_of(words(text)))
    greens = int(marks.is_green(code, key).sum())
    z = decimal(float(marks.z_score(greens, len(code))), 1)
    return f"{greens} of {len(code)} different pairs are green, z = {z}."


def watermark_html(key: int, texts: list[tuple[str, str]], to_root: str) -> str:
    """The part of a page as HTML. to_root: relative path from the page to the site's root, such as "../../"."""
    buttons = "".join(
        f'<button type="button" data-text="{escape(text)}">{escape(label)}</button>' for label, text in texts
    )
    first = texts[0][1]
    return (
        f'{style("play", "watermark")}<div class="al-play al-watermark" role="group" aria-label="Find the watermark">'
        '<p class="al-title">Find the watermark</p>'
        '<p class="al-soft">Paste any text. Nothing leaves this page. Underlined words are green under the key; '
        "pale ones repeat a pair that is already counted.</p>"
        f'<div class="al-play-buttons" role="group" aria-label="Examples">{buttons}</div>'
        '<div class="al-play-field"><label for="al-watermark-text">Your text</label>'
        f'<textarea id="al-watermark-text" rows="5" spellcheck="false">{escape(first)}</textarea></div>'
        '<div class="al-play-field"><label for="al-watermark-key">Key</label>'
        f'<input type="number" id="al-watermark-key" value="{key}" min="0" max="4294967295" step="1"></div>'
        f'<p class="al-play-say" role="status">{escape(said(first, key))}</p>'
        '<p class="al-watermark-words" aria-hidden="true"></p>'
        "<noscript><p>Counting in other texts takes a script, and scripts are switched off.</p></noscript></div>"
        f'<script src="{to_root}_static/watermark.js"></script>'
    )


class Watermark(SphinxDirective):
    """A field for the reader's text; one a page."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The part as raw HTML."""
        to_root = "../" * self.env.docname.count("/")
        html = watermark_html(int(self.arguments[0]), examples(list(self.content)), to_root)
        return [nodes.raw("", html, format="html")]
