"""`show(function)`: a function's own source, highlighted, with its place in the repository."""

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alignlab.book.page import links
from alignlab.book.page.fragments import emit, escape, style


def show(*functions: Callable[..., Any]) -> None:
    """Print the source of functions or classes of the package as it stands in the repository.

    Raises TypeError where an object has no Python source in the package.
    """
    for function in functions:
        code, place = source_of(function)
        name = getattr(function, "__qualname__", str(function))
        emit(source_html(code, name, place), code)


def source_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Source text and path from the repository's root. Raises TypeError where there is none."""
    plain = inspect.unwrap(function)
    module = getattr(plain, "__module__", "") or ""
    if module.split(".")[0] != "alignlab":
        raise TypeError(f"show() prints functions of the package alignlab, not {function!r}")
    code = textwrap.dedent(inspect.getsource(plain)).rstrip()
    inside = Path(inspect.getsourcefile(plain) or "").name
    folder = module.replace(".", "/")
    path = f"code/src/{folder}/__init__.py" if inside == "__init__.py" else f"code/src/{folder}.py"
    return code, path


def source_html(code: str, name: str, path: str) -> str:
    """Highlighted source with a link to its file."""
    return (
        f'{style("source")}<div class="al-source">{highlight(code)}'
        f'<p class="al-soft"><code>{escape(name)}</code> in '
        f'<a href="{escape(links.code(path))}">{escape(path)}</a></p></div>'
    )


def highlight(code: str) -> str:
    """Python source as HTML, classes instead of colors."""
    from pygments import highlight as paint
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    inner = paint(code, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<pre tabindex="0" role="group" aria-label="Source code"><code>{inner.rstrip()}</code></pre>'
