"""Plugins come into real environments and leave them, by the installers that own them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from authoring.small_plugins import (
    CHECKS,
    make_venv,
    offline,
    runner_of,
    write_envkit,
    write_plugin,
)
from small_wheels import write_wheel
from uv import find_uv_bin

from envkit.api import EnvError, PluginError
from envkit.api.checks import PluginState
from envkit.authoring.changes import installed_versions
from envkit.authoring.installing import carry_out, check_installed, plan_install
from envkit.authoring.removing import find_plugin, plan_removal, still_there
from envkit.authoring.specs import read_spec
from envkit.environments.missing_packages import MissingPackages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from envkit.api.errors import PluginFault
    from envkit.authoring.calls import Runner
    from envkit.owner import Owner


def state(plugin: str, *, state: Any = "ok", problem: str | None = None) -> PluginState:
    return PluginState(
        plugin=plugin, version="1.0", kind="extension", name=plugin, state=state, problem=problem
    )


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Return a folder with plugins of every kind."""
    folder = tmp_path / "links"
    write_plugin(folder, "envkit-good", needs=("tiny",))
    write_plugin(folder, "envkit-good", "1.1", needs=("tiny",))
    write_plugin(folder, "envkit-back", needs=("tiny<1",))
    write_plugin(folder, "envkit-newer", needs=("envkit-ml>=9",))
    write_plugin(folder, "house")
    write_wheel(folder, "tiny", "0.9")
    write_wheel(folder, "tiny", "1.0")
    write_wheel(folder, "envkit-ml", "0.1")
    return folder


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return make_venv(tmp_path / "venv")


@pytest.fixture
def runner(owner: Owner, links: Path, tmp_path: Path) -> Runner:
    return runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=links))


@pytest.fixture
def install(owner: Owner, runner: Runner) -> Callable[..., Any]:
    """Plan an install and do it."""

    def do(*specs: str, **asked: Any) -> Any:
        plan = plan_install(owner, [read_spec(text) for text in specs], runner=runner, **asked)
        runner.run(plan.call)
        return plan

    return do


def test_plugin_is_installed_by_its_short_name(install: Callable[..., Any], owner: Owner) -> None:
    plan = install("good")

    assert plan.names == ("envkit-good",)
    assert plan.doubts == ()
    assert installed_versions(owner) == {"envkit-good": "1.1", "tiny": "1.0"}


def test_install_that_is_broken_off_leaves_nothing_that_counts_as_installed(
    install: Callable[..., Any], owner: Owner, runner: Runner
) -> None:
    plan = plan_install(owner, [read_spec("good")], runner=runner)
    failing = replace(plan.call, arguments=(*plan.call.arguments, "absent"))
    unfinished = owner.site / "envkit_good-1.1.dist-info"
    other = owner.site / "other-1.1.dist-info"
    for info in (unfinished, other):
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.4\nName: x\nVersion: 1.1\n", encoding="utf-8")

    with pytest.raises(EnvError):
        carry_out(replace(plan, call=failing), runner=runner)

    assert (unfinished.exists(), other.exists()) == (False, True)
    install("good")
    assert installed_versions(owner)["envkit-good"] == "1.1"


def test_plugin_that_is_there_changes_nothing_until_it_is_to_be_upgraded(
    install: Callable[..., Any], owner: Owner
) -> None:
    install("good==1.0")

    assert install("good").changes == ()
    assert [str(each) for each in install("good", is_upgrade=True).changes] == ["envkit-good 1.0 becomes 1.1"]
    assert installed_versions(owner)["envkit-good"] == "1.1"


def test_name_of_no_plugin_of_envkits_style_is_taken_as_it_is_with_a_doubt(
    install: Callable[..., Any], owner: Owner
) -> None:
    plan = install("house", "good")

    assert plan.names == ("house", "envkit-good")
    assert plan.doubts == ("there is no envkit-house: house itself is meant",)
    assert "house" in installed_versions(owner)


def test_name_that_is_nowhere_is_told_in_both_forms(install: Callable[..., Any]) -> None:
    with pytest.raises(MissingPackages, match="neither envkit-nowhere nor nowhere"):
        install("nowhere")


