"""Checkpoints: whole or not there, damage found and named, nothing removed that is needed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.api import DataError, Options
from envkit.api.errors import ResumeRefused
from envkit.checkpoints import (
    FileRecord,
    MadeBy,
    changed_error,
    check_checkpoint,
    describe_data,
    describe_packages,
    describe_run,
    differences,
    discard_after,
    list_checkpoints,
    newest_sound,
    prune,
    read_manifest,
    write_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.checkpoints import Kind

# What must be equal on resume: of no matter where only files are looked at.
MADE_BY = MadeBy(
    options={"learning_rate": 2e-4, "epochs": 3, "merge": False, "test": None},
    data=(FileRecord(name="/data/dev.conll", size=3, sha256="d1"), FileRecord(name="/data/train.conll", size=5, sha256="t1")),
    packages={"torch": "2.13.0", "numpy": "2.1.0", "envkit-ml": "0.2.0"},
    python="3.12.4",
    threads=4,
    device="cpu",
    precision="float32",
    world_size=1,
    digests={"order of the examples": "9f3c"},
)  # fmt: skip

# A writer that a test kills: checkpoint after checkpoint, each with its best before it.
WRITER = """
import sys
from pathlib import Path
from envkit.checkpoints import MadeBy, prune, write_checkpoint

run_dir = Path(sys.argv[1])
made_by = MadeBy(options={}, data=(), packages={}, python="3.12")

def write_files(folder):
    for name in ("model.safetensors", "optimizer.safetensors"):
        with (folder / name).open("wb") as stream:
            for _ in range(40):
                stream.write(bytes(8192))
    (folder / "state.json").write_text("{}")

step = int(sys.argv[2])
print("ready", flush=True)
while True:
    step += 1
    write_checkpoint(run_dir, "best", step, write_files=write_files, made_by=made_by)
    write_checkpoint(run_dir, "step", step, write_files=write_files, made_by=made_by, best_step=step)
    prune(run_dir)
    print("written", flush=True)
"""

# Forks a writer that kills itself before its n-th touch of a file or folder, for every such n from FIRST on in
# steps of STRIDE; what is left must be whole, and the next writer must find its way.
KILLER = """
import os, shutil, signal, sys
from pathlib import Path
from envkit.checkpoints import (
    MadeBy, check_checkpoint, discard_after, list_checkpoints, newest_sound, prune, write_checkpoint
)

made_by = MadeBy(options={}, data=(), packages={}, python="3.12")
home, first, stride = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def write_files(folder):
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "state.json").write_bytes(b"{}")

def go_on(run_dir, step):
    write_checkpoint(run_dir, "best", step, write_files=write_files, made_by=made_by)
    write_checkpoint(run_dir, "step", step, write_files=write_files, made_by=made_by, best_step=step)
    prune(run_dir)

def live(run_dir):
    go_on(run_dir, 3)
    write_checkpoint(run_dir, "step", 3, write_files=write_files, made_by=made_by, best_step=3)
    discard_after(run_dir, 2)

def die_before(number):
    left = number
    def count(event, _):
        nonlocal left
        if event.startswith(("os.", "open", "shutil.")):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

for step in (1, 2):
    go_on(home / "begun", step)
number, killed = first, 0
while True:
    run_dir = home / str(number)
    shutil.copytree(home / "begun", run_dir)
    child = os.fork()
    if child == 0:
        die_before(number)
        live(run_dir)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    killed += 1
    for one in list_checkpoints(run_dir):
        assert check_checkpoint(one.path) is None, (number, one)
    found, damaged = newest_sound(run_dir)
    assert not damaged and found.step >= 2, (number, found, damaged)
    go_on(run_dir, 4)
    assert newest_sound(run_dir)[0].step == 4, number
    left = [entry.name for entry in (run_dir / "checkpoints").iterdir() if entry.name.startswith(".")]
    assert not left, (number, left)
    number += stride
