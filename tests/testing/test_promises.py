"""Promises are run to the last one, and what could not be checked is not passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.testing import Check, NotChecked
from envkit.testing.promises import fresh_folder, run_checks

if TYPE_CHECKING:
    from pathlib import Path


def act(error: Exception | None) -> None:
    if error is not None:
        raise error


KEPT = Check("kept", "one", lambda _: act(None))
BROKEN = Check("broken", "two", lambda _: act(AssertionError("it is not")))
UNCHECKED = Check("unchecked", "three", lambda _: act(NotChecked("nothing moves")))


def test_run_checks_of_one_that_cannot_be_checked_says_so() -> None:
    with pytest.raises(NotChecked) as caught:
        run_checks([UNCHECKED, KEPT], None, of="the task ner")
    said = str(caught.value).splitlines()
    assert said == [
        "not all could be checked of the task ner:",
        "unchecked: three; not checked, nothing moves",
    ]


def test_run_checks_of_a_broken_promise_names_that_alone() -> None:
    with pytest.raises(AssertionError, match="does not keep:\nbroken: two; but it is not$"):
        run_checks([UNCHECKED, BROKEN, KEPT], None, of="the task ner")
    run_checks([KEPT], None, of="the task ner")


def test_fresh_folder_is_new_each_time_below_what_is_given(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        with fresh_folder(tmp_path / "runs") as folder:
            (folder / "usual").mkdir()
        made.append(folder)
    assert made[0] != made[1]
    assert all((folder / "usual").is_dir() and folder.parent == tmp_path / "runs" for folder in made)
