"""Put together what a look over a corpus has found."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import Problem
from envkit.api.records import (
    DataReport,
    DurationRecord,
    LengthRecord,
    PieceRecord,
    ProblemRecord,
    SplitRecord,
)
from envkit.data.check.baseline import score_baseline
from envkit.data.check.copies import find_copies
from envkit.data.check.duration import Speed, SpeedGuess, estimate_duration
from envkit.data.check.labels import count_labels, find_label_problems
from envkit.data.check.padding import Step, measure_padding
from envkit.data.check.pieces import Counting
from envkit.data.check.words import percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.api import Corpus, CorpusRow
    from envkit.data.check.pieces import PieceCounter, PieceCounts

# What a run's steps hold where its options do not say.
USUAL_STEP = Step(tokens=512)
# Beyond this share of unknown pieces a model hardly reads the language or the script.
UNKNOWN_SHARE = 0.02
# Characters that tell of a damage, with what they are and what to do.
_DAMAGES = (
    (
        "\0",
        "NUL characters",
        "Part of the file is no text, or text in UTF-16. Mend it, or take these rows out",
    ),
    (
        "\ufffd",
        "the character U+FFFD",
        "It stands where something before could not read what was there. Make the file anew from its source",
    ),
)
_WEIGHTS = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a run over the corpus would be: epochs, the size of a step, and its speed where that is known."""

    epochs: int = 3
    step: Step = USUAL_STEP
    speed: Speed | SpeedGuess | None = None


def check_corpus(
    corpus: Corpus,
    *,
    task: str,
    files: Mapping[str, str] | None = None,
    pieces: PieceCounter | None = None,
    training: Training | None = None,
    left_out: Sequence[str] = (),
) -> DataReport:
    """Look over a corpus: labels, copies, lengths, what the model's window loses, what training would take.

    ``files`` names the file of each split; without ``pieces`` lengths are counted in words. ``left_out`` says
    what was not looked at, and is passed on.
    """
    # What was read lives to the end: the collector would look through all of it again and again, now and at the
    # exit, which takes a tenth of the time.
    gc.freeze()
    found = training or Training()
    # The tokenizer works outside Python, which looks at the rest meanwhile.
    counting = None if pieces is None else Counting.start(pieces, corpus.splits)
    labels = count_labels(corpus)
    copies = find_copies(corpus)
    found_already = [
        *corpus.problems,
        *_empty(corpus),
        *_damaged(corpus),
        *find_label_problems(corpus, labels),
    ]
    baseline = score_baseline(corpus)
    if isinstance(found.speed, SpeedGuess):
        found.speed.prepare()
    counts = {} if counting is None else counting.result()
    piece_record = None if pieces is None else _pieces(corpus, counts, pieces, found)
    problems = [
        *found_already,
        *([] if piece_record is None else _piece_problems(corpus, piece_record)),
        *copies.problems,
    ]
    return DataReport(
        task=task,
        labelled=corpus.labelled,
        files=dict(files or {}),
        splits=[_split(split, rows, corpus, counts) for split, rows in corpus.splits.items()],
        labels=labels,
        problems=[_record(problem) for problem in sorted(problems, key=lambda each: _WEIGHTS[each.level])],
        shared=copies.shared,
        duplicates=copies.duplicates,
        notes=list(corpus.notes),
        left_out=list(left_out),
        pieces=piece_record,
        baseline=baseline,
        training=_duration(counts, found),
    )


