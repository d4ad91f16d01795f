"""Tell what labels say: which polarity, or which step of a rating."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from envkit.api import DataError, UsageError
from envkit_sentiment.label_words import NUMBER, STRENGTHS, is_stars, parse_label

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from envkit_sentiment.label_words import Meaning

POLARITIES = ("negative", "neutral", "positive")
MOST_STEPS = 20  # of a rating: half stars up to 10; beyond, numbers are measurements and no labels
NAMED_LABELS = 8  # unknown labels in a message

# Three numbers that data sets use for three polarities; any other three are steps of a rating.
_THREE_POLARITIES = ({-1.0, 0.0, 1.0}, {0.0, 1.0, 2.0}, {0.0, 2.0, 4.0})


@dataclass(frozen=True)
class Scale:
    """What the labels of the training data mean.

    ``levels`` are the names that the model knows, from the lowest to the highest, and ``values`` what each is
    worth, in the unit of the labels; ``meanings`` gives the level of each label as it stands in the data.
    ``is_guess`` says that the labels alone do not tell what they mean.
    """

    kind: Literal["polarity", "ordinal"]
    levels: tuple[str, ...]
    values: tuple[float, ...]
    meanings: Mapping[str, str]
    is_guess: bool = False
    is_given: bool = False
    _by_meaning: Mapping[Meaning, str] = field(default_factory=dict, repr=False)

    def level_of(self, label: str) -> str | None:
        """Return the level of a label, of other data too, or None where it is none of these."""
        level = self.meanings.get(label) or (label if label in self.levels else None)
        if level is not None or self.is_given:
            return level
        meaning = parse_label(label)
        if meaning in self.levels:  # a polarity in another word than those of the training: pos, where 1 was
            return str(meaning)
        return None if meaning is None else self._by_meaning.get(meaning)

    def describe_new(self, labels: Iterable[str]) -> str | None:
        """Return one line on labels that training wrote otherwise: ``pos -> positive``; None where there is none."""
        new = [f"{label} -> {self.level_of(label)}" for label in labels if label not in self._spelled]
        return "Labels, as the model knows them: " + ", ".join(dict.fromkeys(new)) if new else None

    def describe_span(self, levels: Collection[str]) -> str | None:
        """Return one line on ratings that end before those of the model: they may be of another scale."""
        if self.kind != "ordinal" or not all(map(NUMBER.fullmatch, self.levels)):
            return None
        there = [level for level in self.levels if level in set(levels)]
        if not there or (there[0], there[-1]) == (self.levels[0], self.levels[-1]):
            return None
        return (
            f"The file has ratings from {there[0]} to {there[-1]}, and the model knows {self.levels[0]} to "
            f"{self.levels[-1]}: the scores hold if both are of one scale"
        )

    @property
    def _spelled(self) -> set[str]:
        return {*self.meanings, *self.levels}

    def to_builtins(self) -> dict[str, Any]:
        """Return the scale as JSON can hold it, to be kept with a model."""
        return {
            "kind": self.kind,
            "levels": list(self.levels),
            "values": list(self.values),
            "meanings": dict(self.meanings),
            "is_given": self.is_given,
        }

    @classmethod
    def from_builtins(cls, kept: Mapping[str, Any]) -> Scale:
        """Return the scale that was kept with a model."""
        parsed = {parse_label(label): level for label, level in kept["meanings"].items()}
        return cls(
            kind=kept["kind"],
            levels=tuple(kept["levels"]),
            values=tuple(map(float, kept["values"])),
            meanings=dict(kept["meanings"]),
            is_given=kept["is_given"],
            _by_meaning={meaning: level for meaning, level in parsed.items() if meaning is not None},
        )

    def describe(self) -> str:
        """Return one line on what the labels were taken for: ``1 -> positive, 0 -> negative``."""
        changed = [
            f"{label} -> {level}"
            for level in reversed(self.levels)
            for label, of_label in self.meanings.items()
            if of_label == level != label
        ]
        opening = "Polarities: " if self.kind == "polarity" else "Ratings, from low to high: "
        kept = "" if changed and self.kind == "polarity" else ", ".join(self.levels)
        line = opening + "; ".join(part for part in (kept, ", ".join(changed)) if part)
        if self.is_guess:
            pairs = ",".join(f"{label}={level}" for label, level in self.meanings.items())
            line += f' (a guess; say otherwise with --labels "{pairs}")'
        return line


def read_scale(labels: Iterable[str], *, kind: str = "auto", given: str | None = None) -> Scale:
    """Return what these labels, those of the training data, mean.

    ``kind`` is ``auto``, ``polarity`` or ``ordinal``; ``given`` what the user says of them
    (``0=negative,1=positive``). Raises: DataError for labels that mean nothing, or all the same;
    UsageError where ``given`` cannot be read.
    """
    found = list(dict.fromkeys(labels))
    meant = {label: parse_label(label) for label in found} if given is None else _given(found, given)
    unknown = [label for label, meaning in meant.items() if meaning is None]
    if unknown:
        raise _unknown(unknown, given)
    known = {label: meaning for label, meaning in meant.items() if meaning is not None}
    by_meaning, is_guess = _levels_of(known, kind, is_given=given is not None)
    meanings = {
        label: by_meaning[known[label]] for label in sorted(known, key=lambda each: _rank(known[each]))
    }
    scale = _make_scale(
        by_meaning,
        meanings,
        is_ordinal=kind == "ordinal",
        is_guess=is_guess and given is None,
        is_given=given is not None,
    )
    if len(scale.levels) < 2:
        only = ", ".join(repr(label) for label in found[:NAMED_LABELS])
        raise DataError(
            f"all training rows have one label ({only}), expected at least two different ones",
            hint="Give data with other labels too, or name their column: --label-column NAME",
        )
    return scale


def _levels_of(known: Mapping[str, Meaning], kind: str, *, is_given: bool) -> tuple[dict[Meaning, str], bool]:
    """Return the level of each meaning, and whether that is a guess."""
    words = {meaning for meaning in known.values() if isinstance(meaning, str)}
    numbers = {meaning for meaning in known.values() if not isinstance(meaning, str)}
    if len(numbers) > MOST_STEPS:
        raise DataError(
            f"the labels are {len(numbers)} different numbers, expected a scale of at most {MOST_STEPS} steps",
            hint="Name another column with --label-column, or make classes of the numbers first",
        )
    if not words:
        has_stars = any(is_stars(label) for label in known)
        if kind == "ordinal" or (
            kind == "auto" and (has_stars or (is_given or not _look_like_polarities(numbers)))
        ):
            return {number: f"{number:g}" for number in numbers}, False
        return _polarities(numbers)
    if not numbers:
        if kind == "polarity":
            return {word: _plain(word) for word in words}, not words <= set(POLARITIES)
        return {word: word for word in words}, False
    if kind == "ordinal" or not numbers <= {-1.0, 0.0, 1.0} or not words <= set(POLARITIES):
        named = ", ".join(repr(label) for label in list(known)[:NAMED_LABELS])
        raise DataError(
            f"the labels are words and numbers at once ({named}), expected the one or the other",
            hint='Say what each means: --labels "good=positive,0=negative"',
        )
    lowest = "neutral" if -1.0 in numbers else "negative"
    as_words = {-1.0: "negative", 0.0: lowest, 1.0: "positive"}
    return {**{word: str(word) for word in words}, **{n: as_words[n] for n in numbers}}, 0.0 in numbers


def _look_like_polarities(numbers: set[float]) -> bool:
    return len(numbers) <= 2 or numbers in _THREE_POLARITIES


def _polarities(numbers: set[float]) -> tuple[dict[Meaning, str], bool]:
    """Return the polarity of each number: below, at and above the middle of them all."""
    ordered = sorted(numbers)
    middle = 0.0 if -1.0 in numbers and numbers <= _THREE_POLARITIES[0] else (ordered[0] + ordered[-1]) / 2
    of_sign = {-1: "negative", 0: "neutral", 1: "positive"}
    levels: dict[Meaning, str] = {
        number: of_sign[(number > middle) - (number < middle)] for number in ordered
    }
    is_certain = -1.0 in numbers and numbers <= _THREE_POLARITIES[0]
    return levels, not is_certain


def _plain(word: Meaning) -> str:
    """Return the polarity of a word with a strength: ``very negative`` is negative."""
    return str(word).rpartition(" ")[2]


def _make_scale(
    by_meaning: dict[Meaning, str],
    meanings: dict[str, str],
    *,
    is_ordinal: bool,
    is_guess: bool,
    is_given: bool,
) -> Scale:
    levels = set(by_meaning.values())
    if all(NUMBER.fullmatch(level) for level in levels):
        ordered = sorted(levels, key=float)
        values = tuple(float(level) for level in ordered)
    else:
        ordered = sorted(levels, key=STRENGTHS.index)
        values = tuple(float(number) for number in range(len(ordered)))
    return Scale(
        kind="polarity" if levels <= set(POLARITIES) and not is_ordinal else "ordinal",
        levels=tuple(ordered),
        values=values,
        meanings=meanings,
        is_guess=is_guess,
        is_given=is_given,
        _by_meaning=by_meaning,
    )


def _rank(meaning: Meaning) -> float:
    return float(STRENGTHS.index(meaning)) if isinstance(meaning, str) else meaning


def _given(found: list[str], given: str) -> dict[str, Meaning | None]:
    """Return what the user says of each label. Raises: UsageError."""
    said: dict[str, Meaning] = {}
    for part in given.split(","):
        label, equals, meaning = (piece.strip() for piece in part.rpartition("="))
        parsed = parse_label(meaning)
        if not equals or not label or parsed is None:
            raise UsageError(
                f"--labels has {part.strip()!r}, expected LABEL=MEANING, where a meaning is negative, neutral, "
                "positive or a number",
                hint='Write it as --labels "0=negative,1=positive"',
            )
        said[label] = parsed
    if len({type(meaning) for meaning in said.values()}) > 1:
        raise UsageError(
            "--labels has words and numbers as meanings, expected the one or the other",
            hint='Write it as --labels "0=negative,1=positive" or --labels "bad=1,good=2"',
        )
    return {label: said.get(label) for label in found}


def _unknown(labels: list[str], given: str | None) -> DataError:
    named = ", ".join(repr(label) for label in labels[:NAMED_LABELS])
    more = f" and {len(labels) - NAMED_LABELS} more" if len(labels) > NAMED_LABELS else ""
    if given is not None:
        return DataError(
            f"--labels does not say what these labels mean: {named}{more}",
            hint="Add them to --labels: LABEL=negative, neutral, positive or a number",
        )
    example = ",".join(f"{label}=…" for label in labels[:2])
    return DataError(
        f"these labels are no polarity and no rating: {named}{more}",
        hint=f'Say what each label means, as --labels "{example}" with negative, neutral, positive or numbers; '
        "or classify by any labels: envkit run classification",
    )
