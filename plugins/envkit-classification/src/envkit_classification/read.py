"""Read the texts to train, choose and score on, and refuse what could not be learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.cut.dev import SHARED_TEXTS, cut_texts, describe_cut, share_texts
from envkit.data.cut.stratify import rarest_labels
from envkit.data.splits import SplitFiles, find_splits
from envkit.data.texts import TextFile, read_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.api import Reporter, Request
    from envkit.data.rows import TextRow
    from envkit.data.used_columns import UsedColumns
    from envkit_classification.plugin import ClassificationOptions

SAMPLE_DIR = Path(__file__).parent / "sample"
_SHOWN_LABELS = 8
# Of a label in dev, for its threshold: with 20 of them one more right or wrong moves the recall by 0.05.
ENOUGH_TEXTS = 20


@dataclass(frozen=True)
class ClassificationData:
    """Texts with their labels, and all labels that training can teach.

    ``dev`` chooses the model and is scored; ``test``, empty where there is none, is scored once. A text
    has one label, or any number where ``is_multi_label``.
    """

    train: tuple[TextRow, ...]
    dev: tuple[TextRow, ...]
    test: tuple[TextRow, ...]
    labels: tuple[str, ...]
    is_multi_label: bool
    columns: UsedColumns | None = None

    @property
    def is_pair(self) -> bool:
        """Tell whether two texts are read together."""
        return self.train[0].pair is not None


def read(request: Request[ClassificationOptions]) -> ClassificationData:
    """Read what the options name, or the shipped sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    files = find_files(options)
    if options.train is None and options.data is None:
        report.say("No data given: this run uses the small sample of made-up messages that comes along")
    train = _read(files.train, options, report)
    is_multi_label = train.has_many if options.multi_label is None else options.multi_label
    labels = find_labels(train.rows)
    _check_train(train, labels, is_multi_label=is_multi_label)
    _say_parts(labels, options, report)
    dev_file = None if files.dev is None else _read(files.dev, options, report, known=labels)
    test_file = None if files.test is None else _read(files.test, options, report, known=labels)
    for other in (dev_file, test_file):
        if other is not None:
            check_rows(
                other.rows, labels, is_multi_label=is_multi_label, is_pair=train.rows[0].pair is not None
            )
    if dev_file is None:
        train_rows, dev_rows = cut_dev(train.rows, seed=options.seed)
        report.say(describe_cut(dev_rows, train.rows))
        if share_texts(train_rows, dev_rows):
            report.warn(SHARED_TEXTS)
    else:
        train_rows, dev_rows = train.rows, dev_file.rows
    if is_multi_label and (note := describe_rare(dev_rows, labels)) is not None:
        report.say(note)
    test_rows = () if test_file is None else test_file.rows
    kind = " with any number of labels" if is_multi_label else ""
    texts = "pairs of texts" if train_rows[0].pair is not None else "texts"
    report.say(
        f"{len(train_rows)} {texts}{kind} to train on, {len(dev_rows)} dev, {len(test_rows)} test; "
        f"{len(labels)} labels: {name_labels(labels)}"
    )
    return ClassificationData(train_rows, dev_rows, test_rows, labels, is_multi_label, train.columns)


def find_files(options: ClassificationOptions) -> SplitFiles:
    """Return the files that the options name, or those of the sample. Raises: DataError."""
    files = find_splits(options)
    return files or SplitFiles(*(SAMPLE_DIR / f"{split}.csv" for split in ("train", "dev", "test")))


def read_file(
    file: Path,
    options: ClassificationOptions,
    *,
    known: Sequence[str] = (),
    trained: UsedColumns | None = None,
) -> TextFile:
    """Read one file as the options say, labels cut to the part that is to be learned.

    ``known`` are the labels of the training data, by which several in one string are told apart as there,
    ``trained`` its columns, which are read where the options name none. Raises: DataError.
    """
    found = read_texts(
        file,
        format=options.format,
        encoding=options.encoding,
        text_column=options.text_column,
        pair_column=options.pair_column,
        label_column=options.label_column,
        labels="many" if options.multi_label else "one",
        known_labels=known,
        trained=trained,
    )
    if options.label_part == "all":
        return found
    rows = tuple(replace(row, labels=cut_labels(row.labels, options)) for row in found.rows)
    return replace(found, rows=rows)


def cut_labels(labels: Iterable[str], options: ClassificationOptions) -> tuple[str, ...]:
    """Return the labels, cut to the part that is to be learned, each once."""
    if options.label_part == "all":
        return tuple(labels)
    return tuple(dict.fromkeys(_part(label, options.label_part) for label in labels))


def find_labels(rows: Iterable[TextRow]) -> tuple[str, ...]:
    """Return all labels of these rows, numbers by their size and others by the alphabet."""
    found = {label for row in rows for label in row.labels}
    if all(label.isdecimal() for label in found):
        return tuple(sorted(found, key=_size))
    return tuple(sorted(found))


