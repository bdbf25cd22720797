"""Addresses that outputs and pages link to: the repository and the published book.

The address is one setting, `repository.url` of `_config.yml`; `GITHUB_REPOSITORY` overrides it in a fork's build.
Stored outputs hold the address of the run that made them; `localize` renews it when the site is built, and the
comparison of outputs ignores it.
"""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DEFAULT = "https://github.com/llm-alignment-companion/llm-alignment-companion"

_BLOB = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+(?=/blob/)")
_SITE = re.compile(r"https://[\w-]+\.github\.io/[\w.-]+/(?=chapters/)")


@dataclass(frozen=True)
class Repository:
    """A hosted repository: its address and the branch that pages are edited on."""

    url: str
    branch: str = "main"

    @property
    def owner_and_name(self) -> str:
        """`owner/name`, the last two parts of the address."""
        return "/".join(self.url.rstrip("/").removesuffix(".git").split("/")[-2:])

    @property
    def site(self) -> str:
        """Where the hosting service shows the published site."""
        owner, name = self.owner_and_name.split("/")
        return f"https://{owner.lower()}.github.io/{name}/"

    def edit(self, docname: str, notebook: bool) -> str:
        """Where a page's text is edited: a notebook's text twin, else the page itself."""
        path = f"text/{docname.removeprefix('chapters/')}.md" if notebook else f"{docname}.md"
        return f"{self.url}/edit/{self.branch}/{path}"

    def colab(self, slug: str) -> str:
        """The Colab edition of a chapter, which is published beside the site (branch gh-pages)."""
        return f"https://colab.research.google.com/github/{self.owner_and_name}/blob/gh-pages/colab/{slug}.ipynb"

    def source(self, path: str) -> str:
        """A file of the repository."""
        return f"{self.url}/blob/{self.branch}/{path}"


def repository(url: str = "", branch: str = "main") -> Repository:
    """A repository, by default the one of the nearest `_config.yml`.

    The fork whose runner builds the book (`GITHUB_REPOSITORY=owner/name`) goes before either.
    """
    fork = os.environ.get("GITHUB_REPOSITORY", "").strip().strip("/")
    if fork:
        url = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com').rstrip('/')}/{fork}"
    return Repository((url or _configured()).rstrip("/"), branch)


@cache
def _configured() -> str:
    for folder in [Path.cwd(), *Path.cwd().parents]:
        config = folder / "_config.yml"
        if config.is_file():
            found = re.search(
                r"^repository:\s*\n(?:[ \t]+.*\n)*?[ \t]+url:\s*[\"']?([^\s\"']+)",
                config.read_text(encoding="utf-8"),
                re.M,
            )
            if found:
                return found.group(1)
    return DEFAULT


def code(path: str) -> str:
    """Address of a file of the repository, path from its root."""
    return repository().source(path)


def site(path: str = "") -> str:
    """Address of a page of the published book."""
    return repository().site + path


def localize(html: str, to_root: str, url: str = "") -> str:
    """The HTML of a stored output, its addresses made this build's.

    to_root: what leads from the built page to the site's root, such as "../../". url: the repository's, by default
    that of `repository`.
    """
    return _SITE.sub(to_root, _BLOB.sub(url or repository().url, html))


def neutral(html: str) -> str:
    """The HTML with addresses of repository and site replaced by placeholders, for comparison."""
    return _SITE.sub("SITE/", _BLOB.sub("REPOSITORY", html))
