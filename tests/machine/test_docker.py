from __future__ import annotations

import copy
import hashlib
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_sockets import INFO, VERSION, http_engine, raw_engine, say, short_dir, stay_silent
from hypothesis import given, settings
from hypothesis import strategies as st
from other_user import without_rights

from envkit.machine.docker import read_docker
from envkit.machine.files import Files

if TYPE_CHECKING:
    from envkit.api.facts import Docker


@pytest.fixture
def root():
    with short_dir() as folder:
        yield folder


def read(
    root: Path,
    *,
    files: Files | None = None,
    asks_network: bool = False,
    seconds: float = 10,
    **variables: str,
) -> Docker:
    environ = {"HOME": str(root / "home"), "PATH": str(root / "bin"), **variables}
    return read_docker(files or Files(root), environ=environ, asks_network=asks_network, seconds=seconds)


def usual_socket(root: Path) -> Path:
    path = root / "var/run/docker.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def add_program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def add_context(root: Path, name: str, host: object, *, is_current: bool = False) -> None:
    folder = root / "home/.docker"
    meta = folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    if is_current:
        (folder / "config.json").write_text(json.dumps({"currentContext": name}))


def bind_stale(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def test_docker_without_command_and_socket_is_absent(root):
    docker = read(root)
    assert (docker.state, docker.command, docker.socket, docker.others) == ("absent", None, None, ())
    assert docker.why == "neither docker's command nor its socket is here"


def test_docker_with_its_command_alone_is_stopped(root):
    command = add_program(root / "bin/docker")
    docker = read(root)
    assert (docker.state, docker.command, docker.kind) == ("stopped", command, None)
    assert "docker.sock is not there" in (docker.why or "")


def test_docker_with_podmans_command_alone_is_podman_without_a_service(root):
    command = add_program(root / "bin/podman")
    docker = read(root)
    assert (docker.state, docker.command, docker.kind) == ("stopped", command, "podman")


def test_docker_that_a_variable_names_is_stopped_and_not_absent(root):
    docker = read(root, DOCKER_HOST=f"unix://{root}/none.sock")
    assert (docker.state, docker.endpoint_source) == ("stopped", "DOCKER_HOST")


def test_docker_with_a_socket_that_a_crash_left_is_stopped(root):
    bind_stale(usual_socket(root))
    docker = read(root)
    assert docker.state == "stopped"
    assert "nothing listens" in (docker.why or "")
    assert docker.socket is not None and docker.socket.mode is not None


def test_docker_that_answers_tells_of_itself(root):
    buildx = add_program(root / "usr/libexec/docker/cli-plugins/docker-buildx")
    files = Files(root)
    with http_engine(usual_socket(root), {"/version": VERSION, "/info": INFO}):
        docker = read(root, files=files)
    assert files.unread == ()
    assert (docker.state, docker.why, docker.kind, docker.context) == ("running", None, "docker", "default")
    assert (docker.version, docker.api_version, docker.platform) == ("29.0.1", "1.52", "linux/amd64")
    assert (docker.root_dir, docker.storage_driver, docker.cgroup_driver) == ("/", "overlayfs", "systemd")
    assert docker.root_free is not None and docker.root_free > 0
    assert (docker.is_rootless, docker.is_snap) == (True, False)
    assert docker.runtimes == ("nvidia", "runc")
    assert docker.cdi_devices == ("nvidia.com/gpu=0",)
    assert (docker.buildx, docker.has_buildkit) == (buildx, True)
    assert docker.socket is not None and docker.socket.is_usable


def test_docker_whose_info_is_late_is_running_and_the_rest_is_noted(root):
    files = Files(root)
    with http_engine(usual_socket(root), {"/version": VERSION}):
        docker = read(root, files=files)
    assert (docker.state, docker.version, docker.root_dir, docker.runtimes) == ("running", "29.0.1", None, ())
    assert [(each.what, each.why) for each in files.unread] == [
        ("docker info", "it answers /info with status 404: page not found")
    ]


def test_docker_on_another_kernel_has_its_folder_elsewhere(root):
    with http_engine(usual_socket(root), {"/version": VERSION | {"KernelVersion": "0.1"}, "/info": INFO}):
        docker = read(root)
    assert (docker.root_dir, docker.root_free) == ("/", None)


def test_docker_from_a_snap_is_told_by_its_folder(root):
    info = INFO | {"DockerRootDir": "/var/snap/docker/common/var-lib-docker"}
    with http_engine(usual_socket(root), {"/version": VERSION, "/info": info}):
        docker = read(root)
    assert (docker.is_snap, docker.command) == (True, None)


def test_docker_from_a_snap_is_told_by_its_command(root):
    (root / "usr/bin").mkdir(parents=True)
    add_program(root / "usr/bin/snap")
    (root / "snap/bin").mkdir(parents=True)
    (root / "snap/bin/docker").symlink_to(root / "usr/bin/snap")
    docker = read(root, PATH=f"{root}/snap/bin")
    assert (docker.is_snap, docker.command) == (True, f"{root}/snap/bin/docker")


def test_docker_that_is_podman_is_called_so_and_reads_devices_from_files(root):
    podman = VERSION | {"Components": [{"Name": "Podman Engine"}]}
    specification = root / "etc/cdi/nvidia.yaml"
    specification.parent.mkdir(parents=True)
    specification.write_text("cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n")
    run = root / "run-1"
    path = run / "podman/podman.sock"
    with http_engine(path, {"/version": podman, "/info": {}}):
        docker = read(root, XDG_RUNTIME_DIR=str(run))
    assert (docker.state, docker.kind, docker.has_buildkit) == ("running", "podman", False)
    assert docker.endpoint_source == "podman's socket"
    assert docker.cdi_devices == ("nvidia.com/gpu=all",)


@pytest.mark.parametrize(
    ("version", "has_command", "expected"),
    [
        ("20.10.24+dfsg1", True, None),
        ("20.10.24", False, False),
        ("29.0.1", True, False),
        ("dev", True, None),
    ],
)
def test_docker_without_buildx_may_have_buildkit_in_an_old_command(root, version, has_command, expected):
    if has_command:
        add_program(root / "bin/docker")
    with http_engine(usual_socket(root), {"/version": VERSION | {"Version": version}, "/info": INFO}):
        assert read(root).has_buildkit is expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speak", "state"), [(stay_silent, "silent"), (say(b"220 mail\r\n"), "broken"), (say(b""), "broken")]
)
def test_docker_that_does_not_answer_is_not_running_and_others_are_named(root, speak, state):
    other = root / "home/.colima/default/docker.sock"
    with raw_engine(usual_socket(root), speak), http_engine(other, {"/_ping": (200, b"OK")}):
        docker = read(root, seconds=0.3 if state == "silent" else 10)
    assert (docker.state, docker.others) == (state, (f"unix://{other}",))
    assert docker.why


