"""Both backends keep what every backend promises; how they are found, and what a bad extension harms."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import msgspec
import pytest
from conda_prefixes import Steps

from envkit.api import BackendContext, BaseRequest, EnvError, FoundPython, PluginError, UsageError
from envkit.config import Settings
from envkit.environments.backends import backend_context, find_backends, find_faults, load_backend
from envkit.environments.conda.backend import CondaBackend
from envkit.environments.venv_backend import VenvBackend
from envkit.testing import BACKEND_CHECKS, BackendContract, BackendTrials, Check

if TYPE_CHECKING:
    from pathlib import Path

    from conda_channel import LocalChannel

THIS_PYTHON = ".".join(map(str, sys.version_info[:3]))


def context(folder: Path, **more: object) -> BackendContext:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return BackendContext(environ={**environ, "HOME": str(home)}, cache_dir=folder / "cache", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def venv_trials(tmp_path_factory: pytest.TempPathFactory) -> BackendTrials:
    folder = tmp_path_factory.mktemp("venv")
    request = BaseRequest(
        python=">=3.11",
        pythons=(FoundPython(path=sys.executable, version=THIS_PYTHON),),
        system="linux",
        machine="x86_64",
    )
    contract = BackendContract(backend=VenvBackend(), request=request, context=context(folder))
    return BackendTrials(contract, folder / "trials")


@pytest.fixture(scope="module")
def conda_trials(tmp_path_factory: pytest.TempPathFactory, conda_channel: LocalChannel) -> BackendTrials:
    folder = tmp_path_factory.mktemp("conda")
    request = BaseRequest(
        python=">=3.11",
        packages=("hello", "settings", "built-module"),
        system="linux" if sys.platform.startswith("linux") else "darwin",
        machine=os.uname().machine,
        virtual_packages=("__unix=0",),
    )
    contract = BackendContract(
        backend=CondaBackend(), request=request, context=context(folder, channels=(conda_channel.url,))
    )
    return BackendTrials(contract, folder / "trials")


@pytest.mark.parametrize("check", BACKEND_CHECKS, ids=str)
def test_venv_backend_any_check_keeps_its_promise(
    check: Check[BackendTrials], venv_trials: BackendTrials
) -> None:
    check.run(venv_trials)


@pytest.mark.slow
@pytest.mark.parametrize("check", BACKEND_CHECKS, ids=str)
def test_conda_backend_any_check_keeps_its_promise(
    check: Check[BackendTrials], conda_trials: BackendTrials
) -> None:
    check.run(conda_trials)


SHIM = "#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (SHIM, "pyenv: python3.12: command not found"),
        ("#!/nowhere/python\n", "No such file or directory"),
        ("#!/bin/sh\nexit 3\n", "exit 3, without a word"),
        ("#!/bin/sh\necho what?\n", "asked for its version, it says 'what?'"),
    ],
)
def test_venv_backend_python_that_does_not_start_is_named_and_passed_over(
    tmp_path: Path, script: str, why: str
) -> None:
    dead = tmp_path / "python3.12"
    dead.write_text(script)
    dead.chmod(0o755)
    living = tmp_path / "living"
    living.write_text("#!/bin/sh\necho 3.12.4\n")
    living.chmod(0o755)
    request = BaseRequest(
        python="==3.12.*",
        pythons=(
            FoundPython(path=str(dead), version="3.12"),
            FoundPython(path=sys.executable, version="3.9.1"),
        ),
        system="linux",
        machine="x86_64",
    )

    with pytest.raises(EnvError) as caught:
        VenvBackend().plan(request, context=context(tmp_path))
    both = (*request.pythons, FoundPython(path=str(living), version="3.12"))
    base = VenvBackend().plan(msgspec.structs.replace(request, pythons=both), context=context(tmp_path))

    assert f"here is {dead}, which does not start ({why}), 3.9.1 ({sys.executable})" in caught.value.message
    assert (base.python, base.interpreter) == ("3.12.4", str(living))


def test_find_backends_as_installed_gives_both_of_envkit() -> None:
    found = find_backends()

    assert {"venv", "conda"} <= set(found)
    assert found["venv"].source.startswith("envkit-ml ")
    assert isinstance(load_backend("conda"), CondaBackend)


def test_load_backend_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="there is no backend 'cnda'") as caught:
        load_backend("cnda")
    assert "'conda'" in str(caught.value.hint)


def extension(folder: Path, name: str, body: str) -> None:
    """Install a distribution of one module into a folder of its own on the path."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(textwrap.dedent(body), encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[envkit.extensions]\nit = {module}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("raise SystemExit('no')", "cannot be loaded"),
        ("import no_such_module_at_all", "cannot be loaded"),
        ("from envkit.api import hookimpl\n@hookimpl\ndef envkit_backends(): raise ValueError('oh')", "oh"),
        (
            "from envkit.api import hookimpl\n@hookimpl\ndef envkit_backends(): return [object()]",
            "no backend",
        ),
        ("from envkit.api import hookimpl\n@hookimpl\ndef envkit_backends(): return 3", "failed"),
        (
            "from envkit.api import hookimpl\n@hookimpl\ndef envkit_no_such_hook(): return 3",
            "cannot be loaded",
        ),
    ],
)
def test_find_backends_broken_extension_harms_only_itself(
    body: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"envkit-broken-{abs(hash(body)) % 10**6}"
    extension(tmp_path, name, body)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert {"venv", "conda"} <= set(find_backends())
    assert isinstance(load_backend("venv"), VenvBackend)
    [fault] = find_faults()
    assert name in fault.message and says in fault.message
    with pytest.raises(UsageError) as caught:
        load_backend("no-such")
    assert name in str(caught.value.hint)


SECOND_BACKEND = """
    from envkit.api import hookimpl
    from envkit.environments.venv_backend import VenvBackend

    class Backend(VenvBackend):
        name = "NAME"

    @hookimpl
    def envkit_backends():
        return [Backend()]
"""


def test_load_backend_claimed_twice_names_both_and_the_setting_that_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("envkit-poetenv", "envkit-otherpoet"):
        extension(tmp_path, name, SECOND_BACKEND.replace("NAME", "poet"))
    monkeypatch.syspath_prepend(str(tmp_path))

    assert isinstance(load_backend("conda"), CondaBackend)
    claim = find_backends()["poet"]
    assert claim.given is None and "envkit-otherpoet" in claim.summary
    with pytest.raises(PluginError, match=r"envkit-otherpoet 1\.0 and envkit-poetenv 1\.0") as caught:
        load_backend("poet")
    assert "envkit config set plugins.prefer.poet" in str(caught.value.hint)

    monkeypatch.setenv("ENVKIT_PREFER_PLUGINS", "poet=envkit_poetenv")
    assert type(load_backend("poet")).__module__ == "envkit_poetenv"


def test_load_backend_named_like_envkits_own_leaves_that_and_is_named_as_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension(tmp_path, "envkit-othervenv", SECOND_BACKEND.replace("NAME", "venv"))
    monkeypatch.syspath_prepend(str(tmp_path))

    assert type(load_backend("venv")).__module__ == "envkit.environments.venv_backend"
    (fault,) = find_faults()
    assert fault.plugin == "envkit-othervenv" and "envkit's own" in fault.message

    monkeypatch.setenv("ENVKIT_PREFER_PLUGINS", "venv=envkit-othervenv")
    assert type(load_backend("venv")).__module__ == "envkit_othervenv"

    monkeypatch.delenv("ENVKIT_PREFER_PLUGINS")
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    (project / "envkit.toml").write_text('[plugins.prefer]\nvenv = "envkit-othervenv"\n', encoding="utf-8")
    assert type(load_backend("venv")).__module__ == "envkit_othervenv"

    # What cannot be read prefers nothing: whoever reads the settings tells what is wrong.
    (project / "envkit.toml").write_text("[plugins.prefer\n", encoding="utf-8")
    assert type(load_backend("venv")).__module__ == "envkit.environments.venv_backend"


def test_backend_context_settings_give_each_backend_a_cache_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, channels=("here",))

    made = backend_context(settings, backend="conda", environ={"A": "1"})

    assert made.cache_dir == tmp_path / "cache" / "conda"
    assert made.channels == ("here",) and made.environ == {"A": "1"}


