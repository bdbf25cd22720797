"""The cache: what was fetched is verified, kept whole or not at all, and shared between processes.

Everything is written beside the cache's folders, verified there, and renamed into place, under a lock per asset.
A folder holds `.verified.json`, the size and time stamp of each file when its checksum was last found right: a later
fetch trusts an unchanged file, and rehashes one that changed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from alignlab.assets import convert
from alignlab.assets.carrier import download, sha256, unpack
from alignlab.assets.progress import reporting
from alignlab.assets.table import Asset, AssetError, lookup

STAMP = ".verified.json"
FULL = (
    "no space left",
    "quota",
    "requested and",
)  # NumPy: "100 requested and 10 written"


def cache_dir() -> Path:
    """Where assets are kept: `ALIGNLAB_CACHE`, else the platform's cache folder of this user.

    Raises AssetError where `ALIGNLAB_CACHE` names the home of a user who isn't there.
    """
    moved = os.environ.get("ALIGNLAB_CACHE")
    if not moved:
        return Path(platformdirs.user_cache_dir("alignlab"))
    try:
        return Path(moved).expanduser()
    except RuntimeError as error:
        raise AssetError(
            f"ALIGNLAB_CACHE={moved!r} names the cache in a home that isn't there: set it to a whole path"
        ) from error


def offline() -> bool:
    """Whether `ALIGNLAB_OFFLINE` forbids the network."""
    return flag("ALIGNLAB_OFFLINE")


def flag(name: str) -> bool:
    """Whether an environment variable is on: anything but nothing, 0, false, no and off, in any case."""
    value = os.environ.get(name, "").strip().lower()
    return value not in ("", "0", "false", "no", "off", "n", "f")


def folder_of(asset: Asset) -> Path:
    """The asset's folder in the cache, whether or not it is there."""
    return cache_dir() / asset.folder


def fetch(name: str, *, rehash: bool = False) -> Path:
    """The verified folder of a registered asset: from the cache, else downloaded from its carrier.

    rehash: compute every checksum again instead of trusting files whose size and time stamp haven't changed.
    Raises AssetError: unknown name, no network, wrong checksum, full disk, cache that can't be written.
    """
    asset = lookup(name)
    folder = folder_of(asset)
    fault = find_fault(asset, rehash=rehash)
    if fault is None:
        return folder
    if offline():
        raise AssetError(
            f"{name}: {fault} (cache: {cache_dir()}) and ALIGNLAB_OFFLINE forbids the network; "
            f"unset it and run `alignlab fetch {name}` once."
        )
    with _writing(asset):
        if (
            find_fault(asset, rehash=rehash) is not None
        ):  # another process may have fetched it while this one waited
            _make(asset, folder)
    return folder


def find_fault(asset: Asset, *, rehash: bool = False) -> str | None:
    """What is wrong with the asset's folder in the cache, in a few words; None where every file is right."""
    folder = folder_of(asset)
    if not os.path.isdir(
        folder
    ):  # also false where a folder above may not be searched
        return "it is not in the cache"
    stamps = _read_stamps(folder)
    changed = False
    for name, file in asset.files.items():
        try:
            status = (folder / name).stat()
        except OSError:
            return f"{name} is missing from its folder"
        if status.st_size != file.size:
            return (
                f"{name} has {status.st_size:,} bytes instead of {file.size:,}"
            )
        if rehash or stamps.get(name) != [status.st_size, status.st_mtime_ns]:
            try:
                right = sha256(folder / name) == file.sha256
            except OSError as error:
                return f"{name} can't be read ({error.strerror})"
            if not right:
                return f"{name} has a wrong checksum"
            changed = True
    if changed:
        _write_stamps(asset, folder)
    return None


def _make(asset: Asset, folder: Path) -> None:
    """Download, unpack, convert and verify in a folder of its own, then rename it into place."""
    parts = cache_dir() / ".parts"
    parts.mkdir(parents=True, exist_ok=True)
    for stale in parts.glob(
        f"{asset.name}.*"
    ):  # left by a killed process: this one holds the lock
        shutil.rmtree(stale, ignore_errors=True)
    need = (
        asset.archive_size
        + asset.size
        + sum(file.size for file in asset.files.values() if asset.convert)
    )
    if (free := shutil.disk_usage(parts).free) < need:
        raise OSError(
            errno.ENOSPC,
            f"needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free",
        )
    work = Path(tempfile.mkdtemp(prefix=f"{asset.name}.", dir=parts))
    try:
        with reporting(asset) as report:
            (work / "download").mkdir()
            archive = download(asset, work / "download", report)
            new = work / "new"
            new.mkdir()
            if asset.convert:
                (work / "raw").mkdir()
                unpack(asset, archive, work / "raw")
                _convert(asset, work / "raw", new)
            else:
                unpack(asset, archive, new)
        for name, file in asset.files.items():
            if sha256(new / name) != file.sha256:
                raise AssetError(
                    f"{asset.name}: {name}, made from {asset.archive}, has a wrong checksum; please report it."
                )
        _write_stamps(asset, new)
        if folder.exists():
            folder.rename(work / "old")
        new.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _convert(asset: Asset, raw: Path, new: Path) -> None:
    """Run the asset's step. What it was given is verified, so what can fail is a missing package or a full disk."""
    try:
        convert.STEPS[asset.convert](raw, new)
    except ImportError as error:
        needed = error.name or str(error)
        raise AssetError(
            f"{asset.name}: unpacking it needs the package {needed}: run `pip install {needed}`."
        ) from error
    except Exception as error:  # NumPy and safetensors report a full disk in words of their own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        if any(sign in reason.lower() for sign in FULL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if isinstance(error, OSError):
            raise
        raise AssetError(
            f"{asset.name}: {asset.archive} could not be converted ({reason}); please report it."
        ) from error


@contextmanager
def _writing(asset: Asset) -> Iterator[None]:
    """Hold the asset's lock; turn what the file system refuses into an AssetError."""
    where = cache_dir()
    try:
        (where / ".locks").mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(where / ".locks" / f"{asset.name}.lock"):
            yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = (
                f"the disk of {where} is full ({reason}); free some space or "
                "point ALIGNLAB_CACHE at another disk."
            )
        else:
            message = f"can't write to the cache {where} ({reason}); set ALIGNLAB_CACHE to a folder that you can write."
        raise AssetError(f"{asset.name}: {message}") from error


def _read_stamps(folder: Path) -> dict[str, list[int]]:
    try:
        stamps = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _write_stamps(asset: Asset, folder: Path) -> None:
    stamps = {
        name: [
            (folder / name).stat().st_size,
            (folder / name).stat().st_mtime_ns,
        ]
        for name in asset.files
    }
    try:
        (folder / STAMP).write_text(json.dumps(stamps), encoding="utf-8")
    except (
        OSError
    ):  # a cache that may only be read: the next fetch hashes again
        return