print(killed)
"""


def files_writer(**files: bytes) -> Callable[[Path], None]:
    """Return what writes these files, a dot for each underscore in their names."""

    def write_files(folder: Path) -> None:
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_bytes(content)

    return write_files


def write(run_dir: Path, kind: Kind, step: int, *, best_step: int | None = None, content: bytes = b"weights") -> Path:  # fmt: skip
    """Write a small checkpoint."""
    return write_checkpoint(
        run_dir,
        kind,
        step,
        write_files=files_writer(model_safetensors=content, state_json=b'{"epoch": 1}'),
        made_by=MADE_BY,
        best_step=best_step,
    )


def names(run_dir: Path) -> list[str]:
    """Return what is in the folder of checkpoints, hidden or not."""
    return sorted(entry.name for entry in (run_dir / "checkpoints").iterdir())


def test_checkpoint_written_is_found_with_all_that_was_said_of_it(tmp_path: Path) -> None:
    write(tmp_path, "best", 60)

    path = write(tmp_path, "step", 80, best_step=60)

    found, damaged = newest_sound(tmp_path)
    assert found is not None
    assert (found.path, found.kind, found.step) == (path, "step", 80)
    assert path == tmp_path / "checkpoints" / "step-00000080"
    assert damaged == ()
    manifest = read_manifest(path)
    assert (manifest.kind, manifest.step, manifest.best_step) == ("step", 80, 60)
    assert manifest.made_by == MADE_BY
    assert {file.name: file.size for file in manifest.files} == {"model.safetensors": 7, "state.json": 12}
    assert names(tmp_path) == ["best-00000060", "step-00000080"]


def test_newest_sound_in_a_run_without_checkpoints_is_none(tmp_path: Path) -> None:
    assert newest_sound(tmp_path) == (None, ())
    write(tmp_path, "best", 1)  # weights alone are nothing to go on from
    assert newest_sound(tmp_path) == (None, ())


def test_list_checkpoints_among_strange_names_lists_only_checkpoints(tmp_path: Path) -> None:
    for step in (100_000_000, 7, 80):
        write(tmp_path, "step", step)
    write(tmp_path, "best", 7)
    for other in ("step-7", "notes", "best-0000000x", ".writing-step-00000009"):
        (tmp_path / "checkpoints" / other).mkdir()

    listed = list_checkpoints(tmp_path)

    assert [(one.kind, one.step) for one in listed] == [
        ("best", 7),
        ("step", 7),
        ("step", 80),
        ("step", 100_000_000),
    ]


def test_write_checkpoint_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    def fill_the_disk(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_checkpoint(tmp_path, "step", 5, write_files=fill_the_disk, made_by=MADE_BY)

    assert names(tmp_path) == []


@pytest.mark.parametrize("wrong", ["manifest.json", "link", "folder"])
def test_write_checkpoint_of_what_is_no_plain_file_is_refused(tmp_path: Path, wrong: str) -> None:
    def write_files(folder: Path) -> None:
        if wrong == "manifest.json":
            (folder / wrong).write_bytes(b"{}")
        elif wrong == "link":
            (folder / wrong).symlink_to("/etc/hostname")
        else:
            (folder / wrong).mkdir()

    with pytest.raises(ValueError, match=wrong):
        write_checkpoint(tmp_path, "step", 5, write_files=write_files, made_by=MADE_BY)


def test_write_checkpoint_of_a_step_done_again_replaces_it(tmp_path: Path) -> None:
    write(tmp_path, "step", 80, content=b"before")

    path = write(tmp_path, "step", 80, content=b"after")

    assert (path / "model.safetensors").read_bytes() == b"after"
    assert check_checkpoint(path) is None
    assert names(tmp_path) == ["step-00000080"]


def test_write_checkpoint_after_a_killed_writer_removes_what_it_left(tmp_path: Path) -> None:
    left = tmp_path / "checkpoints" / ".writing-step-00000070"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    (tmp_path / "checkpoints" / ".DS_Store").write_bytes(b"")

    write(tmp_path, "step", 80)

    assert names(tmp_path) == ["step-00000080"]


def test_prune_and_discard_after_a_killed_removal_finish_it(tmp_path: Path) -> None:
    for act in (prune, lambda run_dir: discard_after(run_dir, 9)):
        write(tmp_path, "step", 1)
        left = tmp_path / "checkpoints" / ".removed-step-00000001"
        left.mkdir()
        (left / "manifest.json").write_bytes(b"{}")

        act(tmp_path)

        assert names(tmp_path) == ["step-00000001"]


# Damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a best and two steps, the newer of which stands on the best."""
    run_dir = tmp_path_factory.mktemp("whole")
    write(run_dir, "step", 40)
    write(run_dir, "best", 60)
    write(run_dir, "step", 80, best_step=60)
    return run_dir


