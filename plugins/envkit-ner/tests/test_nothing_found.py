"""A model that finds nothing says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.data.token_rows import Sentence

if TYPE_CHECKING:
    from conftest import Record

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("gold", "found", "warns"),
    [("B-PER O", "O O", True), ("B-PER O", "O B-LOC", False), ("O O", "O O", False)],
)
def test_scores_of_a_model_that_finds_no_entity_come_with_a_warning(
    record: Record, gold: str, found: str, warns: bool
) -> None:
    from envkit.api import Run
    from envkit_ner.train import warn_of_nothing_found

    nowhere: Any = None
    run: Any = Run(
        options=None, data=None, run_dir=nowhere, model_dir=nowhere, report=record, should_stop=lambda: False
    )
    sentence: Any = Sentence(words=("Ada", "left"), tags=tuple(gold.split()), document=0, line=1)

    warn_of_nothing_found(run, "dev", [sentence], [found.split()])

    assert [text.startswith("the model found no entity in dev") for text in record.warned] == [True] * warns
