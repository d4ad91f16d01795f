"""The bar of the accumulation: a step's gradients do not know in which micro-batches they were computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tiny_models import LABELS, WORDS, tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from transformers import PreTrainedModel

pytestmark = pytest.mark.torch

LENGTHS = (12, 3, 7, 12, 5, 9, 4, 6)
HEADS = ("TokenClassification", "SequenceClassification", "QuestionAnswering")


def pad(rows: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
    from torch.nn.utils.rnn import pad_sequence

    pieces = pad_sequence(list(rows), batch_first=True)
    return {"input_ids": pieces, "attention_mask": (pieces != 0).long()}


def random_rows() -> list[torch.Tensor]:
    import torch

    generator = torch.Generator().manual_seed(3)
    return [torch.randint(4, WORDS, (length,), generator=generator) for length in LENGTHS]


def summed_loss(model: PreTrainedModel, head: str, numbers: Sequence[int]) -> tuple[torch.Tensor, int]:
    """Return the loss summed over the items of these rows, and how many items there are."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    from envkit.finetune.losses import (
        IGNORED,
        has_span,
        sequence_cross_entropy,
        span_cross_entropy,
        token_cross_entropy,
    )

    rows = random_rows()
    batch = pad([rows[number] for number in numbers])
    output = model(**batch)
    if head == "TokenClassification":
        labels = []
        for number in numbers:
            tokens = rows[number] % LABELS
            tokens[:: 2 + number % 3] = IGNORED  # rows have unequal shares of labelled tokens
            labels.append(tokens)
        padded = pad_sequence(labels, batch_first=True, padding_value=IGNORED)
        return token_cross_entropy(output.logits, padded), int((padded != IGNORED).sum())
    if head == "SequenceClassification":
        classes = torch.tensor([number % LABELS for number in numbers])
        return sequence_cross_entropy(output.logits, classes), len(numbers)
    # Every third row has no answer in its window.
    starts = torch.tensor([IGNORED if number % 3 == 2 else number % 3 for number in numbers])
    ends = torch.where(starts == IGNORED, starts, starts + 1)
    mask = batch["attention_mask"]
    loss = span_cross_entropy(output.start_logits, output.end_logits, starts, ends, mask=mask)
    return loss, int(has_span(starts, ends, mask=mask).sum())


def gradients(kind: str, head: str, parts: Sequence[Sequence[int]]) -> torch.Tensor:
    import torch

    model = tiny_model(kind, head).double()
    found = [summed_loss(model, head, part) for part in parts]
    items = sum(count for _, count in found)
    for loss, _ in found:
        (loss / items).backward()
    return torch.cat([w.grad.flatten() for w in model.parameters() if w.grad is not None])


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert"])
@pytest.mark.parametrize("head", HEADS)
def test_summed_losses_of_a_step_give_the_same_gradients_however_it_is_cut(kind: str, head: str) -> None:
    whole = gradients(kind, head, [range(8)])
    assert float(whole.norm()) > 0
    cuts: dict[str, Sequence[Sequence[int]]] = {
        "8 of 1": [[number] for number in range(8)],
        "4 of 2": [range(first, first + 2) for first in range(0, 8, 2)],
        "ragged": [[0, 1, 2, 3, 4], [5], [6, 7]],
        "another order": [[7, 3, 1], [0, 2], [6, 4, 5]],
    }
    for name, parts in cuts.items():
        error = float((gradients(kind, head, parts) - whole).norm() / whole.norm())
        assert error <= 1e-6, name


def losses() -> dict[str, Callable[[torch.dtype], torch.Tensor]]:
    import torch

    from envkit.finetune.losses import sequence_cross_entropy, span_cross_entropy, token_cross_entropy

    torch.manual_seed(1)
    tokens, rows = torch.randn(2, 3, 4), torch.randn(2, 4)
    return {
        "token": lambda t: token_cross_entropy(tokens.to(t), torch.tensor([[0, 1, -100], [3, 2, 1]])),
        "sequence": lambda t: sequence_cross_entropy(rows.to(t), torch.tensor([0, 3])),
        "span": lambda t: span_cross_entropy(
            rows.to(t), rows.to(t), torch.tensor([0, 1]), torch.tensor([1, 2]), mask=torch.ones(2, 4)
        ),
    }