DAMAGEABLE = [
    f"{folder}/{name}"
    for folder in ("step-00000080", "best-00000060")
    for name in ("manifest.json", "model.safetensors", "state.json")
]


@given(name=st.sampled_from(DAMAGEABLE), place=st.integers(0), flip=st.integers(1, 255))
def test_newest_sound_with_any_byte_flipped_names_the_file_and_takes_the_one_before(
    whole: Path, name: str, place: int, flip: int
) -> None:
    file = whole / "checkpoints" / name
    before = file.read_bytes()
    damaged = bytearray(before)
    damaged[place % len(before)] ^= flip
    _expect_damage(whole, file, bytes(damaged), before)


@given(name=st.sampled_from(DAMAGEABLE), place=st.integers(0))
def test_newest_sound_with_a_file_cut_short_names_the_file_and_takes_the_one_before(
    whole: Path, name: str, place: int
) -> None:
    file = whole / "checkpoints" / name
    before = file.read_bytes()
    _expect_damage(whole, file, before[: place % len(before)], before)


@pytest.mark.parametrize("name", DAMAGEABLE)
def test_newest_sound_with_a_file_gone_or_longer_names_the_file_and_takes_the_one_before(
    whole: Path, name: str
) -> None:
    file = whole / "checkpoints" / name
    before = file.read_bytes()
    _expect_damage(whole, file, None, before)
    _expect_damage(whole, file, before + b"\n", before)


def _expect_damage(run_dir: Path, file: Path, content: bytes | None, before: bytes) -> None:
    try:
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        found, damaged = newest_sound(run_dir)
    finally:
        file.write_bytes(before)
    assert found is not None
    assert found.step == 40
    assert [damage.checkpoint.step for damage in damaged] == [80]
    assert str(file) in damaged[0].problem


def test_check_checkpoint_without_its_best_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "step", 80, best_step=60)

    problem = check_checkpoint(path)

    assert problem is not None
    assert "best-00000060" in problem


def test_check_checkpoint_under_another_name_says_whose_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, "step", 80)
    renamed = path.rename(path.with_name("step-00000090"))

    problem = check_checkpoint(renamed)

    assert problem is not None
    assert "step-00000080" in problem


def test_check_checkpoint_of_a_newer_envkit_is_told_from_damage(tmp_path: Path) -> None:
    from envkit.checkpoints.layout import encode_manifest

    path = write(tmp_path, "step", 80)
    newer = msgspec.structs.replace(read_manifest(path), version=2, seal="0" * 64)
    (path / "manifest.json").write_bytes(encode_manifest(newer))

    problem = check_checkpoint(path)

    assert problem is not None
    assert "version 2" in problem


# Removal


@settings(max_examples=15)  # each writes and flushes a dozen files
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 30) | st.none()),
        max_size=5,
        unique_by=lambda step: step[0],
    ),
    st.sets(st.integers(0, 30), max_size=3),
    st.integers(1, 3),
)
def test_prune_of_any_history_keeps_the_last_sound_ones_and_all_that_they_need(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, bool, int | None]],
    bests: set[int],
    keep: int,
) -> None:
    run_dir = tmp_path_factory.mktemp("history")
    for best in bests:
        write(run_dir, "best", best)
    for step, is_damaged, best_step in steps:
        path = write(run_dir, "step", step, best_step=best_step)
        if is_damaged:
            (path / "model.safetensors").write_bytes(b"")
    sound = [one for one in list_checkpoints(run_dir) if check_checkpoint(one.path) is None]
    sound_steps = [one for one in sound if one.kind == "step"]

    prune(run_dir, keep=keep)

    still_sound = [one for one in list_checkpoints(run_dir) if check_checkpoint(one.path) is None]
    assert [one for one in still_sound if one.kind == "step"] == sound_steps[-keep:]
    left = {one.step for one in list_checkpoints(run_dir) if one.kind == "best"}
    needed = {read_manifest(one.path).best_step for one in list_checkpoints(run_dir) if one.kind == "step"}
    assert left == {best for best in bests if best in needed or best == max(bests)}
    shutil.rmtree(run_dir)


def test_discard_after_a_step_keeps_it_and_what_was_before(tmp_path: Path) -> None:
    for step in (20, 40, 60):
        write(tmp_path, "best", step)
        write(tmp_path, "step", step, best_step=step)

    discard_after(tmp_path, 40)

    assert names(tmp_path) == ["best-00000020", "best-00000040", "step-00000020", "step-00000040"]
    discard_after(tmp_path, -1)
    assert names(tmp_path) == []


