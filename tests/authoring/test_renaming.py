"""Text that speaks of one plugin comes to speak of another, and nothing else in it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.authoring.names import PluginNames
from envkit.authoring.renaming import OldNames, Renaming, defined_classes

OLD = OldNames(
    task="ner",
    distribution="envkit-ner",
    module="envkit_ner",
    classes=frozenset({"NerOptions", "NerData", "Nerve", "Window"}),
)
RENAME = Renaming(OLD, PluginNames("my-names"))

CHANGED = [
    ("from envkit_ner.read import NerData", "from envkit_my_names.read import MyNamesData"),
    ("src/envkit_ner/sample", "src/envkit_my_names/sample"),
    ('version("envkit-ner")', 'version("envkit-my-names")'),
    ("envkit run ner --data a.conll", "envkit run my-names --data a.conll"),
    ("`envkit data check ner FILE`", "`envkit data check my-names FILE`"),
    ("The task ``ner``: its", "The task ``my-names``: its"),
    ('Contract(task="ner")', 'Contract(task="my-names")'),
    ("load_task('ner')", "load_task('my-names')"),
    ("ENVKIT_NER_EPOCHS=3", "ENVKIT_MY_NAMES_EPOCHS=3"),
    ("pip install . ./plugins/envkit-ner     # in a checkout", "pip install envkit-my-names"),
]
KEPT = [
    "ner_tags",
    "envkit_nerve",
    "envkit-ner-more",
    "my-envkit-ner",
    "Nerve",
    "AnyNerOptions",
    "Window",
    "the ner task",
    "envkit run nerve",
    "dslim/bert-base-ner",
]


@pytest.mark.parametrize(("text", "renamed"), CHANGED)
def test_names_of_the_old_plugin_become_those_of_the_new(text: str, renamed: str) -> None:
    assert RENAME(text) == renamed


@pytest.mark.parametrize("text", KEPT)
def test_words_that_only_look_like_its_names_stay(text: str) -> None:
    assert RENAME(text) == text


@given(st.lists(st.sampled_from([*(text for text, _ in CHANGED), *KEPT]), max_size=8))
def test_text_that_was_renamed_has_nothing_left_to_rename(parts: list[str]) -> None:
    once = RENAME("\n".join(parts))

    assert RENAME(once) == once


def test_classes_are_found_wherever_they_are_defined() -> None:
    assert defined_classes(["class A:\n    class B: pass", "def f():\n    class C: pass", "x = 1"]) == {
        "A",
        "B",
        "C",
    }
