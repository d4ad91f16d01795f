"""A log that is flooded keeps its beginning and its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from echo import wait_until
from hypothesis import given
from hypothesis import strategies as st

from envkit.worker.log_limit import LogLimit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest import TempPathFactory


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "worker.log"
    file.write_bytes(b"an earlier worker\n")
    return file


@pytest.fixture
def descriptor(log: Path) -> Iterator[int]:
    opened = os.open(log, os.O_WRONLY | os.O_APPEND)
    yield opened
    os.close(opened)


def limit_of(log: Path, descriptor: int, *, most: int, kept: int) -> LogLimit:
    start = len(b"an earlier worker\n")
    return LogLimit(file=log, start=start, on_cut=lambda _: None, most=most, kept=kept, descriptor=descriptor)


def test_log_below_its_limit_stays_as_it_is(log: Path, descriptor: int) -> None:
    os.write(descriptor, b"x" * 100)

    assert limit_of(log, descriptor, most=100, kept=10).cut() == 0
    assert log.read_bytes().endswith(b"x" * 100)


def test_flooded_log_keeps_beginning_and_end_says_so_and_goes_on(log: Path, descriptor: int) -> None:
    for number in range(1000):
        os.write(descriptor, f"line {number}\n".encode())

    left_out = limit_of(log, descriptor, most=1000, kept=100).cut()
    os.write(descriptor, b"after\n")

    text = log.read_text()
    assert text.startswith("an earlier worker\nline 0\n")
    assert f"[envkit: {left_out:,} bytes were left out here" in text
    assert text.endswith("line 998\nline 999\nafter\n")
    assert len(text) < 400


@given(lines=st.lists(st.binary(max_size=300), max_size=40), kept=st.integers(1, 200))
def test_cut_never_loses_the_last_line_and_bounds_the_log(
    tmp_path_factory: TempPathFactory, lines: list[bytes], kept: int
) -> None:
    file = tmp_path_factory.mktemp("log") / "worker.log"
    file.touch()
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        limit = LogLimit(
            file=file, start=0, on_cut=lambda _: None, most=3 * kept, kept=kept, descriptor=descriptor
        )
        for line in lines:
            os.write(descriptor, line.replace(b"\n", b" ") + b"\n")
            limit.cut()
            assert file.stat().st_size <= 3 * kept + 400
    finally:
        os.close(descriptor)


def test_watch_cuts_while_others_print_and_tells(log: Path, descriptor: int) -> None:
    told: list[int] = []
    limit = LogLimit(file=log, start=0, on_cut=told.append, most=1000, kept=100, descriptor=descriptor)
    limit.watch(sleep=lambda _: None)
    os.write(descriptor, b"y" * 5000 + b"\n")

    wait_until(lambda: bool(told))
    os.unlink(log)  # noqa: PTH108  # the thread ends with the file that it opens


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_WRONLY | os.O_APPEND])
def test_watch_leaves_alone_what_is_no_log_of_the_run(
    tmp_path: Path, log: Path, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.Thread.start", lambda _: pytest.fail("it looks at another's file"))
    other = tmp_path / "other"
    other.touch()
    descriptor = os.open(log if flags == os.O_WRONLY else other, flags)
    try:
        limit_of(log, descriptor, most=1, kept=1).watch()
    finally:
        os.close(descriptor)


def test_flooded_log_of_one_line_keeps_its_end(log: Path, descriptor: int) -> None:
    os.write(descriptor, b"\rstep".ljust(50, b".") * 400 + b"\rTHE END")

    limit_of(log, descriptor, most=4000, kept=500).cut()

    assert log.read_bytes().endswith(b"\rTHE END")
