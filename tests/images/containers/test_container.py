"""Runs of the task `echo` in a container, beside the same in an environment of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import echo_request, wait_until
from echo_image import containers_of, echo_image, echo_in_image, echo_start, image_of

from envkit.api import ImageError
from envkit.api.events import AnyEvent, Failed, Hello, Message, Step
from envkit.api.records import RunResult
from envkit.images.containers.identity import Person
from envkit.images.containers.watch import ContainerWatch
from envkit.images.layout import ENVKIT_LABEL, TASKS_LABEL
from envkit.runs.conduct import run_worker
from envkit.runs.folder import create_run
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker_engine import OwnEngine

    from envkit.images.containers.death import ContainerEnd
    from envkit.images.engine.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.docker]
__all__ = ["echo_image"]

_OTHERS = Person(user_id=12345, group_id=12346, name="ada")


@pytest.fixture
def open_path() -> Iterator[Path]:
    """Return a folder that every user may enter, as pytest's own may not be."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


class Ended(msgspec.Struct, frozen=True):
    """What came of a run."""

    folder: Path
    result: RunResult
    events: list[AnyEvent]


@pytest.fixture
def run_in_image(docker_engine: Engine, echo_image: str, tmp_path: Path) -> Callable[..., Ended]:
    """Run `echo` in a container; nothing of it is left."""

    def run(
        name: str = "run",
        *,
        on_event: Callable[[AnyEvent], None] = lambda event: None,
        changes: Any = (),
        **options: Any,
    ) -> Ended:
        folder = create_run(echo_in_image(echo_image, **options), run_dir=tmp_path / name)
        start = replace(echo_start(docker_engine, echo_image), **dict(changes))
        ended = conduct(folder, on_event=on_event, start=start)
        assert containers_of(docker_engine, folder.read_request().id) == []
        return ended

    return run


def conduct(folder: RunFolder, *, on_event: Callable[[AnyEvent], None], **how: Any) -> Ended:
    events: list[AnyEvent] = []

    def take(event: AnyEvent) -> None:
        events.append(event)
        on_event(event)

    return Ended(folder.path, run_worker(folder, on_event=take, **how), events)


def told(events: list[AnyEvent]) -> list[AnyEvent]:
    """Return events without what differs from one place to another."""
    found = []
    for event in events:
        changes: dict[str, Any] = {"time": 0.0}
        if isinstance(event, Message) and event.text.endswith("envkit ended them."):
            continue  # what a worker leaves in a container ends with the container, unseen
        if isinstance(event, Hello):
            changes |= {"pid": 0, "python": ""}
        elif isinstance(event, Failed):  # it names the environment's files
            changes |= {"traceback": (event.traceback or "").splitlines()[-1:]}
        found.append(msgspec.structs.replace(event, **changes))
    return found