def _split(
    split: str, rows: Sequence[CorpusRow], corpus: Corpus, counts: Mapping[str, PieceCounts]
) -> SplitRecord:
    items = sum(len(row.labels) for row in rows) if corpus.labelled == "word" else len(rows)
    if not rows:
        return SplitRecord(split=split, rows=0, items=0)
    if split in counts:
        lengths = counts[split].lengths
    else:
        lengths = [sum(len(text.split()) for text in row.texts) for row in rows]
    ordered = sorted(lengths)
    longest = max(range(len(rows)), key=lengths.__getitem__)
    record = LengthRecord(
        unit="pieces" if split in counts else "words",
        total=sum(lengths),
        median=ordered[len(ordered) // 2],
        usual=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        longest=lengths[longest],
        place=rows[longest].name,
    )
    return SplitRecord(split=split, rows=len(rows), items=items, lengths=record)


def _pieces(
    corpus: Corpus, counts: Mapping[str, PieceCounts], pieces: PieceCounter, training: Training
) -> PieceRecord:
    default = pieces.usual_window if corpus.has_usual_window else pieces.window
    window = min(corpus.window or default, pieces.window)
    beyond = {
        split: [length - window for length in found.lengths if length > window]
        for split, found in counts.items()
    }
    train = counts["train"].lengths if "train" in counts else []
    padding = measure_padding(train, training.step)
    return PieceRecord(
        model=pieces.model,
        window=window,
        unknown={split: round(found.unknown_share, 6) for split, found in counts.items()},
        over_window={split: len(lengths) for split, lengths in beyond.items()},
        lost={
            split: round(sum(lengths) / max(1, sum(counts[split].lengths)), 6) if corpus.is_cut else 0.0
            for split, lengths in beyond.items()
        },
        step=str(training.step),
        padding_random=round(padding.random, 3),
        padding_grouped=round(padding.grouped, 3),
    )


def _piece_problems(corpus: Corpus, record: PieceRecord) -> Iterator[Problem]:
    for split, count in record.over_window.items():
        if count and corpus.is_cut:
            yield Problem(
                level="warning",
                message=f"{plural(count, 'row')} of {split} {'is' if count == 1 else 'are'} longer than the "
                f"{record.window} pieces that the model is given: {percent(record.lost[split])} of the pieces "
                "are lost",
                count=count,
                hint="Read long texts in windows instead of cutting them: --long-text window",
            )
    for split, share in record.unknown.items():
        if share > UNKNOWN_SHARE:
            yield Problem(
                level="warning",
                message=f"{percent(share)} of the pieces of {split} are unknown to {record.model}",
                hint="It hardly reads this language or script. Choose a model that does: --model NAME",
            )


def _empty(corpus: Corpus) -> Iterator[Problem]:
    for split, rows in corpus.splits.items():
        empty = [row for row in rows if not any(text.strip() for text in row.texts)]
        if empty:
            yield Problem(
                level="warning",
                message=f"{plural(len(empty), 'row')} of {split} without any text",
                place=empty[0].name,
                count=len(empty),
                hint="Take them out: nothing can be learned from them",
            )
        if not rows:
            yield Problem(
                level="error",
                message=f"there is no row in {split}",
                hint="Give a file that holds data",
            )


def _damaged(corpus: Corpus) -> Iterator[Problem]:
    """Yield characters that stand in no text that was read rightly."""
    for split, rows in corpus.splits.items():
        for character, name, hint in _DAMAGES:
            damaged = [row for row in rows if any(character in text for text in row.texts)]
            if damaged:
                yield Problem(
                    level="warning",
                    message=f"{plural(len(damaged), 'row')} of {split} with {name}",
                    place=damaged[0].name,
                    count=len(damaged),
                    hint=hint,
                )


def _duration(counts: Mapping[str, PieceCounts], training: Training) -> DurationRecord | None:
    if "train" not in counts:
        return None
    speed = training.speed.measure() if isinstance(training.speed, SpeedGuess) else training.speed
    if speed is None:
        return None
    return estimate_duration(sum(counts["train"].lengths), epochs=training.epochs, speed=speed)


def _record(problem: Problem) -> ProblemRecord:
    return ProblemRecord(
        level=problem.level,
        message=problem.message,
        place=problem.place,
        count=problem.count,
        hint=problem.hint,
    )
