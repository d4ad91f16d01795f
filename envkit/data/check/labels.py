"""Count the labels of a corpus, and find those that cannot be learned or measured."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from envkit.api import Problem
from envkit.api.records import LabelRecord
from envkit.data.check.words import listed, number_of, percent, plural
from envkit.data.tag_schemes import OUTSIDE, is_tag, split_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from envkit.api import Corpus, CorpusRow

# With fewer examples than this a label is met in hardly any step of an epoch, and its score is chance.
FEW_EXAMPLES = 5
# Beyond this share of one label, accuracy says little about the others.
DOMINANT_SHARE = 0.9

UNANSWERED = "impossible"  # the label of a question without an answer; of others it is `answerable`


def count_labels(corpus: Corpus) -> list[LabelRecord]:
    """Count each label in each split, the commonest of train first.

    Where words carry entity tags in IOB2, the entities of each type are counted, and O is not.
    """
    counts = {split: _count(rows, corpus) for split, rows in corpus.splits.items()}
    first = counts.get("train") or Counter()
    labels = sorted(set().union(*counts.values()), key=lambda label: (-first[label], label))
    return [
        LabelRecord(label=label, counts={split: found[label] for split, found in counts.items()})
        for label in labels
    ]


def find_label_problems(corpus: Corpus, labels: Sequence[LabelRecord]) -> Iterator[Problem]:
    """Yield what is wrong with the labels, which ``count_labels`` found, and the plugin has not said itself."""
    if corpus.labelled == "question":
        yield from _unanswered(corpus)  # whether there is an answer is no label that a user has named
        return
    noun = "type" if are_tags(corpus) else "label"
    yield from _unknown(corpus, labels, noun)
    yield from _alone(corpus, labels)
    yield from _written_differently(labels, noun)
    yield from _unmeasured(corpus, labels, noun)
    yield from _rare(corpus, labels, noun)
    yield from _dominant(corpus, labels)


def are_tags(corpus: Corpus) -> bool:
    """Tell whether the labels are entity tags of words."""
    return corpus.labelled == "word" and all(map(is_tag, _distinct(corpus)))


def _distinct(corpus: Corpus) -> set[str]:
    return {
        label
        for rows in corpus.splits.values()
        for labels in {row.labels for row in rows}
        for label in labels
    }


def _count(rows: Iterable[CorpusRow], corpus: Corpus) -> Counter[str]:
    found = Counter(chain.from_iterable([row.labels for row in rows]))
    if not are_tags(corpus):
        return found
    types: Counter[str] = Counter()
    for tag, count in found.items():
        prefix, entity_type = split_tag(tag)
        if tag != OUTSIDE:
            types[entity_type] += count if prefix == "B" else 0
    return types


def _unanswered(corpus: Corpus) -> Iterator[Problem]:
    """Yield splits of questions that differ from train in whether some have no answer."""
    shares = {
        split: sum(UNANSWERED in row.labels for row in rows) / len(rows)
        for split, rows in corpus.splits.items()
        if rows
    }
    taught = shares.pop("train", None)
    for split, share in shares.items() if taught is not None else ():
        if taught and not share:
            message = f"{percent(taught)} of the questions of train have no answer, and none of {split}"
            hint = f"Add such questions to {split}, or it does not measure whether the model knows them"
        elif share and not taught:
            message = f"{percent(share)} of the questions of {split} have no answer, and none of train"
            hint = "Add such questions to train, or the model is not taught that there may be none"
        else:
            continue
        yield Problem(level="warning", message=message, hint=hint)


def _unknown(corpus: Corpus, labels: Sequence[LabelRecord], noun: str) -> Iterator[Problem]:
    for split in corpus.splits:
        missing = [
            each
            for each in labels
            if each.counts[split] and not each.counts.get("train") and not _is_told(corpus, each.label)
        ]
        if split != "train" and missing:
            yield Problem(
                level="error",
                message=f"{_these(missing, noun)} of {split} never {_occur(missing)} in train",
                place=_first_with(corpus, split, {each.label for each in missing}),
                count=sum(each.counts[split] for each in missing),
                hint=f"Mend the {noun}, or add rows with it to train: a model says only what it was taught",
            )


def _alone(corpus: Corpus, labels: Sequence[LabelRecord]) -> Iterator[Problem]:
    taught = [each.label for each in labels if each.counts.get("train")]
    rows = corpus.splits.get("train", ())
    if corpus.labelled != "text" or len(taught) != 1 or _is_told(corpus, taught[0]):
        return
    if all(row.labels for row in rows):
        yield Problem(
            level="error",
            message=f"every row of train has the label {taught[0]!r}: there is nothing to tell apart",
            hint="Name the column that holds the labels: --label-column NAME",
        )


def _written_differently(labels: Sequence[LabelRecord], noun: str) -> Iterator[Problem]:
    alike: dict[str, list[LabelRecord]] = {}
    for each in labels:
        alike.setdefault(_plain(each.label), []).append(each)
    for group in alike.values():
        if len(group) > 1:
            named = ", ".join(f"{each.label!r} ({sum(each.counts.values())})" for each in group)
            yield Problem(
                level="warning",
                message=f"{noun}s that differ only by case or blanks: {named}",
                count=sum(sum(each.counts.values()) for each in group[1:]),
                hint=f"Write them alike: as they are, they are learned as {len(group)} {noun}s",
            )


def _unmeasured(corpus: Corpus, labels: Sequence[LabelRecord], noun: str) -> Iterator[Problem]:
    if not corpus.splits.get("dev"):
        return
    missing = [each for each in labels if each.counts.get("train") and not each.counts["dev"]]
    if missing:
        yield Problem(
            level="warning",
            message=f"{_these(missing, noun)} of train never {_occur(missing)} in dev",
            count=len(missing),
            hint="What dev lacks has no part in choosing the model: envkit data split keeps the shares alike",
        )


def _rare(corpus: Corpus, labels: Sequence[LabelRecord], noun: str) -> Iterator[Problem]:
    rare = [each for each in labels if 0 < each.counts.get("train", 0) < FEW_EXAMPLES]
    if rare and len(rare) < len(labels):
        few = ", ".join(f"{each.label!r} ({each.counts['train']})" for each in rare[:5])
        more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
        yield Problem(
            level="warning",
            message=f"{plural(len(rare), noun)} with fewer than {FEW_EXAMPLES} examples in train: {few}{more}",
            place=_first_with(corpus, "train", {each.label for each in rare}),
            count=len(rare),
            hint=f"Add examples, or give them a {noun} that stands for several",
        )


def _dominant(corpus: Corpus, labels: Sequence[LabelRecord]) -> Iterator[Problem]:
    train = corpus.splits.get("train", ())
    if corpus.labelled != "text" or len(labels) < 2 or not train:
        return
    share = labels[0].counts["train"] / len(train)
    first_score = "Accuracy" if all(len(row.labels) == 1 for row in train) else "micro_f1"
    if share >= DOMINANT_SHARE:
        yield Problem(
            level="note",
            message=f"{share:.0%} of train have the label {labels[0].label!r}",
            count=labels[0].counts["train"],
            hint=f"{first_score} will look high: read macro_f1 beside it",
        )


def _is_told(corpus: Corpus, label: str) -> bool:
    """Tell whether an error of the plugin's own names this label."""
    return any(problem.level == "error" and repr(label) in problem.message for problem in corpus.problems)


def _plain(label: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def _these(labels: Sequence[LabelRecord], noun: str) -> str:
    return f"{number_of(len(labels), noun)} {listed([repr(each.label) for each in labels])}"


def _occur(labels: Sequence[LabelRecord]) -> str:
    return "occurs" if len(labels) == 1 else "occur"


def _first_with(corpus: Corpus, split: str, wanted: set[str]) -> str:
    tags = {f"B-{label}" for label in wanted} if are_tags(corpus) else wanted
    return next((row.name for row in corpus.splits[split] if not tags.isdisjoint(row.labels)), "")
