"""Fingerprints of code: what is reached counts, wherever it stands, and nothing else."""

import pytest
from alignlab.fingerprint import WHOLE, Sources, closure

READS = ("code/",)

FILES = {
    "__init__.py": "",
    "low/__init__.py": "from pack.low.tools import halve\n",
    "low/tools.py": '''
"""Tools."""
import math

STEP = 2
TABLE = {"half": lambda x: x / STEP}


def halve(x):
    """Half of it."""
    return TABLE["half"](x)  # a comment


def other(x):
    return math.sqrt(x)


class Base:
    def go(self):
        return 1
''',
    "high.py": """
import functools
from pack.low import halve, tools


def logged(function):
    return function


class Child(tools.Base):
    start = 3


@logged
def run(x, y=Child.start):
    from pack.low.tools import other as root
    return halve(x) + root(y) + functools.reduce(max, [y])


def unreached():
    return 5
""",
}


@pytest.fixture
def pack(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "pack"


def digest(pack, root=("pack.high", "run"), **options):
    return closure(Sources(pack), [root], **options).digest


def edit(pack, name, before, after):
    text = (pack / name).read_text()
    assert before in text
    (pack / name).write_text(text.replace(before, after))


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("low/tools.py", "STEP = 2", "STEP = 3"),
        ("low/tools.py", "x / STEP", "x // STEP"),
        ("low/tools.py", "math.sqrt", "math.cbrt"),
        ("low/tools.py", "return 1", "return 2"),
        ("high.py", "start = 3", "start = 4"),
        ("high.py", "return function", "return lambda *a: function(*a)"),
        ("high.py", "reduce(max", "reduce(min"),
        ("high.py", "import functools", "import itertools as functools"),
        ("high.py", "tools import other", "tools import halve"),
        ("high.py", "@logged\n", ""),
        ("low/tools.py", "STEP = 2", "STEP = 2\nTABLE['half'] = abs"),
        ("low/tools.py", "STEP = 2", "STEP = 2\nSTEP += 1"),
        ("low/tools.py", "STEP = 2", "import random\nrandom.seed(1)\nSTEP = 2"),
        ("low/tools.py", "STEP = 2", "STEP = 2\nif True:\n    STEP = 3"),
        ("low/__init__.py", "halve", "other as halve"),
        ("__init__.py", "", "print('a package is loaded')\n"),
    ],
)
def test_a_change_of_what_is_reached_is_seen(pack, name, before, after):
    old = digest(pack)
    edit(pack, name, before, after)
    assert digest(pack) != old


@pytest.mark.parametrize(
    "name, before, after",
    [
        ("low/tools.py", "Half of it.", "In two."),
        ("low/tools.py", "# a comment", "# another"),
        ("low/tools.py", '"""Tools."""', '"""Said in other words."""'),
        ("high.py", "return 5", "return 6"),
        ("high.py", "return halve(x) +", "return (\n        halve(x)) +"),
    ],
)
def test_nothing_else_is(pack, name, before, after):
    old = digest(pack)
    edit(pack, name, before, after)
    assert digest(pack) == old


def test_a_file_may_move_and_a_module_be_cut_in_two(pack):
    old = digest(pack)
    (pack / "chapter").mkdir()
    (pack / "chapter/__init__.py").write_text("")
    edit(pack, "low/tools.py", "import math", "import math\nfrom pack.step import STEP")
    edit(pack, "low/tools.py", "STEP = 2\n", "")
    (pack / "step.py").write_text("STEP = 2\n")
    (pack / "low/tools.py").rename(pack / "chapter/tools.py")
    edit(pack, "low/__init__.py", "pack.low.tools", "pack.chapter.tools")
    edit(pack, "high.py", "pack.low.tools", "pack.chapter.tools")
    edit(pack, "high.py", "pack.low import halve, tools", "pack.chapter import tools\nfrom pack.low import halve")
    assert digest(pack) == old


def test_two_functions_that_change_places_are_seen(pack):
    (pack / "a.py").write_text("def f():\n    return 1\n")
    (pack / "b.py").write_text("def f():\n    return 2\n")
    (pack / "high.py").write_text("from pack import a, b\ndef run():\n    return a.f(), b.f()\n")
    old = digest(pack)
    edit(pack, "high.py", "a.f(), b.f()", "b.f(), a.f()")
    assert digest(pack) != old


@pytest.mark.parametrize(
    "use",
    [
        "import importlib\ndef run():\n    return importlib.import_module('pack.low.tools')",
        "import importlib\ndef run(name):\n    return importlib.import_module(f'pack.low.{name}')",
        "import importlib\ndef run(name):\n    return importlib.import_module(name)",
        "import importlib as i\nfrom pack import low\ndef run(n):\n    return i.import_module(f'{low.__name__}.{n}')",
        "from pack.low import tools\ndef run(name):\n    return getattr(tools, name)",
        "from pack.low import tools\nALL = [tools]\ndef run():\n    return vars(ALL[0])",
        "from pack.low.tools import *\ndef run():\n    return globals()['STEP']",
        "from .low.tools import *\ndef run():\n    return STEP",
        "import pack.low.tools\ndef run():\n    return pack.low.tools.STEP",
        "import pack.low.tools as t\ndef run():\n    return t.missing",
        "RUN = {}\ndef register(f):\n    RUN[f.__name__] = f\nfrom pack import low\n@register\ndef g():\n"
        "    return low.tools.STEP\ndef run(name):\n    return RUN[name]()",
        "RUN = {}\ndef register(f):\n    RUN['g'] = f\nfrom pack import low\ng = register(low.tools.STEP)\n"
        "def run(name):\n    return RUN[name]()",
        "try:\n    from pack.low.tools import STEP\nexcept ImportError:\n    STEP = 0\ndef run():\n    return STEP",
    ],
)
def test_what_only_the_run_can_tell_counts_whole(pack, use):
    (pack / "high.py").write_text(use + "\n")
    old = digest(pack)
    edit(pack, "low/tools.py", "STEP = 2", "STEP = 3")
    assert digest(pack) != old


def test_a_module_set_apart_counts_by_the_names_that_are_used(pack):
    apart = {"apart": lambda module: module == "pack.low.tools"}
    old = digest(pack, **apart)
    edit(pack, "low/tools.py", "STEP = 2", "STEP = 3")
    assert digest(pack, **apart) == old
    edit(pack, "high.py", "other as root", "halve as root")
    assert digest(pack, **apart) != old


def test_texts_are_told_and_docstrings_are_not(pack):
    cells = "from pack.low import halve\nM = {'a': 'b.bin'}\nhalve(M)\n"
    found = closure(Sources(pack, {"cells": cells}), [("cells", WHOLE)])
    assert "half" in found.strings and "Half of it." not in found.strings
    assert found.keys["b.bin"] == {"a"} and ("pack.low.tools", "STEP") in found.objects


def test_a_root_that_is_not_there_is_refused(pack):
    with pytest.raises(KeyError, match=r"pack\.high defines no nothing"):
        digest(pack, ("pack.high", "nothing"))
