"""The records of ``data.json``: what a look over the data has found.

Authors import them from ``envkit.api.records``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from envkit.api.versions import RECORDS_VERSION


class ProblemRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the data that the user should know; fields as in ``envkit.api.Problem``."""

    level: Literal["error", "warning", "note"]
    message: str
    place: str = ""
    count: int = 1
    hint: str = ""


class LengthRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How long the rows of a split are: in ``pieces`` of the model, special ones included, or in ``words``.

    ``usual`` is the length that 95 % of the rows do not pass; ``place`` names the longest row.
    """

    unit: Literal["pieces", "words"]
    total: int
    median: int
    usual: int
    longest: int
    place: str


class SplitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A split: its rows, and how many words or spans of them carry a label where it is not the row itself."""

    split: str
    rows: int
    items: int
    lengths: LengthRecord | None = None


class LabelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A label, and how often each split has it; where words are labelled, the entities of a type."""

    label: str
    counts: dict[str, int]


class SharedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of ``split`` that ``other`` has too: how many, their share (a fraction of 1), the first and its twin."""

    split: str
    other: str
    rows: int
    share: float
    place: str
    twin: str


class DuplicateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of train that stand there before, and how many rows share their text but not all one label."""

    rows: int
    contradicting: int


class PieceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the model's tokenizer makes of the data; shares are fractions of 1.

    ``window`` is how many pieces the model reads at once; ``lost`` is the share beyond it, by split, where
    what is beyond is lost; ``over_window`` counts the rows that are longer, by split. ``padding_random`` and
    ``padding_grouped`` are pieces computed / real pieces of train, in random order and with rows of about
    one length together, as runs do it, at ``step`` (``512 tokens``) a step.
    """

    model: str
    window: int
    unknown: dict[str, float]
    over_window: dict[str, int]
    lost: dict[str, float]
    step: str
    padding_random: float
    padding_grouped: float


class BaselineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a model scores that always says the same: ``prediction``, the commonest of train; by metric."""

    prediction: str
    metrics: dict[str, float]


class DurationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How long training may take on this machine, in seconds, and what says so; ``is_rough`` for a guess."""

    least: float
    most: float
    epochs: int
    tokens_per_second: float
    source: str
    is_rough: bool


class DataReport(msgspec.Struct, frozen=True, kw_only=True):
    """``data.json``: what a look over the data has found.

    ``labelled`` names what carries a label: ``text``, ``word``, ``question``. ``problems`` are in the order of
    their weight; ``notes`` say what was guessed, ``left_out`` what was not looked at, and why.
    """

    task: str
    labelled: str
    files: dict[str, str]
    splits: list[SplitRecord]
    labels: list[LabelRecord]
    problems: list[ProblemRecord]
    shared: list[SharedRecord]
    duplicates: DuplicateRecord
    notes: list[str] = []
    left_out: list[str] = []
    pieces: PieceRecord | None = None
    baseline: BaselineRecord | None = None
    training: DurationRecord | None = None
    version: int = RECORDS_VERSION
