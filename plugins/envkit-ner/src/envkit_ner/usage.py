"""Say how a saved model is used without envkit: a part of its model card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit_ner.plugin import NerOptions

EXAMPLE = ("Ada Lovelace lived in London.",)
EXAMPLE_ROWS = ({"text": EXAMPLE[0]}, {"tokens": ["Ada", "Lovelace", "lived", "in", "London", "."]})

_PIPELINE = f'''In Python:

```python
from transformers import pipeline

folder = "$folder"  # where the model is
find_names = pipeline("token-classification", model=folder, aggregation_strategy="first")
text = "{EXAMPLE[0]}"
for name in find_names(text):
    print(name["entity_group"], text[name["start"] : name["end"]])
```

`aggregation_strategy="first"` belongs to it: the model learned the tag of a word on the word's first piece, and what
it says of the other pieces means nothing. Without it, or with `"simple"`, names may come cut in two.

The pipeline leaves out what is beyond the model's window. `envkit predict` reads long texts whole, splits words as the
training did, and gives only tags that are valid together.'''

_DOCUMENT = """
This model was trained with `--context document`: it reads a sentence together with its neighbours. The pipeline
shows it each text alone, so that it may do worse than the scores say. `envkit predict` gives it the neighbours where a file
has marks of documents (`-DOCSTART-`)."""


def describe_usage(options: NerOptions) -> str:
    """Return Markdown with code, in which ``$folder`` stands for the model's folder."""
    return f"{_PIPELINE}\n{_DOCUMENT}" if options.context == "document" else _PIPELINE
