"""Pushes to real registries on this machine's loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from required import skip_or_fail

from envkit.api import ImageError
from envkit.images.engine.engine import connect
from envkit.images.engine.push import push_image
from envkit.images.engine.transfer import follow_transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from envkit.images.engine.engine import Engine

# Of the password `s3cret-pw`, as `htpasswd -B` writes it.
_HTPASSWD = "tester:$2b$04$US1wxi4r.3bjLesbpCna0.ALpz3rHJ3VA2kBNffuKrPgnbflkfxJG\n"


@dataclass
class Heard:
    said: list[str] = field(default_factory=list)
    counts: list[tuple[int, int | None]] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def bytes(self, done: int, total: int | None, what: str) -> None:
        self.counts.append((done, total))


def push(engine: Engine, name: str, heard: Heard | None = None) -> str:
    return push_image(engine, name, heard or Heard(), image_id=engine.image_id(name))


@contextlib.contextmanager
def serve(folder: Path, settings: str = "", *, storage: str = "") -> Iterator[str]:
    """Run a registry with a folder of its own; yield its host and port."""
    program = shutil.which("docker-registry")
    if program is None:
        skip_or_fail("docker", "docker-registry is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    folder.mkdir()
    config = folder / "config.yml"
    files = f'filesystem: {{rootdirectory: "{folder}/data"}}'
    config.write_text(f"version: 0.1\nstorage: {{{files}{storage}}}\nhttp: {{addr: {host}}}\n{settings}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(host[10:]))):
                break
            assert time.monotonic() < deadline and process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield host
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def small_image(docker_engine: Engine, new_image_name: Callable[[], str]) -> str:
    """Return the name of an image of a few bytes."""
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = 2000
        archive.addfile(entry, io.BytesIO(b"x" * 2000))
    repository, _, tag = (name := new_image_name()).partition(":")
    docker_engine.client.api.import_image_from_data(packed.getvalue(), repository=repository, tag=tag)
    return name


@pytest.fixture
def tagged(docker_engine: Engine, small_image: str) -> Iterator[Callable[[str], str]]:
    """Return what names the small image after a registry."""
    names: list[str] = []

    def tag(host: str) -> str:
        names.append(f"{host}/team/ner:2")
        assert docker_engine.client.images.get(small_image).tag(names[-1])
        return names[-1]

    yield tag
    for name in names:
        docker_engine.client.images.remove(name)


def logged_in(engine: Engine, folder: Path, host: str, password: str) -> Engine:
    """Return the engine as who has done `docker login` sees it."""
    folder.mkdir()
    auth = base64.b64encode(f"tester:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return replace(engine, environ={**engine.environ, "DOCKER_CONFIG": str(folder)})


@pytest.mark.docker
@pytest.mark.slow
def test_push_brings_the_image_and_pull_brings_it_back(
    docker_engine: Engine, tagged: Callable[[str], str], tmp_path: Path
) -> None:
    with serve(tmp_path / "registry") as host:
        name, heard = tagged(host), Heard()
        digest = push(docker_engine, name, heard)
        assert digest.startswith("sha256:")
        assert heard.said == [f"push {name} to {host}"]
        assert heard.counts and all(total is None or done <= total for done, total in heard.counts)
        # Nothing is sent twice.
        assert push(docker_engine, name) == digest
        image_id = docker_engine.image_id(name)
        docker_engine.client.images.remove(name)
        assert docker_engine.pull(name, Heard()) == image_id
        with pytest.raises(ImageError, match=f"the image is not there: could not pull {host}/team/none:1"):
            docker_engine.pull(f"{host}/team/none:1", Heard())


@pytest.mark.docker
@pytest.mark.slow
def test_push_to_a_registry_with_passwords_needs_the_right_one(
    docker_engine: Engine, tagged: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "htpasswd").write_text(_HTPASSWD)
    settings = f'auth: {{htpasswd: {{realm: test, path: "{tmp_path}/htpasswd"}}}}\n'
    with serve(tmp_path / "registry", settings) as host:
        name = tagged(host)
        wrong = logged_in(docker_engine, tmp_path / "wrong", host, "guess-pw")
        right = logged_in(docker_engine, tmp_path / "right", host, "s3cret-pw")
        for engine in (docker_engine, wrong):
            with pytest.raises(ImageError, match="asks for a user name and password to push") as raised:
                push(engine, name)
            assert raised.value.hint == f"Log in: docker login {host}"
            assert "-pw" not in raised.value.message
        with pytest.raises(ImageError, match="asks for a user name and password to pull"):
            docker_engine.pull(f"{host}/team/other:1", Heard())
        assert push(right, name).startswith("sha256:")


@pytest.mark.docker
@pytest.mark.slow
def test_push_to_a_registry_that_takes_nothing_is_refused(
    docker_engine: Engine, tagged: Callable[[str], str], tmp_path: Path
) -> None:
    read_only = ", maintenance: {readonly: {enabled: true}}"
    with serve(tmp_path / "registry", storage=read_only) as host:
        name = tagged(host)
        with pytest.raises(ImageError, match=f"{host} refuses to push"):
            push(docker_engine, name)


@pytest.mark.docker
@pytest.mark.slow
def test_push_to_a_registry_that_is_not_there_names_it(
    docker_engine: Engine, tagged: Callable[[str], str]
) -> None:
    with pytest.raises(ImageError, match="the registry 127.0.0.1:9 does not answer"):
        push(docker_engine, tagged("127.0.0.1:9"))


@pytest.mark.docker
@pytest.mark.slow
def test_push_of_an_image_that_is_missing_names_it(docker_engine: Engine) -> None:
    assert connect().id == docker_engine.id
    with pytest.raises(ImageError, match="envkit-test-none:1 is not on this engine"):
        push_image(docker_engine, "envkit-test-none:1", Heard(), image_id="sha256:5")


@pytest.mark.docker
@pytest.mark.slow
def test_push_of_a_name_that_another_image_has_by_now_sends_nothing(
    docker_engine: Engine, base_image: str, tagged: Callable[[str], str], tmp_path: Path
) -> None:
    with serve(tmp_path / "registry") as host:
        name, heard = tagged(host), Heard()
        built = docker_engine.image_id(name)
        assert docker_engine.client.images.get(base_image).tag(name)
        with pytest.raises(ImageError, match=f"{name} was not pushed: another build has given that name"):
            push_image(docker_engine, name, heard, image_id=built)
        assert heard.said == []
        with pytest.raises(ImageError, match="the image is not there"):
            docker_engine.pull(name, Heard())


def test_transfer_counts_all_layers_together_and_never_beyond_their_sum() -> None:
    heard = Heard()
    events = [
        {"status": "Preparing", "id": "a", "progressDetail": {}},
        {"status": "Pushing", "id": "a", "progressDetail": {"current": 512, "total": 4}},
        {"status": "Pushing", "id": "b", "progressDetail": {"current": 10, "total": 100}},
        {"status": "Layer already exists", "id": "c", "progressDetail": {}},
        {"status": "Pushed", "id": "b", "progressDetail": {}},
        {"progressDetail": {}, "aux": {"Tag": "x", "Digest": "sha256:ab", "Size": 7}},
    ]
    transfer = follow_transfer(events, what="pushed", on_bytes=heard.bytes)
    assert heard.counts == [(512, 512), (522, 612), (612, 612)]
    assert (transfer.digest, transfer.reused, transfer.error) == ("sha256:ab", 1, "")
