"""TRL's trainers as a peer: the settings and the update that their benchmarks share."""

from __future__ import annotations

import tempfile
from typing import Any

TRL = ("trl==1.16.0", "accelerate==1.15.0", "datasets==5.2.0")


def settings(kind: Any, batch: int, rate: float, **more: Any) -> Any:
    """A trainer's configuration at its best on a processor: the weights themselves in the format that is measured
    (faster than mixing formats), nothing computed twice, fused AdamW at a constant rate, and no reports."""
    return kind(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=batch,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        learning_rate=rate,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        optim="adamw_torch_fused",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **more,
    )


def start(trainer: Any) -> None:
    """What `train` does before its first step."""
    trainer.create_optimizer()
    trainer.current_gradient_accumulation_steps = 1


def update(trainer: Any) -> None:
    """Clipping and the optimizer's step, after the trainer's own `training_step`."""
    import torch

    torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)
    trainer.optimizer.step()
