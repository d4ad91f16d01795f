from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import DataError, Request, UsageError
from envkit_sentiment.plugin import SentimentOptions, envkit_corpus, envkit_read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Record

    from envkit_sentiment.read import SentimentData


HEADER = "text\tlabel\n"


def read(record: Record, **options: Any) -> SentimentData:
    data: SentimentData = envkit_read(Request(options=SentimentOptions(**options), report=record))
    return data


def test_read_without_data_gives_the_sample_and_says_so(record: Record) -> None:
    data = read(record)
    assert (len(data.train), len(data.dev), len(data.test)) == (800, 160, 160)
    assert data.scale.levels == ("1", "2", "3", "4", "5")
    assert not data.needs_pair
    assert "small sample" in record.said[0]
    assert "Ratings, from low to high: 1, 2, 3, 4, 5" in record.said


def test_read_normalises_labels_and_cuts_dev_off_by_level(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    rows = [f"text {number} is fine\t{'POS' if number % 4 else 'neg'}\n" for number in range(200)]
    file = write("reviews.tsv", "sentence\tlabel\n" + "".join(rows))
    data = read(record, train=file)
    assert Counter(row.labels[0] for row in data.dev) == {"positive": 15, "negative": 5}
    assert len(data.train) == 180
    assert "Polarities: POS -> positive, neg -> negative" in record.said
    assert "No dev data given: 20 of 200 training texts, cut by the seed" in record.said
    assert read(record, train=file, seed=43).dev != data.dev


def test_read_of_one_file_keeps_copies_of_a_text_together(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    rows = "".join(f"text {number % 10} is fine\t{('pos', 'neg')[number % 2]}\n" for number in range(50))
    data = read(record, train=write("t.tsv", HEADER + rows))
    assert (len(data.train), len(data.dev)) == (45, 5)
    assert not {row.text for row in data.train} & {row.text for row in data.dev}


def test_read_with_an_aspect_column_gives_pairs(record: Record, write: Callable[[str, str], Path]) -> None:
    pairs = [("soup", "neg"), ("waiter", "neu"), ("view", "pos")] * 10
    lines = [
        json.dumps({"review": "The soup was cold", "about": about, "label": label}) + "\n"
        for about, label in pairs
    ]
    data = read(record, train=write("a.jsonl", "".join(lines)), aspect_column="about")
    assert data.needs_pair
    assert data.train[0].pair == "soup"


def test_read_of_a_dev_label_that_training_lacks_names_it_and_its_row(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "good day\tpos\nbad day\tneg\n" * 10)
    dev = write("dev.tsv", HEADER + "good day\tpos\nsome day\tneu\n" * 5)
    with pytest.raises(DataError, match=r"dev.tsv:3: .*the label 'neu', only neg, pos"):
        read(record, train=train, dev=dev)


def test_read_of_a_file_of_another_scale_names_its_labels_the_first_of_many(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "good day\t5\nbad day\t1\nsome day\t3\nfine day\t4\n" * 10)
    dev = write("dev.tsv", HEADER + "".join(f"day\t{n}\n" for n in range(4, 20)))
    with pytest.raises(DataError, match=r"dev.tsv:4: .*'6', '7', .*'13' and 6 more, only 1, 3, 4, 5"):
        read(record, train=train, dev=dev)


@pytest.mark.parametrize("metric", ["f1", "dev/f1", "test/accuracy", "dev/loss"])
def test_options_with_a_metric_that_the_task_lacks_are_refused(metric: str) -> None:
    with pytest.raises(
        ValueError, match=f"--metric is '{metric}', expected one of dev/accuracy, dev/macro_f1"
    ):
        SentimentOptions(metric=metric)


@pytest.mark.parametrize("metric", ["accuracy", "dev/qwk"])
def test_options_with_a_metric_of_the_task_take_it(metric: str) -> None:
    assert SentimentOptions(metric=metric).metric == metric


def test_read_of_polarities_to_be_chosen_by_a_metric_of_ratings_is_refused(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "good day\tpos\nbad day\tneg\n" * 10)
    with pytest.raises(UsageError, match="dev/qwk, which only ratings have"):
        read(record, train=train, metric="dev/qwk")


def test_read_of_rows_with_several_labels_is_refused(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    file = write("train.jsonl", '{"text": "good", "label": ["pos", "neg"]}\n' * 4)
    with pytest.raises(DataError, match=r"train.jsonl:1: the row has 2 labels"):
        read(record, train=file)


def test_read_of_one_text_a_label_asks_for_dev_data(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    with pytest.raises(DataError, match="one training text of each label"):
        read(record, train=write("t.tsv", HEADER + "good day\tpos\nbad day\tneg\n"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"aspect_column": "a", "pair_column": "b"}, "--aspect-column and --pair-column"),
        ({"model": "cnn-lstm", "peft": "lora"}, "--peft is for a pretrained model"),
        ({"model": "cnn-lstm", "freeze": "embeddings"}, "--freeze is for a pretrained model"),
        ({"model": "cnn-lstm", "layer_decay": 0.9}, "--layer-decay is for a pretrained model"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SentimentOptions(**options)


def test_corpus_holds_all_rows_with_levels_and_unknown_labels_as_problems(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "good day\tpos\nbad day\tneg\n" * 10)
    dev = write("dev.tsv", HEADER + "good day\tpos\nsome day\tneu\n" * 5)
    corpus = envkit_corpus(
        Request(options=SentimentOptions(train=train, dev=dev, long_text="truncate"), report=record)
    )
    assert [len(rows) for rows in corpus.splits.values()] == [20, 10]
    assert corpus.splits["train"][0].labels == ("positive",)
    assert corpus.splits["dev"][1].labels == ("neu",)
    (problem,) = corpus.problems
    assert (problem.level, problem.count, problem.place) == ("error", 5, "dev.tsv:3")
    assert corpus.is_cut


def test_corpus_without_dev_is_cut_as_a_run_cuts_it(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "".join(f"day {n}\t{'posneg'[n % 2 * 3 :][:3]}\n" for n in range(60)))
    request = Request(options=SentimentOptions(train=train, seed=3), report=record)
    corpus, data = envkit_corpus(request), envkit_read(request)
    assert [row.name for row in corpus.splits["dev"]] == [row.name for row in data.dev]
    assert [row.name for row in corpus.splits["train"]] == [row.name for row in data.train]
    assert corpus.splits["dev"][0].labels == data.dev[0].labels
    assert "No dev data given: 6 of 60 training texts, cut by the seed" in corpus.notes


def test_corpus_of_labels_that_mean_nothing_says_so_and_goes_on(
    record: Record, write: Callable[[str, str], Path]
) -> None:
    train = write("train.tsv", HEADER + "good day\tgreat\nbad day\tawful\n" * 10)
    corpus = envkit_corpus(Request(options=SentimentOptions(train=train), report=record))
    assert len(corpus.splits["train"]) == 20
    assert "no polarity and no rating" in corpus.problems[0].message
    assert corpus.problems[0].place == "train.tsv:2"


@pytest.mark.parametrize(
    ("files", "levels", "sizes"),
    [
        pytest.param({"data": "sst2"}, ("negative", "positive"), (60614, 6735, 872), marks=pytest.mark.slow),
        ({"data": "sst5"}, ("0", "1", "2", "3", "4"), (8544, 1101, 2210)),
        ({"train": "imdb/train.jsonl", "dev": "imdb/test.jsonl"}, ("negative", "positive"), (2000, 2000, 0)),
    ],
)
def test_read_of_real_data_needs_no_options(
    record: Record,
    real_data: Path,
    files: dict[str, str],
    levels: tuple[str, ...],
    sizes: tuple[int, int, int],
) -> None:
    data = read(record, **{name: real_data / place for name, place in files.items()})
    assert data.scale.levels == levels
    assert (len(data.train), len(data.dev), len(data.test)) == sizes
