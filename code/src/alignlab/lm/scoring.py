"""How likely a model finds a text: log-probabilities of completions, of tokens, and perplexity.

Multiple-choice tests, preference rewards, perplexity filters and most of the survey's evaluations rest on this. Texts
that begin alike (few-shot examples, then a question, then its answers) are a tree of tokens: each token of the tree is
run once, many branches in one row whose attention mask lets a token see its own ancestors only, and the unembedding is
applied at the positions that are scored. The numbers are those of scoring each text by itself.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from alignlab.lm.checks import check_fits, check_texts
from alignlab.lm.generation import keep_logits
from alignlab.lm.load import LM, encode

ROW_TOKENS = 512  # tokens of the tree that are run in one row

Past = list[
    tuple[Tensor, Tensor]
]  # keys and values of each layer, (1, heads, pos, d_head)


def logprobs(
    lm: LM,
    prompts: Sequence[str],
    completions: Sequence[Sequence[str]],
    prefix: str = "",
) -> list[Tensor]:
    """Summed log-probability (nats) of completions[i][j] after prefix + prompts[i].

    Returns for each prompt a float32 tensor of shape (len(completions[i]),), on the CPU.

    Tokens are those of lm-eval's harness: spaces that end the prompt are moved to the completion; the prompt is
    tokenized by itself; the completion's tokens are what follows them in the tokens of the whole text. Where the whole
    text has a token that spans the boundary, the completion is tokenized by itself (there lm-eval would drop or alter a
    token). After an empty prompt the first token is conditioned on the model's start-of-text token.
    Raises ValueError where the lengths differ, a completion is empty, or a text exceeds the model's context.
    """
    if len(prompts) != len(completions):
        raise ValueError(
            f"{len(prompts)} prompts, but completions for {len(completions)}"
        )
    prompts = check_texts(prompts)
    completions = [
        check_texts(answers, f"completions[{i}]")
        for i, answers in enumerate(completions)
    ]
    pairs = [
        split_tokens(lm, prefix + prompt, answer)
        for prompt, answers in zip(prompts, completions)
        for answer in answers
    ]
    sums = iter([sum(scores) for scores in score_tokens(lm, pairs)])
    return [
        torch.tensor([next(sums) for _ in answers], dtype=torch.float32)
        for answers in completions
    ]


def token_logprobs(
    lm: LM, text: str, window: int | None = None
) -> tuple[list[str], Tensor]:
    """The tokens of `text`, as text, and each one's log-probability (nats) given those before it, shape (tokens,).

    The first has none, since nothing stands before it: its value is NaN. A character that several tokens make is shown
    as the replacement character in each of them. window: as in `perplexity`.
    Raises ValueError for a text without tokens, or one that exceeds the model's context without a window.
    """
    ids = encode(lm, *check_texts([text], "text"))
    if not ids:
        raise ValueError("text='' has no tokens: there is nothing to score")
    scores = _in_windows(lm, [ids], window)[0]
    return [lm.tokenizer.decode([i]) for i in ids], torch.tensor(
        [math.nan, *scores], dtype=torch.float32
    )


def perplexity(
    lm: LM, texts: Sequence[str], window: int | None = None
) -> Tensor:
    """exp(mean negative log-probability a token) of each text, shape (len(texts),).

    The first token is not counted, nothing stands before it: the same as exp of the loss that transformers computes.
    window: texts of more tokens are scored in windows of so many that overlap by half, each token in the first window
        that holds it, given what that window holds before it: at least half a window once the first is past.
    Raises ValueError for a text of fewer than two tokens, or one that exceeds the model's context without a window.
    """
    ids = [encode(lm, text) for text in check_texts(texts, "texts")]
    short = [text for text, row in zip(texts, ids) if len(row) < 2]
    if short:
        raise ValueError(
            f"perplexity needs at least two tokens, {short[0]!r} has fewer"
        )
    scores = _in_windows(lm, ids, window)
    return torch.tensor(
        [math.exp(-sum(row) / len(row)) for row in scores], dtype=torch.float32
    )


def _in_windows(
    lm: LM, rows: Sequence[Sequence[int]], window: int | None
) -> list[list[float]]:
    """Log-probability of every token of each row but the first, given those before it in its window."""
    if window is None:
        return score_tokens(lm, [(row[:1], row[1:]) for row in rows])
    if window < 2:
        raise ValueError(
            f"window={window} must be at least 2: a token to go on from, and one to score"
        )
    pairs, owners = [], []
    for i, row in enumerate(rows):
        start, done, end = 0, 1, min(window, len(row))
        while True:
            pairs.append((row[start:done], row[done:end]))
            owners.append(i)
            if end == len(row):
                break
            start, done = end - window // 2, end
            end = min(start + window, len(row))
    found: list[list[float]] = [[] for _ in rows]
    for i, scores in zip(owners, score_tokens(lm, pairs)):
        found[i] += scores
    return found


def split_tokens(
    lm: LM, prompt: str, completion: str
) -> tuple[list[int], list[int]]:
    """Token ids of a prompt and of the completion after it, by the rule that `logprobs` describes."""
    if not completion:
        raise ValueError("an empty completion has no log-probability")
    bare = prompt.rstrip()
    completion, prompt = prompt[len(bare) :] + completion, bare
    if not prompt:
        start = (
            lm.tokenizer.bos_token_id
            if lm.tokenizer.bos_token_id is not None
            else lm.tokenizer.eos_token_id
        )
        return [start], lm.tokenizer(completion, add_special_tokens=False)[
            "input_ids"
        ]
    context, whole = encode(lm, prompt), encode(lm, prompt + completion)
    if whole[: len(context)] == context and len(whole) > len(context):
        return context, whole[len(context) :]
    return context, lm.tokenizer(completion, add_special_tokens=False)[
        "input_ids"
    ]


@torch.no_grad()
def score_tokens(
    lm: LM, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[list[float]]:
    """Log-probability (nats) of every token of each pair's second part, given all tokens before it.

    pairs: (tokens given, at least one; tokens scored) of each text.
    """
    longest = max(
        (len(given) + len(scored) for given, scored in pairs), default=0
    )
    check_fits(
        lm,
        longest,
        "shorten the text, or score it in windows: perplexity(lm, texts, window=…)",
    )
    tree = Tree(shared=_can_share(lm, longest))
    asked = [tree.add(given, scored) for given, scored in pairs]
    found = tree.score(lm)
    return [[found[edge] for edge in edges] for edges in asked]


class Tree:
    """Token sequences as a tree, and the log-probabilities asked for at its nodes.

    Node n holds `token[n]` at position `depth[n]` below `parent[n]` (-1 at the top); parents come before children.
    An edge (n, t) asks for the log-probability of token t after node n.
    """

    def __init__(self, shared: bool = True) -> None:
        """An empty tree; `shared=False` keeps every sequence to itself."""
        self.token: list[int] = []
        self.parent: list[int] = []
        self.depth: list[int] = []
        self.asked: list[
            dict[int, float]
        ] = []  # target token -> its log-probability, once known
        self.children: dict[int, list[int]] = {-1: []}
        self.shared = shared
        self._at: dict[tuple[int, int], int] = {}

    def add(
        self, given: Sequence[int], scored: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Add a sequence; return the edges whose log-probabilities it asks for."""
        node, edges = -1, []
        for i, token in enumerate([*given, *scored]):
            if i >= len(given):
                self.asked[node].setdefault(token, math.nan)
                edges.append((node, token))
            if i == len(given) + len(scored) - 1:
                break  # nothing is asked after the last token: it need not be run
            child = self._at.get((node, token)) if self.shared else None
            if child is None:
                child = len(self.token)
                self.token.append(token)
                self.parent.append(node)
                self.depth.append(i)
                self.asked.append({})
                self.children[child] = []
                self.children[node].append(child)
                self._at[node, token] = child
            node = child
        return edges

    def score(self, lm: LM) -> dict[tuple[int, int], float]:
        """Run every node once and return the log-probability of each edge asked for."""
        size = [1] * len(self.token)
        for node in reversed(range(len(size))):
            if self.parent[node] >= 0:
                size[self.parent[node]] += size[node]
        todo: list[tuple[list[int], Past]] = [
            (self.children[-1], [])
        ]  # siblings, and the cache of what they share
        while todo:
            siblings, past = todo.pop()
            row: list[int] = []
            for node in siblings:
                if (
                    size[node] > ROW_TOKENS or not self.shared
                ):  # too big for a row: its stem first, then its branches
                    stem, below = self._stem(node)
                    inner = past
                    for at in range(0, len(stem), ROW_TOKENS):
                        inner = self._run(lm, stem[at : at + ROW_TOKENS], inner)
                    todo.append((below, inner))
                    continue
                if len(row) + size[node] > ROW_TOKENS:
                    self._run(lm, row, past)
                    row = []
                row += self._subtree(node)
            if row:
                self._run(lm, row, past)
        return {
            (node, token): p
            for node, asked in enumerate(self.asked)
            for token, p in asked.items()
        }

    def _stem(self, node: int) -> tuple[list[int], list[int]]:
        """The nodes from `node` down to the first fork, and the fork's branches."""
        stem = [node]
        while len(self.children[stem[-1]]) == 1:
            stem += self.children[stem[-1]]
        return stem, self.children[stem[-1]]

    def _subtree(self, node: int) -> list[int]:
        """All nodes below and including `node`, parents first."""
        nodes = [node]
        for n in nodes:
            nodes += self.children[n]
        return nodes

    def _run(self, lm: LM, nodes: list[int], past: Past) -> Past:
        """One forward pass over `nodes` after `past`; fills in what is asked at them, returns the cache with them."""
        seen = past[0][0].shape[2] if past else 0
        chain = all(
            self.parent[n] == before for before, n in itertools.pairwise(nodes)
        )
        where = [i for i, n in enumerate(nodes) if self.asked[n]]
        keep = keep_logits(
            lm, torch.tensor(where or [len(nodes) - 1], device=lm.device)
        )
        out = lm.model(
            input_ids=torch.tensor(
                [[self.token[n] for n in nodes]], device=lm.device
            ),
            position_ids=torch.tensor(
                [[self.depth[n] for n in nodes]], device=lm.device
            ),
            attention_mask=None if chain else self._mask(nodes, seen, lm),
            past_key_values=_cache(past),
            use_cache=True,
            **keep,
        )
        if where:
            logits = (
                out.logits[0] if keep else out.logits[0, where]
            ).float()  # (asked nodes, vocab)
            total = logits.logsumexp(-1)
            at = [
                (i, token)
                for i, w in enumerate(where)
                for token in self.asked[nodes[w]]
            ]
            rows, tokens = torch.tensor(at, device=lm.device).T
            for (i, token), p in zip(
                at, (logits[rows, tokens] - total[rows]).tolist()
            ):
                self.asked[nodes[where[i]]][token] = p
        return [
            (layer.keys, layer.values) for layer in out.past_key_values.layers
        ]

    def _mask(self, nodes: list[int], seen: int, lm: LM) -> Tensor:
        """Additive mask (1, 1, len(nodes), seen + len(nodes)): 0 at a node's ancestors and itself, else very low."""
        place = {n: i for i, n in enumerate(nodes)}
        visible = torch.zeros(len(nodes), len(nodes), dtype=torch.bool)
        for i, n in enumerate(nodes):
            if self.parent[n] in place:
                visible[i] = visible[place[self.parent[n]]]
            visible[i, i] = True
        visible = torch.cat(
            [torch.ones(len(nodes), seen, dtype=torch.bool), visible], dim=1
        )
        mask = torch.zeros(visible.shape, dtype=lm.model.dtype).masked_fill_(
            ~visible, torch.finfo(lm.model.dtype).min
        )
        return mask[None, None].to(lm.device)


def _cache(past: Past) -> Any:
    """A transformers cache that holds `past`; running on from it leaves `past` as it is."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(past):
        cache.update(keys, values, layer)
    return cache


def _can_share(lm: LM, longest: int) -> bool:
    """Whether the model can take a tree in one row: it takes positions, and no sliding window cuts the texts."""
    window = getattr(lm.model.config.get_text_config(), "sliding_window", None)
    takes = inspect.signature(lm.model.forward).parameters
    return "position_ids" in takes and not (window and longest > window)
