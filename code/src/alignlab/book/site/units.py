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
