"""Say how a saved model is used without envkit: a part of its model card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit_qa.examples import Cutting

EXAMPLE = ("Who wrote it?", "Ada wrote it in Turin.")
EXAMPLE_ROWS = ({"question": EXAMPLE[0], "context": EXAMPLE[1]},)

_CODE = """In Python; recent versions of transformers have no pipeline for it:

```python
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

folder = "$folder"  # where the model is
question, context = {question!r}, {context!r}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForQuestionAnswering.from_pretrained(folder)
windows = tokenizer(
    question,
    context,
    truncation="only_second",
    max_length={window},
    stride={stride},
    padding=True,
    return_overflowing_tokens=True,
    return_offsets_mapping=True,
    return_tensors="pt",
)
del windows["overflow_to_sample_mapping"]
offsets = windows.pop("offset_mapping").tolist()
with torch.no_grad():
    output = model(**windows)
spans = []
for window, (starts, ends) in enumerate(zip(output.start_logits.tolist(), output.end_logits.tolist())):
    places = [place for place, text in enumerate(windows.sequence_ids(window)) if text == 1]
    for first in places:
        for last in range(first, min(first + {longest}, places[-1] + 1)):
            spans.append((starts[first] + ends[last], window, first, last))
score, window, first, last = max(spans)
answer = context[offsets[window][first][0] : offsets[window][last][1]]
{end}
```

The answer is the span whose first and last piece have the highest sum of logits, over all windows of the context;
`max_length`, `stride` and the {longest} pieces that an answer may have are those of the training. """

_ALWAYS = "The model always answers: no\nquestion of its training was without an answer, or no threshold was chosen."
_PERHAPS = """There is no answer where
the first piece, which stands for none, has a sum higher than that by more than the threshold, {threshold}: {reason}."""


def describe_usage(cutting: Cutting, *, threshold: float | None, is_tuned: bool) -> str:
    """Return Markdown with code, in which ``$folder`` stands for the model's folder.

    ``threshold`` is that of no answer, None where the model always answers; ``is_tuned`` says that dev chose it.
    """
    end = "print(answer)"
    rule = _ALWAYS
    if threshold is not None:
        end = (
            "none = float((output.start_logits[:, 0] + output.end_logits[:, 0]).min())\n"
            f'print("no answer" if none - score > {threshold!r} else answer)'
        )
        reason = "that with the highest F1 on dev" if is_tuned else "the `--null-threshold` of the training"
        rule = _PERHAPS.format(threshold=f"{threshold:.4g}", reason=reason)
    code = _CODE.format(
        question=EXAMPLE[0],
        context=EXAMPLE[1],
        window=cutting.window,
        # More is refused where a long question leaves less room than two windows share.
        stride=min(cutting.stride, cutting.window // 3),
        longest=cutting.max_answer_length,
        end=end,
    )
    return code + rule
