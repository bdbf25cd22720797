"""Addresses that outputs link to: the repository and the published book.

The address is one setting, `repository.url` of `_config.yml`; `GITHUB_REPOSITORY` overrides it in a fork's build.
Stored outputs hold the address of the run that made them; `localize` renews it when the site is built, and the
comparison of outputs ignores it.
"""

import os
import re
from functools import cache
from pathlib import Path

DEFAULT = "https://github.com/llm-alignment-companion/llm-alignment-companion"

_BLOB = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+(?=/blob/)")
_SITE = re.compile(r"https://[\w-]+\.github\.io/[\w.-]+/(?=chapters/)")


@cache
def repository() -> str:
    """Address of the repository, without a slash at the end."""
    if os.environ.get("GITHUB_REPOSITORY"):
        return "https://github.com/" + os.environ["GITHUB_REPOSITORY"]
    for folder in [Path.cwd(), *Path.cwd().parents]:
        config = folder / "_config.yml"
        if config.is_file():
            found = re.search(
                r"^repository:\s*\n(?:[ \t]+.*\n)*?[ \t]+url:\s*[\"']?([^\s\"']+)",
                config.read_text(encoding="utf-8"),
                re.M,
            )
            if found:
                return found.group(1).rstrip("/")
    return DEFAULT


def code(path: str) -> str:
    """Address of a file of the repository, path from its root."""
    return f"{repository()}/blob/main/{path}"


def site(path: str = "") -> str:
    """Address of a page of the published book."""
    owner, name = repository().rsplit("/", 2)[-2:]
    return f"https://{owner.lower()}.github.io/{name}/{path}"


def localize(html: str, to_root: str) -> str:
    """The HTML of a stored output, its addresses made this build's.

    to_root: relative path from the built page to the site's root, such as "../../".
    """
    return _SITE.sub(to_root, _BLOB.sub(repository(), html))


def neutral(html: str) -> str:
    """The HTML with addresses of repository and site replaced by placeholders, for comparison."""
    return _SITE.sub("SITE/", _BLOB.sub("REPOSITORY", html))
