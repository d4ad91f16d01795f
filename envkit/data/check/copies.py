"""Find rows that stand twice: in two splits, or in train with labels that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING

from envkit.api import Problem
from envkit.api.records import DuplicateRecord, SharedRecord
from envkit.data.check.words import percent, plural, shown
from envkit.data.cut.copies import copy_keys

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from envkit.api import Corpus, CorpusRow


@dataclass(frozen=True)
class Copies:
    """The rows of a corpus that stand twice, and what is wrong about it."""

    shared: list[SharedRecord]
    duplicates: DuplicateRecord
    problems: list[Problem]


def find_copies(corpus: Corpus) -> Copies:
    """Compare the rows of all splits by their identity, case and blanks aside."""
    keys = _plain_identities(corpus)
    first = {split: _first_rows(rows, keys[split]) for split, rows in corpus.splits.items()}
    shared = [
        record
        for other, split in combinations(corpus.splits, 2)
        if (record := _shared(corpus.splits[split], keys[split], first[other], split=split, other=other))
    ]
    duplicates, contradiction = _duplicates(
        corpus.splits.get("train", ()), keys.get("train", ()), first.get("train", {})
    )
    problems = [_shared_problem(record) for record in shared]
    problems += [] if contradiction is None else [contradiction]
    problems += _duplicates_problem(corpus, duplicates)
    return Copies(shared, duplicates, problems)


def _plain_identities(corpus: Corpus) -> dict[str, list[Hashable]]:
    """Return what makes rows the same, case and blanks aside: a model learns one from the other all the same."""
    found = [_joined_identity(row) for rows in corpus.splits.values() for row in rows]
    texts = [identity for identity in found if isinstance(identity, str)]
    keys = iter(copy_keys(texts))
    every = iter([next(keys) if isinstance(identity, str) else identity for identity in found])
    return {split: list(islice(every, len(rows))) for split, rows in corpus.splits.items()}


def _joined_identity(row: CorpusRow) -> Hashable:
    identity = row.identity
    if row.key is None:
        return "\n".join(row.texts)
    if isinstance(identity, tuple) and all(isinstance(part, str) for part in identity):
        return "\n".join(identity)
    return identity


def _first_rows(rows: Sequence[CorpusRow], keys: Sequence[Hashable]) -> dict[Hashable, CorpusRow]:
    first: dict[Hashable, CorpusRow] = {}
    for key, row in zip(keys, rows, strict=True):
        first.setdefault(key, row)
    return first


def _shared(
    rows: Sequence[CorpusRow],
    keys: Sequence[Hashable],
    theirs: dict[Hashable, CorpusRow],
    *,
    split: str,
    other: str,
) -> SharedRecord | None:
    twins = [(row, theirs[key]) for row, key in zip(rows, keys, strict=True) if key in theirs]
    if not twins:
        return None
    row, twin = twins[0]
    return SharedRecord(
        split=split,
        other=other,
        rows=len(twins),
        share=len(twins) / len(rows),
        place=row.name,
        twin=twin.name,
    )


def _shared_problem(record: SharedRecord) -> Problem:
    stand = "stands" if record.rows == 1 else "stand"
    first = "" if record.rows == 1 else "the first, "
    score = "the score" if record.split == "test" else "the choice of the model"
    return Problem(
        level="warning",
        message=f"{plural(record.rows, 'row')} of {record.split} ({percent(record.share)}) {stand} in "
        f"{record.other} too, case and blanks aside: {first}{record.place}, is {record.twin}",
        place=record.place,
        count=record.rows,
        hint=f"Take them out of {record.other}, or {score} counts what was learned by heart"
        if record.other == "train"
        else f"Take them out of {record.other}: what chose the model should not score it",
    )


def _duplicates(
    rows: Sequence[CorpusRow], keys: Sequence[Hashable], first: dict[Hashable, CorpusRow]
) -> tuple[DuplicateRecord, Problem | None]:
    repeated = [(row, key) for row, key in zip(rows, keys, strict=True) if first[key] is not row]
    against = [(row, key) for row, key in repeated if _labels(row) != _labels(first[key])]
    torn = {key for _, key in against}
    involved = len(torn) + sum(key in torn for _, key in repeated)
    record = DuplicateRecord(rows=len(repeated), contradicting=involved)
    if not against:
        return record, None
    other, key = against[0]
    one = first[key]
    message = (
        f"{plural(involved, 'row')} of train have a twin with another label: "
        f"{shown(one.texts[0])} is {_named(one, other)} in {one.name} and "
        f"{_named(other, one)} in {other.name}"
    )
    problem = Problem(
        level="warning",
        message=message,
        place=other.name,
        count=involved,
        hint="Decide which label is right, and take the other row out",
    )
    return record, problem


def _duplicates_problem(corpus: Corpus, duplicates: DuplicateRecord) -> Iterator[Problem]:
    if duplicates.rows:
        share = duplicates.rows / len(corpus.splits["train"])
        yield Problem(
            level="note",
            message=f"{plural(duplicates.rows, 'row')} of train ({percent(share)}) "
            f"repeat{'s' if duplicates.rows == 1 else ''} an earlier one",
            count=duplicates.rows,
            hint="Where that is no intention, take them out: they weigh more than the others",
        )


def _labels(row: CorpusRow) -> tuple[str, ...]:
    # Several labels of a text have no order; those of words do.
    return row.labels if len(row.labels) < 2 or row.key is not None else tuple(sorted(row.labels))


def _named(row: CorpusRow, other: CorpusRow) -> str:
    """Return the labels by which a row differs from its twin: of words, the first that does."""
    if len(row.labels) == len(other.labels) and len(row.labels) > 1:
        mine = next((a for a, b in zip(row.labels, other.labels, strict=True) if a != b), "")
        return repr(mine)
    return ", ".join(map(repr, row.labels)) or "without a label"
