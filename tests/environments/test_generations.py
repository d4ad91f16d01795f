"""What a SIGKILL leaves, between each two things that a change does to the file system."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from environments.stored import NEWER, PLUGIN, build_for, lies_in, wanted

from envkit.api import EnvError
from envkit.environments.generations import RECORD_FILE, Generations
from envkit.environments.removal import remove_environment
from envkit.environments.store import (
    change_environment,
    envs_dir,
    find_environment,
    list_environments,
    why_unfit,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.environments.records import Environment

NAME = "echo-py3.11"
OLD, NEW = wanted(), wanted(plugins=(NEWER,))
# The events of Python's audit, opening apart, that change files or locks; a kill comes just before one happens.
_CHANGES = {f"os.{verb}" for verb in ("mkdir", "rename", "remove", "rmdir", "symlink", "truncate", "utime")}
_EVENTS = frozenset({"fcntl.flock", *_CHANGES})


def make(home: Path, want: Any) -> Environment:
    return change_environment(
        home,
        NAME,
        is_fit=lambda prefix, record: why_unfit(prefix, record, want),
        build=build_for(want),
        say=lambda text: None,
    )


def remove(home: Path) -> None:
    remove_environment(home, NAME, say=lambda text: None)


def killed_before_each_event(prepare: Callable[[], Path], work: Callable[[Path], None]) -> Iterator[Path]:
    """Yield what ``prepare`` made as ``work`` left it, killed before its first event, its second, ….

    Ends with the first ``work`` that ended by itself.
    """
    event = 0
    while True:
        home = prepare()
        child = os.fork()
        if child == 0:
            _die_before(event)
            status = 1
            try:
                work(home)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        yield home
        if not os.WIFSIGNALED(status):
            return
        event += 1


def _die_before(event: int) -> None:
    left = event

    def hook(name: str, arguments: Any) -> None:
        nonlocal left
        writes = name == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or name in _EVENTS:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(hook)


@dataclass
class Homes:
    """Makes one home after the other, each in the same state."""

    folder: Path
    has_old: bool
    made: int = 0

    def __call__(self) -> Path:
        self.made += 1
        home = self.folder / f"home-{self.made}"
        if self.has_old:
            make(home, OLD).release()
        return home


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what only a power cut makes matter, and what is slow a hundred times over."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def is_whole(home: Path, want: Any) -> bool:
    found = find_environment(home, want)
    if found is None:
        return False
    found.release()
    link = envs_dir(home) / NAME
    return (found.prefix / "last-file").is_file() and (link / "bin/python").exists()


def assert_tidy(home: Path, *, generation: int) -> None:
    prefix = f".made/{NAME}-{generation}"
    assert lies_in(home) == {NAME, f".made/{NAME}.lock", prefix, f"{prefix}.in-use"}


def only_generation(home: Path) -> int:
    number = Generations(envs_dir(home), NAME).current()
    assert number is not None
    return number


@pytest.mark.slow
@pytest.mark.usefixtures("unsynced")
def test_creation_killed_anywhere_is_whole_or_not_there_and_the_next_succeeds(tmp_path: Path) -> None:
    ends = set()
    for home in killed_before_each_event(
        Homes(tmp_path, has_old=False), lambda home: make(home, NEW).release()
    ):
        listed = [each.record.plugins for each in list_environments(home)]
        assert listed in ([], [(NEWER,)])
        assert bool(listed) == is_whole(home, NEW)
        again = make(home, NEW)
        again.release()
        ends.add((bool(listed), again.created))
        assert is_whole(home, NEW)
        assert_tidy(home, generation=only_generation(home))
    # Not there; whole but not yet linked, and taken up; whole.
    assert ends == {(False, True), (False, False), (True, False)}


@pytest.mark.slow
@pytest.mark.usefixtures("unsynced")
def test_change_killed_anywhere_leaves_the_old_or_the_new_one_whole(tmp_path: Path) -> None:
    ends = set()
    for home in killed_before_each_event(
        Homes(tmp_path, has_old=True), lambda home: make(home, NEW).release()
    ):
        (listed,) = [each.record.plugins for each in list_environments(home)]
        assert listed in ((PLUGIN,), (NEWER,))
        assert is_whole(home, OLD if listed == (PLUGIN,) else NEW)
        ends.add(listed)
        make(home, NEW).release()
        assert is_whole(home, NEW)
        assert_tidy(home, generation=only_generation(home))
    assert ends == {(PLUGIN,), (NEWER,)}


@pytest.mark.slow
@pytest.mark.usefixtures("unsynced")
def test_removal_killed_anywhere_leaves_it_whole_or_gone_and_the_next_takes_the_rest(tmp_path: Path) -> None:
    ends = set()
    for home in killed_before_each_event(Homes(tmp_path, has_old=True), remove):
        listed = [each.name for each in list_environments(home)]
        ends.add(bool(listed))
        assert bool(listed) == is_whole(home, OLD)
        if not Generations(envs_dir(home), NAME).is_empty():
            remove(home)
        assert lies_in(home) <= {f".made/{NAME}.lock"}  # held by nobody, and used again
        make(home, NEW).release()
        assert_tidy(home, generation=1)
    assert ends == {True, False}


@pytest.mark.slow
@pytest.mark.usefixtures("unsynced")
def test_change_of_an_environment_of_the_old_layout_killed_anywhere_is_done_by_the_next(
    tmp_path: Path,
) -> None:
    def prepare() -> Path:
        homes.made += 1
        home = tmp_path / f"home-{homes.made}"
        (envs_dir(home) / NAME).mkdir(parents=True)
        (envs_dir(home) / NAME / RECORD_FILE).write_text('{"version": 1}')
        return home

    homes = Homes(tmp_path, has_old=False)
    for home in killed_before_each_event(prepare, lambda home: make(home, NEW).release()):
        make(home, NEW).release()
        assert is_whole(home, NEW)
        assert_tidy(home, generation=only_generation(home))


def test_half_made_environment_of_another_name_is_cleared_by_the_next_change(tmp_path: Path) -> None:
    left = envs_dir(tmp_path) / ".made/other-3"
    left.mkdir(parents=True)
    (left / "half").touch()
    (envs_dir(tmp_path) / ".made/third-1.in-use").touch()
    make(tmp_path, NEW)
    assert_tidy(tmp_path, generation=1)


def test_next_number_counts_every_trace(tmp_path: Path) -> None:
    generations = Generations(tmp_path, "n")
    assert generations.next_number() == 1
    for trace in ("n-2.gone", "n-3.in-use", "n-1", "n-1-7", "nn-9", "n.lock"):
        (tmp_path / ".made" / trace).mkdir(parents=True)
    assert generations.next_number() == 4
    assert generations.numbers() == [1]


def test_clear_says_what_cannot_be_removed_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        (tmp_path / f".made/n-{number}").mkdir(parents=True)
    real = os.rmdir

    def refuse(path: Any, **options: Any) -> None:
        if str(path).endswith("n-1.gone"):
            raise PermissionError(1, "Operation not permitted", str(path))
        real(path, **options)

    monkeypatch.setattr(os, "rmdir", refuse)
    (failure,) = Generations(tmp_path, "n").clear()
    assert failure.message.startswith("cannot remove ")
    assert failure.hint == f"rm -rf {tmp_path / '.made/n-1.gone'}"
    assert {path.name for path in (tmp_path / ".made").iterdir()} == {"n-1.gone"}


@pytest.mark.slow
def test_crowd_that_makes_changes_finds_and_removes_never_sees_a_broken_environment(tmp_path: Path) -> None:
    crowd: list[int] = []
    for seed in range(6):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _live_in(tmp_path, random.Random(seed), until=time.monotonic() + 4)
                status = 0
            finally:
                os._exit(status)
        crowd.append(child)
    assert [os.waitpid(child, 0)[1] for child in crowd] == [0] * len(crowd)
    make(tmp_path, NEW).release()
    make(tmp_path, OLD).release()
    assert_tidy(tmp_path, generation=only_generation(tmp_path))


def _live_in(home: Path, dice: random.Random, *, until: float) -> None:
    while time.monotonic() < until:
        act = dice.choice(["old", "new", "remove", "find", "list"])
        held = None
        if act in ("old", "new"):
            held = make(home, OLD if act == "old" else NEW)
        elif act == "remove":
            with contextlib.suppress(EnvError):  # a run is in it, or it is not there
                remove(home)
        elif act == "find":
            held = find_environment(home, dice.choice([OLD, NEW]))
        else:
            list_environments(home)
        if held is not None:
            assert (held.prefix / "last-file").is_file()
            time.sleep(dice.uniform(0, 0.02))
            assert (held.prefix / "last-file").is_file()
            held.release()
