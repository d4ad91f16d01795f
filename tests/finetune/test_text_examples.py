from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.data.rows import TextRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.finetune.text_examples import TextExample

pytestmark = pytest.mark.torch


def make_rows() -> list[TextRow]:
    texts = ["ada wrote a", "rome " * 30, "b", "ada wrote " * 9, "c a b"]
    return [TextRow(text, (str(number % 2),), f"rows.tsv:{number}") for number, text in enumerate(texts, 1)]


def make_examples(
    folder: Path,
    *,
    window: int = 12,
    pairs: bool = False,
    rows: Sequence[TextRow] | None = None,
    **options: Any,
) -> Any:
    from dataclasses import replace

    from envkit.finetune.inputs import InputTemplate
    from envkit.finetune.models import load_tokenizer
    from envkit.finetune.text_examples import make_text_examples

    tokenizer = load_tokenizer(folder)
    rows = rows or make_rows()
    rows = [replace(row, pair="rome") for row in rows] if pairs else rows
    template = InputTemplate.of(tokenizer)
    return make_text_examples(rows, tokenizer, template=template, window=window, **options)


def batch_of(examples: Sequence[TextExample]) -> Any:
    import torch

    from envkit.finetune.text_examples import make_text_batch

    return make_text_batch(examples, pad=0, device=torch.device("cpu"))


@pytest.mark.parametrize("long_text", ["window", "truncate", "head-tail"])
def test_examples_count_what_is_read_and_what_is_lost(tiny_model: Path, long_text: str) -> None:
    from envkit.finetune.text_examples import describe_long_texts

    examples = make_examples(tiny_model, long_text=long_text)
    assert [example.name for example in examples] == [f"rows.tsv:{number}" for number in range(1, 6)]
    assert [example.length for example in examples] == [3, 30, 1, 18, 3]
    assert {example.items for example in examples} == {1}
    note = describe_long_texts(examples, window=12, long_text=long_text)  # type: ignore[arg-type]  # a parameter
    if long_text == "window":
        assert [len(example.windows) for example in examples] == [1, 3, 1, 2, 1]
        assert len(examples[1].pieces) == 36
        assert note == "2 of 5 texts are longer than 12 pieces: read in windows, nothing lost"
    else:
        assert [example.lost for example in examples] == [0, 18, 0, 6, 0]
        assert note is not None and "leaves out 24 pieces (43.6%), of 2 of 5 texts" in note


def test_describe_long_texts_without_any_says_nothing(tiny_model: Path) -> None:
    from envkit.finetune.text_examples import describe_long_texts

    assert describe_long_texts(make_examples(tiny_model, window=64), window=64) is None


def test_batch_pads_all_windows_and_knows_whose_they_are(tiny_model: Path) -> None:
    import torch

    batch = batch_of(make_examples(tiny_model, label_of=lambda row: int(row.labels[0])))
    assert batch.inputs["input_ids"].shape == (8, 12)
    assert batch.owners.tolist() == [0, 1, 1, 1, 2, 3, 3, 4]
    assert batch.labels.tolist() == [1, 0, 1, 0, 1]
    assert batch.labels.dtype == torch.int64
    assert batch.tokens == int(batch.inputs["attention_mask"].sum()) == 67
    assert (batch.inputs["input_ids"] != 0).equal(batch.inputs["attention_mask"] != 0)


def test_batch_of_several_labels_has_a_number_for_each_and_of_none_has_none(tiny_model: Path) -> None:
    import torch

    several = batch_of(make_examples(tiny_model, label_of=lambda row: (1.0, 0.0, 1.0)))
    assert several.labels.shape == (5, 3)
    assert several.labels.dtype == torch.float32
    assert batch_of(make_examples(tiny_model)).labels is None


def test_batch_of_pairs_has_their_types_padded_with_0() -> None:
    from envkit.finetune.inputs import Encoded
    from envkit.finetune.text_examples import TextExample

    examples = [
        TextExample("one", 0, (Encoded((1, 2, 3), (0, 1, 1)),)),
        TextExample("two", 1, (Encoded((1, 2)),)),
    ]
    assert batch_of(examples).inputs["token_type_ids"].tolist() == [[0, 1, 1], [0, 0, 0]]


def test_pooled_logits_are_the_mean_over_windows_whatever_else_is_in_the_batch(tiny_model: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    from envkit.finetune.text_examples import pooled_logits

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=3).double().eval()
    examples = make_examples(tiny_model)
    with torch.no_grad():
        together = pooled_logits(model, batch_of(examples))
        for number, example in enumerate(examples):
            assert torch.allclose(pooled_logits(model, batch_of([example]))[0], together[number])
            batch = batch_of([example])
            windows = [
                model(**{name: part[place : place + 1] for name, part in batch.inputs.items()}).logits
                for place in range(len(example.windows))
            ]
            assert torch.allclose(torch.cat(windows).mean(0), together[number])
    assert together.dtype == torch.float64


def test_pooled_logits_take_of_the_last_layer_the_position_alone_that_is_read(tiny_model: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    from envkit.finetune.text_examples import pooled_logits

    model, widths = AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=3), []
    model.bert.encoder.layer[-1].output.register_forward_hook(
        lambda _, given, __: widths.append(given[0].shape[1])
    )
    pooled_logits(model, batch_of(make_examples(tiny_model)))
    assert widths == [1]


def test_pooled_logits_of_a_text_as_long_as_a_book_are_computed_a_few_windows_at_a_time(
    tiny_model: Path,
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    from envkit.finetune.evaluation import most_tokens
    from envkit.finetune.text_examples import make_text_batch, pooled_logits

    model = AutoModelForSequenceClassification.from_pretrained(tiny_model, num_labels=3).eval()
    row = TextRow("ada wrote rome " * 3000, ("a",), "book.txt:1")
    (example,) = make_examples(tiny_model, rows=[row])
    batch = make_text_batch([example], pad=0, device=torch.device("cpu"))
    sizes: list[int] = []
    model.register_forward_hook(
        lambda module, args, given, output: sizes.append(given["input_ids"].numel()), with_kwargs=True
    )
    with torch.no_grad():
        in_parts = pooled_logits(model, batch)
    assert max(sizes) <= most_tokens(torch.device("cpu")) < sum(sizes)
    whole = pooled_logits(model, batch)  # with gradients, at once
    assert torch.allclose(in_parts, whole, atol=1e-5)
