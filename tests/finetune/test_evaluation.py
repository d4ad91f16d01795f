"""Scoring rows: all of them once, the same whatever the batches, with nothing kept of a batch but what is asked."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from tiny_loop import collate, make_model, make_rows

if TYPE_CHECKING:
    from tiny_loop import TinyRow

pytestmark = pytest.mark.torch


def predict_labels(model: Any, rows: list[TinyRow], *, tokens: int | None = None) -> dict[str, list[int]]:
    from envkit.finetune.evaluation import predict

    def reduce(batch: tuple[Any, Any, Any]) -> list[list[int]]:
        pieces, mask, _ = batch
        best: list[list[int]] = model(input_ids=pieces, attention_mask=mask).logits.argmax(-1).tolist()
        return best

    found = {}
    for part, labels in predict(model, rows, collate=collate, reduce=reduce, tokens=tokens):
        for row, of_row in zip(part, labels, strict=True):
            found[row.name] = of_row[: len(row.pieces)]
    return found


def test_predict_finds_the_same_for_every_row_whatever_the_size_of_a_batch() -> None:
    import torch

    torch.manual_seed(0)
    model, rows = make_model(), make_rows(64)
    whole = predict_labels(model, rows)
    assert list(whole) != [row.name for row in rows]  # longest first
    assert whole.keys() == {row.name for row in rows}
    for tokens in (1, 60, 400):
        assert predict_labels(model, rows, tokens=tokens) == whole


def test_predict_tells_every_20_seconds_how_far_it_is_and_nothing_where_it_is_done_sooner() -> None:
    from envkit.finetune.evaluation import predict

    model, rows = make_model(), make_rows(4)
    now = 0.0

    def heard(seconds: float) -> list[str]:
        """Return what is told where each batch, a row, takes this long."""

        def reduce(_: tuple[Any, Any, Any]) -> None:
            nonlocal now
            now += seconds

        said: list[str] = []
        list(
            predict(
                model, rows, collate=collate, reduce=reduce, tokens=1, tell=said.append, clock=lambda: now
            )
        )
        return said

    assert heard(25) == [f"evaluated {done} of 4 windows" for done in (1, 2, 3, 4)]
    assert heard(12) == [f"evaluated {done} of 4 windows" for done in (2, 4)]
    assert heard(1) == []


def test_predict_leaves_the_model_in_the_mode_it_was_in_even_when_it_is_left_early() -> None:
    from envkit.finetune.evaluation import predict

    model, rows = make_model(), make_rows(8)
    for mode in (True, False):
        model.train(mode)
        for _ in predict(model, rows, collate=collate, reduce=lambda _: model.training, tokens=12):
            assert not model.training
            break
        gc.collect()
        assert model.training is mode


def test_predict_keeps_no_batch_and_no_logits_once_they_are_reduced() -> None:
    from envkit.finetune.evaluation import predict

    model, rows = make_model(), make_rows(40)
    seen: list[weakref.ref[Any]] = []

    def reduce(batch: tuple[Any, Any, Any]) -> int:
        logits = model(input_ids=batch[0], attention_mask=batch[1]).logits
        assert not logits.requires_grad
        seen.extend((weakref.ref(logits), weakref.ref(batch[0])))
        return int(logits.argmax())

    alive = []
    for _ in predict(model, rows, collate=collate, reduce=reduce, tokens=24):
        alive.append(sum(each() is not None for each in seen))
    assert len(alive) > 5
    assert max(alive) <= 2  # those of one batch at most, however many there were
