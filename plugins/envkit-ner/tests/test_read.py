from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.api import DataError, Request
from envkit.registry import load_task
from envkit_ner.plugin import NerOptions
from envkit_ner.read import SAMPLE_DIR, read

if TYPE_CHECKING:
    from conftest import Record

TRAIN = "Ada B-PER\nwrote O\n\nRome B-LOC\n\n" + "it O\n\n" * 18


def write(folder: Path, **files: str) -> dict[str, Path]:
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content)
    return {name: folder / f"{name}.txt" for name in files}


def test_plugin_is_found_by_its_task_and_describes_it() -> None:
    loaded = load_task("ner")
    assert loaded.entry.plugin == "envkit-ner"
    assert loaded.entry.summary
    assert loaded.task.options is NerOptions
    assert loaded.task.headline == "entity_f1"


def test_plugin_and_its_reading_import_nothing_heavy() -> None:
    program = (
        "import sys, envkit_ner.plugin; light = set(sys.modules); import envkit_ner.read;"
        "assert not {'envkit_ner.read', 'envkit.data'} & light, light;"
        "heavy = {'torch', 'transformers', 'numpy', 'rich', 'click'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_read_without_data_takes_the_sample_and_says_so(record: Record) -> None:
    data = read(Request(options=NerOptions(), report=record))
    assert len(data.train) == 480
    assert len(data.dev) == len(data.test) == 120
    assert data.labels == (
        "O",
        *(f"{prefix}-{kind}" for kind in ("LOC", "MISC", "ORG", "PER") for prefix in "BI"),
    )
    assert "small sample" in record.said[0]
    assert record.warned == []


def test_read_train_alone_cuts_a_tenth_by_the_seed_and_says_so(tmp_path: Path, record: Record) -> None:
    files = write(tmp_path, train=TRAIN)
    data = read(Request(options=NerOptions(train=files["train"], seed=3), report=record))
    assert (len(data.train), len(data.dev), data.test) == (18, 2, ())
    assert data.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert any("2 of 20 training sentences, cut by the seed" in text for text in record.said)
    again = read(Request(options=NerOptions(data=files["train"], seed=3), report=record))
    assert again == data


def test_read_folder_takes_its_splits_as_they_are(tmp_path: Path, record: Record) -> None:
    write(tmp_path, train=TRAIN, valid="Bo U-PER\n", test="Bo S-PER\nGo E-PER\n")
    data = read(Request(options=NerOptions(data=tmp_path), report=record))
    assert len(data.train) == 20
    assert data.dev[0].tags == ("B-PER",)
    assert data.test[0].tags == ("B-PER", "B-PER")
    assert any("test.txt:2: 1 tag out of place in IOBES" in text for text in record.warned)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_read_type_that_train_lacks_is_refused_at_its_line(
    tmp_path: Path, record: Record, split: str
) -> None:
    files = write(tmp_path, train=TRAIN, **{split: "Bo B-PER\n\nit O\nAcme B-ORG\n"})
    with pytest.raises(DataError) as raised:
        read(Request(options=NerOptions(**files), report=record))
    assert raised.value.message == (
        f"{files[split]}:4: the training data has no entity of type 'ORG', only LOC, PER"
    )
    assert raised.value.exit_code == 2


def test_read_train_without_entities_is_refused(tmp_path: Path, record: Record) -> None:
    files = write(tmp_path, train="it NN O\nis VB O\n\nit NN O\n")
    with pytest.raises(DataError, match="nothing to learn") as raised:
        read(Request(options=NerOptions(train=files["train"]), report=record))
    assert "--tag-column" in (raised.value.hint or "")


def test_read_columns_named_by_options_are_taken(tmp_path: Path, record: Record) -> None:
    files = write(tmp_path, train="B-X a B-Z\nO b O\n\nO c O\n")
    options = NerOptions(train=files["train"], word_column=2, tag_column=1)
    data = read(Request(options=options, report=record))
    assert data.labels == ("O", "B-X", "I-X")
    assert {word for sentence in (*data.train, *data.dev) for word in sentence.words} == {"a", "b", "c"}


def test_sample_is_what_its_script_writes(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "scripts" / "make_sample.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, stdout=subprocess.DEVNULL)
    for split in ("train", "dev", "test"):
        assert (tmp_path / f"{split}.conll").read_bytes() == (SAMPLE_DIR / f"{split}.conll").read_bytes()


def test_sample_needs_context_and_shows_new_names() -> None:
    words: dict[str, dict[str, set[str]]] = {"train": {}, "dev": {}}
    for split, kinds in words.items():
        for line in (SAMPLE_DIR / f"{split}.conll").read_text().splitlines():
            if line:
                word, tag = line.split("\t")
                kinds.setdefault(word.lower(), set()).add(tag[2:])
    ambiguous = [word for word, kinds in words["train"].items() if len(kinds) > 1]
    new = [word for word, kinds in words["dev"].items() if kinds != {""} and word not in words["train"]]
    assert len(ambiguous) > 20
    assert len(new) > 20
