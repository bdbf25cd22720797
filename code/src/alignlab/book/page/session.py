"""A page's session: which page runs, one thread, memory kept, the figure style, quiet libraries."""

import ctypes
import os
import re
import sys
import warnings

BOOKS_MODEL = "smollm2-135m-instruct"

_page: str | None = None
_model = BOOKS_MODEL


def setup(page: str, model: str | os.PathLike[str] = BOOKS_MODEL) -> None:
    """Prepare a page; its first cell.

    page: the page's name under `chapters/` without suffix, such as "04-outer/reward-modeling".
    Claims are filed under it. Pages compute on one thread, so that the same numbers come out on every machine with
    the same processor.
    model: which model the page's cells load, for `load_lm`. On another one than the book's, a claim whose values lie
    elsewhere shows its card and lets the page go on, since nothing is claimed of that model.
    Raises ValueError where the name is not of the form "NN-section/name", TypeError where the model has no name.
    """
    global _page, _model
    if not isinstance(model, str | os.PathLike) or not str(model):
        raise TypeError(f"MODEL is a name, a folder or a hub id, not {model!r}: such as {BOOKS_MODEL!r}")
    if not re.fullmatch(r"[\w-]+/[\w-]+", page):
        raise ValueError(f"setup takes the page's name, such as '04-outer/reward-modeling', not {page!r}")
    _page, _model = page, str(model)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    _one_thread()
    _keep_memory()
    from alignlab.book.page import style

    style.use()


def page() -> str:
    """The name of the page that runs. Raises RuntimeError before `setup`."""
    if _page is None:
        raise RuntimeError("no page is set up: call setup('NN-section/name') in the first cell")
    return _page


def other_model() -> str | None:
    """The model that the page runs on, None where it is the book's."""
    return None if _model == BOOKS_MODEL else _model


def static() -> bool:
    """Whether interactive parts are written for a page without a kernel (`ALIGNLAB_STATIC=1`)."""
    from alignlab.assets import flag

    return flag("ALIGNLAB_STATIC")


def _one_thread() -> None:
    import threadpoolctl
    import torch

    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


# Parameters of glibc's `mallopt` (malloc.h): how much free memory at the heap's end is given back, how much more than
# asked is taken at a time, and from which size on an array gets a mapping of its own, which is given back at once.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def _keep_memory() -> None:
    """Have glibc keep what is freed: a training's next step asks for the same arrays again.

    Otherwise each step gets its memory page by page anew, 1 to 12 % of a page's processor time. Elsewhere than on
    glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, 1 << 30)
        mallopt(_M_TOP_PAD, 1 << 26)
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
