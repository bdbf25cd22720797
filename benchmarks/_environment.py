"""An environment for a peer that doesn't fit into ours: made once, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path


class Unavailable(RuntimeError):
    """A peer can't be had here; the message is one sentence."""


def python_for(packages: tuple[str, ...]) -> str:
    """The interpreter of an environment that has exactly these `packages` ("name==version"): ours, if it does."""
    if all(_installed(*package.split("==")) for package in packages):
        return sys.executable
    import platformdirs

    key = hashlib.sha256("\n".join([sys.prefix, sys.version, *packages]).encode()).hexdigest()[:12]
    folder = Path(platformdirs.user_cache_dir("alignlab-benchmarks")) / f"{packages[0].split('==')[0]}-{key}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr)
        _do([sys.executable, "-m", "venv", str(folder)], packages)
        site = subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], text=True
        )
        ours = sorted({sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]})
        Path(site.strip(), "packages_of_the_benchmarking_environment.pth").write_text("\n".join(ours) + "\n")
        _do([str(python), "-m", "pip", "install", "--quiet", *packages], packages)
        (folder / "complete").touch()
    return str(python)


def _installed(name: str, version: str) -> bool:
    try:
        return metadata.version(name) == version
    except metadata.PackageNotFoundError:
        return False


def _do(command: list[str], packages: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise Unavailable(f"{', '.join(packages)} can't be installed: {errors[-1].removeprefix('ERROR: ')}")
