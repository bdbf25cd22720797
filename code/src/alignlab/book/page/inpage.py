"""A tiny transformer that runs in the reader's browser: weights in the page, arithmetic in plain JavaScript.

The reader types, the model answers, and nothing is sent anywhere. `static/model.js` computes what
`alignlab.lm.TinyTransformer` computes (a test holds the two against each other).
"""

import base64
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from alignlab.book.page.fragments import escape, script, style
from alignlab.book.page.kinds import Kind, Record, changed

if TYPE_CHECKING:
    from alignlab.lm.tiny import TinyTransformer

MOST_BYTES = 1_500_000


def explore_model(
    tiny: "TinyTransformer",
    vocab: Sequence[str],
    *,
    title: str,
    say: str,
    start: str,
    presets: dict[str, str] | None = None,
    separator: str = " ",
    before: str = "",
    after: str = "",
    readout: dict[str, Sequence[str]] | None = None,
    show_tokens: int = 6,
    drawn: Sequence[str] = (),
    precision: Literal["float16", "float32"] = "float16",
) -> None:
    """Put a trained `TinyTransformer` into the page with a field to type in.

    vocab: the text of each token id. say: one sentence, what to try and what it shows. start: the text shown first.
    presets: button label -> text. separator: " " where tokens are words; "" where text is cut into the longest
    tokens that fit. before, after: tokens put around what the reader types, such as a chat template.
    readout: label -> tokens whose next-token probability is added up and shown as a bar of its own.
    drawn: labels of presets whose text a search found or a trained model wrote; not compared with another run's.
    Raises ValueError where a text holds what is not in the vocabulary, or the weights are too large for a page.
    """
    model = package(tiny, vocab, precision)
    if len(model["weights"]) > MOST_BYTES:
        raise ValueError(
            f"{len(model['weights']) / 1e6:.1f} MB of weights, a page carries {MOST_BYTES / 1e6:.1f} MB at most"
        )
    if not title.strip() or not say.strip():
        raise ValueError("an in-page model needs a title and a sentence (say=)")
    texts = {"start": start, **(presets or {})}
    for text in (before, after, *texts.values()):
        tokenize(text, vocab, separator)
    bars = {label: [_id(token, vocab) for token in tokens] for label, tokens in (readout or {}).items()}
    around = [tokenize(before, vocab, separator), tokenize(after, vocab, separator)]
    tokens = [*around[0], *tokenize(start, vocab, separator), *around[1]]
    probs = next_probs(tiny, tokens)
    best = vocab[int(probs.argmax())]
    options = {
        "vocab": list(vocab),
        "separator": separator,
        "before": around[0],
        "after": around[1],
        "readout": bars,
        "show": show_tokens,
        "config": model["config"],
        "shapes": model["shapes"],
        "precision": precision,
    }
    record: Record = {
        "title": title,
        "say": say,
        "id": "m" + format(abs(hash_of(title + start)), "x")[:7],
        "start": start,
        "presets": [{"label": label, "text": text, "drawn": label in drawn} for label, text in (presets or {}).items()],
        "sentence": f"After \u201c{start}\u201d the most likely next token is \u201c{best}\u201d.",
        "options": json.dumps(options, ensure_ascii=False),  # as text: `model.js` reads the shapes in their order
    }
    KIND.show(record, [model["weights"]])


def model_html(record: Record, pieces: Sequence[str]) -> str:
    """The field to type in, the place of the bars, and the weights, which are the only piece."""
    title, ident = escape(record["title"]), record["id"]
    choices = "".join(
        f'<button type="button" data-text="{escape(preset["text"])}">{escape(preset["label"])}</button>'
        for preset in record["presets"]
    )
    return (
        f'{style("explorer", "model")}<div class="al-explorer al-model" role="group" '
        f'aria-label="Model: {title}">'
        f'<p class="al-title">{title}</p><p class="al-soft">{escape(record["say"])}</p>'
        f'<div class="al-controls"><div class="al-control al-typed"><label for="{ident}">Your text</label>'
        f'<input type="text" id="{ident}" value="{escape(record["start"])}" autocomplete="off" '
        'autocapitalize="off" spellcheck="false">'
        f'<button type="button" class="al-next">add its next token</button></div>'
        + (f'<div class="al-control al-presets" role="group" aria-label="Examples">{choices}</div>' if choices else "")
        + f'</div><div class="al-bars"></div><p class="al-say" aria-live="polite">{escape(record["sentence"])}</p>'
        f'<div class="al-weights" hidden data-options="{escape(record["options"])}" '
        f'data-weights="{pieces[0]}"></div></div>{script("model")}'
    )


