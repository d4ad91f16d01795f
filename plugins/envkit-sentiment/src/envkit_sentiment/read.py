"""Read the texts to train, choose and score on, tell what their labels mean, and refuse what cannot be learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError, UsageError
from envkit.api.metric_names import without_split
from envkit.data.cut.dev import SHARED_TEXTS, cut_texts, describe_cut, share_texts
from envkit.data.splits import SplitFiles, find_splits
from envkit.data.texts import TextFile, read_texts
from envkit_sentiment.plugin import OF_RATINGS
from envkit_sentiment.scale import NAMED_LABELS, Scale, read_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.api import Reporter, Request
    from envkit.data.rows import TextRow
    from envkit.data.used_columns import UsedColumns
    from envkit_sentiment.plugin import SentimentOptions

SAMPLE_DIR = Path(__file__).parent / "sample"
SAMPLE = SplitFiles(*(SAMPLE_DIR / f"{split}.csv" for split in ("train", "dev", "test")))
_DEV_SHARE = 0.1


@dataclass(frozen=True)
class SentimentData:
    """Texts, each with the one level of ``scale`` that it has as its label.

    ``dev`` chooses the model and is scored; ``test``, empty where there is none, is scored once. What a
    text is judged about, where the data says so, is its ``pair``.
    """

    train: tuple[TextRow, ...]
    dev: tuple[TextRow, ...]
    test: tuple[TextRow, ...]
    scale: Scale
    columns: UsedColumns | None = None

    @property
    def needs_pair(self) -> bool:
        """Tell whether every text to train on is judged about something that stands beside it."""
        return all(row.pair is not None for row in self.train)


def read(request: Request[SentimentOptions]) -> SentimentData:
    """Read what the options name, or the shipped sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    files = find_splits(options)
    if files is None:
        report.say("No data given: this run uses the small sample of made-up reviews of envkit-sentiment")
        files = SAMPLE
    train_file = _read(files.train, options, report)
    for note in train_file.notes:
        report.say(note)
    scale = read_scale(labels_of(train_file.rows), kind=options.scale, given=options.labels)
    report.say(scale.describe())
    _check_metric(options.metric, scale)
    rows = with_levels(train_file.rows, scale)
    if files.dev is None:
        train, dev = cut_dev(rows, seed=options.seed)
        report.say(describe_cut(dev, rows))
        if share_texts(train, dev):
            report.warn(SHARED_TEXTS)
    else:
        train, dev = rows, with_levels(_read(files.dev, options, report).rows, scale)
    test = () if files.test is None else with_levels(_read(files.test, options, report).rows, scale)
    report.say(f"{len(train)} texts to train on, {len(dev)} dev, {len(test)} test")
    return SentimentData(train, dev, test, scale, train_file.columns)


def read_file(file: Path, options: SentimentOptions, *, trained: UsedColumns | None = None) -> TextFile:
    """Read one file as the options say, else from the ``trained`` columns; each row has one label.

    Raises: DataError.
    """
    found = read_texts(
        file,
        format=options.format,
        encoding=options.encoding,
        text_column=options.text_column,
        pair_column=options.second_column,
        label_column=options.label_column,
        trained=trained,
    )
    for row in found.rows:
        if len(row.labels) != 1:
            named = ", ".join(map(repr, row.labels)) or "none"
            raise DataError(
                f"{row.name}: the row has {len(row.labels)} labels ({named}), expected one",
                hint="Give each text one label, or classify with several: envkit run classification",
            )
    return found


def labels_of(rows: Sequence[TextRow]) -> list[str]:
    """Return the label of each row."""
    return [row.labels[0] for row in rows]


def with_levels(rows: Sequence[TextRow], scale: Scale) -> tuple[TextRow, ...]:
    """Return the rows with their levels as labels. Raises: DataError for labels that training cannot teach."""
    levels = [scale.level_of(row.labels[0]) for row in rows]
    unknown = [row for row, level in zip(rows, levels, strict=True) if level is None]
    if unknown:
        raise DataError(
            f"{unknown[0].name}: {unknown_label(unknown, scale)}",
            hint="Mend the labels, or add texts with them to the training data",
        )
    return tuple(
        replace(row, labels=(level,)) for row, level in zip(rows, levels, strict=True) if level is not None
    )


def unknown_label(rows: Sequence[TextRow], scale: Scale) -> str:
    """Return in words that these rows have labels that the training data lacks."""
    found = list(dict.fromkeys(labels_of(rows)))
    more = f" and {len(found) - NAMED_LABELS} more" if len(found) > NAMED_LABELS else ""
    labels = ", ".join(map(repr, found[:NAMED_LABELS])) + more
    return f"the training data has no text with the label {labels}, only {', '.join(scale.meanings)}"


def cut_dev(rows: Sequence[TextRow], *, seed: int) -> tuple[tuple[TextRow, ...], tuple[TextRow, ...]]:
    """Return the rows to train on and a tenth, of each level its share, cut off by the seed.

    Both keep the order of the rows, and copies of a text stay together. A level with a single row keeps it for
    training. Raises: DataError where all have.
    """
    levels = labels_of(rows)
    if len(set(levels)) == len(levels):
        raise DataError(
            "there is one training text of each label: none can be cut off to choose by",
            hint="Give more texts, or a file to choose by: --dev FILE",
        )
    return cut_texts(rows, levels, seed=seed, share=_DEV_SHARE)


def _check_metric(metric: str | None, scale: Scale) -> None:
    """Refuse a metric of ratings for polarities, before a model is loaded. Raises: UsageError."""
    if metric is not None and scale.kind != "ordinal" and without_split(metric) in OF_RATINGS:
        raise UsageError(
            f"--metric is {metric}, which only ratings have, and the labels are {', '.join(scale.levels)}",
            hint="Choose one of: dev/accuracy, dev/macro_f1; or take the labels for ratings: --scale ordinal",
        )


def _read(file: Path, options: SentimentOptions, report: Reporter) -> TextFile:
    found = read_file(file, options)
    for warning in found.warnings:
        report.warn(warning)
    return found
