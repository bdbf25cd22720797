"""What an output is: a record, and HTML and plain text that are printed from it.

Each kind of output (claim, table, number, figure, explorer, model, guess) is a `Kind`, in the module that shows it; it
says how a record is printed and how two records differ. What a record would be too long with (pictures, weights) stays
in the HTML alone: these *pieces* are found there, and the record holds their fingerprints.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alignlab.book.page import links
from alignlab.book.page.fragments import digest, seal, unstyled

Record = dict[str, Any]
Bundle = dict[str, Any]

_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")


def mime(name: str) -> str:
    """The mime type of a kind's records."""
    return f"application/vnd.alignlab.{name}+json"


@dataclass(frozen=True)
class Kind:
    """A kind of output.

    prints: record and pieces -> what stands beside the record, by mime type. differ: a stored and a fresh record ->
    what differs, in words. piece: finds the pieces in the HTML, each its group 1. sealed: whether the record holds a
    fingerprint of itself; where it doesn't, its HTML does.
    """

    name: str
    prints: Callable[[Record, Sequence[str]], dict[str, str]]
    differ: Callable[[Record, Record], list[str]]
    piece: re.Pattern[str] | None = None
    sealed: bool = True

    @property
    def mime(self) -> str:
        """The record's mime type."""
        return mime(self.name)

    def bundle(self, record: Record, pieces: Sequence[str] = ()) -> Bundle:
        """An output's mime bundle: the record, its fingerprints entered, and what it prints."""
        if self.piece:
            record = {**record, "pieces": [seal(piece) for piece in pieces]}
        if self.sealed:
            record = {**record, "digest": digest(record)}
        return {self.mime: record, **self.prints(record, pieces)}

    def show(self, record: Record, pieces: Sequence[str] = (), **metadata: Any) -> None:
        """Show an output."""
        from IPython.display import display

        display(self.bundle(record, pieces), raw=True, metadata=metadata)

    def pieces(self, bundle: Bundle) -> list[str]:
        """The pieces that a stored bundle's HTML holds."""
        return self.piece.findall(joined(bundle.get("text/html", ""))) if self.piece else []

    def renewed(self, bundle: Bundle) -> Bundle:
        """A stored bundle with what its record prints today; the record and the pieces stay as they are."""
        return {**bundle, **self.prints(bundle[self.mime], self.pieces(bundle))}

    def unsound(self, bundle: Bundle) -> list[str]:
        """What of a stored bundle was changed after the run, in words."""
        record, pieces = bundle[self.mime], self.pieces(bundle)
        problems = []
        if self.sealed and record.get("digest") != digest(record):
            problems.append(f"a digit or word of the stored {self.name} was changed after the run")
        if self.piece and record.get("pieces") != [seal(piece) for piece in pieces]:
            problems.append(
                f"a digit, word or line of a picture or model in the stored {self.name} was changed after the run"
            )
        try:
            expected = self.prints(record, pieces)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            return [*problems, f"the stored record cannot be printed: {type(error).__name__}: {error}"]
        return problems + [
            f"the stored {mime} is not what its own record prints"
            for mime, text in expected.items()
            if _bare(joined(bundle.get(mime))) != _bare(text)
        ]


def joined(value: Any) -> Any:
    """Text of a notebook, which may be stored as a list of lines."""
    return "".join(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value


def _bare(text: Any) -> Any:
    return links.neutral(unstyled(text)) if isinstance(text, str) else text


def without(record: Record, *keys: str) -> Record:
    """A record without some entries, and without fingerprints."""
    return {key: value for key, value in record.items() if key not in (*keys, "digest", "pieces")}


def changed(stored: Record, fresh: Record, *aside: str) -> list[str]:
    """Names of the entries that aren't alike in two records, fingerprints and `aside` left out."""
    before, after = without(stored, *aside), without(fresh, *aside)
    return sorted(
        key for key in {*before, *after} if key not in before or key not in after or before[key] != after[key]
    )


def near(stored: Any, fresh: Any, tol: float | None) -> bool:
    """Whether two values are alike, numbers within an absolute tolerance."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (stored, fresh))
    return abs(stored - fresh) <= tol + 1e-12 if numeric and tol is not None else bool(stored == fresh)


def numberless(text: str) -> str:
    """A text with a mark for each of its numbers."""
    return _NUMBER.sub("#", text)


def alike(stored: str, fresh: str, tol: float) -> bool:
    """Whether two texts differ only in numbers, by the share `tol` or two units of the last digit shown."""
    if numberless(stored) != numberless(fresh):
        return False
    for b, a in zip(_NUMBER.findall(stored), _NUMBER.findall(fresh)):
        x, y = (float(text.replace("\u2212", "-")) for text in (b, a))
        unit = 10.0 ** -len(b.partition(".")[2])
        if abs(x - y) > max(tol * abs(x), 2 * unit) + 1e-9:
            return False
    return True
