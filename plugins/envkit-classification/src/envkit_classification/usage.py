"""Say how a saved model is used without envkit: a part of its model card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit_classification.decode import Decoder
    from envkit_classification.plugin import ClassificationOptions

_TEXT = '"A text to classify"'
_PAIR = '{"text": "The first text", "text_pair": "The second text"}'

_LONG = {
    "window": "`envkit predict` reads a longer text whole: in windows, of whose logits it takes the mean.",
    "head-tail": "Of a longer text the pipeline reads the beginning, `envkit predict` both ends, as the training did.",
    "truncate": "What is beyond it is left out, by `envkit predict` too.",
}


def describe_example(*, is_pair: bool) -> Sequence[str]:
    """Return the texts that are typed behind ``envkit predict``."""
    return ("The first text", "The second text") if is_pair else ("A text to classify",)


def describe_rows(*, is_pair: bool) -> Sequence[Mapping[str, str]]:
    """Return how a row for the model may look."""
    return ({"text": "Some text.", "pair": "Another."} if is_pair else {"text": "Some text."},)


def describe_usage(options: ClassificationOptions, decoder: Decoder, *, is_pair: bool, window: int) -> str:
    """Return Markdown with code, in which ``$folder`` stands for the model's folder.

    ``window`` is how many pieces the model reads at once.
    """
    given = _PAIR if is_pair else _TEXT
    call = f"classify({given}, top_k=None, truncation=True, max_length={window})"
    lines = [
        "In Python:",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        'folder = "$folder"  # where the model is',
        'classify = pipeline("text-classification", model=folder)',
    ]
    if decoder.thresholds is None:
        lines += [f"scores = {call}", 'print(scores[0]["label"], scores[0]["score"])  # the best comes first']
    else:
        named = dict(zip(decoder.labels, decoder.thresholds, strict=True))
        lines += [
            f"thresholds = {json.dumps(named, ensure_ascii=False, indent=4)}",
            f"scores = {call}",
            'print([one["label"] for one in scores if one["score"] >= thresholds[one["label"]]])',
        ]
    lines += ["```", ""]
    if decoder.thresholds is not None:
        lines += [
            "A text has each label whose probability reaches the label's threshold: that with the highest F1 on dev,",
            "or 0.5 where dev has not the label. Without them the pipeline names the likeliest label alone.",
            "",
        ]
    if is_pair:
        lines += ["The model judges two texts together, in this order.", ""]
    lines.append(f"`max_length` is the window of the training. {_LONG[options.long_text]}")
    return "\n".join(lines)
