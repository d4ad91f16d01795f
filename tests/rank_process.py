"""``rank_process.py FOLDER RANK COUNT``: one of the processes that train a tiny model together.

Its weights after all steps, in float64 and without dropout, go to ``FOLDER/weights-RANK.safetensors``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_loop import begin, make_rows
from torch import distributed

from envkit.finetune.steps import steps


def main(folder: Path, rank: int, count: int) -> None:
    if count > 1:
        distributed.init_process_group(
            "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count
        )
    training = begin(folder / f"run-{rank}", make_rows(11), batch_size=4, epochs=2, learning_rate=0.01)
    training.model.double()
    training.position.largest_batch = 24
    for step in steps(training):
        training.model.eval()  # no dropout: each rank would draw its own
        for batch in step:
            step.backward(training.loss(training.model, batch))
        step.update()
        if step.evaluation_due:
            step.report({"dev/score": 0.0})
    save_file(
        {name: weight.detach().clone() for name, weight in training.model.named_parameters()},
        folder / f"weights-{rank}.safetensors",
    )
    if count > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
