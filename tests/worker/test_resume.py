"""Where a run that is resumed goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.api.errors import ResumeRefused
from envkit.checkpoints import FileRecord, MadeBy, write_checkpoint
from envkit.worker.resume import Beginning, find_beginning

if TYPE_CHECKING:
    from pathlib import Path

THEN = MadeBy(
    options={"steps": 9, "learning_rate": 0.5},
    data=(FileRecord(name="/data/train.txt", size=4, sha256="ab"),),
    packages={"torch": "2.13.0"},
    python="3.11.7",
    threads=4,
    device="cpu",
)


def now(**changes: Any) -> MadeBy:
    """Return what a worker knows before torch has loaded."""
    return msgspec.structs.replace(THEN, threads=None, device=None, **changes)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    for step in (3, 6):
        write_checkpoint(
            tmp_path, "step", step, write_files=lambda folder: _write(folder / "state.json"), made_by=THEN
        )
    return tmp_path


def _write(file: Path) -> None:
    file.write_text("{}")


def test_beginning_without_a_checkpoint_is_step_0(tmp_path: Path) -> None:
    assert find_beginning(tmp_path, now(), is_forced=False) == Beginning(from_step=0)


def test_beginning_is_the_newest_checkpoint(run_dir: Path) -> None:
    beginning = find_beginning(run_dir, now(), is_forced=False)

    assert (beginning.from_step, beginning.checkpoint) == (6, run_dir / "checkpoints" / "step-00000006")
    assert beginning.warnings == ()


def test_beginning_where_the_newest_is_damaged_is_the_one_before_and_names_the_file(run_dir: Path) -> None:
    damaged = run_dir / "checkpoints" / "step-00000006" / "state.json"
    damaged.write_text("[]")

    beginning = find_beginning(run_dir, now(), is_forced=False)

    assert beginning.from_step == 3
    (warning,) = beginning.warnings
    assert "step 6 is damaged" in warning
    assert str(damaged) in warning


def test_beginning_where_all_are_damaged_is_refused_and_with_force_step_0(run_dir: Path) -> None:
    for step in (3, 6):
        (run_dir / "checkpoints" / f"step-{step:08d}" / "manifest.json").unlink()
    with pytest.raises(ResumeRefused) as raised:
        find_beginning(run_dir, now(), is_forced=False)
    assert "step-00000003" in raised.value.message
    assert "step-00000006" in raised.value.message
    assert "--force" in str(raised.value.hint)

    beginning = find_beginning(run_dir, now(), is_forced=True)

    assert (beginning.from_step, beginning.checkpoint) == (0, None)
    assert len(beginning.warnings) == 2


CHANGED = now(
    options={"steps": 9, "learning_rate": 0.25},
    data=(FileRecord(name="/data/train.txt", size=4, sha256="cd"),),
    packages={"torch": "2.14.0"},
    python="3.12.1",
)
NAMED = ("/data/train.txt", "--learning-rate was 0.5 and is 0.25", "torch was 2.13.0 and is 2.14.0", "3.12.1")


def test_beginning_where_something_has_changed_is_refused_with_a_line_for_each(run_dir: Path) -> None:
    with pytest.raises(ResumeRefused) as raised:
        find_beginning(run_dir, CHANGED, is_forced=False)

    lines = raised.value.message.splitlines()[1:]
    assert len(lines) == len(NAMED)
    assert all(words in line for words, line in zip(NAMED, lines, strict=True))
    assert raised.value.exit_code == 2
    assert "--force" in (raised.value.hint or "")


def test_beginning_that_is_forced_names_what_was_overridden(run_dir: Path) -> None:
    beginning = find_beginning(run_dir, CHANGED, is_forced=True)

    assert (beginning.from_step, beginning.is_forced) == (6, True)
    (warning,) = beginning.warnings
    assert all(words in warning for words in ("--force", *NAMED))
