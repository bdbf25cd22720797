"""One visual language: the palette by meaning, in light and dark, and matplotlib's settings.

Color says what a line is: the model as released is always slate, the method under study blue, an attack vermilion,
a defense green, people plum, a proxy amber, a control grey. `COLORS` holds the light values; `figures` replaces each
in the finished picture by a CSS variable, so that a page in dark mode shows the value of `DARK`.
"""

from typing import Any

LIGHT = {
    "base": "#4c5a6b",
    "aligned": "#0072b2",
    "attacked": "#d55e00",
    "defended": "#009e73",
    "human": "#cc79a7",
    "proxy": "#e69f00",
    "control": "#9aa0a6",
    "ink": "#1f2933",
    "muted": "#5b6570",
    "grid": "#e2e6ea",
    "page": "#ffffff",
}

DARK = {
    "base": "#a9b8cc",
    "aligned": "#56b4e9",
    "attacked": "#ff9e5e",
    "defended": "#4cd3a5",
    "human": "#e8a6cc",
    "proxy": "#f5c04a",
    "control": "#7c838a",
    "ink": "#e6eaf0",
    "muted": "#a7b0ba",
    "grid": "#363c44",
    "page": "#14181d",
}

# Other names for the same meaning: chosen is blue, rejected vermilion, gold reward is the aligned blue.
ALIASES = {"judge": "human", "chosen": "aligned", "rejected": "attacked", "gold": "aligned"}

COLORS = LIGHT | {name: LIGHT[role] for name, role in ALIASES.items()}

# What the reader's system has; metrics in matplotlib come from DejaVu Sans, which is wider than any of these.
FONT = "system-ui, -apple-system, 'Segoe UI', 'Source Sans 3', Roboto, Helvetica, Arial, sans-serif"

# A heat map is one color that fades to transparent, so that it suits a light and a dark page.
SEQUENTIAL = "al-sequential"
DIVERGING = "al-diverging"


def rc() -> dict[str, Any]:
    """Matplotlib settings of the book: no box, light grid; 5.4 inches wide, so that a phone shows text of 10 pixels."""
    from cycler import cycler

    order = ["aligned", "attacked", "defended", "human", "proxy", "base"]
    return {
        "figure.figsize": (5.4, 3.3),
        "figure.constrained_layout.use": True,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "savefig.transparent": True,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "font.family": ["DejaVu Sans"],
        "font.size": 12.0,
        "axes.labelsize": 12.0,
        "axes.titlesize": 12.0,
        "xtick.labelsize": 11.5,
        "ytick.labelsize": 11.5,
        "legend.fontsize": 11.5,
        "legend.frameon": False,
        "text.color": LIGHT["ink"],
        "axes.labelcolor": LIGHT["muted"],
        "axes.titlecolor": LIGHT["ink"],
        "axes.edgecolor": LIGHT["muted"],
        "xtick.color": LIGHT["muted"],
        "ytick.color": LIGHT["muted"],
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": LIGHT["grid"],
        "grid.linewidth": 0.9,
        "xtick.major.size": 3.5,
        "ytick.major.size": 0.0,
        "lines.linewidth": 2.2,
        "lines.markersize": 6.0,
        "lines.solid_capstyle": "round",
        "patch.linewidth": 0.0,
        "hatch.color": LIGHT["control"],
        "image.cmap": SEQUENTIAL,
        "axes.prop_cycle": cycler(color=[LIGHT[role] for role in order]),
        "axes.formatter.useoffset": False,
        "axes.unicode_minus": True,
        "svg.fonttype": "none",
        "svg.hashsalt": "alignlab",
        "path.simplify": True,
    }


def use() -> None:
    """Make the book's figure style the current one and register its two color maps."""
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    blue, vermilion = to_rgba(LIGHT["aligned"])[:3], to_rgba(LIGHT["attacked"])[:3]
    ramps = {
        SEQUENTIAL: [(*blue, 0.04), (*blue, 1.0)],
        DIVERGING: [(*vermilion, 1.0), (*vermilion, 0.0), (*blue, 0.0), (*blue, 1.0)],
    }
    for name, ramp in ramps.items():
        stops = [0.0, 0.5, 0.5, 1.0] if len(ramp) == 4 else [0.0, 1.0]
        if name not in mpl.colormaps:
            mpl.colormaps.register(LinearSegmentedColormap.from_list(name, list(zip(stops, ramp))), name=name)
    settings: Any = rc()
    mpl.rcParams.update(settings)


def variables() -> str:
    """The palette as CSS: light by default, dark where the site, Colab, JupyterLab or VS Code says so."""
    light = "".join(f"--al-{role}:{value};" for role, value in LIGHT.items())
    dark = "".join(f"--al-{role}:{value};" for role, value in DARK.items())
    themes = 'html[data-theme="dark"],html[theme="dark"],body[data-jp-theme-light="false"],body.vscode-dark'
    return f":root{{{light}--al-font:{FONT};}}{themes}{{{dark}}}"
