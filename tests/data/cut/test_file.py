from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envkit.api import DataError, UsageError
from envkit.data.convert.file import convert_file
from envkit.data.cut.file import cut_file, draw_splits
from envkit.data.cut.stratify import Shares
from envkit.data.cut.units import By, Reading
from envkit.data.kinds import find_kind
from envkit.data.squad import read_questions
from envkit.data.texts import read_texts
from envkit.data.token_rows import read_sentences

if TYPE_CHECKING:
    from pathlib import Path

SHARES = Shares(dev=0.25, test=0.25)
REUSED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def write(folder: Path, content: str, name: str = "some.data") -> Path:
    file = folder / name
    file.write_bytes(content.encode())
    return file


def drawn(file: Path, *, by: By | None = None, seed: int = 42, **reading: str) -> list[str]:
    return [split.text for split in draw_splits(cut_file(file, Reading(**reading), by=by), SHARES, seed=seed)]


WORD = st.text("abcdefg .,'äß", min_size=1, max_size=20).filter(lambda text: bool(text.strip()))


@REUSED
@given(
    rows=st.lists(st.tuples(WORD, st.sampled_from(["x", "y"])), min_size=6, max_size=40),
    end=st.sampled_from(["\n", "\r\n"]),
    has_last_end=st.booleans(),
    seed=st.integers(0, 9),
)
def test_splits_of_lines_hold_every_line_once_byte_for_byte(
    tmp_path: Path, rows: list[tuple[str, str]], end: str, has_last_end: bool, seed: int
) -> None:
    lines = [f"{text}\t{label}" for text, label in rows]
    file = write(tmp_path, "text\tlabel" + end + end.join(lines) + end * has_last_end)

    parts = drawn(file, by="none", seed=seed)

    head = f"text\tlabel{end}"
    assert all(part.startswith(head) for part in parts)
    found = [line for part in parts for line in part.removeprefix(head).split(end)[:-1]]
    assert sorted(found) == sorted(lines)


def test_splits_of_csv_keep_rows_whole_that_hold_line_ends(tmp_path: Path) -> None:
    rows = [f'"first line {n}\nsecond, ""line""",{"ab"[n % 2]}\n' for n in range(8)]
    file = write(tmp_path, "text,label\n" + "".join(rows), "some.csv")

    parts = drawn(file)

    assert sorted(row for row in rows if any(row in part for part in parts)) == sorted(rows)
    assert sum(map(len, parts)) == 3 * len("text,label\n") + sum(map(len, rows))


def test_splits_of_jsonl_keep_lines_as_they_are_and_labels_even(tmp_path: Path) -> None:
    lines = [f'{{"text":  "row {n}", "label": "{"ab"[n % 2]}"}}\n' for n in range(16)]
    file = write(tmp_path, "".join(lines))

    train, dev, test = drawn(file)

    assert sorted((train + dev + test).splitlines(True)) == sorted(lines)
    assert dev.count('"a"') == dev.count('"b"') == test.count('"a"') == test.count('"b"') == 2


def test_splits_of_a_json_array_are_arrays(tmp_path: Path) -> None:
    rows = [{"text": f"row {n}", "label": "ab"[n % 2]} for n in range(8)]

    parts = drawn(write(tmp_path, json.dumps(rows, indent=1), "some.json"))

    assert sorted(row["text"] for part in parts for row in json.loads(part)) == [f"row {n}" for n in range(8)]


def test_splits_in_another_encoding_read_back(tmp_path: Path) -> None:
    file = tmp_path / "some.tsv"
    file.write_bytes("".join(f"é {n}\t{'ab'[n % 2]}\n" for n in range(8)).encode("latin-1"))

    assert "".join(drawn(file, encoding="latin-1")).count("é") == 8


CONLL = "".join(f"-DOCSTART- O\n\nWord{n} O\nRome B-LOC\n\n# odd{n} O\nAda B-PER\n\n" for n in range(8))


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (CONLL, ".conll"),
        ("text\tlabel\nit is\ta\nit was\tb\n", ".tsv"),
        ('text,label\n"it, is",a\n"it, was",b\n', ".csv"),
        ('{"text": "it is", "label": "a"}\n', ".jsonl"),
        ('[{"text": "it is", "label": "a"}]', ".json"),
        ('[{"tokens": ["it"], "tags": ["O"]}]', ".json"),
        ('{"question": "Who?", "context": "Ada", "answer": "Ada"}\n', ".jsonl"),
        ("LOC:city Where is it ?\nHUM:ind Who is it ?\n", ".txt"),
    ],
)
def test_cut_file_knows_the_suffix_of_what_is_in_a_file(tmp_path: Path, content: str, suffix: str) -> None:
    assert cut_file(write(tmp_path, content), Reading()).suffix == suffix


