"""The model card of a model from nothing, which transformers' Auto classes do not open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CARD = """---
library_name: envkit
tags:
- envkit
- sentiment
---

# sentiment, cnn-lstm

A word embedding, a convolution and a bidirectional LSTM, trained from nothing by envkit-sentiment.

## Scores

{scores}

## Use

`envkit predict` takes this folder; in Python:

```python
from pathlib import Path

from envkit_sentiment.cnn_lstm import load_cnn_lstm
from envkit_sentiment.words import load_tokenizer

folder = Path(".")  # this folder
model, tokenizer = load_cnn_lstm(folder), load_tokenizer(folder)
logits = model(**tokenizer(["not bad at all"], return_tensors="pt")).logits
print(model.config.id2label[int(logits.argmax())])
```
"""


def write_card(folder: Path, metrics: Mapping[str, float]) -> None:
    """Write ``README.md`` into the model's folder. Raises: OSError."""
    rows = [f"| {name} | {value:.4f} |" for name, value in metrics.items() if not name.endswith("/support")]
    table = "\n".join(["| metric | value |", "|---|---:|", *rows])
    scores = table if rows else "None: the run was stopped before its first evaluation."
    (folder / "README.md").write_text(_CARD.format(scores=scores), encoding="utf-8")
