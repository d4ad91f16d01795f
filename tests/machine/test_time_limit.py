from __future__ import annotations

import threading
import time

import pytest

from envkit.machine.time_limit import call_each, call_in_time, find_silent


def test_calls_that_answer_keep_their_order_and_their_errors():
    def fail() -> str:
        raise PermissionError(13, "Permission denied")

    def refuse() -> str:
        raise ValueError("null byte")

    first, second, third = call_each([lambda: "a", fail, refuse], seconds=5)
    assert first == "a"
    assert isinstance(second, PermissionError)
    assert isinstance(third, OSError) and str(third) == "null byte"
    assert call_each([], seconds=5) == []


def test_call_that_does_not_answer_costs_the_others_nothing():
    is_over = threading.Event()
    try:
        start = time.monotonic()
        late, good = call_each([is_over.wait, lambda: True], seconds=0.1)
        assert time.monotonic() - start < 3
        assert isinstance(late, TimeoutError) and str(late) == "no answer in 0.1 s"
        assert good is True
    finally:
        is_over.set()


def test_calls_that_can_have_no_thread_are_errors_of_their_own(monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    (answer,) = call_each([lambda: 1], seconds=1)
    assert isinstance(answer, OSError) and str(answer) == "can't start new thread"


def test_call_in_time_returns_raises_and_leaves_what_is_late(tmp_path):
    def fail() -> str:
        raise PermissionError(13, "Permission denied")

    assert call_in_time(lambda: "a", seconds=5) == "a"
    with pytest.raises(PermissionError):
        call_in_time(fail, seconds=5)
    is_over = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"no answer in 0\.02 s"):
            call_in_time(is_over.wait, seconds=0.02)
    finally:
        is_over.set()
    assert find_silent([tmp_path, tmp_path / "no"], seconds=5) == []