# Killed while writing


def _kill_writers(run_dir: Path, *, times: int, seed: int) -> None:
    run_dir.mkdir()
    chance = random.Random(seed)
    step = 0
    pause = None  # until the first has shown how long a round takes here, now
    for _ in range(times):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(run_dir), str(step)], stdout=subprocess.PIPE
        )
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            if pause is None:
                began = time.perf_counter()
                assert writer.stdout.readline() == b"written\n"
                pause = time.perf_counter() - began
            time.sleep(chance.uniform(0, 2 * pause))
        finally:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
        for checkpoint in list_checkpoints(run_dir):
            assert check_checkpoint(checkpoint.path) is None
        found, damaged = newest_sound(run_dir)
        assert found is not None
        assert damaged == ()
        assert found.step >= step, "a checkpoint that was there has gone"
        step = found.step
    write_checkpoint(run_dir, "step", step + 1, write_files=files_writer(state_json=b"{}"), made_by=MADE_BY)
    assert not [name for name in names(run_dir) if name.startswith(".")]


def test_write_checkpoint_killed_at_a_few_instants_leaves_whole_ones_only(tmp_path: Path) -> None:
    _kill_writers(tmp_path / "run", times=3, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_write_checkpoint_killed_at_many_instants_leaves_whole_ones_only(tmp_path: Path, seed: int) -> None:
    _kill_writers(tmp_path / "run", times=60, seed=seed)


def _kill_before_touches(home: Path, *, first: int, stride: int) -> int:
    (home / "begun").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(home), str(first), str(stride)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_checkpoints_killed_before_some_touches_of_the_disk_are_whole(tmp_path: Path) -> None:
    assert _kill_before_touches(tmp_path, first=3, stride=15) > 3


@pytest.mark.slow
def test_checkpoints_killed_before_any_touch_of_the_disk_are_whole(tmp_path: Path) -> None:
    assert _kill_before_touches(tmp_path, first=1, stride=1) > 50


# What made it


def changed(**changes: object) -> MadeBy:
    """Return the description of the run with changes."""
    return msgspec.structs.replace(MADE_BY, **changes)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (changed(), []),
        (
            changed(data=(MADE_BY.data[0], FileRecord(name="/data/train.conll", size=5, sha256="t2"))),
            ["the data file /data/train.conll has changed"],
        ),
        (changed(data=MADE_BY.data[1:]), ["the data file /data/dev.conll is gone"]),
        (
            changed(data=(*MADE_BY.data, FileRecord(name="/data/x", size=1, sha256="x"))),
            ["the data file /data/x is new"],
        ),
        (
            changed(options={**MADE_BY.options, "learning_rate": 3e-4}),
            ["--learning-rate was 0.0002 and is 0.0003"],
        ),
        (
            changed(options={**MADE_BY.options, "merge": True, "test": "/data/test.conll"}),
            ["--merge was off and is on", "--test was not given and is /data/test.conll"],
        ),
        (
            changed(packages={"torch": "2.14.0", "envkit-ml": "0.2.0", "peft": "0.18.0"}),
            [
                "torch was 2.13.0 and is 2.14.0",
                "numpy was 2.1.0 and is not installed",
                "peft was not installed and is 0.18.0",
            ],
        ),
        (changed(python="3.13.0"), ["Python was 3.12.4 and is 3.13.0"]),
        (changed(threads=2), ["4 threads computed and now 2 would"]),
        (changed(world_size=2), ["1 process computed and now 2 would"]),
        (
            changed(device="cuda", precision="bfloat16"),
            ["device was cpu and is cuda", "precision was float32 and is bfloat16"],
        ),
        (changed(digests={"order of the examples": "0000"}), ["the order of the examples has changed"]),
        # Before torch has loaded these are not known, and nothing is said of them.
        (changed(threads=None, device=None, precision=None, world_size=None, digests={}), []),
    ],
)
def test_differences_of_two_runs_are_said_in_words(now: MadeBy, said: list[str]) -> None:
    assert differences(MADE_BY, now) == said


def test_differences_of_many_kinds_begin_with_the_data_and_end_with_the_threads() -> None:
    now = changed(
        threads=2, packages={}, options={**MADE_BY.options, "epochs": 4}, data=(), device="cuda", python="3.13.0"
    )  # fmt: skip

    said = differences(MADE_BY, now)

    assert [line.split()[0] for line in said] == [
        "the", "the", "--epochs", "device", "torch", "numpy", "envkit-ml", "Python", "4"
    ]  # fmt: skip