@pytest.mark.slow
def test_docker_others_are_all_that_answer_and_not_those_that_are_silent(root):
    run = root / "run-1"
    podman, rootless, desktop = (
        run / "podman/podman.sock",
        run / "docker.sock",
        root / "home/.docker/desktop/docker.sock",
    )
    add_context(root, "far", f"unix://{root}/far.sock")
    pong = {"/_ping": (200, b"OK")}
    desktop.parent.mkdir(parents=True)
    with (
        http_engine(podman, pong),
        http_engine(rootless, pong),
        http_engine(root / "far.sock", pong),
        raw_engine(desktop, stay_silent),
    ):
        docker = read(root, XDG_RUNTIME_DIR=str(run), DOCKER_HOST=f"unix://{root}/none.sock")
    assert docker.others == tuple(f"unix://{path}" for path in (rootless, podman, root / "far.sock"))


def test_docker_whose_socket_is_closed_says_whose_it_is(root):
    root.chmod(0o755)
    path = usual_socket(root)
    with http_engine(path, {"/version": VERSION, "/info": INFO}):
        path.chmod(0o000 if os.geteuid() else 0o660)
        with without_rights():
            docker = read(root)
    assert docker.state == "no permission"
    assert docker.why == f"{path}: Permission denied"
    assert docker.socket is not None and not docker.socket.is_usable
    assert docker.socket.mode == ("000" if os.geteuid() else "660")


def test_docker_in_a_closed_folder_is_no_permission_as_well(root):
    root.chmod(0o755)
    closed = root / "closed"
    closed.mkdir()
    path = closed / "docker.sock"
    with http_engine(path, {"/version": VERSION, "/info": INFO}):
        closed.chmod(0o000 if os.geteuid() else 0o700)
        try:
            with without_rights():
                docker = read(root, DOCKER_HOST=f"unix://{path}")
        finally:
            closed.chmod(0o700)
    assert docker.state == "no permission"
    assert docker.socket is not None and (docker.socket.is_usable, docker.socket.mode) == (False, None)


