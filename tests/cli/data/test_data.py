"""`envkit data check`, `split` and `convert`, in this process, with the task `echo`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from echo import install_source

from envkit.api import UsageError
from envkit.cli import main
from envkit.cli.data.check import add_files, name_splits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = "".join(f"a row of number {n}\t{'ab'[n % 2]}\n" for n in range(20))


@pytest.fixture
def envkit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in an empty folder; return its exit code and what it printed on both streams."""
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    monkeypatch.setenv("ENVKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        printed = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, printed.out, printed.err

    return run


@pytest.fixture
def here(envkit: Any, tmp_path: Path) -> Path:
    """Return the folder that commands run in."""
    return tmp_path / "here"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("b.tsv", "c.tsv"), {"train": "b.tsv", "dev": "c.tsv"}),
        (("test.tsv", "x/train.tsv"), {"train": "x/train.tsv", "test": "test.tsv"}),
        (("valid.txt", "my.txt", "Test.txt"), {"train": "my.txt", "dev": "valid.txt", "test": "Test.txt"}),
        (("a", "b", "c"), {"train": "a", "dev": "b", "test": "c"}),
        (("development.csv", "training.csv"), {"train": "training.csv", "dev": "development.csv"}),
        ((), {}),
    ],
)
def test_name_splits_goes_by_names_then_by_order(files: tuple[str, ...], expected: dict[str, str]) -> None:
    assert name_splits(files) == expected


