"""What `alignlab doctor` looks at. Every check answers, whatever is broken or out of reach."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from alignlab import assets
from alignlab.assets import store
from alignlab.doctor.report import Report, todo

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
PROBE_SECONDS = 20


def examine(*, rehash: bool = False) -> Report:
    """What is installed and what is here, as plain data; `todo` holds one sentence for each thing that is in the way.

    rehash: compute the checksum of every cached file again. Sizes are in bytes.
    """
    report: Report = {
        "python": _python(),
        "packages": _packages(),
        "processor": _processor(),
        "memory": _memory(),
        "cache": _cache(),
        "assets": [
            _asset(asset, rehash) for asset in assets.registry().values()
        ],
        "network": _network(),
        "browser": find_browser(),
    }
    report["todo"] = list(todo(report))
    return report


def _python() -> Report:
    wanted = _about("Requires-Python") or ">=3.11"
    version = platform.python_version()
    return {
        "version": version,
        "range": wanted,
        "met": _met(version, wanted),
        "path": sys.executable,
    }


def _packages() -> list[Report]:
    """Every package that alignlab needs: its version, None where it is missing, and the range that suits."""
    from packaging.requirements import Requirement

    found = []
    for line in (
        importlib.metadata.requires("alignlab") or [] if _about("Name") else []
    ):
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate(
            {"extra": ""}
        ):
            continue
        try:
            version: str | None = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        wanted = str(needed.specifier)
        met = version is not None and _met(version, wanted)
        found.append(
            {
                "name": needed.name,
                "version": version,
                "range": wanted,
                "met": met,
            }
        )
    return found


def _about(field: str) -> str | None:
    """A field that alignlab's metadata has; None where the package is on the path without having been installed."""
    try:
        return importlib.metadata.metadata("alignlab")[field]
    except importlib.metadata.PackageNotFoundError:
        return None


def _met(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _processor() -> Report:
    """Cores that this process may use, torch's threads and instruction set, and the GPU; `error` where torch fails."""
    usable = getattr(os, "sched_getaffinity", None)
    found: Report = {
        "cores": len(usable(0)) if usable else os.cpu_count(),
        "machine": platform.machine(),
    }
    try:
        import torch

        found |= {
            "threads": torch.get_num_threads(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }
        gpu = (
            torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
        )
        return found | {
            "gpu": gpu
            or ("Apple MPS" if torch.backends.mps.is_available() else None),
            "error": None,
        }
    except Exception as error:  # whatever a broken installation of torch raises
        return found | {
            "threads": None,
            "instructions": None,
            "gpu": None,
            "error": _first_line(error),
        }


def _memory() -> Report:
    """Total memory, or the limit of this container where that is lower, and what is available; None if unknown."""
    found: dict[str, int | None] = {"total": None, "available": None}
    with suppress(OSError, ValueError, AttributeError):
        found["total"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf(
            "SC_PAGE_SIZE"
        )
    with suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found["available"] = 1024 * int(
            next(
                line for line in lines if line.startswith("MemAvailable")
            ).split()[1]
        )
    with suppress(
        OSError, ValueError
    ):  # "max" where the container has no limit
        limit = int(
            Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")
        )
        used = int(
            Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")
        )
        found["total"] = min(found["total"] or limit, limit)
        found["available"] = min(
            found["available"] or limit, max(limit - used, 0)
        )
    return dict(found)


def _cache() -> Report:
    """Where assets are kept, what they take there, what the disk has left, and whether it can be written."""
    try:
        where = assets.cache_dir()
    except assets.AssetError:
        where = Path(os.environ["ALIGNLAB_CACHE"])
        return {"path": str(where), "size": 0, "free": 0, "writable": False}
    there = next(
        folder
        for folder in (where, *where.absolute().parents)
        if os.path.exists(folder)
    )
    size = 0
    for folder, _, names in os.walk(where):
        for name in names:
            with suppress(
                OSError
            ):  # another process took it away in the meantime
                size += os.path.getsize(os.path.join(folder, name))
    writable = os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)
    return {
        "path": str(where),
        "size": size,
        "free": shutil.disk_usage(there).free,
        "writable": writable,
    }


def _asset(asset: assets.Asset, rehash: bool) -> Report:
    """state: "verified", "absent", or "damaged" with the fault."""
    try:
        fault = store.find_fault(asset, rehash=rehash)
        there = os.path.exists(store.folder_of(asset))
    except assets.AssetError as error:
        fault, there = str(error), False
    state = "verified" if fault is None else "damaged" if there else "absent"
    return {
        "name": asset.name,
        "state": state,
        "fault": fault,
        "size": asset.size,
        "download": asset.archive_size,
    }


def _network() -> Report:
    """Whether pip reaches its index, asked through pip, which knows proxies and certificates; None where not tried."""
    if store.offline():
        return {"pip": None, "index": None, "why": "ALIGNLAB_OFFLINE is set"}
    if importlib.util.find_spec("pip") is None:
        return {"pip": False, "index": False, "why": "this Python has no pip"}
    carrier = min(
        assets.registry().values(), key=lambda asset: asset.archive_size
    ).carrier
    command = [
        sys.executable,
        "-m",
        "pip",
        "--retries=0",
        "--timeout=8",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["index", "versions", carrier]
    try:
        run = subprocess.run(
            command, capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {
            "pip": True,
            "index": False,
            "why": f"no answer in {PROBE_SECONDS} s",
        }
    reached = run.returncode == 0
    return {
        "pip": True,
        "index": reached,
        "why": "" if reached else f"pip finds no package {carrier}",
    }


def find_browser() -> str | None:
    """A Chromium that the tests of the site can drive: ALIGNLAB_CHROMIUM, one on the PATH, or playwright's own."""
    found = os.environ.get("ALIGNLAB_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if found:
        return found
    with suppress(
        Exception
    ):  # playwright is an extra, and starts a process of its own
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
        return own if Path(own).exists() else None
    return None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
