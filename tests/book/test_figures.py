"""Figures: colors follow the theme, ids don't clash, and the text around the picture is required."""

import re

import numpy as np
import pytest
from alignlab.book.files import pages
from alignlab.book.page import figures, style
from matplotlib import pyplot as plt
from support import ROOT

HEX = re.compile(r"#[0-9a-f]{6}(?![0-9a-f])")


@pytest.fixture(autouse=True)
def book_style():
    with plt.rc_context():
        style.use()
        yield
    plt.close("all")


def line(role="aligned", factor=1.0):
    fig, ax = plt.subplots()
    ax.plot([0, 1, 2], [0, factor, 4], color=style.COLORS[role], marker="o")
    ax.set_xlabel("steps")
    return fig


def test_every_palette_color_becomes_a_variable_with_its_light_value():
    for role in style.LIGHT:
        if role != "page":
            assert f"stroke: var(--al-{role}, {style.LIGHT[role]})" in figures.svg(line(role), "alt")


def test_no_color_of_a_plain_figure_stays_fixed():
    picture = figures.svg(line(), "alt")
    assert set(HEX.findall(re.sub(r"var\(--al-\w+, #[0-9a-f]{6}\)", "", picture))) == set()


def test_light_and_dark_name_the_same_roles_and_are_readable():
    assert style.LIGHT.keys() == style.DARK.keys()

    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    def contrast(palette, role):
        a, b = sorted([luminance(palette[role]), luminance(palette["page"])])
        return (b + 0.05) / (a + 0.05)

    for palette in (style.LIGHT, style.DARK):
        assert contrast(palette, "ink") > 7 and contrast(palette, "muted") > 4.5 and contrast(palette, "aligned") > 4.5


def test_an_svg_is_one_element_with_its_text_kept_as_text():
    picture = figures.svg(line(), 'a "quoted" <finding>')
    assert picture.startswith('<svg role="img" aria-label="a &quot;quoted&quot; &lt;finding&gt;"')
    assert picture.endswith("</svg>") and picture.count("<svg") == 1 and ">steps</text>" in picture
    assert "<style" not in picture and "DejaVu" not in picture and "http" not in picture


def test_ids_are_used_unique_to_the_picture_and_the_same_in_every_run():
    one, same, other = (figures.svg(line(factor=f), "alt") for f in (1.0, 1.0, 3.0))
    ids = [set(re.findall(r'id="([^"]+)"', picture)) for picture in (one, other)]
    assert one == same and not ids[0] & ids[1]
    assert ids[0] == set(re.findall(r'(?:href="#|url\(#)([\w-]+)', one))


def test_a_large_scatter_becomes_pixels_and_a_small_one_stays_sharp():
    sizes = []
    for count in (100, 5000):
        fig, ax = plt.subplots()
        ax.scatter(*np.random.default_rng(0).random((2, count)))
        picture = figures.svg(fig, "alt")
        sizes.append(len(picture))
        assert ("data:image/png" in picture) == (count > 1500)
    assert sizes[1] < 400_000


def test_a_figure_is_closed_so_that_a_notebook_shows_it_once():
    figures.svg(line(), "alt")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("title, alt, width", [("", "alt", "text"), ("title", " ", "text"), ("title", "alt", "full")])
def test_title_alt_and_a_known_width_are_required(title, alt, width):
    with pytest.raises(ValueError):
        figures.figure(line(), title, alt=alt, width=width)


def test_text_is_ten_pixels_on_a_phone_and_a_usual_picture_fits_it():
    usual, small, broad = line(), line(), plt.subplots(figsize=(9, 3))[0]
    small.axes[0].text(1, 1, "small", fontsize=8)
    least = [figures.least_width(figures.svg(fig, "alt")) for fig in (usual, small, broad)]
    points, smallest = 5.4 * 72, 11.5
    assert least[0] == np.ceil(points * 10 / smallest) <= 340, "fits a screen of 390 pixels without scrolling"
    assert least[1] == np.ceil(points * 10 / 8) and least[2] == np.ceil(9 * 72 * 10 / smallest)


def test_a_picture_that_scrolls_on_a_phone_can_be_reached_by_keyboard():
    broad, _ = plt.subplots(figsize=(9, 3))
    assert 'tabindex="0"' in figures.figure_html(*figures.recorded(broad, "title", "", "alt"))
    assert 'tabindex="0"' not in figures.figure_html(*figures.recorded(line(), "title", "", "alt"))


def test_every_stored_picture_fits_a_phone():
    """A screen of 390 pixels has 372 of them for a figure's picture and 354 for an explorer's (`assets/book.css`)."""
    wider = []
    for slug in pages.slugs(ROOT):
        for cell in pages.read_notebook(pages.notebook_path(ROOT, slug)).cells:
            for output in cell.get("outputs", []):
                html = output.get("data", {}).get("text/html", "")
                room = 354 if 'class="al-explorer' in html else 372
                needs = [int(width) for width in re.findall(r'<svg role="img"[^>]*min-width: (\d+)px', html)]
                wider += [f"{slug}: {width} pixels: {cell.source[:60]}" for width in needs if width > room][:1]
    assert wider == []


def test_every_stored_picture_has_alternative_text():
    for slug in pages.slugs(ROOT):
        path = pages.notebook_path(ROOT, slug)
        for cell in pages.read_notebook(path).cells if path.exists() else []:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                assert "image/png" not in data, f"{slug}: a picture that is no figure(): {cell.source[:60]}"
                html = data.get("text/html", "")
                for tag in re.findall(r"<(?:svg|img)\b[^>]*>", html):
                    assert re.search(r'(aria-label|alt)="[^"]{8,}"', tag), f"{slug}: {tag[:120]}"
