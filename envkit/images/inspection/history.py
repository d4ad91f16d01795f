"""The history of an image: which command made which layer, in words short enough to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from envkit.images.inspection.secret_patterns import mask_found
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

# `|2 NAME=value OTHER=value /bin/sh -c …`: build arguments stand before the command that could see them.
_ARGUMENTS = re.compile(r"^(?:RUN )?\|\d+ .*?(?=/bin/(?:ba)?sh )", re.DOTALL)
_SHELL = re.compile(r"^(?:RUN )?/bin/(?:ba)?sh (?:-o \w+ |-\w+ )*?-\w*c (?:#\(nop\)\s+)?")
_CLASSIC_COPY = re.compile(
    r"^(?P<verb>COPY|ADD) (?:\w+:[0-9a-f]{64}|multi:\S+) in (?P<target>.*)$", re.DOTALL
)
_WORDS_THAT_MAKE_LAYERS = ("RUN", "COPY", "ADD", "WORKDIR")


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """A command in an engine's answer, with what it added, in bytes."""

    created_by: str = msgspec.field(default="", name="CreatedBy")
    comment: str = msgspec.field(default="", name="Comment")
    size: int = msgspec.field(default=0, name="Size")


class LayerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A layer, from 1 for the lowest: bytes that it adds, and what made it."""

    number: int
    size: int
    command: str
    is_of_base: bool = False


def short_command(created_by: str) -> str:
    """Return a command as it stands in a Dockerfile, on one line, with what may be secret left out."""
    text = created_by.strip()
    is_instruction = "#(nop)" in text
    rest = _ARGUMENTS.sub("", text)
    bare = _SHELL.sub("", rest)
    if bare != rest and not is_instruction:
        bare = f"RUN {bare}"
    bare = bare.removesuffix("# buildkit").strip()
    if copied := _CLASSIC_COPY.match(bare):
        bare = f"{copied['verb']} … {copied['target']}"
    return " ".join(mask_secrets(mask_found(bare)).split())


def layers_of(history: Sequence[HistoryLine], *, count: int, base_count: int = 0) -> tuple[LayerLine, ...]:
    """Return the layers of a history that has the newest command first.

    An engine does not say which commands left no layer. What adds bytes has one; of the others as many as are
    missing, those first that an engine makes layers of.
    """
    lines = list(reversed(history))
    chosen = {number for number, line in enumerate(lines) if line.size}
    for is_likely in (True, False):
        for number, line in enumerate(lines):
            if len(chosen) < count and _makes_layer(line) is is_likely:
                chosen.add(number)
    made = [lines[number] for number in sorted(chosen)][:count]
    made = [HistoryLine()] * (count - len(made)) + made
    return tuple(
        LayerLine(
            number=number,
            size=line.size,
            command=short_command(line.created_by) or _said_instead(line.comment),
            is_of_base=number <= base_count,
        )
        for number, line in enumerate(made, 1)
    )


def _said_instead(comment: str) -> str:
    """Return what an engine wrote of a layer that no command made."""
    if comment == "Imported from -":  # `docker import -`
        return "imported from an archive"
    return " ".join(mask_secrets(mask_found(comment)).split())


def _makes_layer(line: HistoryLine) -> bool:
    return short_command(line.created_by).startswith(_WORDS_THAT_MAKE_LAYERS)
