"""`envkit runs clean`: what it removes, what it leaves, and what it refuses."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from ended_runs import write_run

from envkit.api import EnvkitError, UsageError
from envkit.api.records import RunResult
from envkit.checkpoints import MadeBy, write_checkpoint
from envkit.cli.runs import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.worker.folder import RunFolder

SIZE = 5000  # bytes of what a checkpoint holds besides its manifest


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder's runs: two that finished, one that was stopped and one that finished without checkpoints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("one", "two"):
        with_checkpoints(write_run(tmp_path / "runs" / name))
    with_checkpoints(
        write_run(tmp_path / "runs" / "stopped", result=RunResult(status="cancelled", task="echo"))
    )
    write_run(tmp_path / "runs" / "bare")
    return tmp_path / "runs"


def with_checkpoints(folder: RunFolder) -> None:
    made_by = MadeBy(options={}, data=(), packages={}, python="3.11")

    def write_files(draft: Path) -> None:
        (draft / "weights").write_bytes(b"x" * SIZE)

    write_checkpoint(folder.path, "best", 3, write_files=write_files, made_by=made_by)
    write_checkpoint(folder.path, "step", 4, write_files=write_files, made_by=made_by, best_step=3)
    folder.model_dir.mkdir()
    (folder.model_dir / "weights").touch()


def clean(*words: str) -> str:
    done = CliRunner().invoke(command, ["clean", *words], standalone_mode=False, catch_exceptions=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def count_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "checkpoints").rglob("*") if file.is_file())


@pytest.fixture
def locked(runs: Path) -> Iterator[Path]:
    """The stopped run, in which a worker is at work again."""
    with (runs / "stopped" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield runs / "stopped"


def test_clean_without_names_removes_the_checkpoints_of_finished_runs_and_nothing_else(runs: Path) -> None:
    before = {name: contents(runs / name) for name in ("one", "two", "stopped", "bare")}

    said = clean()

    for name in ("one", "two"):
        left = {path for path in before[name] if not path.startswith("checkpoints")}
        assert contents(runs / name) - {"lock"} == left
    for name in ("stopped", "bare"):
        assert contents(runs / name) == before[name]
    assert sorted(line.split()[:2] for line in said.splitlines()[1:3]) == [["one", "2"], ["two", "2"]]
    assert said.splitlines()[-1].startswith("Freed ")
    assert clean() == "There are no checkpoints to remove.\n"


def test_clean_dry_run_says_the_same_sizes_and_removes_nothing(runs: Path) -> None:
    before = contents(runs)

    told = json.loads(clean("--dry-run", "--json"))["data"]

    assert contents(runs) == before
    assert told["dry_run"] is True
    sizes = {run["id"]: run["freed"] for run in told["runs"]}
    assert sizes == {"one": count_bytes(runs / "one"), "two": count_bytes(runs / "two"), "bare": 0}
    assert told["freed"] == sum(sizes.values()) > 4 * SIZE
    assert clean("--dry-run").splitlines()[-1].startswith("Would free ")
    assert json.loads(clean("--json"))["data"] == {**told, "dry_run": False}


def test_clean_named_run_leaves_the_others(runs: Path) -> None:
    clean("two", str(runs / "two"))

    assert not (runs / "two" / "checkpoints").exists()
    assert count_bytes(runs / "one") > SIZE


def test_clean_named_run_that_is_not_finished_is_refused_before_anything_is_removed(runs: Path) -> None:
    before = contents(runs)

    with pytest.raises(
        UsageError, match="stopped is cancelled, not finished: .* needed to resume it"
    ) as caught:
        clean("one", "stopped")

    assert "envkit runs clean stopped --force" in (caught.value.hint or "")
    assert contents(runs) == before


def test_clean_with_force_removes_those_of_a_named_run_that_is_not_finished(runs: Path) -> None:
    clean("stopped", "--force")

    assert not (runs / "stopped" / "checkpoints").exists()
    assert (runs / "stopped" / "result.json").exists()


def test_clean_with_force_and_no_name_is_refused(runs: Path) -> None:
    with pytest.raises(UsageError, match="--force is for runs that are named"):
        clean("--force")


@pytest.mark.parametrize("words", [("stopped",), ("stopped", "--force"), ("one", "stopped", "--force")])
def test_clean_never_touches_a_run_whose_worker_lives(locked: Path, words: tuple[str, ...]) -> None:
    before = contents(locked.parent)

    with pytest.raises(UsageError, match="a worker is at work in"):
        clean(*words)

    assert contents(locked.parent) == before


def test_clean_never_touches_a_run_whose_worker_is_about_to_start(runs: Path) -> None:
    folder = runs / "stopped"
    (folder / "result.json").unlink()
    (folder / "events.jsonl").unlink()

    with pytest.raises(UsageError, match="a worker is at work in"):
        clean("stopped", "--force")

    assert count_bytes(folder) > SIZE


def test_clean_leaves_what_is_no_checkpoint_and_takes_what_a_killed_writer_left(runs: Path) -> None:
    folder = runs / "one" / "checkpoints"
    elsewhere = runs.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    (folder / "step-00000009").symlink_to(elsewhere)
    (folder / "notes.txt").touch()
    (folder / ".mine").mkdir()
    (folder / ".writing-step-00000005").mkdir()

    clean("one")

    assert contents(folder) == {"step-00000009", "notes.txt", ".mine"}
    assert (elsewhere / "mine").exists()


def test_clean_that_fails_says_where_and_what_was_done_until_then(runs: Path) -> None:
    (runs / "two" / "lock").mkdir()  # it cannot be opened for writing, as on a disk that is read-only
    runner = CliRunner().invoke(command, ["clean", "one", "two"], standalone_mode=False)

    assert isinstance(runner.exception, EnvkitError)
    assert "two" in runner.exception.message
    assert "Freed" in runner.stdout
    assert not (runs / "one" / "checkpoints").exists()
    assert count_bytes(runs / "two") > SIZE


def test_clean_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        clean("--runs-dir", str(tmp_path / "nowhere"))


def test_clean_where_there_is_no_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: dict[str, Any] = json.loads(clean("--json"))["data"]
    assert told == {"runs": [], "freed": 0, "dry_run": False}
