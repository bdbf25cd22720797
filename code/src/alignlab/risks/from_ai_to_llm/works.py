"""The survey's reading list as data, and how well titles find its sections.

Serves section 3.3 of the survey. Kirchner et al. (2022, "Understanding AI
Alignment Research") group the literature of the field by what its texts say
and ask which groups come out; here the texts are the titles of the survey's
own list, and the groups to be found are its sections.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.risks.reading_list import Listed as Listed
from alignlab.risks.reading_list import listed as listed


def section_numbers(works: Sequence[Listed]) -> NDArray[np.int64]:
    """The first section of each work as a number, in order of appearance."""
    names = list(dict.fromkeys(work.sections[0] for work in works))
    return np.array([names.index(work.sections[0]) for work in works])


def word_vectors(titles: Sequence[str]) -> NDArray[np.float64]:
    """Titles as unit vectors of their words, rare ones weighing more."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(stop_words="english", sublinear_tf=True)
    return np.asarray(words.fit_transform(titles).toarray())


def groups(
    vectors: NDArray[np.float64], k: int, seed: int
) -> NDArray[np.int64]:
    """k groups of rows that lie close together (k-means, best of ten)."""
    from sklearn.cluster import KMeans

    found = KMeans(k, n_init=10, random_state=seed).fit_predict(vectors)
    return np.asarray(found, dtype=np.int64)


def agreement(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Adjusted mutual information of two groupings of the same works.

    1 where they are the same but for names, about 0 for unrelated ones,
    however many groups each has (Vinh, Epps and Bailey 2010).
    """
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(one, other))


def nearest(vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row the row nearest by cosine, itself left out.

    vectors: (works, d), unit vectors.
    """
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    return np.asarray(alike.argmax(1))


def places(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows as points of a plane, near rows near (t-SNE), shape (works, 2)."""
    from sklearn.manifold import TSNE

    plane = TSNE(init="pca", perplexity=20, metric="cosine", random_state=0)
    return np.asarray(plane.fit_transform(vectors))


def near_shares(
    works: Sequence[Listed], vectors: NDArray[np.float64]
) -> dict[str, tuple[int, float, float]]:
    """By section: works, share whose nearest title is of it, that by chance.

    A work that stands in two sections counts in each. By chance: the share of
    the other works that stand in the section.
    """
    near = nearest(vectors)
    found = {}
    for name in dict.fromkeys(s for work in works for s in work.sections):
        own = [i for i, work in enumerate(works) if name in work.sections]
        hits = [name in works[near[i]].sections for i in own]
        chance = (len(own) - 1) / (len(works) - 1)
        found[name] = (len(own), float(np.mean(hits)), chance)
    return found
