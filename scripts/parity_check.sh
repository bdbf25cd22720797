#!/usr/bin/env bash
# Are our results those of the libraries that a user would pick instead? The tests marked `peer` (peer_*.py in tests/), all
# of them or those whose names hold one of the words given.
#
#   scripts/parity_check.sh [WORD...]
#
# A peer that doesn't fit into this environment gets one of its own in the user's cache folder; the first run downloads
# it. `pip install './code[bench]'` brings the others. PYTHON names the interpreter (default .venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."

words=$(printf ' or %s' "$@")
[ $# -gt 0 ] && choose=(-k "${words# or }") || choose=()
exec "${PYTHON:-.venv/bin/python}" -m pytest -p no:cacheprovider -n 0 -s --no-header -m peer "${choose[@]}" $(find tests -name "peer_*.py" | sort)
