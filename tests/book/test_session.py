"""A page's session: memory that a training frees stays for its next step."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from alignlab.book.page import session
if sys.argv[1] == "kept":
    session._keep_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is set, and other systems have their own")
def test_an_array_made_again_lies_in_memory_that_is_already_there():
    freed, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("given back", "kept")
    )
    assert kept < 100 < freed, (kept, freed)