@pytest.mark.parametrize(
    ("pythons", "python", "chosen"),
    [
        ([("/a", "3.11.2"), ("/b", "3.12.1")], ">=3.11,<3.13", ("/a", "3.11.2")),
        ([("/a", "3.10.2"), ("/b", "3.12.1")], ">=3.11,<3.13", ("/b", "3.12.1")),
        ([("/a", "3.13.0"), ("/b", "3.12.1")], "==3.12.*", ("/b", "3.12.1")),
        ([("/nowhere/python3.12", "3.12"), ("/b", "3.12.4")], "==3.12.*", ("/b", "3.12.4")),
        ([("/a", "3.11.2")], "", ("/a", "3.11.2")),
    ],
)
def test_venv_plan_several_pythons_takes_the_first_that_fits(
    pythons: list[tuple[str, str]], python: str, chosen: tuple[str, str], tmp_path: Path
) -> None:
    request = BaseRequest(
        python=python,
        pythons=tuple(FoundPython(path=path, version=version) for path, version in pythons),
        system="linux",
        machine="x86_64",
    )

    base = VenvBackend().plan(request, context=context(tmp_path))

    assert (base.interpreter, base.python) == chosen


def test_venv_plan_conda_packages_are_refused(tmp_path: Path) -> None:
    request = BaseRequest(python="", packages=("cuda-nvcc",), system="linux", machine="x86_64")

    with pytest.raises(EnvError, match="cuda-nvcc") as caught:
        VenvBackend().plan(request, context=context(tmp_path))
    assert "--backend conda" in str(caught.value.hint)


def test_venv_install_of_a_generation_has_scripts_that_name_its_link(tmp_path: Path) -> None:
    prefix = tmp_path / "it's $HOME" / "envs" / ".made" / "new-3"
    here = BaseRequest(
        python="",
        pythons=(FoundPython(path=sys.executable, version=THIS_PYTHON),),
        system="linux",
        machine="x86_64",
    )
    backend, at = VenvBackend(), context(tmp_path)

    backend.install(
        backend.plan(here, context=at), prefix, requested=(), context=at, progress=Steps(), inherited=()
    )

    link = prefix.parent.parent / "new"
    link.symlink_to(".made/new-3")
    said = subprocess.run(
        ["bash", "-c", '. "$1"; echo "$VIRTUAL_ENV $VIRTUAL_ENV_PROMPT"; command -v python']
        + ["bash", prefix / "bin" / "activate"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{link} new\n{link}/bin/python\n"
    for script in (prefix / "bin").glob("activate*"):
        assert ".made" not in script.read_text(), script.name


def test_venv_activate_from_within_another_leaves_it(tmp_path: Path) -> None:
    environ = {"PATH": f"{tmp_path}/old/bin:/usr/bin", "VIRTUAL_ENV": f"{tmp_path}/old", "PYTHONHOME": "/x"}

    active = VenvBackend().activate(tmp_path / ".made" / "new-3", environ=environ)

    assert active["PATH"] == f"{tmp_path}/.made/new-3/bin:/usr/bin"
    assert active["VIRTUAL_ENV_PROMPT"] == "new"
    assert "PYTHONHOME" not in active
