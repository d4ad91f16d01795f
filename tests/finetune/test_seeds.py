import random

import pytest

pytestmark = pytest.mark.torch


def draw() -> tuple[float, float, float]:
    import numpy
    import torch

    return random.random(), float(numpy.random.rand()), float(torch.rand(()))


def test_set_seeds_same_seed_gives_the_same_numbers_everywhere() -> None:
    from envkit.finetune.seeds import set_seeds

    set_seeds(7)
    first = draw()
    set_seeds(7)
    assert draw() == first
    set_seeds(8)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_set_seeds_takes_the_whole_range_of_the_option(seed: int) -> None:
    from envkit.finetune.seeds import set_seeds

    set_seeds(seed)
