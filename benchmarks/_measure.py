"""Run both sides of a benchmark in turns and compare them."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import Benchmark
from benchmarks._environment import Unavailable, python_for

ROOT = Path(__file__).resolve().parents[1]
QUIET = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "PYTHONWARNINGS": "ignore",
}


class Worker:
    """A started side. Raises Unavailable where it can't be started, or ends before it has answered."""

    def __init__(self, module: str, benchmark: Benchmark, which: str, dtype: str, model: str) -> None:
        self.name = f"{benchmark.name}, {which}, {dtype}"
        side = benchmark.ours if which == "ours" else benchmark.peer
        paths = [str(ROOT), str(ROOT / "code" / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `close`)
        self.process = subprocess.Popen(
            [python_for(side.packages), "-m", "benchmarks._worker", module, benchmark.name, which, dtype, model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            cwd=ROOT,
            env={**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.versions = self._answer()

    def run(self) -> tuple[float, list[float]]:
        """One run: CPU seconds and result."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then it has ended, and _answer says why
            print("run", file=self.process.stdin, flush=True)
        answer = self._answer()
        return answer["seconds"], answer["result"]

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.log.seek(0)
        said = [text for text in self.log.read().splitlines() if text.strip()]
        raise Unavailable(f"{self.name}: the process failed: {said[-1] if said else 'without a word'}")


def measure(module: str, benchmark: Benchmark, dtype: str, model: str, rounds: int) -> dict[str, Any]:
    """One row: both sides' median CPU seconds, whether their results are equal, and if so the ratio."""
    row: dict[str, Any] = {
        "name": benchmark.name,
        "title": benchmark.title,
        "dtype": dtype,
        "ours": {"configuration": benchmark.ours.configuration},
        "peer": {"configuration": benchmark.peer.configuration},
        "tolerance": benchmark.tolerance[dtype],
        "difference": None,
        "equal": None,
        "ratio": None,
        "note": "",
        "machine": machine(),
    }
    workers: dict[str, Worker] = {}
    try:
        for which in ("ours", "peer"):
            workers[which] = Worker(module, benchmark, which, dtype, model)
            row[which]["versions"] = workers[which].versions
        results = {which: worker.run()[1] for which, worker in workers.items()}  # not measured: warms caches up
        seconds: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(rounds):
            for which, worker in workers.items():
                seconds[which].append(worker.run()[0])
    except Unavailable as reason:
        row["note"] = str(reason)
        return row
    finally:
        for worker in workers.values():
            worker.close()
    for which in ("ours", "peer"):
        row[which] |= {"seconds": statistics.median(seconds[which]), "runs": seconds[which]}
    compare(row, results["ours"], results["peer"])
    return row


def compare(row: dict[str, Any], ours: list[float], peer: list[float]) -> None:
    """Fill in the row's difference, whether that counts as equal, and the ratio if it does."""
    if len(ours) != len(peer) or not ours:
        row |= {"equal": False, "note": f"ours gave {len(ours)} numbers, the peer {len(peer)}"}
        return
    row["difference"] = max(abs(a - b) for a, b in zip(ours, peer))
    row["equal"] = row["difference"] <= row["tolerance"]
    if row["equal"]:
        row["ratio"] = row["peer"]["seconds"] / row["ours"]["seconds"]
    else:
        row["note"] = "the results differ, so there is no ratio"


def machine() -> str:
    """The processor and what its vector units can do, as far as the system tells."""
    name, flags = platform.processor() or platform.machine(), set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = dict(map(str.strip, line.split(":", 1)) for line in cpuinfo.read_text().splitlines() if ":" in line)
        name, flags = fields.get("model name", name), set(fields.get("flags", "").split())
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{name}, {os.cpu_count()} cores ({', '.join(known) or 'no vector flags known'}), one thread used"


def emulated(dtype: str) -> bool:
    """Whether this processor only emulates the number format (and is many times slower in it)."""
    return dtype == "bfloat16" and not any(flag in machine() for flag in ("avx512_bf16", "amx_bf16"))
