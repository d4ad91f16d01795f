"""Say how a saved model is used without envkit: a part of its model card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit_sentiment.plugin import SentimentOptions
    from envkit_sentiment.scale import Scale

_TEXT = "Not bad at all."
_ASPECT = "the sound"

_SHORT = """In Python:

```python
from transformers import pipeline

folder = "$folder"  # where the model is
judge = pipeline("text-classification", model=folder)
print(judge({given}, top_k=None, truncation=True, max_length={window}))
```

{meaning}"""

_LONG = """

The pipeline reads the first {window} pieces of a text alone. `envkit predict` reads a longer one in windows and takes
the mean of their logits, about as this does:

```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "$folder"  # where the model is
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder)
windows = tokenizer(
    {texts},
    truncation={truncation},
    max_length={window},
    stride={stride},
    padding=True,
    return_overflowing_tokens=True,
    return_tensors="pt",
)
del windows["overflow_to_sample_mapping"]
with torch.no_grad():
    chances = model(**windows).logits.mean(0).softmax(-1)
print({{label: float(chances[number]) for number, label in model.config.id2label.items()}})
```"""

_CUT = {
    "head-tail": "\n\nOf a text longer than that, `envkit predict` reads both ends, as the training did.",
    "truncate": "\n\nWhat is beyond that is left out, by `envkit predict` too.",
}


def describe_example(*, needs_pair: bool) -> Sequence[str]:
    """Return the texts that are typed behind ``envkit predict``: none where each needs something beside it."""
    return () if needs_pair else (_TEXT,)


def describe_rows(*, needs_pair: bool) -> Sequence[Mapping[str, str]]:
    """Return how a row for the model may look."""
    return ({"text": "Some text.", "pair": "Another."} if needs_pair else {"text": "Some text."},)


def describe_usage(options: SentimentOptions, scale: Scale, *, needs_pair: bool, window: int) -> str:
    """Return Markdown with code, in which ``$folder`` stands for the model's folder.

    ``window`` is how many pieces the model reads at once.
    """
    given = f'{{"text": "{_TEXT}", "text_pair": "{_ASPECT}"}}' if needs_pair else f'"{_TEXT}"'
    text = _SHORT.format(given=given, window=window, meaning=_meaning(scale))
    if needs_pair:
        column = options.second_column or "aspect"
        text += (
            f"\n\nThe model judges a text about something that is read with it; for `envkit predict` that is `{column}`"
            f' in JSONL:\n`{{"text": "{_TEXT}", "{column}": "{_ASPECT}"}}`.'
        )
    if options.long_text != "window":
        return text + _CUT[options.long_text]
    return text + _LONG.format(
        texts=f'"{_TEXT}", "{_ASPECT}"' if needs_pair else f'"{_TEXT}"',
        truncation='"only_first"' if needs_pair else "True",
        window=window,
        stride=window // 4,
    )


def _meaning(scale: Scale) -> str:
    """Return what the labels mean, and what was taken for them in the training data."""
    levels = ", ".join(f"`{level}`" for level in scale.levels)
    kind = (
        "how people feel"
        if scale.kind == "polarity"
        else "the steps of a rating, from the lowest to the highest"
    )
    text = f"The labels are {kind}: {levels}. The most probable one is the prediction."
    changed = [f"`{label}` for `{level}`" for label, level in scale.meanings.items() if label != level]
    return f"{text} In the training data stood {', '.join(changed)}." if changed else text