def test_changed_error_names_every_difference_and_the_way_on(tmp_path: Path) -> None:
    error = changed_error(["torch was 1 and is 2", "--epochs was 3 and is 4"], run_dir=tmp_path / "a run")

    assert isinstance(error, ResumeRefused)
    assert error.message.splitlines()[1:] == ["  torch was 1 and is 2", "  --epochs was 3 and is 4"]
    assert error.hint is not None
    assert error.hint.endswith(f"envkit runs resume '{tmp_path / 'a run'}' --force")


class WordOptions(Options, frozen=True, kw_only=True):
    """Options of a plugin that reads a file of its own."""

    word_list: Path | None = None


def test_describe_data_of_all_path_options_hashes_each_file_once(tmp_path: Path) -> None:
    for name in ("train.conll", "dev.conll", "words.txt"):
        (tmp_path / name).write_text("abc")
    options = WordOptions(
        train=tmp_path / "train.conll",
        dev=tmp_path / "dev.conll",
        test=tmp_path / "train.conll",
        word_list=tmp_path / "words.txt",
    )

    described = describe_data(options)

    assert [Path(file.name).name for file in described] == ["dev.conll", "train.conll", "words.txt"]
    assert {file.size for file in described} == {3}
    # Source: FIPS 180-4's first example.
    assert {file.sha256[:8] for file in described} == {"ba7816bf"}


def test_describe_data_of_a_folder_takes_its_own_visible_files_and_those_of_its_splits(
    tmp_path: Path,
) -> None:
    for name in ("train.conll", ".hidden", "runs/events.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("abc")

    described = describe_data(Options(data=tmp_path))

    assert [file.name for file in described] == [str(tmp_path / "train.conll")]


def test_describe_data_of_a_folder_a_class_is_one_record_that_changes_with_any_file(tmp_path: Path) -> None:
    for name in ("train/pos/1.txt", "train/neg/1.txt", "test/pos/1.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("abc")

    whole = describe_data(Options(data=tmp_path))
    train = describe_data(Options(train=tmp_path / "train"))
    (tmp_path / "train/neg/1.txt").rename(tmp_path / "train/pos/2.txt")
    moved = describe_data(Options(train=tmp_path / "train"))

    assert [file.name for file in whole] == [str(tmp_path / "test"), str(tmp_path / "train")]
    assert train == whole[1:]
    assert train[0].size == moved[0].size == 6
    assert train[0].sha256 != moved[0].sha256


def test_describe_data_of_a_missing_file_leaves_it_out(tmp_path: Path) -> None:
    assert describe_data(Options(train=tmp_path / "gone.conll")) == ()


def test_describe_data_of_an_odd_name_can_be_written_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "d\udce4ta.conll"
    try:
        file.write_text("abc")
    except OSError:
        pytest.skip("the file system has only names in UTF-8")

    described = describe_data(Options(data=tmp_path))

    assert msgspec.json.decode(msgspec.json.encode(described), type=tuple[FileRecord, ...]) == described


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_describe_data_of_an_unreadable_file_names_it(tmp_path: Path) -> None:
    file = tmp_path / "train.conll"
    file.write_text("abc")
    file.chmod(0)

    with pytest.raises(DataError, match=r"train\.conll"):
        describe_data(Options(train=file))


def test_describe_packages_names_what_is_installed_and_nothing_else() -> None:
    described = describe_packages(["msgspec", "no-such-package-at-all"])

    assert described["msgspec"] == msgspec.__version__
    assert "envkit-ml" in described
    assert "no-such-package-at-all" not in described


def test_describe_run_read_back_from_a_manifest_has_no_difference(tmp_path: Path) -> None:
    train = tmp_path / "train.conll"
    train.write_text("abc")
    options = WordOptions(train=train, learning_rate=0.1 + 0.2)
    made_by = describe_run(tmp_path, options)

    path = write_checkpoint(tmp_path, "step", 1, write_files=files_writer(state_json=b"{}"), made_by=made_by)

    assert differences(read_manifest(path).made_by, describe_run(tmp_path, options)) == []
    train.write_text("abcd")
    assert differences(read_manifest(path).made_by, describe_run(tmp_path, options)) == [
        f"the data file {train} has changed"
    ]
