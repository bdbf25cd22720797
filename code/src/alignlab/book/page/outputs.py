"""All kinds of output that have a record, by the record's mime type."""

from collections.abc import Mapping
from typing import Any

from alignlab.book.page import card, explorers, figures, guesses, inpage, numbers, tables
from alignlab.book.page.kinds import Kind

KINDS: dict[str, Kind] = {
    module.KIND.mime: module.KIND for module in (card, tables, numbers, figures, explorers, inpage, guesses)
}


def kind_of(bundle: Mapping[str, Any]) -> Kind | None:
    """The kind of an output's mime bundle, None where it has no record."""
    return next((KINDS[mime] for mime in bundle if mime in KINDS), None)
