"""What a plugin tells of its data so that envkit can look it over before anything is trained."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One row: where it is from (``train.tsv:12``), what the model reads of it, and its labels.

    ``texts`` are one text, or the two of a pair; ``labels`` is one of a text, several of a text with several,
    one a word where words are labelled. Two rows with one ``key`` are the same row (default: the texts).
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    key: Hashable = None

    @property
    def identity(self) -> Hashable:
        """Return what makes this row the same as another."""
        return self.texts if self.key is None else self.key


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in the data that the user should know: ``error`` would end a run, ``warning`` harms it.

    ``place`` is the first row that has it, ``count`` how many do; ``hint`` says what to do.
    """

    level: Literal["error", "warning", "note"]
    message: str
    place: str = ""
    count: int = 1
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """All rows by split (``train``, ``dev``, ``test``), read leniently: what is wrong is in ``problems``.

    ``labelled`` names what carries a label: ``text``, ``word``, ``question``. ``notes`` say what was guessed.
    ``window`` is how many pieces the model is given at once, None for as many as it can, or with
    ``has_usual_window`` as many as it was trained on; ``is_cut`` says that what is beyond the window is lost
    to the model, rather than read in further windows.
    """

    splits: Mapping[str, Sequence[CorpusRow]]
    labelled: str = "text"
    notes: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    window: int | None = None
    is_cut: bool = False
    has_usual_window: bool = False
