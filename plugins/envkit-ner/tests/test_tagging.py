from __future__ import annotations

import pytest

from envkit.data.token_rows import Sentence

pytestmark = pytest.mark.torch

SENTENCES = (
    Sentence(("Ada", "wrote"), ("B-PER", "O"), 0, 1),
    Sentence(
        ("In", "York", "!"), ("O", "B-LOC", "O"), 0, 4, text="In York!", offsets=((0, 2), (3, 7), (7, 8))
    ),
)
FOUND = [("B-PER", "O"), ("B-LOC", "B-PER", "O")]


def test_judged_sentences_have_entities_in_characters_gold_and_how_far_off_they_are() -> None:
    from envkit_ner.tagging import JudgedSentences

    judged = JudgedSentences(SENTENCES, FOUND, file="dev.conll")
    right, wrong = judged
    ada = {"start": 0, "end": 3, "label": "PER", "text": "Ada"}
    assert right.fields == {"name": "dev.conll:1", "text": "Ada wrote", "entities": [ada], "gold": [ada]}
    assert (right.is_right, right.loss, right.columns) == (True, 0, (("Ada", "B-PER"), ("wrote", "O")))
    assert wrong.fields["text"] == "In York!"
    assert wrong.fields["entities"] == [
        {"start": 0, "end": 2, "label": "LOC", "text": "In"},
        {"start": 3, "end": 7, "label": "PER", "text": "York"},
    ]
    assert wrong.fields["gold"] == [{"start": 3, "end": 7, "label": "LOC", "text": "York"}]
    assert (wrong.is_right, wrong.loss) == (False, 2)
    assert judged[-1] == wrong
    assert judged[1:] == [wrong]
    assert len(judged) == 2


def test_score_split_names_all_by_the_split() -> None:
    from envkit_ner.tagging import score_split

    scored = score_split("test", SENTENCES, FOUND, file="dev.conll")
    assert scored.metrics["test/entity_recall"] == 0.5
    assert {name.partition("/")[0] for name in (*scored.metrics, *scored.intervals)} == {"test"}
    assert [table.kind for table in scored.tables] == ["scores", "scores", "errors"]
    assert all(table.title.startswith("test: ") for table in scored.tables)
