"""events.md: the lines of events.jsonl, each kind with its fields and an example."""

from __future__ import annotations

from typing import get_args

from envkit.api import events
from reference_pages.markdown import code, entry, field_table, page, prose
from reference_pages.source import read_module

_INTRODUCTION = f"""\
A run's `events.jsonl` has a line for each thing that happened, written by the worker as it happens. A line is one JSON
object: its kind in `event`, and seconds since the epoch in `time`. It is what `envkit run` shows, what trackers read,
and what is left of a run whose machine was lost.

Each worker begins with `hello`, which carries the version ({events.EVENTS_VERSION} now); a run that is resumed has
several. Kinds and fields are only ever added: skip the kinds that you do not know, and ignore unknown fields.

A plugin writes no events: it calls the methods of `run.report` ([Reporter](records.md#reporter)).

```python
from envkit.api.events import decode_event

for line in open("runs/RUN/events.jsonl", "rb"):
    event = decode_event(line)  # None for a kind of a newer envkit
```"""

_KINDS: tuple[type[events.Event], ...] = get_args(events.AnyEvent)
_EXAMPLES: tuple[events.AnyEvent, ...] = (
    events.Hello(time=1767225600.0, pid=4242, python="3.12.7", plugin="envkit-ner 0.1.0"),
    events.Phase(time=1767225600.1, name="train"),
    events.Message(time=1767225600.2, text="512 texts to train on"),
    events.Plan(time=1767225601.0, steps=96, epochs=3.0),
    events.Step(time=1767225602.0, step=1, loss=1.61, tokens=498, learning_rate=1e-05),
    events.Metrics(time=1767225640.0, step=32, values={"dev/entity_f1": 0.83, "dev/loss": 0.21}),
    events.Choice(
        time=1767225601.5, name="precision", value="bfloat16", reason="twice as fast as float32, and as sound"
    ),
    events.Measured(time=1767225660.0, name="padding_ratio", value=1.08),
    events.Refused(
        time=1767225600.3, message="train.conll has changed since", exit_code=2, hint="--force goes on"
    ),
    events.Failed(time=1767225603.0, message="train.csv:7: there is no label", exit_code=2),
    events.Done(time=1767225670.0, status="finished"),
)


def make() -> str:
    """Return the page."""
    return page("Events", _INTRODUCTION, *map(_describe, _KINDS), *_reading())


def examples() -> tuple[events.AnyEvent, ...]:
    """Return an event of each kind."""
    return _EXAMPLES


def _reading() -> list[str]:
    """Return what reads and writes events besides."""
    kinds = {kind.__name__ for kind in _KINDS}
    names = [name for name in read_module("envkit.api.events").values() if name.name not in kinds]
    return ["## Reading and writing\n\nOf `envkit.api.events`.", *map(entry, names)]


def _describe(kind: type[events.Event]) -> str:
    name = read_module("envkit.api.events")[kind.__name__]
    example = next(each for each in _EXAMPLES if type(each) is kind)
    return "\n\n".join(
        filter(
            None,
            [
                f"## {kind.__struct_config__.tag}",
                prose(name.text),
                field_table(name.fields),
                code(events.encode_event(example).decode(), language="json"),
            ],
        )
    )
