"""Hold the stream's component along a direction, in rows that stand before a layer.

Serves survey sections 6.3 and 7.3. Arditi et al. 2024 (arXiv 2406.11717) take the difference of mean streams between
harmful and harmless requests out of the stream; Marshall et al. 2024 hold its component at the harmless mean, which is
done here. The page on the direction of refusal has the details and the rivals.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from alignlab.attacks.under_attack.stream import Rows


def mean_difference(harmful: Tensor, harmless: Tensor) -> Tensor:
    """Mean stream of harmful requests minus that of harmless ones: (n, d) and
    (m, d) -> (d,). Raises ValueError where widths differ or one is empty.
    """
    if harmful.shape[1:] != harmless.shape[1:] or not (
        len(harmful) and len(harmless)
    ):
        raise ValueError(
            f"streams of shapes {tuple(harmful.shape)} and "
            f"{tuple(harmless.shape)}: give some of each, of one width"
        )
    return harmful.mean(0) - harmless.mean(0)


def hold(rows: Rows, direction: Tensor, value: float) -> Rows:
    """The rows with this component along the direction at every position, the
    shared head's included. Raises ValueError for a direction of length 0.
    """
    length = direction.norm()
    if not length > 0:
        raise ValueError("a direction of length 0 points nowhere")
    unit = (direction / length).to(rows.x)
    x, head = (
        part - (part @ unit - value)[..., None] * unit
        for part in (rows.x, rows.head)
    )
    return replace(rows, x=x, head=head)
