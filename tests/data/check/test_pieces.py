from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import Corpus, CorpusRow
from envkit.data.check import PieceCounts, check_corpus
from envkit.data.check.padding import Step
from envkit.data.check.pieces import open_counter, read_trained_window, read_window
from envkit.data.check.report import Training

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VOCABULARY = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "one": 3, "two": 4, "##s": 5}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a folder with a tokenizer that knows three pieces, and what is said of the model beside it."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.enable_truncation(4)  # as the files of many models ask for: counting must not obey
    tokenizer.enable_padding(length=4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 8}), encoding="utf-8")
    return tmp_path


@pytest.mark.torch
def test_count_gives_whole_texts_and_pairs_with_their_special_pieces(model: Path) -> None:
    counter = open_counter(model, model="tiny")

    assert counter is not None
    counts = counter.count([("one",), ("ones two one two one",), ("one", "two ones"), ("",)])
    assert counts == PieceCounts([3, 8, 7, 2], 0)


@pytest.mark.torch
def test_count_finds_unknown_pieces_wherever_a_text_stands(model: Path) -> None:
    counter = open_counter(model, model="tiny")

    assert counter is not None
    counts = counter.count([("one drei",), ("one drei",), ("two",)])
    assert counts.unknown == 2
    assert counts.unknown_share == pytest.approx(2 / 11)


def test_open_counter_without_a_tokenizer_is_none(tmp_path: Path) -> None:
    assert open_counter(tmp_path, model="none") is None


def test_open_counter_of_a_damaged_tokenizer_is_none(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")

    assert open_counter(tmp_path, model="damaged") is None


@pytest.mark.parametrize(
    ("config", "settings", "expected"),
    [
        ({"max_position_embeddings": 512}, {"model_max_length": 128}, 128),
        ({"max_position_embeddings": 512}, {"model_max_length": 10**30}, 512),
        ({"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1}, {}, 512),
        ({"max_position_embeddings": 512, "model_type": "bert", "pad_token_id": 0}, {}, 512),
        ({}, {}, 512),
    ],
)
def test_read_window_takes_the_smallest_limit_that_is_stated(
    tmp_path: Path, config: dict[str, Any], settings: dict[str, Any], expected: int
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")

    assert read_window(tmp_path) == expected


@pytest.mark.parametrize(
    ("files", "usual"),
    [
        ({}, 512),
        ({"tokenizer.json": {"truncation": {"max_length": 128}}}, 512),
        ({"sentence_bert_config.json": {"max_seq_length": 256}}, 256),
        ({"sentence_bert_config.json": {"max_seq_length": 1024}}, 512),
        ({"sentence_bert_config.json": {"max_seq_length": None}}, 512),
        ({"sentence_bert_config.json": []}, 512),
        (
            {
                "sentence_bert_config.json": {"max_seq_length": 256},
                "tokenizer.json": {"truncation": {"max_length": 128}},
            },
            128,
        ),
        (
            {
                "sentence_bert_config.json": {"max_seq_length": 256},
                "tokenizer.json": {"truncation": None},
            },
            256,
        ),
        ({"envkit.json": {"decoding": {"window": 12}}}, 12),
        ({"envkit.json": {"decoding": {"threshold": 0.5}}}, 512),
    ],
    ids=str,
)
def test_read_window_that_is_usual_is_what_the_model_was_trained_on(
    tmp_path: Path, files: dict[str, Any], usual: int
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 512}), encoding="utf-8")
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")

    assert read_window(tmp_path, is_usual=True) == usual
    assert read_window(tmp_path) == 512


def test_read_trained_window_of_a_model_that_says_nothing_is_none(tmp_path: Path) -> None:
    assert read_trained_window(tmp_path) is None


def long_corpus(*, is_cut: bool, window: int | None = None) -> Corpus:
    texts = ["one", "two", "one two " * 6]
    rows = [CorpusRow(f"t:{n}", (text,), ("ab"[n % 2],)) for n, text in enumerate(texts)]
    return Corpus(splits={"train": rows}, window=window, is_cut=is_cut)


@pytest.mark.torch
def test_counter_of_a_sentence_model_knows_both_windows(model: Path) -> None:
    (model / "sentence_bert_config.json").write_text('{"max_seq_length": 6}', encoding="utf-8")
    counter = open_counter(model, model="tiny")

    assert counter is not None
    assert (counter.window, counter.usual_window) == (8, 4)  # its tokenizer cuts at 4


@pytest.mark.torch
def test_check_corpus_that_is_cut_says_what_is_lost(model: Path) -> None:
    report = check_corpus(long_corpus(is_cut=True), task="t", pieces=open_counter(model, model="tiny"))

    assert report.pieces is not None
    assert report.pieces.over_window == {"train": 1}
    assert report.pieces.lost["train"] == pytest.approx(6 / 20)
    assert any("30.0 % of the pieces are lost" in problem.message for problem in report.problems)


@pytest.mark.torch
def test_check_corpus_that_is_read_in_windows_loses_nothing(model: Path) -> None:
    counter = open_counter(model, model="tiny")
    report = check_corpus(long_corpus(is_cut=False, window=4), task="t", pieces=counter)

    assert report.pieces is not None
    assert report.pieces.window == 4
    assert report.pieces.lost == {"train": 0.0}
    assert not any("lost" in problem.message for problem in report.problems)


@pytest.mark.torch
def test_check_corpus_gives_lengths_and_the_longest_row(model: Path) -> None:
    report = check_corpus(
        long_corpus(is_cut=False),
        task="t",
        pieces=open_counter(model, model="tiny"),
        training=Training(epochs=2, step=Step(rows=2)),
    )

    lengths = report.splits[0].lengths
    assert lengths is not None
    assert (lengths.unit, lengths.median, lengths.longest, lengths.place) == ("pieces", 3, 14, "t:2")
    assert report.pieces is not None
    assert report.pieces.step == "2 rows"
    assert report.training is None


@pytest.mark.torch
def test_check_corpus_in_a_language_that_the_model_does_not_know_warns(model: Path) -> None:
    rows = [CorpusRow(f"t:{n}", ("drei vier fünf",), ("ab"[n % 2],)) for n in range(12)]
    report = check_corpus(Corpus(splits={"train": rows}), task="t", pieces=open_counter(model, model="tiny"))

    assert any("unknown to tiny" in problem.message for problem in report.problems)


def test_check_corpus_without_pieces_counts_words() -> None:
    report = check_corpus(long_corpus(is_cut=True), task="t")

    lengths = report.splits[0].lengths
    assert lengths is not None
    assert (lengths.unit, lengths.total) == ("words", 14)
    assert report.pieces is None


def test_check_whose_tokenizer_fails_ends_with_its_error() -> None:
    class Broken:
        model = "m"
        window = 8
        usual_window = 8

        def count(self, rows: Sequence[tuple[str, ...]]) -> PieceCounts:
            raise MemoryError(f"{len(rows)} rows")

    corpus = Corpus(splits={"train": [CorpusRow("a:1", ("x",), ("l",))]})

    with pytest.raises(MemoryError, match="1 rows"):
        check_corpus(corpus, task="t", pieces=Broken())
