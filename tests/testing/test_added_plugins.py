"""With the registry of the tests, this process finds what is added and nothing that is installed."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import Check, Finding, Options, PluginError, Result, Task, UsageError, hookimpl
from envkit.images.rendering.templates import find_templates
from envkit.registry import DISABLE_VARIABLE, PREFER_VARIABLE, find_extensions, find_tasks, load_task
from envkit.testing import only_added_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from envkit.api import CheckContext
    from envkit.testing import AddedPlugins


class Echo:
    """A task whose loop does nothing."""

    @hookimpl
    def envkit_task(self) -> Task:
        return Task(options=Options, headline="score")

    @hookimpl
    def envkit_read(self, request: Any) -> str:
        return request.options.device

    @hookimpl
    def envkit_finetune(self, run: Any) -> Result:
        return Result(metrics={"dev/score": 1.0 if run.data == "cpu" else 0.0})


class House:
    """An extension with one check."""

    @hookimpl
    def envkit_checks(self) -> list[Check]:
        return [Check(id="house.rule", summary="the rule of the house holds", run=self.judge)]

    def judge(self, context: CheckContext) -> Iterable[Finding]:
        return ()


def test_registry_with_nothing_added_knows_no_plugin(envkit_registry: AddedPlugins) -> None:
    assert envkit_registry.tasks() == ()
    assert (find_tasks(), find_extensions(), find_templates()) == ({}, [], {})
    with pytest.raises(UsageError, match="there is no task 'ner'"):
        load_task("ner")


def test_registry_with_a_task_lists_loads_and_calls_it(envkit_registry: AddedPlugins) -> None:
    envkit_registry.add(
        Echo(),
        name="echo",
        distribution="envkit-loud",
        version="3.1",
        metadata="Project-URL: Issues, https://example.org/issues",
    )

    loaded = envkit_registry.load("echo")

    assert envkit_registry.tasks() == ("echo",)
    assert str(loaded.entry) == "envkit-loud 3.1"
    assert loaded.entry.tracker == "https://example.org/issues"
    assert loaded.hooks() == ("envkit_finetune", "envkit_read", "envkit_task")
    assert loaded.task.headline == "score"


def test_registry_with_an_extension_gives_what_it_hands_in(envkit_registry: AddedPlugins) -> None:
    envkit_registry.add(House(), name="house")

    assert [check.id for check in envkit_registry.checks()] == ["house.rule"]
    assert (envkit_registry.backends(), envkit_registry.templates()) == ([], [])
    assert [str(entry) for entry in find_extensions()] == ["envkit-house 0.1.0"]


def test_registry_with_envkits_own_extension_gives_its_templates(envkit_registry: AddedPlugins) -> None:
    from envkit.images import extension

    envkit_registry.add(extension, name="images", distribution="envkit-ml")

    assert {template.name for template in envkit_registry.templates()} == {"task", "predict", "jupyter"}


def test_registry_with_two_claims_to_a_name_refuses_both(envkit_registry: AddedPlugins) -> None:
    for distribution in ("envkit-one", "envkit-two"):
        envkit_registry.add(Echo(), name="echo", distribution=distribution)

    with pytest.raises(PluginError, match=r"envkit-one 0\.1\.0 and by envkit-two 0\.1\.0"):
        envkit_registry.load("echo")


def test_registry_with_a_broken_module_says_whose_it_is(envkit_registry: AddedPlugins) -> None:
    broken = ModuleType("envkit_broken")
    broken.envkit_taks = lambda: None  # type: ignore[attr-defined]
    envkit_registry.add(broken, name="broken", kind="task")

    with pytest.raises(PluginError, match=r"envkit-broken 0\.1\.0") as caught:
        envkit_registry.load("broken")

    assert caught.value.plugin == "envkit-broken"


def test_registry_counts_nothing_that_the_tester_disables_or_prefers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "envkit.toml").write_text('[plugins.prefer]\necho = "envkit-two"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DISABLE_VARIABLE, "quiet")
    monkeypatch.setenv(PREFER_VARIABLE, "echo=envkit-one")
    with only_added_plugins() as added:
        added.add(Echo(), name="quiet")
        assert added.load("quiet").task.headline == "score"
        for distribution in ("envkit-one", "envkit-two"):
            added.add(Echo(), name="echo", distribution=distribution)
        with pytest.raises(PluginError, match="is claimed by"):
            added.load("echo")
    assert (os.environ[DISABLE_VARIABLE], os.environ[PREFER_VARIABLE]) == ("quiet", "echo=envkit-one")


def test_registry_counts_what_the_test_itself_disables_and_prefers(
    envkit_registry: AddedPlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    for distribution in ("envkit-one", "envkit-two"):
        envkit_registry.add(Echo(), name="echo", distribution=distribution)
    monkeypatch.setenv(PREFER_VARIABLE, "echo=envkit-two")
    assert envkit_registry.load("echo").entry.plugin == "envkit-two"
    monkeypatch.setenv(DISABLE_VARIABLE, "echo")
    assert envkit_registry.tasks() == ()


def test_registry_given_what_has_no_hook_says_which_there_are(envkit_registry: AddedPlugins) -> None:
    with pytest.raises(ValueError, match="has no hook of envkit"):
        envkit_registry.add(object(), name="nothing")


def test_registry_after_its_end_knows_what_is_installed_again() -> None:
    before, modules = find_tasks().keys(), set(sys.modules)
    with only_added_plugins() as added:
        added.add(Echo(), name="echo")
        added.load("echo")

    assert find_tasks().keys() == before
    assert "echo" not in before
    assert not [name for name in set(sys.modules) - modules if name.startswith("envkit_added_plugin")]


def test_registry_asked_for_within_another_adds_to_its_own_alone() -> None:
    with only_added_plugins() as outer:
        outer.add(Echo(), name="outer")
        with only_added_plugins() as inner:
            inner.add(Echo(), name="inner")
            assert inner.tasks() == ("inner",)
            assert inner.load("inner").task.headline == "score"
        assert outer.tasks() == ("outer",)
        assert outer.load("outer").task.headline == "score"