def test_splits_of_conll_with_documents_keep_these_whole(tmp_path: Path) -> None:
    cut = cut_file(write(tmp_path, CONLL), Reading())

    parts = [split.text for split in draw_splits(cut, SHARES, seed=1)]

    assert cut.by == "document"
    assert sorted(unit for part in parts for unit in part.split("-DOCSTART- O\n\n")[1:]) == sorted(
        CONLL.split("-DOCSTART- O\n\n")[1:]
    )


@pytest.mark.parametrize("by", ["label", "none"])
def test_splits_of_conll_by_sentence_hold_every_sentence_once(tmp_path: Path, by: By) -> None:
    file = write(tmp_path, CONLL)

    parts = drawn(file, by=by)

    words = [sentence.words for sentence in read_sentences(file).sentences]
    found = [
        sentence.words
        for number, part in enumerate(parts)
        for sentence in read_sentences(write(tmp_path, part, f"{number}.conll")).sentences
    ]
    assert sorted(found) == sorted(words)


SQUAD = {
    "version": "1.1",
    "kept": True,
    "data": [
        {
            "title": f"article {a}",
            "paragraphs": [
                {
                    "context": f"Ada {a} {p} wrote.",
                    "qas": [
                        {
                            "id": f"{a}-{p}-{q}",
                            "question": "Who?",
                            "answers": [{"text": f"Ada {a} {p}", "answer_start": 0}],
                        }
                        for q in range(2)
                    ],
                }
                for p in range(3)
            ],
        }
        for a in range(4)
    ],
}


