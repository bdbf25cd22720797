"""The command `alignlab`: fetch models and data, see what is wrong, write pages and verify their claims."""

from __future__ import annotations

import io
import sys

# Each module registers its commands.
from alignlab.cli import (  # noqa: F401
    editions,
    evaluate,
    machine,
    pages,
    proof,
    recipes,
    teaching,
)
from alignlab.cli.app import app


def main() -> None:
    """Run the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # what its encoding lacks (cp1252 of a pipe, say) is spelled out
            stream.reconfigure(errors="backslashreplace")
    app()
