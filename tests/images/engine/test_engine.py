"""The engine of this machine, and engines that are not there."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envkit.api import ImageError
from envkit.images.engine.engine import connect
from envkit.images.engine.references import registry_of, split_reference
from envkit.owner import install_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_engine import OwnEngine

    from envkit.images.engine.engine import Engine


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Return a folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
        yield Path(folder)


def host(path: Path) -> dict[str, str]:
    return {"DOCKER_HOST": f"unix://{path}", "HOME": str(path.parent)}


def test_connect_without_a_socket_says_that_no_daemon_runs(short_dir: Path) -> None:
    with pytest.raises(ImageError, match="no Docker daemon is running") as raised:
        connect(host(short_dir / "none.sock"))
    assert "systemctl" in str(raised.value.hint) or "Docker Desktop" in str(raised.value.hint)
    assert raised.value.exit_code == 7


def test_connect_to_a_socket_nobody_listens_at_says_that_the_daemon_is_not_running(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_dir / "dead.sock"))
    with pytest.raises(ImageError, match="not running: nobody answers at unix:///.*dead.sock"):
        connect(host(short_dir / "dead.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_connect_without_permission_names_the_group_to_join(short_dir: Path) -> None:
    import docker  # noqa: F401 - nobody may not be able to read it

    short_dir.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_dir / "ours.sock"))
        listener.listen()
        (short_dir / "ours.sock").chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(ImageError, match="no permission to use Docker.*ours.sock") as raised:
                connect(host(short_dir / "ours.sock"))
        finally:
            os.seteuid(0)
    assert "usermod -aG docker $USER" in str(raised.value.hint)


def test_connect_to_a_port_nobody_listens_at_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(ImageError, match=f"tcp://{address} .DOCKER_HOST. does not answer"):
        connect({"DOCKER_HOST": address, "HOME": "/nonexistent"})


@pytest.mark.parametrize(
    "text",
    [
        '{"auths": 5}',
        '{"auths": {"here": 5}}',
        '{"auths": {"here": {"auth": 5}}}',
        '{"auths": {"here": {"auth": "!"}}}',
        '{"proxies": 5}',
    ],
)
def test_connect_with_a_configuration_of_another_shape_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))  # docker's library reads it there
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(ImageError, match="docker's configuration .*config.json cannot be read") as raised:
        connect(environ)
    assert raised.value.exit_code == 7


def test_connect_by_ssh_without_its_package_names_what_to_install() -> None:
    pytest.importorskip("docker")
    try:
        import paramiko  # noqa: F401
    except ImportError:
        with pytest.raises(ImageError, match="behind ssh") as raised:
            connect({"DOCKER_HOST": "ssh://someone@example.invalid", "HOME": "/nonexistent"})
        assert raised.value.hint == f"Install it: {install_command('docker[ssh]')}"
        assert "someone" not in raised.value.message
    else:
        pytest.skip("paramiko is installed")


@pytest.mark.parametrize(
    ("reference", "parts", "registry"),
    [
        ("python", ("python", "latest"), "docker.io"),
        ("python:3.11-slim", ("python", "3.11-slim"), "docker.io"),
        ("team/ner:2", ("team/ner", "2"), "docker.io"),
        ("localhost/ner", ("localhost/ner", "latest"), "localhost"),
        ("127.0.0.1:5000/ner", ("127.0.0.1:5000/ner", "latest"), "127.0.0.1:5000"),
        ("127.0.0.1:5000/ner:2", ("127.0.0.1:5000/ner", "2"), "127.0.0.1:5000"),
        ("host.example/a/b@sha256:ab", ("host.example/a/b", "sha256:ab"), "host.example"),
    ],
)
def test_reference_is_taken_apart(reference: str, parts: tuple[str, str], registry: str) -> None:
    assert split_reference(reference) == parts
    assert registry_of(reference) == registry


@pytest.mark.docker
@pytest.mark.slow
def test_engine_of_this_machine_tells_what_it_is(docker_engine: Engine) -> None:
    assert docker_engine.kind in ("docker", "podman")
    assert docker_engine.platform.startswith("linux/")
    assert docker_engine.version
    assert docker_engine.is_alive()


@pytest.mark.docker
@pytest.mark.slow
def test_probe_of_a_base_image_reads_its_python_and_leaves_nothing(
    docker_engine: Engine, base_image: str
) -> None:
    base = docker_engine.probe_base(base_image)
    assert base.reference == base_image
    assert base.python.startswith("3.")
    assert base.interpreter == "/usr/bin/python3"
    assert (base.platform.system, base.platform.libc) == ("linux", "glibc")
    assert base.id == docker_engine.image_id(base_image)
    assert not docker_engine.client.containers.list(all=True, filters={"label": "envkit.probe"})


@pytest.mark.docker
@pytest.mark.slow
def test_probe_of_an_image_without_that_python_names_it(docker_engine: Engine, base_image: str) -> None:
    with pytest.raises(ImageError, match="has no python9"):
        docker_engine.probe_base(base_image, interpreter="python9")
    with pytest.raises(ImageError, match=r"does not run \(exit"):
        docker_engine.probe_base(base_image, interpreter="cat")
    assert not docker_engine.client.containers.list(all=True, filters={"label": "envkit.probe"})


@pytest.mark.docker
@pytest.mark.slow
def test_image_that_is_missing_is_named(docker_engine: Engine) -> None:
    with pytest.raises(ImageError, match="envkit-test-none:1 is not on this engine"):
        docker_engine.image_id("envkit-test-none:1")


@pytest.mark.docker
@pytest.mark.slow
def test_engine_that_stops_is_told_from_one_that_refuses(engine_of_its_own: OwnEngine) -> None:
    engine = engine_of_its_own.start()
    assert not engine.has_image("envkit-test-none:1")
    engine_of_its_own.kill()
    assert not engine.is_alive()
    with pytest.raises(ImageError, match="the Docker daemon stopped"):
        engine.has_image("envkit-test-none:1")
    engine.client.close()
