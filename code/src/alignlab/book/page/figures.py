"""Figures: inline SVG whose colors are CSS variables, with an HTML title, a subtitle and required alternative text.

Decision 1 (`docs/decisions/001-figures-are-inline-svg.md`) says why. Of the picture itself nbval compares the
words, and what stands around it.

Text in a picture is never smaller than 10 pixels: a picture of the usual width fits a phone at that size, and one that
does not scrolls inside its own frame.
"""

import hashlib
import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from alignlab.book.page.fragments import escape, style
from alignlab.book.page.kinds import Kind, Record, changed, numberless
from alignlab.book.page.style import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = re.compile(r'<svg role="img" aria-label="[^"]*"(.*?</svg>)', re.DOTALL)
"""Finds the pictures of `svg` in HTML, each without its alternative text."""

_WRITTEN = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)
_HEX = re.compile(r"#[0-9a-f]{6}(?![0-9a-f])")
_ROLE = {value: role for role, value in LIGHT.items()} | {"#000000": "ink"}
_MANY_POINTS = 1500
_SMALLEST = 10.0  # pixels of the smallest text, on whatever screen
_LARGEST = 1.5  # pixels a point at most, so that text in pictures is as large as the text around them
_PHONE = 340  # pixels that an explorer's picture has on a screen of 390
_FAMILY = "var(--pst-font-family-base, var(--al-font, sans-serif))"


def figure(fig: "Figure", title: str, subtitle: str = "", *, alt: str, width: Literal["text", "wide"] = "text") -> None:
    """Show a matplotlib figure as the book shows them, and close it.

    title: states the finding. subtitle: the setup, in small type. alt: what someone who cannot see it needs to know.
    width: "wide" may use the margin; on a phone it scrolls inside its own frame.
    Raises ValueError where title or alt is missing.
    """
    if not title.strip() or not alt.strip():
        raise ValueError("a figure needs a title that states its finding, and alternative text (alt=)")
    if width not in ("text", "wide"):
        raise ValueError(f"width is 'text' or 'wide', not {width!r}")
    KIND.show(*recorded(fig, title, subtitle, alt, width))


def recorded(fig: "Figure", title: str, subtitle: str, alt: str, width: str = "text") -> tuple[Record, list[str]]:
    """A figure's record and its picture, as the only piece; the figure is closed."""
    [piece] = PICTURE.findall(svg(fig, alt))
    record = {"title": title, "subtitle": subtitle, "alt": alt, "width": width, "words": words(piece)}
    return record, [piece]


def figure_html(record: Record, pieces: Sequence[str]) -> str:
    """The `<figure>` element with its style."""
    title, width = escape(record["title"]), record["width"]
    sub = f'<span class="al-sub">{escape(record["subtitle"])}</span>' if record["subtitle"] else ""
    picture = labelled(pieces[0], record["alt"])
    scrolls = width == "wide" or least_width(picture) > _PHONE
    frame = f' tabindex="0" role="group" aria-label="Figure: {title}"' if scrolls else ""
    return (
        f'{style("figure")}<figure class="al-figure al-{width}">'
        f'<figcaption><strong class="al-title">{title}</strong>{sub}</figcaption>'
        f'<div class="al-pic"{frame}>{picture}</div></figure>'
    )


def labelled(piece: str, label: str) -> str:
    """A picture, as `PICTURE` finds it in HTML, with its alternative text again."""
    return f'<svg role="img" aria-label="{escape(label)}"{piece}'


def words(piece: str) -> list[str]:
    """What is written in a picture, numbers apart: titles, names of axes and lines, not what a tick says."""
    texts = (numberless(re.sub(r"<[^>]+>", "", text)).strip() for text in _WRITTEN.findall(piece))
    return sorted(text for text in texts if re.search(r"[^\W\d_]", text))


def words_differ(stored: Sequence[str], fresh: Sequence[str]) -> list[str]:
    """What two pictures say, in words; nothing where it is the same."""
    return [] if stored == fresh else [f"a stored picture says {stored}, the run's says {fresh}"]