def on_step(number: int, act: Callable[[], object]) -> Callable[[AnyEvent], None]:
    def take(event: AnyEvent) -> None:
        if isinstance(event, Step) and event.step == number:
            act()

    return take


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 3, "noise": True, "child": True},
        {"steps": 2, "fault": "data"},
        {"steps": 2, "fault": "memory"},
        {"steps": 2, "fault": "exit"},
        {"steps": 2, "fault": "os-exit"},
        {"steps": 2, "fault": "kill"},
    ],
    ids=lambda options: options.get("fault", "none"),
)
def test_run_in_a_container_goes_and_ends_as_it_does_in_an_environment(
    run_in_image: Any, echo_python: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    outside = conduct(
        create_run(echo_request(python=echo_python, **options), run_dir=tmp_path / "outside"),
        on_event=lambda event: None,
    )

    inside = run_in_image(**options)

    assert told(inside.events) == told(outside.events)
    error, expected = inside.result.error, outside.result.error
    assert msgspec.structs.replace(inside.result, seconds={}, error=None) == msgspec.structs.replace(
        outside.result, seconds={}, error=None
    )
    assert (error is None) == (expected is None)
    if error is not None and expected is not None:
        assert error.message == expected.message
        assert error.exit_code == expected.exit_code
        assert (error.traceback or "").splitlines()[-1:] == (expected.traceback or "").splitlines()[-1:]
    log = (outside.folder / "worker.log").read_bytes()
    assert (inside.folder / "worker.log").read_bytes() == log
    assert list(inside.result.seconds) == list(outside.result.seconds)


def test_run_in_a_container_interrupted_once_stops_at_the_next_step(run_in_image: Any) -> None:
    ended = run_in_image(
        on_event=on_step(2, lambda: os.kill(os.getpid(), signal.SIGINT)), steps=500, pause=0.05
    )

    assert ended.result.status == "cancelled"
    assert ended.result.error is None
    assert ended.result.model_dir == "model"
    assert 2 <= ended.result.metrics["dev/support"] < 100
    assert any(isinstance(event, Message) and "Stopping" in event.text for event in ended.events)


def test_run_in_a_container_interrupted_twice_is_killed_at_once(run_in_image: Any) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    ended = run_in_image(on_event=on_step(2, twice), steps=500, pause=0.1, deaf=True)

    assert ended.result.status == "cancelled"
    assert ended.result.model_dir is None
    assert time.monotonic() - began < 20


def test_container_killed_by_somebody_else_is_a_crash_that_says_so(
    run_in_image: Any, docker_engine: Engine, tmp_path: Path
) -> None:
    def kill() -> None:
        request = RunFolder(tmp_path / "run").read_request()
        (container,) = containers_of(docker_engine, request.id)
        docker_engine.client.api.kill(container)

    ended = run_in_image(on_event=on_step(2, kill), steps=500, pause=0.05)

    assert ended.result.status == "crashed"
    assert ended.result.error is not None
    assert "killed by somebody else" in ended.result.error.message


def test_container_stopped_by_somebody_else_lets_the_worker_save(
    run_in_image: Any, docker_engine: Engine, tmp_path: Path
) -> None:
    def stop() -> None:
        request = RunFolder(tmp_path / "run").read_request()
        (container,) = containers_of(docker_engine, request.id)
        docker_engine.client.api.stop(container)

    ended = run_in_image(on_event=on_step(2, stop), steps=500, pause=0.05)

    assert (ended.result.status, ended.result.model_dir) == ("cancelled", "model")
    assert ended.result.error is None


def test_run_in_a_container_leaves_files_of_the_person_and_changes_no_data(
    docker_engine: Engine, echo_image: str, open_path: Path
) -> None:
    data = open_path / "data" / "train.txt"
    data.parent.mkdir()
    data.write_text("a\nb\n")
    seen: list[dict[str, Any]] = []
    folder = create_run(
        echo_in_image(echo_image, steps=2, pause=0.5, train=str(data)), run_dir=open_path / "run"
    )
    folder.log_file.touch()
    for file in (folder.path, folder.request_file, folder.log_file):
        os.chown(file, _OTHERS.user_id, _OTHERS.group_id)

    def look() -> None:
        (container,) = containers_of(docker_engine, folder.read_request().id)
        seen.append(docker_engine.client.api.inspect_container(container))

    start = replace(echo_start(docker_engine, echo_image), person=_OTHERS)
    ended = conduct(folder, on_event=on_step(1, look), start=start)

    assert ended.result.status == "finished", ended.result.error
    made = [folder.events_file, folder.log_file, folder.metrics_file, *folder.model_dir.iterdir()]
    assert {(file.stat().st_uid, file.stat().st_gid) for file in made} == {
        (_OTHERS.user_id, _OTHERS.group_id)
    }
    mounted = {mount["Destination"]: mount["RW"] for mount in seen[0]["Mounts"]}
    assert mounted == {str(folder.path): True, str(data): False}
    assert seen[0]["HostConfig"]["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in seen[0]["HostConfig"]["SecurityOpt"]


_HOST = """
import sys
from pathlib import Path
from envkit.images.containers.start import ContainerStart
from envkit.images.engine.engine import connect
from envkit.images.containers.variables import ModelSupply
from envkit.runs.conduct import run_worker
from envkit.worker.folder import RunFolder
engine = connect()
image = sys.argv[2]
start = ContainerStart(engine=engine, image=engine.image_id(image), reference=image,
    supply=ModelSupply(readable=(), variables={}), gpus="none", path_options=())
run_worker(RunFolder(Path(sys.argv[1])), on_event=lambda event: None, start=start, grace=3.0)
"""


@pytest.mark.parametrize("is_deaf", [False, True], ids=["hears", "deaf"])
def test_container_whose_host_is_killed_ends_by_itself_and_is_removed(
    docker_engine: Engine, echo_image: str, tmp_path: Path, is_deaf: bool
) -> None:
    request = echo_in_image(echo_image, steps=2000, pause=0.05, deaf=is_deaf)
    folder = create_run(request, run_dir=tmp_path / "run")
    host = subprocess.Popen([sys.executable, "-c", _HOST, str(folder.path), echo_image])
    wait_until(lambda: folder.events_file.exists() and b'"step"' in folder.events_file.read_bytes())

    host.kill()
    host.wait()

    wait_until(lambda: containers_of(docker_engine, request.id) == [])
    result = folder.read_result()
    assert result is not None
    assert result.status == "cancelled"
    assert not folder.is_locked()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_engine_that_ends_during_a_run_is_named_and_leaves_no_worker(
    docker_engine: Engine, echo_image: str, engine_of_its_own: OwnEngine, open_path: Path, end: str
) -> None:
    engine = engine_of_its_own.start()
    engine_of_its_own.give(docker_engine, echo_image)
    request = echo_in_image(echo_image, steps=2000, pause=0.05, checkpoint_every=5)
    folder = create_run(request, run_dir=open_path / "run")

    ended = conduct(
        folder,
        on_event=on_step(8, getattr(engine_of_its_own, end)),
        start=echo_start(engine, echo_image),
    )

    engine.client.close()
    assert ended.result.status == "crashed"
    assert ended.result.error is not None
    assert ended.result.error.exit_code == ImageError.exit_code
    assert "the Docker daemon stopped" in ended.result.error.message
    assert folder.read_result() == ended.result
    wait_until(lambda: not folder.is_locked())


def test_run_in_an_image_that_is_gone_says_so_and_leaves_nothing(
    docker_engine: Engine, echo_image: str, tmp_path: Path
) -> None:
    folder = create_run(echo_in_image("no-such-image"), run_dir=tmp_path / "run")
    start = replace(
        echo_start(docker_engine, echo_image), image="sha256:" + "0" * 64, reference="no-such-image"
    )

    with pytest.raises(ImageError, match="there is no image no-such-image"):
        run_worker(folder, on_event=lambda event: None, start=start)


def test_run_in_an_image_without_envkits_python_says_where_it_is_missing(
    docker_engine: Engine, base_image: str, tmp_path: Path
) -> None:
    labels = {ENVKIT_LABEL: "0.1.0", TASKS_LABEL: "echo"}
    with image_of(
        docker_engine, tmp_path, "envkit-test-empty", f"FROM {base_image}\n", labels=labels
    ) as name:
        folder = create_run(echo_in_image(name), run_dir=tmp_path / "run")
        result = run_worker(folder, on_event=lambda event: None, start=echo_start(docker_engine, name))

    assert result.status == "crashed"
    assert result.error is not None
    assert result.error.exit_code == ImageError.exit_code
    assert "has no Python at /opt/envkit/bin/python" in result.error.message
    assert containers_of(docker_engine, folder.read_request().id) == []


def test_container_watch_of_one_that_takes_more_memory_than_it_may_tells_that(
    docker_engine: Engine, echo_image: str
) -> None:
    # The engine itself loses a word about memory now and then (containerd's issues 8180 and 8893): most
    # often for a container that takes too much while it starts. One of three is heard where the watch listens.
    ends = []
    while len(ends) < 3 and not any(end.is_out_of_memory for end in ends):
        ends.append(end_of_one_that_takes_too_much(docker_engine, echo_image))

    assert {end.exit_code for end in ends} == {128 + signal.SIGKILL}
    assert ends[-1].is_out_of_memory
    assert not ends[-1].is_engine_lost


def end_of_one_that_takes_too_much(engine: Engine, image: str) -> ContainerEnd:
    """Return what a watch heard of a container that takes ten times the memory that it may."""
    api = engine.client.api
    code = "import time; time.sleep(1); x = bytearray(1 << 28); print(len(x))"
    container = api.create_container(
        image,
        ["/opt/envkit/bin/python", "-c", code],
        host_config=api.create_host_config(auto_remove=True, init=True, mem_limit="24m", memswap_limit="24m"),
    )["Id"]
    watch = ContainerWatch(engine.client, container)
    watch.start()
    api.start(container)
    assert watch.removed.wait(20)
    return watch.end()