@pytest.mark.parametrize(("by", "shared"), [("paragraph", False), ("document", False), ("none", True)])
def test_splits_of_squad_hold_every_question_once(tmp_path: Path, by: By, shared: bool) -> None:
    parts = [json.loads(part) for part in drawn(write(tmp_path, json.dumps(SQUAD)), by=by)]

    contexts = [
        {paragraph["context"] for article in part["data"] for paragraph in article["paragraphs"]}
        for part in parts
    ]
    ids = [
        question["id"]
        for part in parts
        for article in part["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    assert sorted(ids) == sorted(f"{a}-{p}-{q}" for a in range(4) for p in range(3) for q in range(2))
    assert bool(contexts[0] & (contexts[1] | contexts[2])) == shared
    assert all(part["kept"] for part in parts)


@pytest.mark.parametrize("form", ["lines", "array"])
def test_splits_of_flat_questions_keep_those_of_one_context_together(tmp_path: Path, form: str) -> None:
    rows = [{"id": f"{n}", "context": f"c{n // 3}", "question": "q?"} for n in range(24)]
    content = json.dumps(rows) if form == "array" else "".join(f"{json.dumps(row)}\n" for row in rows)

    parts = drawn(write(tmp_path, content))

    found = [
        json.loads(part) if form == "array" else list(map(json.loads, part.splitlines())) for part in parts
    ]
    contexts = [{row["context"] for row in part} for part in found]
    assert sum(map(len, found)) == 24
    assert sum(map(len, contexts)) == 8


def test_splits_of_squad_keep_a_context_together_that_stands_in_several_places(tmp_path: Path) -> None:
    paragraphs = [
        {"context": f"c{n % 6}", "qas": [{"id": f"{n}", "question": "q", "answers": []}]} for n in range(18)
    ]
    file = write(tmp_path, json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))

    for seed in range(8):
        parts = [json.loads(part)["data"][0]["paragraphs"] for part in drawn(file, seed=seed)]
        contexts = [{paragraph["context"] for paragraph in part} for part in parts]
        assert sum(map(len, contexts)) == 6


@pytest.mark.parametrize(("name", "delimiter"), [("some.csv", ","), ("some.tsv", "\t"), ("some.data", ",")])
def test_splits_of_a_table_of_questions_keep_contexts_together(
    tmp_path: Path, name: str, delimiter: str
) -> None:
    rows = [f"{n},Who?,c{n % 6},c\n".replace(",", delimiter) for n in range(18)]
    head = "id,question,context,answer\n".replace(",", delimiter)
    file = write(tmp_path, head + "".join(rows), name)

    parts = drawn(file)

    assert all(part.startswith(head) for part in parts)
    found = [part.removeprefix(head).splitlines(True) for part in parts]
    assert sorted(row for part in found for row in part) == sorted(rows)
    assert sum(len({row.split(delimiter)[2] for row in part}) for part in found) == 6


def test_splits_of_a_single_article_are_articles(tmp_path: Path) -> None:
    parts = drawn(write(tmp_path, json.dumps({"title": "t", **SQUAD["data"][0]})))  # type: ignore[index]

    assert [len(json.loads(part)["paragraphs"]) for part in parts] == [1, 1, 1]


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("content", "task"),
    [
        ("[1, 2]", "qa"),
        ("5", "qa"),
        ('{"data": [5]}', "qa"),
        ('{"data": [{"paragraphs": 5}]}', "qa"),
        ('{"data": [{"paragraphs": [5]}]}', "qa"),
        ('{"data": [{"paragraphs": [{"context": "c", "qas": 5}]}]}', "qa"),
        ('{"paragraphs": 5}', "qa"),
        ('{"context": ["a"], "question": "q"}\n{"context": ["b"], "question": "q"}\n', "qa"),
        ('[{"context": ["a"], "question": "q"}, 5]', "qa"),
        ('{"context": "a", "question": "q"}\n{bad\n', "qa"),
        ('{"context": "a", "question": "q"}', "qa"),
        ("id,text\n1,a\n2,b\n", "qa"),
        (f'{{"context": "a", "question": "q", "z": {DEEP}}}\n', "qa"),
        (f'[{{"text": "a", "label": "x", "z": {DEEP}}}]', None),
        (f'{{"text": "a", "label": "x", "z": {DEEP}}}\n', None),
    ],
)
def test_splits_of_odd_files_are_refused_in_words(tmp_path: Path, content: str, task: str | None) -> None:
    file = write(tmp_path, content)

    for by in (None, "none"):
        with pytest.raises((DataError, UsageError)):
            draw_splits(cut_file(file, Reading(task=task), by=by), SHARES, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("encoding", "letter"), [("utf-8", "\\ud800"), ("latin-1", "\\u4e2d")])
def test_splits_of_json_hold_what_their_encoding_cannot_as_it_was(
    tmp_path: Path, encoding: str, letter: str
) -> None:
    rows = [f'{{"text": "é{letter} {n}", "context": "c {n}", "question": "q{letter}"}}' for n in range(6)]
    (tmp_path / "some.json").write_bytes(f"[{', '.join(rows)}]".encode(encoding))
    (tmp_path / "squad.json").write_bytes(
        json.dumps({**SQUAD, "x": "X"}).replace('"X"', f'"{letter}"').encode(encoding)
    )

    for name, task in (("some.json", "qa"), ("some.json", "classification"), ("squad.json", "qa")):
        by: By = "none" if task == "classification" else "paragraph"
        for part in drawn(tmp_path / name, by=by, task=task, encoding=encoding):
            assert letter in part.encode(encoding).decode(encoding)


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
@pytest.mark.parametrize("by", ["label", "none"])
def test_splits_keep_copies_of_a_row_together(tmp_path: Path, form: str, by: By) -> None:
    rows = [(f"same text {n % 9}", "ab"[n % 2 if by == "label" else 0]) for n in range(90)]
    objects = [{"text": text, "label": label} for text, label in rows]
    contents = {
        "csv": "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows),
        "jsonl": "".join(f"{json.dumps(row)}\n" for row in objects),
        "json": json.dumps(objects),
    }

    parts = drawn(write(tmp_path, contents[form], f"some.{form}"), by=by)

    texts = [set(re.findall(r"same text \d", part)) for part in parts]
    assert sum(map(len, texts)) == 9
    assert sum(part.count("same text") for part in parts) == 90


