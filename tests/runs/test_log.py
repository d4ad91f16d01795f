"""The end of a log, as a terminal would show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.runs.log import log_tail, screen_lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("", []),
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("\r10%|#   |\r50%|##  |\r100%|####|\ndone\n", ["100%|####|", "done"]),
        ("a long line\rshort\n", ["shortg line"]),
        ("a long line\r\x1b[Kshort\n", ["short"]),
        ("a long line\x1b[2K\rshort\n", ["short"]),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07word\n", ["red word"]),
        ("outer 1/2\n\rinner 1/9\rinner 9/9\x1b[A\router 2/2\n\n", ["outer 2/2", "inner 9/9"]),
        ("50%\b\b\b90%\n", ["90%"]),
        ("a\tb\n", ["a       b"]),
        ("bell\x07 null\x00\n\n \n", ["bell null"]),
        ("词 \u200bétendu\n", ["词 \u200bétendu"]),
    ],
)
def test_screen_lines_show_what_is_left_on_the_screen(printed: str, shown: list[str]) -> None:
    assert screen_lines(printed) == shown


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n\b\t\x1b[A2KB;m")))
def test_screen_lines_of_any_text_have_no_control_characters(printed: str) -> None:
    assert not any(
        ord(char) < 32 or 127 <= ord(char) < 160 for line in screen_lines(printed) for char in line
    )


def test_log_tail_of_a_long_log_gives_its_last_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(100_000)))

    assert log_tail(log, 2) == ["line 99998 \ufffd", "line 99999 \ufffd"]


def test_log_tail_from_a_position_leaves_out_what_was_before(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"before\nafter\n")

    assert log_tail(log, 20, start=len(b"before\n")) == ["after"]


def test_log_tail_without_a_log_is_empty(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "worker.log", 20) == []