@pytest.mark.parametrize(
    "files", [("a", "b", "c", "d"), ("train.a", "train.b"), ("dev.a", "test.a", "dev.b")]
)
def test_name_splits_of_what_cannot_be_told_is_refused(files: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        name_splits(files)


def test_add_files_takes_one_file_to_train_on_and_a_folder_as_data(tmp_path: Path) -> None:
    assert add_files({"seed": "1"}, ["test.tsv"]) == {"seed": "1", "train": "test.tsv"}
    assert add_files({}, [str(tmp_path)]) == {"data": str(tmp_path)}


def test_add_files_beside_flags_for_files_is_refused() -> None:
    with pytest.raises(UsageError, match="FILES and --dev"):
        add_files({"dev": "x"}, ["train.tsv"])


def test_check_shows_what_is_wrong_first_and_ends_with_1(envkit: Any, here: Path) -> None:
    (here / "train.txt").write_text("one\ntwo\ntwo\n")
    (here / "test.txt").write_text("two\nthree\n")

    code, out, _ = envkit("data", "check", "echo", "train.txt", "test.txt")

    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "error: the label 'THREE' of test never occurs in train (test.txt:2)"
    assert lines[1].startswith("  hint: ")
    assert max(map(len, lines)) <= 80
    assert "1 row of test (50.0 %) stands in train too" in out
    assert "train     3" in out


def test_check_says_which_file_is_which_and_where_only_their_order_tells(envkit: Any, here: Path) -> None:
    for name in ("train.txt", "other.txt"):
        (here / name).write_text("one\ntwo\n")

    _, out, _ = envkit("data", "check", "echo", "train.txt", "other.txt")

    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    assert ["train", "train.txt"] in lines
    assert ["dev", "other.txt (by its order; else say --train or --test)"] in lines


def test_check_of_sound_data_ends_with_0_and_says_what_was_left_out(envkit: Any, here: Path) -> None:
    (here / "train.txt").write_text("one\ntwo\n" * 8)

    code, out, _ = envkit("data", "check", "echo", "train.txt", "--model", "nobody/nothing")

    assert code == 0
    assert "left out" in out


def test_check_as_json_has_all_of_it(envkit: Any, here: Path) -> None:
    (here / "train.txt").write_text("one\ntwo\n")
    (here / "dev.txt").write_text("one\nnine\n")

    code, out, _ = envkit("data", "check", "echo", "dev.txt", "train.txt", "--json")

    body = json.loads(out)
    assert (code, body["ok"], body["command"]) == (1, True, "data check echo")
    assert [split["split"] for split in body["data"]["splits"]] == ["train", "dev"]
    assert body["data"]["files"]["dev"] == str(here / "dev.txt")
    assert body["data"]["shared"][0]["share"] == 0.5


def test_check_in_an_environment_that_is_not_there_says_so(envkit: Any, here: Path) -> None:
    (here / "train.txt").write_text("one\n")

    code, _, err = envkit("data", "check", "echo", "train.txt", "--env", "gone")

    assert code == 6
    assert "there is no environment 'gone'" in err


def test_split_writes_beside_the_file_and_never_over_what_is_there(envkit: Any, here: Path) -> None:
    (here / "all.tsv").write_text(LINES)

    first = envkit("data", "split", "all.tsv", "--test", "0.2")
    kept = (here / "train.tsv").read_text()
    again = envkit("data", "split", "all.tsv", "--test", "0.2", "--seed", "1")
    forced = envkit("data", "split", "all.tsv", "--test", "0.2", "--seed", "1", "--force")

    assert (first[0], again[0], forced[0]) == (0, 2, 0)
    assert "train.tsv and dev.tsv and test.tsv are there already" in again[2]
    assert (here / "train.tsv").read_text() != kept
    parts = [(here / f"{split}.tsv").read_text() for split in ("train", "dev", "test")]
    assert [part.count("\n") for part in parts] == [14, 2, 4]
    assert sorted("".join(parts).splitlines()) == sorted(LINES.splitlines())


def test_split_of_standard_input_names_its_files_as_what_is_in_them(here: Path) -> None:
    rows = "".join(json.dumps({"text": f"row {number}", "label": "a"}) + "\n" for number in range(20))
    words = [sys.executable, "-m", "envkit", "data", "split", "-", "--output", "cut"]

    done = subprocess.run(words, input=rows, cwd=here, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert {file.name for file in (here / "cut").iterdir()} == {"train.jsonl", "dev.jsonl"}


def test_split_that_must_divide_the_copies_of_a_text_warns_of_it(envkit: Any, here: Path) -> None:
    (here / "few.csv").write_text("text,label\n" + "good,yes\nbad,no\n" * 10)
    (here / "more.csv").write_text("text,label\n" + "good,yes\nfine,yes\nbad,no\npoor,no\n" * 10)

    code, _, err = envkit("data", "split", "few.csv", "--dev", "0.2", "--output", "few")
    told = envkit("data", "split", "few.csv", "--dev", "0.2", "--output", "few", "--force", "--json")
    kept = envkit("data", "split", "more.csv", "--dev", "0.2", "--output", "more")

    assert code == 0
    assert "warning: There are too few different texts to keep copies together" in err
    assert len(json.loads(told[1])["data"]["notes"]) == 1
    assert (kept[0], kept[2]) == (0, "")


def test_split_over_its_own_source_is_refused_even_with_force(envkit: Any, here: Path) -> None:
    (here / "train.tsv").write_text(LINES)

    code, _, err = envkit("data", "split", "train.tsv", "--force")

    assert code == 2
    assert "over train.tsv itself" in err
    assert (here / "train.tsv").read_text() == LINES
    assert envkit("data", "split", "train.tsv", "--output", "cut", "--json")[0] == 0
    assert (here / "cut" / "dev.tsv").is_file()


def test_split_of_a_file_that_is_not_there_is_bad_data(envkit: Any) -> None:
    code, _, err = envkit("data", "split", "gone.tsv")

    assert code == 2
    assert "gone.tsv" in err
    assert "Traceback" not in err


def test_convert_writes_a_file_once(envkit: Any, here: Path) -> None:
    (here / "all.tsv").write_text(LINES)
    words = ("data", "convert", "all.tsv", "--to", "jsonl", "--output", "out/all.jsonl")

    code, out, err = envkit(*words)
    again = envkit(*words)

    assert (code, again[0]) == (0, 2)
    assert "20 rows: out/all.jsonl" in out
    assert "text from column 1" in err
    first = json.loads((here / "out" / "all.jsonl").read_text().splitlines()[0])
    assert first == {"text": "a row of number 0", "label": "a"}


def test_convert_to_another_kind_names_what_suits(envkit: Any, here: Path) -> None:
    (here / "all.tsv").write_text(LINES)

    code, _, err = envkit("data", "convert", "all.tsv", "--to", "squad")

    assert code == 2
    assert "--to jsonl" in err