def test_splits_of_what_is_drawn_twice_are_the_same(tmp_path: Path) -> None:
    file = write(tmp_path, "".join(f"t{n}\t{'ab'[n % 2]}\n" for n in range(20)))

    assert drawn(file) == drawn(file)
    assert drawn(file) != drawn(file, seed=7)


def test_splits_without_labels_say_how_to_do_without(tmp_path: Path) -> None:
    file = write(tmp_path, "".join(f'{{"words": "row {n}"}}\n' for n in range(8)))

    with pytest.raises(DataError) as caught:
        drawn(file)

    assert "--by none" in (caught.value.hint or "")
    assert len(drawn(file, by="none")) == 3


def test_splits_by_what_the_file_has_not_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "".join(f"t{n}\t{'ab'[n % 2]}\n" for n in range(20)))

    with pytest.raises(UsageError, match="--by paragraph does not suit"):
        drawn(file, by="paragraph")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("Ada B-PER\nwrote O\n\nRome B-LOC\n", "words"),
        ('{"tokens": ["a"], "tags": ["O"]}\n', "words"),
        ('{"text": "a b", "spans": []}\n', "words"),
        ('{"text": "a", "label": []}\n{"text": "ab", "label": [[0, 1, "X"]]}\n', "words"),
        ('{"text": "a b", "label": "x"}\n', "texts"),
        ('{"text": "a b", "label": ["x", "y"]}\n', "texts"),
        ("a text\tx\nand one\ty\n", "texts"),
        ("3 a fine film\n0 a bad one\n", "texts"),
        ('{"id": "1", "context": "c", "question": "q"}\n', "questions"),
        (json.dumps(SQUAD), "questions"),
        (json.dumps(SQUAD, indent=2), "questions"),
        ('[{"text": "a", "label": "x"}]', "texts"),
        ("{ O\n[ O\n", "words"),
        ("id,question,context,answer\n1,Who?,Ada,Ada\n", "questions"),
        ('"question"\t"context"\nWho?\tAda\n', "questions"),
        ("a question with context,x\nb,y\n", "texts"),
        ('{"text": "a", "label": "x", "z": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "texts"),
    ],
)
def test_find_kind_tells_by_content(tmp_path: Path, content: str, kind: str) -> None:
    assert find_kind(write(tmp_path, content)) == kind


@pytest.mark.parametrize(("task", "kind"), [("ner", "words"), ("qa", "questions"), ("other", "texts")])
def test_find_kind_believes_the_task(tmp_path: Path, task: str, kind: str) -> None:
    assert find_kind(write(tmp_path, "a\n"), task=task) == kind


@pytest.mark.parametrize("to", ["jsonl", "csv", "tsv"])
def test_convert_file_of_texts_reads_back_in_each_format(tmp_path: Path, to: str) -> None:
    file = write(tmp_path, "".join(f'text, no "{n}"\t{"ab"[n % 2]}\n' for n in range(6)))

    converted = convert_file(file, Reading(), to=to)

    back = read_texts(write(tmp_path, converted.text, f"back.{to}"))
    assert [(row.text, row.labels) for row in back.rows] == [
        (row.text, row.labels) for row in read_texts(file).rows
    ]
    assert converted.rows == 6


@pytest.mark.parametrize("to", ["squad", "jsonl"])
def test_convert_file_of_questions_reads_back_in_each_format(tmp_path: Path, to: str) -> None:
    file = write(tmp_path, json.dumps(SQUAD))

    back = read_questions(write(tmp_path, convert_file(file, Reading(), to=to).text, "back"))

    def plain(path: Path) -> list[tuple[object, ...]]:
        return [(q.id, q.question, q.context, q.answers) for q in read_questions(path).questions]

    assert plain(back.file) == plain(file)


def test_convert_file_of_a_table_of_questions_needs_no_task(tmp_path: Path) -> None:
    file = write(tmp_path, "id,question,context,answer\n1,Who?,Ada did,Ada\n", "qa.csv")

    converted = json.loads(convert_file(file, Reading(), to="squad").text)

    assert converted["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["text"] == "Ada"


def test_convert_file_to_a_format_of_other_rows_names_those_that_suit(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        convert_file(write(tmp_path, json.dumps(SQUAD)), Reading(), to="csv")

    assert caught.value.hint == "For these: --to squad or --to jsonl"
