"""A fixed piece of work, timed beside every measurement, so that what a page costs compares between machines.

A page's cost is in *reference seconds*: its processor seconds over those of the reference workload, times the
workload's nominal second. The workload does what pages do: float32 products of the shapes that SmolLM2 has, passes
over memory, many small operations as the training of a toy makes them, and plain Python. How fast a shared machine
computes changes while a page runs, so the workload is timed again between the page's cells.
"""

import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

NOMINAL = 1.0  # reference seconds of one run of the workload, by definition
STRETCH = 20.0  # processor seconds after which the workload is timed anew


def workload() -> float:
    """Do the fixed work once; a number, the same each time on one machine."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    x, up, down = draw(256, 576), draw(576, 1536) / 24, draw(1536, 576) / 39
    for _ in range(PRODUCTS):
        x = torch.nn.functional.silu(x @ up) @ down
        x = x / x.norm(dim=1, keepdim=True) * 24
    wide = draw(2_000_000)
    for _ in range(PASSES):
        wide = torch.tanh(wide) + 0.5 * wide
    weight = draw(32, 32).div(6).requires_grad_()
    batch = draw(16, 32)
    for _ in range(SMALL):
        loss = torch.log_softmax(torch.relu(batch @ weight) @ weight, -1).square().mean()
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - 0.01 * gradient).detach().requires_grad_()
    counts: dict[int, int] = {}
    for i in range(STEPS):
        key = (i * 2654435761) % 1009
        counts[key] = counts.get(key, 0) + i % 7
    return float((x.sum() + wide.sum() + weight.sum()).detach()) + sum(counts.values()) % 97


# About a quarter of the nominal second each.
PRODUCTS, PASSES, SMALL, STEPS = 32, 27, 2000, 1_350_000


def processor_seconds() -> float:
    """Processor seconds that the workload takes now, on one thread, in a process of its own.

    Raises RuntimeError, with what it wrote, where the process fails.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    run = subprocess.run(
        [sys.executable, "-m", __name__],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"the reference workload failed: {run.stderr.strip()[-500:]}")
    return float(run.stdout)


def cost(seconds: float, reference: float) -> float:
    """Reference seconds of what took `seconds` where the workload took `reference`."""
    return seconds / reference * NOMINAL


class Stretches:
    """What the parts of a run cost, each against the workload as it was timed just before and just after it.

    The workload is timed at the start, whenever parts of `STRETCH` processor seconds have come together since, and at
    the end; a stretch is what lies between two of these.
    """

    def __init__(self) -> None:
        """Time the workload for the first time."""
        self._pace = processor_seconds()
        self._waiting: dict[str, float] = {}
        self._costs: dict[str, float] = {}

    def add(self, part: str, seconds: float) -> None:
        """A part of the run, by its name, has just taken so many processor seconds."""
        self._waiting[part] = seconds
        if sum(self._waiting.values()) >= STRETCH:
            self._close()

    def costs(self) -> dict[str, float]:
        """Reference seconds of every part, in the order in which they ran."""
        if self._waiting:
            self._close()
        return dict(self._costs)

    def _close(self) -> None:
        pace = processor_seconds()
        self._costs |= {part: cost(seconds, (self._pace + pace) / 2) for part, seconds in self._waiting.items()}
        self._pace, self._waiting = pace, {}


def main() -> None:
    """Print the workload's processor seconds, once everything is loaded and warm."""
    import torch

    torch.set_num_threads(1)
    workload()
    start = time.process_time()
    workload()
    print(time.process_time() - start)


if __name__ == "__main__":
    main()


def processor() -> str:
    """The kind of this machine's processor: maker, family, model, and the widest vectors that it computes with."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    said = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", told.split("\n\n")[0], re.M))
    flags = said.get("flags", "").split()
    wide = next((name for name in ("avx512f", "avx2", "avx") if name in flags), platform.machine())
    return " ".join([*(said.get(key, "?") for key in ("vendor_id", "cpu family", "model")), wide])
