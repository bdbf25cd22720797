"""The file of an adapter that a recipe trained: weights, and which code, seed and versions made them."""

from __future__ import annotations

import importlib.metadata
import json

from alignlab.lm.adapters import adapter_bytes
from alignlab.lm.model import LM
from alignlab.recipes._recipe import Recipe


def signed_adapter(lm: LM, recipe: Recipe, seed: int) -> bytes:
    """The adapter of a PEFT-wrapped model as a file's bytes, for a recipe's `files`."""
    versions = {
        name: importlib.metadata.version(name)
        for name in ("torch", "transformers", "peft", "alignlab")
    }
    header = {
        "recipe": recipe.name,
        "recipe_code": recipe.code_hash(),
        "seed": str(seed),
        "versions": json.dumps(versions),
    }
    return adapter_bytes(lm, header)
