"""readers.md, loop.md and testing.md: what readers and loops are made of, and the kit of authors."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reference_pages.markdown import entry, page
from reference_pages.public import public_names, usual_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reference_pages.source import Name

_READERS = """\
`envkit.data` reads the files that people have. Nothing in it needs torch, so `envkit_read` and `envkit_corpus` may import
it. Lines and rows are counted from 1 in errors; character offsets from 0, the end excluded.

Here is what plugins usually need; [More readers](readers-more.md) has the rest."""
_PARTS = """\
`envkit.finetune` has what is easy to get wrong in a loop, each part on its own. Every module of it may import torch: import
them in the body of a hook, or in a module that only such a body imports. Shapes are given as `(batch, pieces)`;
a piece is a token of the model's own tokenizer. How they fit together is in the [tutorial](../tutorial.md).

Here is what loops usually need; [More parts](loop-more.md) has the rest."""
_TESTING = """\
`envkit.testing` is for the tests of a plugin. `envkit plugin check` runs the same promises in the
environment that a run of the task would have.

Every task is held to its [contract](#contract); what of it is not kept is named in one error:

```python
from envkit.testing import check_task
from envkit_mood.contract import CONTRACT


def test_contract_of_the_task_is_kept(tmp_path):
    check_task(CONTRACT, tmp_path)
```"""
# In the order in which a reader or a loop meets them; modules that are not named here come behind, by name.
_ORDER = (
    "splits", "streaming", "texts", "text_records", "rows", "token_rows", "spans", "tag_schemes", "squad",
    "seeds", "devices", "models", "inputs", "text_examples", "prepare", "training", "steps", "losses", "evaluation",
    "intervals", "finish", "saved_models",
)  # fmt: skip
_MORE = """\
Public as well, and rarely needed: what the names in [{title}]({file}) are made of. [Versions](../versions.md) says what
that promises."""


def make_data() -> str:
    """Return the page of the readers that plugins usually need."""
    return page("Readers (envkit.data)", _READERS, *_by_module(usual_names("envkit.data")))


def make_more_data() -> str:
    """Return the page of all other readers."""
    introduction = _MORE.format(title="Readers", file="readers.md")
    return page("More readers (envkit.data)", introduction, *_by_module(_rest("envkit.data")))


def make_finetune() -> str:
    """Return the page of the parts that loops usually need."""
    return page("Parts of a loop (envkit.finetune)", _PARTS, *_by_module(usual_names("envkit.finetune")))


def make_more_finetune() -> str:
    """Return the page of all other parts."""
    introduction = _MORE.format(title="Parts of a loop", file="loop.md")
    return page("More parts (envkit.finetune)", introduction, *_by_module(_rest("envkit.finetune")))


def make_testing() -> str:
    """Return the page of the kit for tests."""
    return page(
        "Testing (envkit.testing)",
        _TESTING,
        *(entry(name, level=2) for name in public_names("envkit.testing")),
    )


def _rest(package: str) -> list[Name]:
    usual = usual_names(package)
    return [name for name in public_names(package) if name not in usual]


def _by_module(names: Iterable[Name]) -> Iterator[str]:
    for module, here in groupby(sorted(names, key=_place), key=lambda name: name.module):
        yield f"## {module}"
        yield from map(entry, here)


def _place(name: Name) -> tuple[int, str]:
    last = name.module.rpartition(".")[2]
    return _ORDER.index(last) if last in _ORDER else len(_ORDER), name.module