def test_change_of_another_package_is_a_doubt(install: Callable[..., Any]) -> None:
    install("good")

    assert install("back").doubts == ("tiny 1.0 becomes 0.9",)


def test_plugin_for_another_envkit_is_refused_where_there_is_one(
    install: Callable[..., Any], owner: Owner, links: Path
) -> None:
    runner_install(owner, links)
    write_wheel(links, "envkit-ml", "9.0")

    with pytest.raises(PluginError, match=r"envkit-ml 0\.1 becomes 9\.0") as refusal:
        install("newer")

    assert refusal.value.state == "incompatible"
    assert "--change-envkit" in (refusal.value.hint or "")
    assert installed_versions(owner) == {"envkit-ml": "0.1"}
    install("newer", may_change_envkit=True)
    assert installed_versions(owner)["envkit-ml"] == "9.0"


def test_plugin_for_an_envkit_that_is_nowhere_is_refused(
    install: Callable[..., Any], owner: Owner, links: Path
) -> None:
    runner_install(owner, links)

    with pytest.raises(PluginError, match="no version fits the envkit that is here"):
        install("newer")


def runner_install(owner: Owner, links: Path) -> None:
    """Put a package of the name of envkit into the venv."""
    uv = [find_uv_bin(), "--quiet", "--no-config", "--offline", "pip", "install", "--no-index"]
    subprocess.run(
        [*uv, "--python", str(owner.python), str(links / "envkit_ml-0.1-py3-none-any.whl")], check=True
    )


def test_python_of_the_system_is_left_alone(owner: Owner, runner: Runner) -> None:
    system = replace(owner, kind="system")

    with pytest.raises(EnvError, match="belongs to the system") as refusal:
        plan_install(system, [read_spec("good")], runner=runner)

    assert "uv tool install envkit-ml --with envkit-good" in (refusal.value.hint or "")


def test_what_is_no_plugin_is_said_with_how_to_take_it_out(install: Callable[..., Any]) -> None:
    plan = install("tiny")

    with pytest.raises(PluginError, match="no plugin") as fault:
        check_installed(plan, [state("envkit-good")])

    assert "pip uninstall" in (fault.value.hint or "")


def test_package_that_was_there_before_is_never_to_be_taken_out(
    install: Callable[..., Any], owner: Owner, runner: Runner
) -> None:
    install("tiny")
    again = plan_install(owner, [read_spec("tiny")], runner=runner)

    with pytest.raises(PluginError, match="no plugin") as fault:
        check_installed(again, [])

    assert "uninstall" not in (fault.value.hint or "")


def test_plugin_that_does_not_load_is_said_with_its_state_and_how_to_remove_it(
    install: Callable[..., Any],
) -> None:
    plan = install("good")
    told: dict[str, PluginFault] = {
        "broken": "broken",
        "silent": "broken",
        "incompatible": "incompatible",
        "disabled": "disabled",
        "overruled": "conflict",
    }

    for how, fault_state in told.items():
        with pytest.raises(PluginError, match="cannot be used: no luck") as fault:
            check_installed(plan, [state("envkit-good", state=how, problem="no luck")])

        assert fault.value.state == fault_state
        assert "envkit plugin remove envkit-good" in (fault.value.hint or "")


def test_state_of_another_plugin_is_no_fault_of_this_one(install: Callable[..., Any]) -> None:
    plan = install("good")

    (loaded,) = check_installed(
        plan, [state("envkit-good"), state("envkit-bad", state="broken", problem="x")]
    )

    assert (loaded.plugin, loaded.kind) == ("envkit-good", "extension")


