"""One word gives a plugin all its names, and a word that would be confused with something is refused."""

from __future__ import annotations

import keyword
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import UsageError
from envkit.authoring.names import LONGEST_NAME, choose_names

TASKS = ("ner", "Question_Answering")


def is_there(module: str) -> bool:
    return module == "envkit_echo"


@pytest.mark.parametrize("given_name", ["my-ner", "envkit-my-ner"])
def test_names_of_a_plugin_follow_from_its_task(given_name: str) -> None:
    names = choose_names(given_name, tasks=TASKS, is_there=is_there)

    assert (names.task, names.distribution, names.module) == ("my-ner", "envkit-my-ner", "envkit_my_ner")
    assert (names.class_prefix, names.variable_prefix) == ("MyNer", "ENVKIT_MY_NER")


REFUSED = [
    ("", "no name for a task", "my-task"),
    ("envkit-", "no name for a task", "my-task"),
    ("My NER", "no name for a task", "envkit plugin new my-ner"),
    ("my_ner", "no name for a task", "envkit plugin new my-ner"),
    ("my--ner", "no name for a task", "envkit plugin new my-ner"),
    ("3d", "no name for a task", "envkit plugin new d"),
    ("../ner", "no name for a task", "envkit plugin new ner"),
    ("größe", "no name for a task", "envkit plugin new gr-e"),
    ("x" * (LONGEST_NAME + 1), "more than 28", "envkit plugin new xxxx"),
    ("ner", "a plugin for the task ner is installed here", "my-ner"),
    ("question-answering", "the task Question_Answering is installed here", "my-question"),
    ("echo", "a module envkit_echo here already", "my-echo"),
    ("ml", "envkit itself", "my-ml"),
    ("class", "a word of the Python language", "my-class"),
    ("match", "a word of the Python language", "my-match"),
    ("json", "a module of Python's standard library", "my-json"),
]


@pytest.mark.parametrize(("name", "reason", "hint"), REFUSED)
def test_name_that_cannot_be_used_is_refused_with_the_reason(name: str, reason: str, hint: str) -> None:
    with pytest.raises(UsageError, match=reason) as raised:
        choose_names(name, tasks=TASKS, is_there=is_there)

    assert hint in (raised.value.hint or "")


@given(st.text(alphabet="abz09-_. A", max_size=LONGEST_NAME + 3))
def test_names_that_pass_are_identifiers_and_belong_to_nobody(name: str) -> None:
    try:
        names = choose_names(name, tasks=TASKS, is_there=is_there)
    except UsageError as error:
        assert error.hint
        return
    assert names.module.isidentifier() and names.class_prefix.isidentifier()
    assert not keyword.iskeyword(names.task) and names.task not in sys.stdlib_module_names


@pytest.mark.parametrize("name", ["mirrors", "plugins", "home"])
def test_name_that_is_a_word_of_the_configuration_is_taken(name: str) -> None:
    with pytest.raises(UsageError, match="a word of envkit's own configuration"):
        choose_names(name, tasks=(), is_there=lambda module: False)
