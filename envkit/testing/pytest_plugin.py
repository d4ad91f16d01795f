"""Fixtures for the tests of plugins. pytest finds them by itself where envkit is installed; nothing else is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from envkit.api.facts import MachineFacts
    from envkit.testing.added_plugins import AddedPlugins
    from envkit.testing.project import Project
    from envkit.testing.worker_trial import WorkerTrial

_OWN_VARIABLES = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION"})  # pytest sets them as it goes


@dataclass
class _Surroundings:
    """The variables and the working folder before a test, and what was found changed when it ended."""

    environ: dict[str, str]
    folder: str | None
    changed: list[str] = field(default_factory=list)


_BEFORE: pytest.StashKey[_Surroundings] = pytest.StashKey()


@pytest.fixture
def envkit_project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A temporary folder to run envkit's commands in, with a home and a configuration of its own.

    The test fails where it leaves os.environ or the working folder changed.
    """
    from envkit.testing.project import make_project

    before = _look()
    request.node.stash[_BEFORE] = before
    yield make_project(tmp_path_factory.mktemp("envkit"))
    # What monkeypatch has set is taken back only after this, when it was asked for first: looked at again then.
    before.changed = _changes(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that leaves a changed environment behind its project, and put it back."""
    result = yield
    before = item.stash.get(_BEFORE, None)
    if before is None or not before.changed:
        return result
    left = [change for change in _changes(before) if change in before.changed]
    if left:
        _put_back(before)
        text = "; ".join(left)
        pytest.fail(f"the test leaves this process changed: {text}. Change it by monkeypatch", pytrace=False)
    return result


@pytest.fixture
def envkit_registry() -> Iterator[AddedPlugins]:
    """The plugins that the test adds: in this process envkit finds them and no other."""
    from envkit.testing.added_plugins import only_added_plugins

    with only_added_plugins() as added:
        yield added


@pytest.fixture
def worker_run(tmp_path: Path) -> Callable[..., WorkerTrial]:
    """Read and fine-tune as a worker does, in this process: ``worker_run(TASK, OPTIONS, stop_after=, status=)``.

    Arguments are those of ``envkit.testing.run_in_worker`` but the folder: each run has one of its own.
    """
    from envkit.testing.worker_trial import run_in_worker

    runs = iter(range(1, 10**6))

    def run(task: str, options: dict[str, object] | None = None, **given: object) -> WorkerTrial:
        return run_in_worker(task, options, folder=tmp_path / "runs" / f"{next(runs)}-{task}", **given)  # type: ignore[arg-type]

    return run


@pytest.fixture
def fake_facts() -> Callable[..., MachineFacts]:
    """Make up the facts of a machine: ``envkit.testing.fake_facts``."""
    from envkit.testing.machines import fake_facts

    return fake_facts


def _look() -> _Surroundings:
    try:
        folder: str | None = os.getcwd()  # noqa: PTH109 - pathlib would be one more import at every start
    except FileNotFoundError:  # it was removed
        folder = None
    return _Surroundings(environ=dict(os.environ), folder=folder)


def _changes(before: _Surroundings) -> list[str]:
    now = _look()
    changes = []
    for name in sorted((before.environ.keys() | now.environ.keys()) - _OWN_VARIABLES):
        was, is_now = before.environ.get(name), now.environ.get(name)
        if was is None:
            changes.append(f"{name} is set")
        elif is_now is None:
            changes.append(f"{name} is gone")
        elif was != is_now:
            changes.append(f"{name} has another value")
    return changes if now.folder == before.folder else [*changes, f"the working folder is {now.folder}"]


def _put_back(before: _Surroundings) -> None:
    for name in (os.environ.keys() | before.environ.keys()) - _OWN_VARIABLES:
        if name in before.environ:
            os.environ[name] = before.environ[name]
        else:
            del os.environ[name]
    if before.folder is not None:
        os.chdir(before.folder)
