"""The direction of refusal that a page pushes SmolLM2 along: written to `assets/play/direction.json`.

    .venv/bin/python scripts/play_direction.py

As the recipe `refusal-direction` reads it (Arditi et al. 2024): mean activation of harmful requests minus that of
harmless ones in the same wording, after layer 22 of SmolLM2-safer, where the answer begins. `strength` is its length.
"""

import json
from pathlib import Path

import numpy as np
from alignlab.interp.refusal.direction import answer_starts, refusal_direction
from alignlab.lm import load_lm
from alignlab.outer.safety_data import matched_requests

LAYER, PAIRS = 22, 48


def main() -> None:
    """Compute and write."""
    lm, pairs = load_lm("smollm2-safer", device="cpu"), matched_requests(PAIRS, 0)
    harmful, harmless = (answer_starts(lm, [pair[i] for pair in pairs], [LAYER])[0] for i in range(2))
    direction = refusal_direction(harmful, harmless)
    length = float(np.linalg.norm(direction))
    told = {"layer": LAYER, "strength": round(length, 3), "unit": [round(x, 5) for x in (direction / length).tolist()]}
    out = Path(__file__).parents[1] / "assets/play/direction.json"
    out.write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
