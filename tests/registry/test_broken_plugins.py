"""Broken plugins of every kind: each is named with its reason, and harms nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from broken_plugins import Broken, broken_plugins, impolite_plugins, sleeping_extension
from small_distributions import SOUND_TASK, SmallDistribution, small_task

from envkit.api import PluginError
from envkit.environments.backends import load_backend
from envkit.owner import upgrade_command
from envkit.registry import (
    Extension,
    ExtensionEntry,
    TaskEntry,
    find_entries,
    find_standings,
    load_entry,
    load_extension,
)

if TYPE_CHECKING:
    from envkit.registry import AnyEntry

ALL = list(broken_plugins())
IMPOLITE = list(impolite_plugins())
HARMLESS = (
    "--help",
    "run --help",
    "run sound --help",
    "env list --json",
    pytest.param("runs list --json", marks=pytest.mark.slow),
    pytest.param("config show --json", marks=pytest.mark.slow),
)


def entry_of(dist: SmallDistribution) -> AnyEntry:
    return next(entry for entry in find_entries() if entry.plugin == dist.name)


def use(entry: AnyEntry) -> None:
    """Do what commands do with an entry. Raises: PluginError."""
    if isinstance(entry, TaskEntry):
        load_entry(entry)
        return
    assert isinstance(entry, ExtensionEntry)
    extension = load_extension(entry)
    if extension.fault is not None:
        raise extension.fault
    extension.checks()


@pytest.fixture(scope="module")
def site_of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which all of them are installed, and one sound plugin."""
    site = tmp_path_factory.mktemp("broken")
    for broken in ALL:
        broken.dist.install(site)
    for dist, _ in IMPOLITE:
        dist.install(site)
    small_task("sound").install(site)
    return site


def run_envkit(
    words: str, *, site: Path, folder: Path, limit: float = 30
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(site), "ENVKIT_HOME": str(folder / "home"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "envkit", *words.split()],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )


def test_kinds_of_broken_plugins_are_at_least_thirty_and_differ() -> None:
    assert len({broken.dist.name for broken in ALL}) == len(ALL) >= 30


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.dist.name)
def test_broken_plugin_is_named_with_its_reason_and_tracker(
    broken: Broken, site_of_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(site_of_all))
    standing = next(each for each in find_standings() if each.entry.plugin == broken.dist.name)
    if standing.standing == "usable":
        with pytest.raises(PluginError) as caught:
            use(standing.entry)
        error = caught.value
        state, reason, hint = error.state, error.message, error.hint or ""
        assert (error.plugin, error.version) == (broken.dist.name, "1.0")
        assert broken.dist.name in reason
    else:
        state, reason, hint = standing.standing, standing.problem, standing.hint

    assert state == broken.state
    assert broken.reason in reason
    assert len(reason) < 1500 and "\x1b" not in reason
    assert hint
    if broken.has_tracker:
        assert standing.entry.tracker == f"https://example.org/{broken.dist.name}/issues"


@pytest.mark.filterwarnings("default")  # as users have them
@pytest.mark.parametrize(("dist", "remark"), IMPOLITE, ids=lambda value: getattr(value, "name", ""))
def test_impolite_plugin_works_and_what_it_changed_is_put_back_and_told(
    dist: SmallDistribution,
    remark: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dist.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = dict(os.environ), list(sys.path), Path.cwd()

    loaded = load_entry(entry_of(dist))  # type: ignore[arg-type]

    assert loaded.remarks == (remark,)
    assert (dict(os.environ), list(sys.path), Path.cwd()) == before
    assert capsys.readouterr().out == ""
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "late")


def test_extension_that_sleeps_at_import_costs_no_more_than_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = sleeping_extension()
    dist.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    began = time.monotonic()

    extension: Extension = load_extension(entry_of(dist), seconds=0.2)  # type: ignore[arg-type]

    assert time.monotonic() - began < 5
    assert extension.fault is not None
    assert f"{dist.name} 1.0 cannot be loaded: it takes longer than 0.2 s" in extension.fault.message


def test_summary_of_any_size_and_letters_is_a_line_that_can_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = "\x1b]0;gone\x07 red \x1b[31m " + "many words " * 10_000
    dist = small_task("talks", metadata=f"Name: envkit-talks\nVersion: 1.0\nSummary: {summary}\n\nREADME\n")
    dist.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    shown = entry_of(dist).summary

    assert shown.isprintable() and len(shown) <= 200 and "red" in shown


def test_module_of_a_newer_envkit_is_answered_with_the_upgrade(
    site_of_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(site_of_all))
    entries = {entry.name: entry for entry in find_entries()}

    for name in ("too-new-name", "newer"):
        with pytest.raises(PluginError) as caught:
            use(entries[name])
        assert upgrade_command() in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize("words", HARMLESS)
def test_command_with_all_of_them_installed_does_as_without_them(
    words: str, site_of_all: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    small_task("sound", module=SOUND_TASK).install(alone)

    found = run_envkit(words, site=site_of_all, folder=tmp_path)

    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    if words != "run --help":  # which lists them
        assert found.stdout == run_envkit(words, site=alone, folder=tmp_path).stdout


@pytest.mark.slow
@pytest.mark.parametrize("end", ["sys.stderr = None", "sys.stderr.close()", "sys.__stdout__.close()"])
def test_plugin_that_takes_the_standard_streams_along_is_named(end: str, tmp_path: Path) -> None:
    small_task("mute", module=f"import sys\n{end}\nraise KeyboardInterrupt").install(tmp_path / "site")

    found = run_envkit("run mute --help", site=tmp_path / "site", folder=tmp_path)

    assert found.returncode == 5
    assert "error: the plugin envkit-mute 1.0 cannot be loaded: it raises KeyboardInterrupt" in found.stderr
    assert "https://example.org/envkit-mute/issues" in found.stderr


@pytest.mark.slow
def test_plugin_list_with_all_of_them_installed_names_each_with_reason_and_tracker(
    site_of_all: Path, tmp_path: Path
) -> None:
    found = run_envkit("plugin list --json", site=site_of_all, folder=tmp_path, limit=300)

    assert found.returncode == 0, found.stderr
    listed = {each["plugin"]: each for each in json.loads(found.stdout)["data"]}
    for broken in ALL:
        line = listed[broken.dist.name]
        assert broken.reason in line["problem"], line
        assert line["state"] == broken.state, line
        assert bool(line["tracker"]) == broken.has_tracker


def test_backend_of_envkits_own_is_had_without_an_extension_that_never_finishes_its_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping_extension().install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    began = time.monotonic()

    assert load_backend("venv").name == "venv"
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_command_that_asks_all_extensions_goes_on_without_one_that_never_finishes_its_import(
    tmp_path: Path,
) -> None:
    sleeping_extension().install(tmp_path / "site")

    found = run_envkit("env create here --backend vanv --dry-run", site=tmp_path / "site", folder=tmp_path)

    assert found.returncode == 2
    assert "Did you mean 'venv'?" in found.stderr
    assert "envkit-sleeps 1.0 cannot be loaded: it takes longer than 10 s" in found.stderr
