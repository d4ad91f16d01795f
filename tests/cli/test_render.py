"""What people see, to the column."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from envkit.api.events import Message, Metrics, Phase, Plan, Step
from envkit.cli.progress import LiveScreen, PlainScreen
from envkit.cli.render import print_pairs, print_table, seconds_text, size_text


def console(*, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=80, force_terminal=is_terminal, highlight=False, soft_wrap=True), stream


def test_print_table_with_wide_characters_aligns_by_what_the_screen_shows() -> None:
    to, stream = console()

    print_table(("NAME", "F1", "NOTE"), [("北京大学", "0.91", "x"), ("Å", "12.5", "y")], console=to)

    assert stream.getvalue().splitlines() == [
        "NAME        F1  NOTE",
        "北京大学  0.91  x",
        "Å         12.5  y",
    ]


words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)


@given(rows=st.lists(st.tuples(words, words), min_size=1, max_size=5))
def test_print_table_starts_every_column_in_one_place(rows: list[tuple[str, str]]) -> None:
    to, stream = console()

    print_table(("FIRST", "SECOND"), [(left, f"|{right}") for left, right in rows], console=to)

    lines = stream.getvalue().splitlines()[1:]
    starts = {cell_len(line[: line.index("  |") + 2]) for line in lines if "|" not in line.split("  |")[0]}
    assert len(starts) <= 1


def test_print_pairs_prints_names_alone_in_bold() -> None:
    to, stream = console(is_terminal=True)

    print_pairs([("why", "a value")], console=to)

    assert stream.getvalue() == "\x1b[1mwhy\x1b[0m  a value\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1:00"), (3723, "1:02:03")]
)
def test_seconds_text(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999 B"), (12_300, "12 kB"), (1_250_000, "1.2 MB"), (191_794_682, "192 MB"), (2e12, "2.0 TB")],
)
def test_size_text(count: float, text: str) -> None:
    assert size_text(count) == text


def events() -> list[Phase | Message | Plan | Step | Metrics]:
    steps = [Step(time=10.0 + n, step=n, loss=2.0 / n, tokens=500 * n) for n in range(1, 21)]
    return [
        Phase(time=9.0, name="load"),
        Message(time=9.1, text="Model from here"),
        Message(time=9.2, text="half of it is unknown", level="warning"),
        Plan(time=9.5, steps=20, epochs=1.0),
        Phase(time=10.0, name="train"),
        *steps,
        Metrics(time=31.0, step=20, values={"dev/entity_f1": 0.5, "dev/support": 7.0}),
    ]


def test_plain_screen_prints_whole_lines_and_steps_only_now_and_then() -> None:
    to, stream = console()
    now = iter(range(1000))
    screen = PlainScreen(to, "entity_f1", clock=lambda: float(next(now)))

    for event in events():
        screen.event(event)

    lines = stream.getvalue().splitlines()
    assert lines[:4] == ["load", "Model from here", "warning: half of it is unknown", "train"]
    assert lines[-1] == "step 20/20  dev/entity_f1 0.5000"
    steps = [line for line in lines[4:-1] if line.startswith("step ")]
    assert 0 < len(steps) < 20
    assert "500 tokens/s" in steps[-1]
    assert "left" in steps[-1]


def test_live_screen_keeps_messages_and_its_bar_within_80_columns() -> None:
    to, stream = console(is_terminal=True)

    with LiveScreen(to, "entity_f1") as screen:
        screen.step("downloading torch (183 MiB), " * 6)
        for event in events():
            screen.event(event)
        screen.bar.refresh()

    text = stream.getvalue()
    assert "warning: half of it is unknown" in text
    assert "step 20/20" in text
    plain = Console(file=io.StringIO(), width=80, force_terminal=False)
    shown = [line for part in text.split("\n") for line in part.split("\r")]
    assert all(plain.measure(Text.from_ansi(line)).maximum <= 80 for line in shown)
