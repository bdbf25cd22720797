"""Numbers as readers see them."""

from __future__ import annotations


def minutes(seconds: float | None) -> str:
    """Seconds as "25 s" or "1.5 min"; empty for None."""
    if seconds is None:
        return ""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def megabytes(mb: float | None, of: str = "") -> str:
    """Megabytes as "93 MB" or "1.4 GB", followed by what they are; empty for None."""
    if mb is None:
        return ""
    text = f"{mb / 1000:.1f} GB" if mb >= 950 else (f"{mb:.0f} MB" if mb >= 1 else f"{mb * 1000:.0f} kB")
    return f"{text} {of}".strip()


def number(value: float | None) -> str:
    """A measured value: three significant digits, no exponent for everyday sizes, a true minus sign."""
    if value is None:
        return ""
    text = f"{value:.3g}"
    if "e" in text:
        text = f"{value:.0f}" if abs(value) >= 1000 else text
    return text.replace("-", "\N{MINUS SIGN}")


def band(low: float | None, high: float | None) -> str:
    """A band as "at least 0.8", "at most 2" or "0.8 to 1.2"."""
    if low is None:
        return f"at most {number(high)}"
    if high is None:
        return f"at least {number(low)}"
    return f"{number(low)} to {number(high)}"
