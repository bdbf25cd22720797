"""Addresses in the hosted repository. One setting (`repository.url`), which `GITHUB_REPOSITORY` overrides in a fork."""

from __future__ import annotations

import os
from dataclasses import dataclass


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


def repository(url: str, branch: str = "main") -> Repository:
    """The configured repository, or the fork whose runner builds the book (`GITHUB_REPOSITORY=owner/name`)."""
    fork = os.environ.get("GITHUB_REPOSITORY", "").strip().strip("/")
    if fork:
        url = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com').rstrip('/')}/{fork}"
    return Repository(url.rstrip("/"), branch)
