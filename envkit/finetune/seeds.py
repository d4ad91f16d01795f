"""Make what is random follow from one seed."""

from __future__ import annotations

import random

import numpy
import torch


def set_seeds(seed: int) -> None:
    """Seed Python, numpy and torch on every device (0 <= seed < 2**32)."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)  # seeds the CPU, every GPU and MPS