def model_text(record: Record) -> str:
    """The model's title, what to try, and what it answers first, as plain text."""
    return f"{record['title']}\n{record['say']}\n{record['sentence']}"


def _differ(stored: Record, fresh: Record) -> list[str]:
    """All but the weights, and the texts that a search found, is compared exactly."""

    def compared(record: Record) -> Record:
        presets = [{**preset, "text": None} if preset["drawn"] else preset for preset in record["presets"]]
        return {**record, "presets": presets}

    stored, fresh = compared(stored), compared(fresh)
    return [
        f"model {stored.get('title')!r}: {key} is stored as {stored.get(key)!r}, the run gives {fresh.get(key)!r}"
        for key in changed(stored, fresh)
    ]


def _prints(record: Record, pieces: Sequence[str]) -> dict[str, str]:
    return {"text/html": model_html(record, pieces), "text/plain": model_text(record)}


KIND = Kind("model", _prints, _differ, re.compile(r'data-weights="([^"]*)"'))


def hash_of(text: str) -> int:
    """A number for a text, the same in every run."""
    import zlib

    return zlib.crc32(text.encode())


def package(tiny: "TinyTransformer", vocab: Sequence[str], precision: str) -> dict[str, Any]:
    """Shape, weights (base64) and their order, as `static/model.js` reads them."""
    import numpy as np

    config = tiny.config
    if len(vocab) != config.vocab:
        raise ValueError(f"the model knows {config.vocab} tokens, vocab names {len(vocab)}")
    state = {name: p.detach().cpu().float().numpy() for name, p in tiny.named_parameters()}
    kind = {"float16": "<f2", "float32": "<f4"}[precision]
    blob = b"".join(np.ascontiguousarray(array, dtype=kind).tobytes() for array in state.values())
    return {
        "config": {
            "vocab": config.vocab,
            "d_model": config.d_model,
            "n_layers": config.n_layers,
            "n_heads": config.n_heads,
            "context": config.context,
            "mlp": config.mlp,
            "rope_base": config.rope_base,
            "eps": config.eps,
        },
        "shapes": {name: list(array.shape) for name, array in state.items()},
        "weights": base64.b64encode(blob).decode(),
    }


def tokenize(text: str, vocab: Sequence[str], separator: str) -> list[int]:
    """Token ids of a text. Raises ValueError naming what is not in the vocabulary."""
    ids = {token: i for i, token in enumerate(vocab)}
    if separator:
        words = [word for word in text.split(separator) if word]
        unknown = [word for word in words if word not in ids]
        if unknown:
            raise ValueError(f"not in the model's vocabulary: {', '.join(map(repr, unknown))}")
        return [ids[word] for word in words]
    found, at, longest = [], 0, max(map(len, vocab))
    while at < len(text):
        size = next((n for n in range(longest, 0, -1) if text[at : at + n] in ids and at + n <= len(text)), 0)
        if not size:
            raise ValueError(f"not in the model's vocabulary: {text[at]!r}")
        found.append(ids[text[at : at + size]])
        at += size
    return found


def _id(token: str, vocab: Sequence[str]) -> int:
    if token not in vocab:
        raise ValueError(f"not in the model's vocabulary: {token!r}")
    return list(vocab).index(token)


def next_probs(tiny: "TinyTransformer", tokens: Sequence[int]) -> Any:
    """Next-token probabilities after tokens, shape (vocab,); the last `context` tokens count."""
    import torch

    if not tokens:
        raise ValueError("the model needs at least one token to start from")
    with torch.no_grad():
        batch = torch.tensor([list(tokens)[-tiny.config.context :]])
        return tiny(batch)[0, -1].softmax(-1)