@pytest.mark.parametrize("name", ["token", "sequence", "span"])
@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("bfloat16", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_losses_are_computed_in_float32_at_least(name: str, given: str, computed: str) -> None:
    import torch

    assert losses()[name](getattr(torch, given)).dtype == getattr(torch, computed)


def test_span_cross_entropy_is_the_mean_of_both_ends_as_transformers_computes_it() -> None:
    import torch

    from envkit.finetune.losses import span_cross_entropy

    model = tiny_model("bert", "QuestionAnswering").eval()
    starts, ends = torch.tensor([1, 0, 2]), torch.tensor([3, 0, 2])
    rows = [row[:5] for row in (random_rows()[number] for number in (0, 2, 3))]  # transformers reads padding
    batch = pad(rows)
    output = model(**batch, start_positions=starts, end_positions=ends)
    mask = batch["attention_mask"]
    ours = span_cross_entropy(output.start_logits, output.end_logits, starts, ends, mask=mask) / 3
    assert float(ours.detach()) == pytest.approx(float(output.loss.detach()), rel=1e-6)


@pytest.mark.parametrize(
    ("start", "end"), [(-100, -100), (-1, 2), (1, 5), (5, 5), (-100, 2), (1, -100), (3, 4), (0, 1)], ids=str
)
def test_span_cross_entropy_row_with_an_end_outside_adds_nothing(start: int, end: int) -> None:
    import torch

    from envkit.finetune.losses import has_span, span_cross_entropy

    logits = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    starts, ends = torch.tensor([1, start]), torch.tensor([2, end])
    mask = torch.tensor(
        [[1, 1, 1, 1, 1], [0, 1, 1, 1, 0]]
    )  # the second row's text begins later and is shorter
    assert has_span(starts, ends, mask=mask).tolist() == [True, False]
    both = span_cross_entropy(logits, logits, starts, ends, mask=mask)
    alone = span_cross_entropy(logits[:1], logits[:1], starts[:1], ends[:1], mask=mask[:1])
    assert torch.equal(both, alone)
    both.backward()
    assert logits.grad is not None and not logits.grad[1].any()


def test_sequence_cross_entropy_weights_multiply_the_rows_of_their_class() -> None:
    import torch

    from envkit.finetune.losses import sequence_cross_entropy

    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    labels = torch.tensor([0, 1, -100])
    weighted = sequence_cross_entropy(logits, labels, class_weights=torch.tensor([3.0, 0.5]))
    first, second = (sequence_cross_entropy(logits[i : i + 1], labels[i : i + 1]) for i in (0, 1))
    assert float(weighted) == pytest.approx(3 * float(first) + 0.5 * float(second))


def test_token_cross_entropy_without_labelled_tokens_is_zero() -> None:
    import torch

    from envkit.finetune.losses import token_cross_entropy

    logits = torch.randn(2, 3, 4, requires_grad=True)
    loss = token_cross_entropy(logits, torch.full((2, 3), -100))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert logits.grad is not None and not logits.grad.any()


def row_terms() -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return logits, torch.tensor([0, 3, 1, 1, 2, 0])


def test_sequence_cross_entropy_with_smoothing_is_torchs() -> None:
    from torch.nn.functional import cross_entropy

    from envkit.finetune.losses import sequence_cross_entropy

    logits, labels = row_terms()
    ours = sequence_cross_entropy(logits, labels, label_smoothing=0.2)
    assert float(ours) == pytest.approx(
        float(cross_entropy(logits, labels, label_smoothing=0.2, reduction="sum"))
    )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_sequence_cross_entropy_focuses_on_what_the_model_doubts(gamma: float) -> None:
    import torch

    from envkit.finetune.losses import sequence_cross_entropy

    logits, labels = row_terms()
    chances = logits.softmax(-1)[torch.arange(6), labels]
    expected = ((1 - chances) ** gamma * -chances.log()).sum()
    assert float(sequence_cross_entropy(logits, labels, focal_gamma=gamma)) == pytest.approx(float(expected))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_focal_losses_of_a_sure_model_have_finite_gradients(gamma: float) -> None:
    import torch

    from envkit.finetune.losses import multi_label_cross_entropy, sequence_cross_entropy

    logits = torch.tensor([[1e4, -1e4], [0.0, 0.0]], requires_grad=True)
    one = sequence_cross_entropy(logits, torch.tensor([0, -100]), focal_gamma=gamma)
    several = multi_label_cross_entropy(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), focal_gamma=gamma)
    (one + several).backward()
    assert logits.grad is not None and bool(logits.grad.isfinite().all())


def test_multi_label_cross_entropy_is_the_sum_over_rows_of_torchs_mean_over_labels() -> None:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from envkit.finetune.losses import multi_label_cross_entropy

    logits, _ = row_terms()
    targets = (torch.arange(24).reshape(6, 4) % 3 == 0).float()
    whole = multi_label_cross_entropy(logits, targets)
    assert float(whole) == pytest.approx(
        6 * float(binary_cross_entropy_with_logits(logits, targets.double()))
    )
    parts = [multi_label_cross_entropy(logits[i : i + 2], targets[i : i + 2]) for i in range(0, 6, 2)]
    assert float(sum(parts)) == pytest.approx(float(whole))
    weights = torch.tensor([[0.5] * 4, [2.0] * 4])
    weighted = multi_label_cross_entropy(logits, targets, class_weights=weights)
    terms = binary_cross_entropy_with_logits(logits, targets.double(), reduction="none")
    assert float(weighted) == pytest.approx(float((terms * (0.5 + 1.5 * targets)).mean(-1).sum()))