def svg(fig: "Figure", alt: str) -> str:
    """A figure as inline SVG: palette as CSS variables, ids unique to its content, large scatters as pixels.

    The figure is closed, so that a notebook does not show it a second time.
    """
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    _rasterize_large_artists(fig)
    for patch in (fig.patch, *(axes.patch for axes in fig.axes)):
        patch.set(facecolor="none", edgecolor="none")
    if mpl.rcParams["savefig.dpi"] != "figure":
        fig.set_dpi(mpl.rcParams["savefig.dpi"])
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "alignlab"}):
        # what savefig does, but for the drawing before it, which only lays out the axes, as this one does too
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    smallest = min(_text_sizes(fig), default=12.0)
    plt.close(fig)
    return clean(buffer.getvalue(), alt, smallest)


def least_width(picture: str) -> int:
    """The width in pixels below which a picture of `svg` scrolls instead of shrinking its text further."""
    found = re.search(r"min-width: (\d+)px", picture)
    return int(found.group(1)) if found else 0


def _text_sizes(fig: "Figure") -> list[float]:
    """Sizes in points of what is written in a drawn figure; powers and indices are smaller and not counted."""
    from matplotlib.text import Text

    found = (artist for artist in fig.findobj(Text) if isinstance(artist, Text))
    return [float(text.get_fontsize()) for text in found if text.get_visible() and text.get_text().strip()]


def clean(text: str, alt: str, smallest: float = 12.0) -> str:
    """Matplotlib's SVG file as an element of a page; smallest: points of the smallest text in it."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    if box is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    width, height = (round(float(side) * 4 / 3) for side in box.groups())
    points = float(box.group(1))
    limits = f"min-width: {math.ceil(points * _SMALLEST / smallest)}px; max-width: {round(points * _LARGEST)}px"
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: ?[^;\"]*'?DejaVu Sans'?[^;\"]*;? ?", "", text)
    text = re.sub(r"(font: [^;\"]*?)'?DejaVu Sans'?[^;\"]*", rf"\1{_FAMILY}", text)
    text = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text)
    text = re.sub(r"(?<=[\s\"(,=])-?\d+\.\d{3,}", lambda m: f"{float(m.group()):.2f}".rstrip("0").rstrip("."), text)
    text = _HEX.sub(lambda m: f"var(--al-{_ROLE[m.group()]}, {m.group()})" if m.group() in _ROLE else m.group(), text)
    text = _short_ids(text)
    text = re.sub(r"\s*\n\s*", " ", text).replace("> <", "><")
    head = (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="{box.group()[9:-1]}" width="{width}" height="{height}" '
        f'style="font-family: {_FAMILY}; stroke-linejoin: round; stroke-linecap: butt; {limits}">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: head, text.replace("xlink:href", "href"), count=1).strip()


def _short_ids(text: str) -> str:
    """Drop ids that nothing refers to; make the others unique to this picture."""
    used = set(re.findall(r'(?:href="#|url\(#)([\w-]+)', text))
    mark = "f" + hashlib.sha1(text.encode()).hexdigest()[:7]
    names = {old: f"{mark}-{n}" for n, old in enumerate(sorted(used))}
    text = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{names[m.group(1)]}"' if m.group(1) in names else "", text)
    return re.sub(r'(href="#|url\(#)([\w-]+)', lambda m: m.group(1) + names[m.group(2)], text)


def _rasterize_large_artists(fig: "Figure") -> None:
    from matplotlib.collections import PathCollection, QuadMesh

    for axes in fig.axes:
        for artist in axes.collections:
            points = artist.get_offsets().shape[0] if isinstance(artist, PathCollection) else 0  # type: ignore[union-attr]
            if points > _MANY_POINTS or isinstance(artist, QuadMesh):
                artist.set_rasterized(True)


def _differ(stored: Record, fresh: Record) -> list[str]:
    """Its lines and numbers may be another processor's; words are the page's own."""
    said = [
        f"figure {stored.get('title')!r}: {key} is stored as {stored.get(key)!r}, the run gives {fresh.get(key)!r}"
        for key in changed(stored, fresh, "words")
    ]
    return said + words_differ(stored["words"], fresh["words"])


def _prints(record: Record, pieces: Sequence[str]) -> dict[str, str]:
    return {"text/html": figure_html(record, pieces), "text/plain": f"{record['title']}\n{record['alt']}"}


KIND = Kind("figure", _prints, _differ, PICTURE)
