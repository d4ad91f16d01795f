"""The columns that a model was trained on, found again in files to predict on or to score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEXT = "text"  # as a stream calls the longest column of a table without a header


@dataclass(frozen=True)
class UsedColumns:
    """Where text, pair and label stood: by their names, or by numbers from 1 where there was no header."""

    text: str | int
    pair: str | int | None
    label: str | int | None

    @classmethod
    def of(
        cls, columns: Sequence[str], *, text: int, pair: int | None, label: int | None, has_header: bool
    ) -> UsedColumns:
        """Return the columns at these places, from 0."""
        first, second, third = (
            place if place is None else columns[place] if has_header else place + 1
            for place in (text, pair, label)
        )
        assert first is not None
        return cls(first, second, third)

    @classmethod
    def from_builtins(cls, kept: Mapping[str, Any] | None) -> UsedColumns | None:
        """Return what ``to_builtins`` gave; None for a model that keeps none."""
        return None if kept is None else cls(kept["text"], kept["pair"], kept["label"])

    def to_builtins(self) -> dict[str, str | int | None]:
        """Return what a model keeps."""
        return {"text": self.text, "pair": self.pair, "label": self.label}

    @property
    def names(self) -> tuple[str, ...]:
        """Return those that have names."""
        return tuple(each for each in (self.text, self.pair, self.label) if isinstance(each, str))

    @property
    def references(self) -> tuple[str, ...]:
        """Return all of them as a user gives them: names, and numbers as text."""
        return tuple(str(each) for each in (self.text, self.pair, self.label) if each is not None)

    def among(self, columns: Sequence[str], *, needs_label: bool) -> FoundColumns | None:
        """Return the columns of a table or record that these are, None where it has not all of them.

        Numbers are those of a table that has no header either. Without ``needs_label`` the label may lack.
        """
        is_numbered = all(name in (str(number), _TEXT) for number, name in enumerate(columns, start=1))

        def find(wanted: str | int | None) -> str | None:
            if isinstance(wanted, int):
                return columns[wanted - 1] if is_numbered and wanted <= len(columns) else None
            return wanted if wanted in columns else None

        text, pair, label = find(self.text), find(self.pair), find(self.label)
        if text is None or (self.pair is not None and pair is None):
            return None
        if needs_label and label is None:
            return None
        return FoundColumns(text, pair, label)


@dataclass(frozen=True)
class FoundColumns:
    """The names of the columns of text, pair and label; None for those that are not there."""

    text: str
    pair: str | None
    label: str | None
