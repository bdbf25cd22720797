"""Ours beside the library a user would pick instead, measured in one run.

    python -m benchmarks [NAME ...] [--json] [--dtype float32] [--rounds 3] [--list]

How it is measured: each side is a process of its own, started anew for every number format, on one thread. Both prepare
and run once unmeasured; then they take turns, and what is compared is the median CPU time of a run. The results of both
must be equal within the tolerance that the benchmark states: a ratio is printed only then.

How a benchmark is declared: a module of this folder holds a list `BENCHMARKS`, for instance

    def prepare_ours(dtype: str, model: str) -> Run: ...     # imports, loads, tokenizes what isn't part of the work
    def prepare_peer(dtype: str, model: str) -> Run: ...     # Run: () -> list[float], the work that is timed

    BENCHMARKS = [
        Benchmark(
            name="suffix_search",
            title="One step of suffix search, 64 candidates",
            ours=Side("alignlab.attacks.suffix, candidates bucketed", prepare_ours),
            peer=Side("nanoGCG 0.3.0, batch 64", prepare_peer, packages=("nanogcg==0.3.0", "transformers==4.47.1")),
            tolerance={"float32": 1e-4, "bfloat16": 0.05},
        )
    ]

- `dtype` is "float32" or "bfloat16"; `model` is the folder of SmolLM2-135M-Instruct, made ready by `alignlab.assets`.
- A run returns the numbers by which the two sides are compared, as a flat list of floats in the same order.
- The keys of `tolerance` are the formats it is measured in, the values the largest absolute difference that counts as
  equal. bfloat16 is left out on a processor that only emulates it, unless `--dtype bfloat16` asks for it.
- `packages` that this environment lacks are installed into one made for them, kept in the user's cache folder; it sees
  the packages of this one (torch included) behind its own. So the module is imported by another environment too: import
  torch, transformers and the peer inside the functions, and don't count on the versions of this environment in
  `prepare_peer`. A peer that can't be installed or fails is reported in a sentence, in its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[], list[float]]


@dataclass(frozen=True)
class Side:
    """One of the two: what runs and how it is configured, in words; its preparation; packages it needs beyond ours."""

    configuration: str
    prepare: Callable[[str, str], Run]
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Benchmark:
    """The same work done by ours and by the peer; `tolerance` by number format."""

    name: str
    title: str
    ours: Side
    peer: Side
    tolerance: Mapping[str, float]


def find() -> dict[str, tuple[str, Benchmark]]:
    """All benchmarks by name, each with the module that declares it."""
    import importlib
    import pkgutil

    found: dict[str, tuple[str, Benchmark]] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for benchmark in getattr(module, "BENCHMARKS", []):
            if benchmark.name in found:
                raise ValueError(f"two benchmarks are called {benchmark.name!r}")
            found[benchmark.name] = (module.__name__, benchmark)
    return found
