"""Read the sentences to train, choose and score on, and refuse what could not be learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.splits import SplitFiles, cut_dev, find_splits
from envkit.data.tag_schemes import OUTSIDE, split_tag
from envkit.data.token_rows import Sentence, TaggedFile, read_sentences
from envkit_ner.documents import check_documents, cut_dev_documents

if TYPE_CHECKING:
    from envkit.api import Reporter, Request
    from envkit_ner.plugin import NerOptions

SAMPLE_DIR = Path(__file__).parent / "sample"


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
    files = find_splits(options)
    if files is None:
        report.say("No data given: this run uses the small sample of made-up news that comes with envkit-ner")
        files = SplitFiles(*(SAMPLE_DIR / f"{split}.conll" for split in ("train", "dev", "test")))
    train = _read(files.train, options, report)
    for note in train.notes:
        report.say(note)
    labels = _labels(train)
    if options.context == "document":
        check_documents(train.sentences, file=files.train)
    if files.dev is None:
        cut_off = cut_dev if options.context == "sentence" else cut_dev_documents
        kept, cut = cut_off(train.sentences, seed=options.seed)
        report.say(
            f"No dev data given: {len(cut)} of {len(train.sentences)} training sentences, cut by the seed"
        )
        train_sentences, dev_sentences = tuple(kept), tuple(cut)
    else:
        train_sentences, dev_sentences = train.sentences, _read_known(files.dev, labels, request)
    test_sentences = () if files.test is None else _read_known(files.test, labels, request)
    sizes = (len(train_sentences), len(dev_sentences), len(test_sentences))
    types = ", ".join(label[2:] for label in labels if label.startswith("B-"))
    report.say(f"{sizes[0]} sentences to train on, {sizes[1]} dev, {sizes[2]} test ({train.scheme}; {types})")
    dev_file, test_file = files.dev or files.train, files.test or files.train
    names = (files.train.name, dev_file.name, test_file.name)
    return NerData(train_sentences, dev_sentences, test_sentences, labels, names)


def _read(file: Path, options: NerOptions, report: Reporter) -> TaggedFile:
    tagged = read_sentences(file, word_column=options.word_column, tag_column=options.tag_column)
    for warning in tagged.warnings:
        report.warn(warning)
    return tagged


def _labels(train: TaggedFile) -> tuple[str, ...]:
    """Return O, and B-X and I-X for every type: a type met only in single words may be longer elsewhere."""
    types = sorted({split_tag(tag)[1] for sentence in train.sentences for tag in sentence.tags} - {""})
    if not types:
        raise DataError(
            "no word has a tag other than O: there is nothing to learn",
            file=train.file,
            hint="Name the column that holds the tags: --tag-column N, counted from 1",
        )
    return (OUTSIDE, *(f"{prefix}-{entity_type}" for entity_type in types for prefix in "BI"))


def _read_known(file: Path, labels: tuple[str, ...], request: Request[NerOptions]) -> tuple[Sentence, ...]:
    """Read a file that may hold no type that training lacks. Raises: DataError."""
    tagged = _read(file, request.options, request.report)
    if request.options.context == "document":
        check_documents(tagged.sentences, file=file)
    known = set(labels)
    for sentence in tagged.sentences:
        for index, tag in enumerate(sentence.tags):
            if tag not in known:
                types = ", ".join(label[2:] for label in labels if label.startswith("B-"))
                raise DataError(
                    f"the training data has no entity of type {split_tag(tag)[1]!r}, only {types}",
                    file=file,
                    line=tagged.line_of(sentence, index),
                    hint="Mend the tag, or add sentences with this type to the training data",
                )
    return tagged.sentences