def test_docker_whose_configuration_is_closed_is_broken(root):
    root.chmod(0o755)
    add_context(root, "far", "unix:///far.sock", is_current=True)
    folder = root / "home/.docker"
    folder.chmod(0o000 if os.geteuid() else 0o700)
    try:
        with without_rights():
            docker = read(root)
    finally:
        folder.chmod(0o700)
    assert docker.state == "broken"
    assert docker.why is not None and docker.why.endswith(
        f"{folder}/config.json cannot be read: Permission denied"
    )


def test_docker_with_a_wrong_context_names_those_that_there_are(root):
    add_context(root, "near", f"unix://{root}/near.sock")
    with http_engine(usual_socket(root), {"/_ping": (200, b"OK")}):
        docker = read(root, DOCKER_CONTEXT="nera")
    assert (docker.state, docker.context, docker.contexts) == ("no such context", "nera", ("default", "near"))
    assert docker.others == (f"unix://{root}/var/run/docker.sock",)
    assert "`nera`" in (docker.why or "")


def test_docker_with_a_context_that_cannot_be_read_is_broken(root):
    add_context(root, "odd", 3, is_current=True)
    assert (read(root).state, read(root).context) == ("broken", "odd")
    (root / "home/.docker/config.json").write_text("{")
    docker = read(root)
    assert (docker.state, docker.context) == ("broken", None)


def test_docker_of_the_current_context_is_asked(root):
    add_context(root, "near", f"unix://{root}/near.sock", is_current=True)
    with http_engine(root / "near.sock", {"/version": VERSION, "/info": INFO}):
        docker = read(root)
    assert (docker.state, docker.context, docker.endpoint) == (
        "running",
        "near",
        f"unix://{root}/near.sock",
    )


@pytest.mark.parametrize(
    "host", ["tcp://192.0.2.1:2375", "ssh://me:s3cret@far.example", "npipe:////./pipe/x"]
)
def test_docker_across_the_network_is_not_asked_and_its_address_keeps_no_password(root, host):
    docker = read(root, DOCKER_HOST=host)
    assert docker.state == "not asked"
    assert "s3cret" not in repr(docker)


def test_docker_behind_ssh_is_not_asked_even_with_the_network(root):
    docker = read(root, DOCKER_HOST="ssh://far.example", asks_network=True)
    assert docker.state == "not asked"


def test_docker_across_the_network_is_asked_with_the_network(root):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    docker = read(root, DOCKER_HOST=f"tcp://127.0.0.1:{port}", asks_network=True)
    assert (docker.state, docker.socket) == ("stopped", None)


def test_docker_with_a_plugin_folder_of_its_own_finds_buildx_there(root):
    plugin = add_program(root / "plugins/docker-buildx")
    folder = root / "home/.docker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(root / "plugins"), 3]}))
    assert read(root).buildx == plugin


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.just([])
    | st.just({})
    | st.just([None])
)


@settings(max_examples=20)
@given(
    st.dictionaries(st.sampled_from(sorted(VERSION)), VALUES),
    st.dictionaries(st.sampled_from(sorted(INFO)), VALUES),
)
def test_docker_that_tells_anything_never_ends_in_an_error(version, info):
    answers = {"/version": copy.deepcopy(VERSION) | version, "/info": copy.deepcopy(INFO) | info}
    with short_dir() as folder, http_engine(usual_socket(folder), answers):
        docker = read_docker(Files(folder), environ={"HOME": str(folder), "PATH": ""}, seconds=5)
    assert docker.state == "running"


@pytest.mark.slow
@pytest.mark.docker
def test_docker_of_this_machine_tells_what_the_engine_tells(docker_engine):
    docker = read_docker(Files(Path("/")), environ=os.environ)
    info = docker_engine.client.info()
    assert docker.state == "running"
    assert (docker.root_dir, docker.storage_driver) == (info["DockerRootDir"], info["Driver"])
    assert docker.runtimes == tuple(sorted(info["Runtimes"]))
    assert docker.version == docker_engine.version
    assert docker.socket is None or docker.socket.is_usable


@pytest.mark.slow
@pytest.mark.docker
def test_docker_that_is_started_and_ended_is_running_and_stopped(engine_of_its_own):
    environ = engine_of_its_own.environ
    engine_of_its_own.start()
    assert read_docker(Files(Path("/")), environ=environ).state == "running"
    engine_of_its_own.kill()
    docker = read_docker(Files(Path("/")), environ=environ)
    assert docker.state == "stopped"
