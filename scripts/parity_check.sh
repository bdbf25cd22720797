#!/usr/bin/env bash
# Are our results those of the libraries that a user would pick instead? Every benchmark in float32, one round each, and
# the tests marked `peer`.
#
#   scripts/parity_check.sh [BENCHMARK...]
#
# A peer that doesn't fit into this environment gets one of its own in the user's cache folder; the first run downloads it.
# PYTHON names the interpreter (default .venv/bin/python). Exit code 1 where results differ or a side failed.
set -uo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-.venv/bin/python}
failed=0
"$python" -m benchmarks --dtype float32 --rounds 1 "$@" || failed=1
if [ $# -eq 0 ]; then
    "$python" -m pytest -p no:cacheprovider -n 0 -q --no-header -m peer tests || [ $? = 5 ] || failed=1  # 5: there is none
fi
exit $failed
