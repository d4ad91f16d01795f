from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.api import DataError, Options, TextOptions
from envkit.data.splits import SplitFiles, cut_dev, find_splits


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def test_find_splits_without_data_is_none() -> None:
    assert find_splits(Options()) is None


def test_find_splits_named_files_are_taken_as_they_are() -> None:
    options = Options(train=Path("a"), test=Path("c"))
    assert find_splits(options) == SplitFiles(Path("a"), None, Path("c"))


@pytest.mark.parametrize("dev", ["dev.txt", "valid.conll", "validation.jsonl", "dev"])
def test_find_splits_folder_is_searched_by_stem(tmp_path: Path, dev: str) -> None:
    touch(tmp_path, "train.txt", dev, "test.jsonl", "README.md", "train.txt~", ".train.txt.swp", "tests.txt")
    (tmp_path / "train.d").mkdir()
    found = find_splits(Options(data=tmp_path))
    assert found == SplitFiles(tmp_path / "train.txt", tmp_path / dev, tmp_path / "test.jsonl")


def test_find_splits_one_file_is_to_train_on(tmp_path: Path) -> None:
    file = touch(tmp_path, "all.conll") / "all.conll"
    assert find_splits(Options(data=file)) == SplitFiles(file)


def test_find_splits_folder_without_train_says_what_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt")
    with pytest.raises(DataError, match=r"no file train\.\*.*a\.txt, b\.txt"):
        find_splits(Options(data=tmp_path))


def test_find_splits_two_files_for_a_split_are_both_named(tmp_path: Path) -> None:
    touch(tmp_path, "train.txt", "dev.txt", "valid.txt")
    with pytest.raises(DataError, match=r"dev\.txt and valid\.txt") as raised:
        find_splits(Options(data=tmp_path))
    assert "--dev FILE" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("train", "dev", "test"),
    [
        ("train.csv.gz", "dev.tsv", "test.jsonl.gz"),
        ("train-00000-of-00001.parquet", "validation-00000-of-00001.parquet", "test-00000-of-00001.parquet"),
        ("train.gz", "dev", "test.gz"),
    ],
)
def test_find_splits_packed_or_numbered_files_are_found(
    tmp_path: Path, train: str, dev: str, test: str
) -> None:
    touch(tmp_path, train, dev, test, "train.csv.gz~")
    found = find_splits(Options(data=tmp_path))
    assert found == SplitFiles(tmp_path / train, tmp_path / dev, tmp_path / test)


def test_find_splits_several_parts_of_a_split_are_all_named(tmp_path: Path) -> None:
    touch(tmp_path, "train-00000-of-00002.parquet", "train-00001-of-00002.parquet")
    with pytest.raises(DataError, match="could all be the file for train"):
        find_splits(Options(data=tmp_path))


def make_classes(folder: Path) -> Path:
    for name in ("pos", "neg"):
        (folder / name).mkdir(parents=True)
        (folder / name / "1.txt").write_text("a text")
    return folder


def test_find_splits_folders_of_classes_are_splits_for_tasks_of_texts_alone(tmp_path: Path) -> None:
    train, test = make_classes(tmp_path / "train"), make_classes(tmp_path / "test")
    assert find_splits(TextOptions(data=tmp_path)) == SplitFiles(train, None, test)
    with pytest.raises(DataError, match=r"no file train\.\*"):
        find_splits(Options(data=tmp_path))


def test_find_splits_a_folder_of_classes_is_to_train_on(tmp_path: Path) -> None:
    folder = make_classes(tmp_path / "reviews")
    assert find_splits(TextOptions(data=folder)) == SplitFiles(folder)


@settings(deadline=None)  # a busy machine may take its time
@given(number=st.integers(2, 500), seed=st.integers(0, 2**32 - 1), share=st.floats(0.01, 0.99))
def test_cut_dev_gives_every_row_once_in_order(number: int, seed: int, share: float) -> None:
    rows = list(range(number))
    train, dev = cut_dev(rows, seed=seed, share=share)
    assert sorted(train + dev) == rows
    assert train == sorted(train)
    assert dev == sorted(dev)
    assert abs(len(dev) - number * share) <= 1
    assert train
    assert dev
    assert cut_dev(rows, seed=seed, share=share) == (train, dev)


def test_cut_dev_another_seed_cuts_other_rows() -> None:
    assert cut_dev(range(200), seed=1)[1] != cut_dev(range(200), seed=2)[1]


def test_cut_dev_of_one_row_is_refused() -> None:
    with pytest.raises(DataError, match="one row"):
        cut_dev(["only"], seed=1)
