from __future__ import annotations

import pytest

from envkit_ner.examples import NOT_LABELLED, Example, Part

pytestmark = pytest.mark.torch

EXAMPLES = [
    Example("a:1", (2, 10, 11, 12, 3), (1, 3), (0, 4), (Part(0, range(2), 2),)),
    Example("a:9", (2, 20, 3), (1,), (2,), (Part(3, range(5, 6), 9),)),
    Example("a:9", (2, 30, 31, 32, 33, 34, 3), (2, 4), (1, 0), (Part(4, range(1), 1), Part(5, range(1), 1))),
]


def test_make_batch_pads_on_the_right_and_labels_the_given_places_alone() -> None:
    import torch

    from envkit_ner.batches import make_batch

    batch = make_batch(EXAMPLES, pad=7, device=torch.device("cpu"))
    n = NOT_LABELLED
    assert batch.inputs["input_ids"].tolist() == [
        [2, 10, 11, 12, 3, 7, 7],
        [2, 20, 3, 7, 7, 7, 7],
        [2, 30, 31, 32, 33, 34, 3],
    ]
    assert batch.inputs["attention_mask"].tolist() == [
        [1, 1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]
    assert batch.labels.tolist() == [[n, 0, n, 4, n, n, n], [n, 2, n, n, n, n, n], [n, n, 1, n, 0, n, n]]
    assert {tensor.dtype for tensor in (*batch.inputs.values(), batch.labels)} == {torch.int64}
    assert (batch.items, batch.tokens) == (5, 15)
    assert batch.parts == tuple(part for example in EXAMPLES for part in example.parts)


def test_make_batch_of_one_example_is_as_long_as_it() -> None:
    import torch

    from envkit_ner.batches import make_batch

    batch = make_batch(EXAMPLES[:1], pad=7, device=torch.device("cpu"))
    assert batch.labels.shape == (1, 5)
    assert batch.inputs["attention_mask"].all()