def _size(label: str) -> tuple[int, str, str]:
    """Return what sorts numbers by their size, however many digits: Python makes no integer of thousands."""
    digits = label.lstrip("0")
    return len(digits), digits, label


def check_rows(
    rows: Sequence[TextRow], labels: Sequence[str], *, is_multi_label: bool, is_pair: bool
) -> None:
    """Refuse rows that a model of these labels cannot be scored on. Raises: DataError."""
    known = set(labels)
    for row in rows:
        if not is_multi_label:
            _check_single(row)
        if (row.pair is not None) != is_pair:
            found, wanted = (
                ("a pair of texts", "one text") if row.pair is not None else ("one text", "a pair")
            )
            raise DataError(
                f"found {found}, but the training data has {wanted} in each row",
                file=row.name,
                hint="Give all files the same columns, or name them: --text-column and --pair-column",
            )
        for label in row.labels:
            if label not in known:
                raise DataError(
                    f"the label {label!r} is not in the training data, which has {name_labels(labels)}",
                    file=row.name,
                    hint="Mend the label, or add texts with it to the training data",
                )


def cut_dev(
    rows: Sequence[TextRow], *, seed: int, share: float = 0.1
) -> tuple[tuple[TextRow, ...], tuple[TextRow, ...]]:
    """Return the rows to train on and the ``share`` cut off by the seed, of every label in its proportion.

    Copies of a text stay together.
    """
    return cut_texts(rows, rarest_labels([row.labels for row in rows]), seed=seed, share=share)


def describe_rare(dev: Sequence[TextRow], labels: Sequence[str]) -> str | None:
    """Say which labels too few texts of dev have for their thresholds to hold elsewhere; None where all have."""
    counts = Counter(label for row in dev for label in row.labels)
    rare = [label for label in labels if counts[label] < ENOUGH_TEXTS]
    if not rare:
        return None
    shown = name_labels([f"{label} {counts[label]}" for label in sorted(rare, key=counts.__getitem__)])
    return (
        f"Thresholds are chosen on dev, where {len(rare)} of {len(labels)} labels have fewer than {ENOUGH_TEXTS} "
        f"texts ({shown}): theirs may not hold on other texts. A larger dev makes them surer: --dev FILE"
    )


def name_labels(labels: Sequence[str]) -> str:
    """Return the labels as a list for people, the first of many."""
    more = len(labels) - _SHOWN_LABELS
    return ", ".join(labels[:_SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")


def describe_sameness(labels: Sequence[str]) -> str:
    """Return what is wrong with texts of which each has all of these labels."""
    only = f"the one label {labels[0]!r}" if len(labels) == 1 else f"the labels {name_labels(labels)}"
    return f"every text has {only if labels else 'no label'}: there is nothing to tell apart"


def _read(
    file: Path, options: ClassificationOptions, report: Reporter, *, known: Sequence[str] = ()
) -> TextFile:
    found = read_file(file, options, known=known)
    for note in found.notes:
        report.say(note)
    for warning in found.warnings:
        report.warn(warning)
    return found


def _check_train(train: TextFile, labels: Sequence[str], *, is_multi_label: bool) -> None:
    """Refuse training data that teaches nothing, or whose rows are not alike. Raises: DataError."""
    is_pair = train.rows[0].pair is not None
    check_rows(train.rows, labels, is_multi_label=is_multi_label, is_pair=is_pair)
    if len({frozenset(row.labels) for row in train.rows}) < 2:
        raise DataError(
            describe_sameness(labels),
            file=train.file,
            hint="Name the column that holds the labels: --label-column NAME",
        )


def _check_single(row: TextRow) -> None:
    if len(row.labels) > 1:
        raise DataError(
            f"the text has {len(row.labels)} labels ({name_labels(row.labels)}), expected one",
            file=row.name,
            hint="If texts may have several labels: --multi-label",
        )
    if not row.labels:
        raise DataError(
            "the text has no label",
            file=row.name,
            hint="Give it one; if texts may have none, or several: --multi-label",
        )


def _part(label: str, part: str) -> str:
    return (label.partition(":")[0] if part == "first" else label.rpartition(":")[2]).strip() or label


def _say_parts(labels: Sequence[str], options: ClassificationOptions, report: Reporter) -> None:
    """Say that labels like ``LOC:city`` have parts, where it has not been said which to learn."""
    if options.label_part != "all" or not all(":" in label for label in labels):
        return
    first = {_part(label, "first") for label in labels}
    if 1 < len(first) < len(labels):
        report.say(
            f"All labels have a colon, as {labels[0]}: --label-part first learns the {len(first)} before it"
        )
