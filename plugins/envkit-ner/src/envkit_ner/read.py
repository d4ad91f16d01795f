"""Read the sentences to train, choose and score on, and refuse what could not be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.faults import Fault
from envkit.data.splits import SplitFiles, cut_dev, find_splits
from envkit.data.tag_schemes import OUTSIDE, split_tag
from envkit.data.token_rows import Sentence, TaggedFile, read_sentences
from envkit_ner.documents import check_documents, cut_dev_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envkit.api import Reporter, Request
    from envkit_ner.plugin import NerOptions

SAMPLE_DIR = Path(__file__).parent / "sample"
SAMPLE_NOTE = "No data given: this run uses the small sample of made-up news that comes with envkit-ner"


@dataclass(frozen=True)
class NerData:
    """Sentences with IOB2 tags, and all tags that training can teach: ``O`` first, then by type.

    ``dev`` chooses the model and is scored; ``test``, empty where there is none, is scored once. ``files``
    are the names of the files that the three are from.
    """

    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]
    test: tuple[Sentence, ...]
    labels: tuple[str, ...]
    files: tuple[str, str, str]


def read(request: Request[NerOptions]) -> NerData:
    """Read what the options name, or the shipped sample where they name nothing. Raises: DataError."""
    options, report = request.options, request.report
    files = find_files(options)
    if files.train.parent == SAMPLE_DIR:
        report.say(SAMPLE_NOTE)
    train = read_file(files.train, options)
    _tell(train, report)
    labels = find_labels(train.sentences)
    if len(labels) == 1:
        raise nothing_to_learn(train)
    if options.context == "document":
        check_documents(train.sentences, file=files.train)
    if files.dev is None:
        train_sentences, dev_sentences = cut_dev_sentences(train.sentences, options)
        report.say(cut_note(dev_sentences, train.sentences))
    else:
        train_sentences, dev_sentences = train.sentences, _read_known(files.dev, labels, request)
    test_sentences = () if files.test is None else _read_known(files.test, labels, request)
    sizes = (len(train_sentences), len(dev_sentences), len(test_sentences))
    types = ", ".join(types_of(labels))
    report.say(f"{sizes[0]} sentences to train on, {sizes[1]} dev, {sizes[2]} test ({train.scheme}; {types})")
    dev_file, test_file = files.dev or files.train, files.test or files.train
    names = (files.train.name, dev_file.name, test_file.name)
    return NerData(train_sentences, dev_sentences, test_sentences, labels, names)


def find_files(options: NerOptions) -> SplitFiles:
    """Return the files that the options name, or those of the sample. Raises: DataError."""
    files = find_splits(options)
    return files or SplitFiles(*(SAMPLE_DIR / f"{split}.conll" for split in ("train", "dev", "test")))


def read_file(file: Path, options: NerOptions, *, is_lenient: bool = False) -> TaggedFile:
    """Read one file as the options say. Raises: DataError."""
    return read_sentences(
        file,
        word_column=options.word_column,
        tag_column=options.tag_column,
        format=options.format,
        encoding=options.encoding,
        align=options.align,
        is_lenient=is_lenient,
    )


def read_known(file: Path, labels: Sequence[str], options: NerOptions) -> TaggedFile:
    """Read a file to score on, which may hold no type that these labels lack. Raises: DataError."""
    tagged = read_file(file, options)
    if options.context == "document":
        check_documents(tagged.sentences, file=file)
    unknown = next(find_unknown(tagged, labels), None)
    if unknown is not None:
        raise unknown.error(file)
    return tagged


def find_unknown(tagged: TaggedFile, labels: Sequence[str]) -> Iterator[Fault]:
    """Yield the words whose tags are of types that the training data has not."""
    known = set(labels)
    for sentence in tagged.sentences:
        for index, tag in enumerate(sentence.tags):
            if tag not in known:
                types = ", ".join(types_of(labels))
                yield Fault(
                    kind=f"type {split_tag(tag)[1]}",
                    message=f"the training data has no entity of type {split_tag(tag)[1]!r}, only {types}",
                    line=tagged.line_of(sentence, index),
                    hint="Mend the tag, or add sentences with this type to the training data",
                )


def find_labels(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Return O, and B-X and I-X for every type: a type met only in single words may be longer elsewhere."""
    types = sorted({split_tag(tag)[1] for sentence in sentences for tag in sentence.tags} - {""})
    return (OUTSIDE, *(f"{prefix}-{entity_type}" for entity_type in types for prefix in "BI"))


def types_of(labels: Iterable[str]) -> list[str]:
    """Return the types of entities that have labels."""
    return [label[2:] for label in labels if label.startswith("B-")]


def nothing_to_learn(train: TaggedFile) -> DataError:
    """Return the error for training data without an entity."""
    hint = "Name the column that holds the tags: --tag-column N, counted from 1"
    return DataError(
        "no word has a tag other than O: there is nothing to learn",
        file=train.file,
        hint="Give texts that hold entities" if train.is_json else hint,
    )


def cut_dev_sentences(
    sentences: Sequence[Sentence], options: NerOptions
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the sentences to train on and those cut off to choose by. Raises: DataError."""
    cut_off = cut_dev if options.context == "sentence" else cut_dev_documents
    kept, cut = cut_off(sentences, seed=options.seed)
    return tuple(kept), tuple(cut)


def cut_note(cut: Sequence[Sentence], whole: Sequence[Sentence]) -> str:
    """Say how much was cut off."""
    return f"No dev data given: {len(cut)} of {len(whole)} training sentences, cut by the seed"


def _read_known(file: Path, labels: tuple[str, ...], request: Request[NerOptions]) -> tuple[Sentence, ...]:
    tagged = read_known(file, labels, request.options)
    _tell(tagged, request.report)
    return tagged.sentences


def _tell(tagged: TaggedFile, report: Reporter) -> None:
    for note in tagged.notes:
        report.say(note)
    for warning in tagged.warnings:
        report.warn(warning)