def test_plugin_that_others_need_is_removed_with_a_doubt(
    install: Callable[..., Any], owner: Owner, runner: Runner, links: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(links, "envkit-top", needs=("envkit-good",))
    install("top")
    monkeypatch.syspath_prepend(str(owner.site))

    plan = plan_removal(owner, ["good", "envkit-good"])

    assert [each.name for each in plan.plugins] == ["envkit-good"]
    assert plan.doubts == ("envkit-top 1.0 asks for envkit-good and will not work without it",)
    assert plan_removal(owner, ["good", "top"]).doubts == ()
    runner.run(plan.calls[0])
    assert still_there(plan.plugins, owner=owner) == ()


def test_plugin_that_lies_elsewhere_is_not_removed(
    install: Callable[..., Any], owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good")
    monkeypatch.syspath_prepend(str(owner.site))

    with pytest.raises(EnvError, match="does not lie in"):
        find_plugin("good", owner=make_venv(tmp_path / "other"))


def test_plugin_that_conda_installed_is_left_to_conda(
    install: Callable[..., Any], owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good")
    (owner.site / "envkit_good-1.1.dist-info/INSTALLER").write_text("conda\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(owner.site))

    with pytest.raises(EnvError) as refusal:
        find_plugin("good", owner=owner)

    assert refusal.value.hint == f"conda remove --prefix {owner.prefix} envkit-good"


@dataclass(frozen=True)
class Made:
    """An environment with envkit in it: its command, the variables of its user, and what was it made by."""

    envkit: Path
    prefix: Path
    environ: Mapping[str, str]

    def run(self, *words: str, code: int = 0) -> Any:
        """Run a command of envkit and return what it says as JSON; its error where it fails."""
        done = subprocess.run(
            [str(self.envkit), *words, "--json"],
            env=dict(self.environ),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        said = json.loads(done.stdout)
        return said["data"] if code == 0 else said["error"]

    def plugins(self) -> dict[str, str]:
        return {each["plugin"]: each["state"] for each in self.run("plugin", "list")}


@pytest.fixture(scope="session")
def all_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with envkit, what it needs, and small plugins."""
    folder = tmp_path_factory.mktemp("all")
    write_envkit(folder)
    write_plugin(folder, "envkit-good", needs=("tiny",))
    write_plugin(folder, "envkit-good", "1.1", needs=("tiny",))
    write_plugin(folder, "envkit-other")
    write_plugin(folder, "envkit-bad", code="raise ValueError('no luck')\n")
    write_wheel(folder, "tiny")
    return folder


def in_venv(folder: Path, environ: dict[str, str]) -> Made:
    subprocess.run(
        [find_uv_bin(), "-q", "venv", "--python", sys.executable, str(folder / "venv")],
        env=environ,
        check=True,
    )
    return fill(folder / "venv", environ)


def in_venv_with_pip(folder: Path, environ: dict[str, str]) -> Made:
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], env=environ, check=True)
    return fill(folder / "venv", environ)


def fill(prefix: Path, environ: dict[str, str]) -> Made:
    uv = [find_uv_bin(), "-q", "pip", "install", "--no-index", "--find-links", environ["PIP_FIND_LINKS"]]
    subprocess.run([*uv, "--python", str(prefix / "bin/python"), "envkit-ml"], env=environ, check=True)
    return Made(prefix / "bin/envkit", prefix, environ)


def in_uv_tool(folder: Path, environ: dict[str, str]) -> Made:
    # The user's own uv is another than envkit's, and its folders are named when the tool is made alone.
    there = {**environ, "UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    uv = [find_uv_bin(), "-q", "tool", "install", "--no-index", "--find-links", environ["PIP_FIND_LINKS"]]
    subprocess.run(
        [*uv, "--python", sys.executable, "envkit-ml", "--with", "envkit-other"], env=there, check=True
    )
    return Made(folder / "bin/envkit", folder / "tools/envkit-ml", environ)


def in_pipx(folder: Path, environ: dict[str, str]) -> Made:
    # pipx itself, and the pip that it shares, are from the index of whoever runs the tests.
    subprocess.run([sys.executable, "-m", "venv", str(folder / "pipx")], check=True)
    pip = [str(folder / "pipx/bin/python"), "-m", "pip", "install", "--quiet", "pipx"]
    subprocess.run(pip, check=True)
    links = f"{environ['PIP_FIND_LINKS']} {os.environ.get('PIP_FIND_LINKS', '')}"
    mine = {
        **os.environ,
        "PATH": f"{folder / 'pipx/bin'}:{os.environ['PATH']}",
        "PIPX_HOME": str(folder / "home"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIP_FIND_LINKS": links,
        "ENVKIT_HOME": environ["ENVKIT_HOME"],
    }
    subprocess.run(["pipx", "install", "--python", sys.executable, "envkit-ml"], env=mine, check=True)
    # Where pipx has its environments is found without the variable.
    del mine["PIPX_HOME"]
    return Made(folder / "bin/envkit", folder / "home/venvs/envkit-ml", mine)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [in_venv, in_venv_with_pip, in_uv_tool, pytest.param(in_pipx, marks=pytest.mark.long)]
)
def test_plugin_is_installed_upgraded_and_removed_by_the_owner_of_the_environment(
    make: Callable[[Path, dict[str, str]], Made], tmp_path: Path, all_wheels: Path
) -> None:
    made = make(tmp_path, offline(tmp_path, links=all_wheels))
    before = made.plugins()

    planned = made.run("plugin", "install", "good==1.0", "--dry-run")
    assert [each["name"] for each in planned["changes"]] == ["envkit-good", "tiny"]
    assert made.plugins() == before

    done = made.run("plugin", "install", "good==1.0")
    assert done["plugins"][0]["version"] == "1.0"
    assert made.plugins() == {**before, "envkit-good": "ok"}
    assert made.run("plugin", "install", "--upgrade", "good")["plugins"][0]["version"] == "1.1"

    fault = made.run("plugin", "install", "bad", code=5)
    assert "no luck" in fault["message"]
    assert made.plugins() == {**before, "envkit-good": "ok", "envkit-bad": "broken"}

    made.run("plugin", "remove", "good", "bad", code=2)
    made.run("plugin", "remove", "good", "bad", "--yes")
    assert made.plugins() == before


@pytest.mark.slow
def test_plugin_in_a_tool_of_uv_survives_the_upgrade_of_the_tool(tmp_path: Path, all_wheels: Path) -> None:
    made = in_uv_tool(tmp_path, offline(tmp_path, links=all_wheels))
    made.run("plugin", "install", "good")

    upgrade = [find_uv_bin(), "tool", "upgrade", "envkit-ml"]
    there = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    subprocess.run(upgrade, env={**made.environ, **there}, check=True)

    assert made.plugins() == {"envkit-good": "ok", "envkit-other": "ok"}
    receipt = tomllib.loads((made.prefix / "uv-receipt.toml").read_text(encoding="utf-8"))["tool"]
    assert [each["name"] for each in receipt["requirements"]] == ["envkit-ml", "envkit-other", "envkit-good"]


@pytest.mark.slow
def test_folder_that_stays_editable_is_loaded_from_where_it_lies(tmp_path: Path, all_wheels: Path) -> None:
    made = in_venv(tmp_path, offline(tmp_path, links=all_wheels))
    source = tmp_path / "source"
    source.mkdir()
    (source / "envkit_mine.py").write_text(CHECKS, encoding="utf-8")
    (source / "backend.py").write_text(BACKEND, encoding="utf-8")
    (source / "pyproject.toml").write_text(PROJECT, encoding="utf-8")

    made.run("plugin", "install", "--editable", str(source))

    details = made.run("plugin", "info", "mine")
    assert (details["is_editable"], details["folder"]) == (True, str(source))
    assert made.run("plugin", "remove", "mine", "--yes")["plugins"][0]["name"] == "envkit-mine"
    assert made.plugins() == {}


PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "envkit-mine"
version = "1.0"
"""
# The smallest build backend that makes an editable wheel: nothing has to be fetched for it.
BACKEND = """
import zipfile
from pathlib import Path

INFO = "envkit_mine-1.0.dist-info"
FILES = {
    "envkit_mine.pth": str(Path(__file__).parent) + "\\n",
    INFO + "/METADATA": "Metadata-Version: 2.4\\nName: envkit-mine\\nVersion: 1.0\\n",
    INFO + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    INFO + "/entry_points.txt": "[envkit.extensions]\\nmine = envkit_mine\\n",
}


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "envkit_mine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as archive:
        for place, text in FILES.items():
            archive.writestr(place, text)
        rows = "".join(f"{place},,\\n" for place in [*FILES, INFO + "/RECORD"])
        archive.writestr(INFO + "/RECORD", rows)
    return name


build_wheel = build_editable
"""
