"""Events are read as they were written, however the bytes arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.events import (
    AnyEvent,
    Choice,
    Done,
    EventSplitter,
    Failed,
    Hello,
    Measured,
    Message,
    Metrics,
    Phase,
    Plan,
    Refused,
    Step,
    encode_event,
)
from envkit.runs.follow import EventTail, follow

if TYPE_CHECKING:
    from pathlib import Path

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**53)
texts = st.text(st.characters(codec="utf-8"))
events = st.one_of(
    st.builds(Hello, time=numbers, pid=counts, python=texts, plugin=texts, from_step=st.none() | counts),
    st.builds(Phase, time=numbers, name=texts),
    st.builds(Message, time=numbers, text=texts, level=st.sampled_from(["info", "warning"])),
    st.builds(Plan, time=numbers, steps=counts, epochs=numbers),
    st.builds(
        Step,
        time=numbers,
        step=counts,
        loss=st.none() | numbers,
        tokens=counts,
        learning_rate=st.none() | numbers,
    ),
    st.builds(Metrics, time=numbers, step=counts, values=st.dictionaries(texts, numbers)),
    st.builds(Choice, time=numbers, name=texts, value=texts, reason=texts),
    st.builds(Measured, time=numbers, name=texts, value=numbers),
    st.builds(
        Refused,
        time=numbers,
        message=texts,
        exit_code=counts,
        after_hello=st.booleans(),
        hint=st.none() | texts,
        traceback=st.none() | texts,
    ),
    st.builds(
        Failed,
        time=numbers,
        message=texts,
        exit_code=counts,
        hint=st.none() | texts,
        traceback=st.none() | texts,
    ),
    st.builds(Done, time=numbers, status=st.sampled_from(["finished", "cancelled"])),
)


@given(st.lists(events, max_size=8), st.data())
def test_splitter_with_the_bytes_cut_anywhere_gives_the_same_events(
    sent: list[AnyEvent], data: st.DataObject
) -> None:
    stream = b"".join(map(encode_event, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    splitter = EventSplitter()

    got = [
        event
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for event in splitter.feed(stream[begin:end])
    ]

    assert got == sent


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b'{"event":"phase","time":1.0,"na',
        b'{"event":"from-a-newer-envkit","time":1.0,"what":[1]}',
        b'{"event":"step","time":1.0,"step":"one","loss":0,"tokens":0}',
        b"Epoch 1: 10%|#         | 1/10",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
    ],
)
def test_splitter_at_a_line_that_is_no_event_goes_on_with_the_next(line: bytes) -> None:
    phase = Phase(time=1.0, name="read")

    assert EventSplitter().feed(line + b"\n" + encode_event(phase)) == [phase]


def test_splitter_at_an_unknown_field_ignores_it() -> None:
    line = b'{"event":"phase","time":1.0,"name":"read","colour":"blue"}\n'

    assert EventSplitter().feed(line) == [Phase(time=1.0, name="read")]


def test_tail_from_a_position_reads_only_what_came_after(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    old, new = encode_event(Phase(time=1.0, name="old")), encode_event(Phase(time=2.0, name="new"))
    file.write_bytes(old)
    tail = EventTail(file, start=len(old))

    assert tail.read() == []
    file.write_bytes(old + new[:7])
    assert tail.read() == []
    file.write_bytes(old + new)
    assert tail.read() == [Phase(time=2.0, name="new")]


def test_tail_before_there_is_a_file_reads_nothing(tmp_path: Path) -> None:
    assert EventTail(tmp_path / "events.jsonl").read() == []


def test_follow_reads_what_was_written_just_before_the_worker_ended(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    lives = [True, True]

    def is_alive() -> bool:
        if lives:
            return lives.pop()
        file.write_bytes(encode_event(Done(time=1.0, status="finished")))  # its last words, then it is gone
        return False

    batches = list(follow(EventTail(file), is_alive=is_alive, sleep=lambda seconds: None))

    assert batches == [[], [], [Done(time=1.0, status="finished")]]
