"""Our results are those of the libraries that a user would pick instead: every benchmark, both sides, in float32.

Not part of the ordinary run: `scripts/parity_check.sh` runs every `peer_*.py`. A peer that does not fit into this
environment gets one of its own (see `benchmarks._environment`).
"""

import sys

import pytest
from alignlab import assets
from support import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import find
from benchmarks.__main__ import text
from benchmarks._measure import measure

pytestmark = pytest.mark.peer
FOUND = {name: one for name, one in find().items() if "float32" in one[1].tolerance}


@pytest.mark.parametrize("name", FOUND)
def test_ours_gives_what_the_peer_gives(name):
    module, benchmark = FOUND[name]
    row = measure(module, benchmark, "float32", str(assets.fetch("smollm2-135m-instruct")), 1)
    print(text(row))
    assert row["equal"] is True, row["note"]
