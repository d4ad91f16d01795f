"""What is said of a worker that says nothing."""

from __future__ import annotations

import pytest

from envkit.runs.silence import Silence


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def said(clock: Clock, silence: Silence, until: int) -> list[tuple[int, str]]:
    """Return what is due while so many seconds pass, second by second."""
    found = []
    for second in range(1, until + 1):
        clock.now += 1
        if (text := silence.due()) is not None:
            found.append((second, text))
    return found


def test_silence_is_told_at_growing_distances_and_then_hourly() -> None:
    clock = Clock()

    found = said(clock, Silence(plugin="envkit-ner 1.0", clock=clock), 4 * 3600)

    assert [second for second, _ in found] == [60, 300, 900, 1800, 3600, 7200, 10800, 14400]
    assert found[0][1].startswith("Nothing has been heard of envkit-ner 1.0 for 1 min. Ctrl-C stops it")
    assert " for 2 h. " in found[5][1]


def test_silence_that_an_event_ends_begins_anew() -> None:
    clock = Clock()
    silence = Silence(plugin="envkit-ner 1.0", clock=clock)

    assert said(clock, silence, 59) == []
    silence.heard()
    assert [second for second, _ in said(clock, silence, 70)] == [60]


@pytest.mark.parametrize(("seconds", "words"), [(5.0, "5 s"), (3720.0, "1 h 2 min"), (90.0, "1 min")])
def test_silence_says_how_long_it_has_been(seconds: float, words: str) -> None:
    clock = Clock()
    silence = Silence(plugin="p 1", after=(seconds,), clock=clock)
    clock.now += seconds

    assert f" for {words}." in str(silence.due())
