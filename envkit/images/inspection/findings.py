"""What a check of an image says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 5


class ImageFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found: ``where`` is the layer, ``hint`` what to do; of what is no fault, only told."""

    text: str
    where: str = ""
    hint: str = ""
    is_fault: bool = True


class CheckedSubject(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, in one line, and what was found there."""

    name: str
    summary: str
    findings: tuple[ImageFinding, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Tell whether there is no fault."""
        return not self.faults

    @property
    def faults(self) -> int:
        """Return how many faults there are."""
        return sum(each.is_fault for each in self.findings)


class ImageCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The check of an image: sizes in bytes; files larger than ``search_limit`` were not searched for secrets.

    With no lock to compare, of an image that envkit did not build (``is_of_envkit``) packages are no subject.
    """

    id: str
    names: tuple[str, ...]
    size: int
    layers: int
    is_deep: bool
    is_of_envkit: bool
    search_limit: int
    subjects: tuple[CheckedSubject, ...]

    @property
    def is_ok(self) -> bool:
        """Tell whether there is no fault in it."""
        return all(each.is_ok for each in self.subjects)

    @property
    def faults(self) -> int:
        """Return how many faults there are."""
        return sum(each.faults for each in self.subjects)


def some(paths: Sequence[str]) -> str:
    """Return the first of many paths, and how many more there are."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is one: ``1 layer``, ``2 layers``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
