"""One side of one benchmark in a process of its own: `python -m benchmarks._worker MODULE NAME SIDE DTYPE MODEL`.

It answers on standard output with JSON lines: first its versions (when prepared), then for every line it reads on
standard input one run's CPU seconds and result. What libraries print goes to standard error.
"""

import importlib
import json
import os
import sys
import time
from importlib import metadata


def main(module: str, name: str, which: str, dtype: str, model: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(1)
    benchmark = next(b for b in importlib.import_module(module).BENCHMARKS if b.name == name)
    side = benchmark.ours if which == "ours" else benchmark.peer
    run = side.prepare(dtype, model)
    names = ["torch", "transformers", *(package.split("==")[0] for package in side.packages)]
    print(json.dumps({package: metadata.version(package) for package in dict.fromkeys(names)}), file=answers)
    for _ in sys.stdin:
        start = time.process_time()
        result = run()
        print(json.dumps({"seconds": time.process_time() - start, "result": list(map(float, result))}), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
