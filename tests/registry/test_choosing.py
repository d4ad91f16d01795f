"""Which plugins count: those that are not disabled, and of several that claim a name the one preferred."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_distributions import small_extension, small_task

from envkit.api import PluginError, UsageError
from envkit.config_files import PREFER_PATH, PROJECT_FILE, user_config_file
from envkit.registry import (
    ALL_PLUGINS,
    DISABLE_VARIABLE,
    PREFER_VARIABLE,
    find_extensions,
    find_standings,
    find_task,
    find_tasks,
)
from envkit.registry.metadata import canonical
from envkit.registry.preference import PREFER_SETTING, preferred_plugin


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install two plugins that claim one task, another task, and an extension; the configuration is empty."""
    site = tmp_path / "site"
    for dist in (
        small_task("left", task="side"),
        small_task("right", task="side"),
        small_task("my-task"),
        small_extension("more"),
    ):
        dist.install(site)
    monkeypatch.syspath_prepend(str(site))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def standing_of(plugin: str) -> str:
    return next(each.standing for each in find_standings() if each.entry.plugin == plugin)


@pytest.mark.parametrize(
    "names", ["envkit-my-task", "Envkit_My.Task", "my-task", " other , my-task,", ALL_PLUGINS]
)
def test_disabled_plugin_is_listed_and_its_task_is_an_error_that_says_so(
    names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, names)

    assert "my-task" not in find_tasks()
    assert standing_of("envkit-my-task") == "disabled"
    with pytest.raises(PluginError, match=r"the task 'my-task' of envkit-my-task 1\.0 is disabled") as caught:
        find_task("my-task")
    assert caught.value.state == "disabled"
    assert DISABLE_VARIABLE in str(caught.value.hint)


def test_all_disabled_leaves_what_envkit_itself_supplies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, ALL_PLUGINS)

    assert find_tasks() == {}
    assert {entry.plugin for entry in find_extensions()} == {"envkit-ml"}


def test_one_of_two_disabled_leaves_no_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, "envkit-left")

    assert find_task("side").plugin == "envkit-right"
    assert standing_of("envkit-right") == "usable"


def test_two_that_claim_a_task_are_refused_with_both_names_and_the_setting_that_decides() -> None:
    with pytest.raises(PluginError) as caught:
        find_task("side")

    assert caught.value.message == "the task 'side' is claimed by envkit-left 1.0 and by envkit-right 1.0"
    assert "envkit config set plugins.prefer.side envkit-left" in str(caught.value.hint)
    assert caught.value.state == standing_of("envkit-left") == standing_of("envkit-right") == "conflict"


@pytest.mark.parametrize("file", ["envkit.toml", "pyproject.toml", "the user's own"])
def test_preferred_plugin_of_any_configuration_file_is_chosen(file: str, tmp_path: Path) -> None:
    table = "[tool.envkit.plugins]" if file == "pyproject.toml" else "[plugins]"
    path = user_config_file() if file == "the user's own" else tmp_path / "project" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{table}\nprefer = {{side = "Envkit_Right"}}\n')

    assert find_task("side").plugin == "envkit-right"
    assert [entry.plugin for entry in find_tasks()["side"]] == ["envkit-right"]
    assert (standing_of("envkit-left"), standing_of("envkit-right")) == ("overruled", "usable")


def test_preferred_plugin_of_the_variable_beats_that_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / "envkit.toml").write_text('[plugins.prefer]\nside = "envkit-right"\n')
    monkeypatch.setenv(PREFER_VARIABLE, "other=x, side=envkit-left")

    assert find_task("side").plugin == "envkit-left"


@pytest.mark.parametrize("text", ["[plugins", '[plugins]\nprefer = "side"', "[plugins.prefer]\nside = 3", ""])
def test_configuration_that_says_nothing_sensible_decides_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "project" / "envkit.toml").write_text(text)

    assert standing_of("envkit-left") == "conflict"


def test_find_task_of_a_run_is_its_own_plugin_whatever_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_task("side", prefer="envkit_right").plugin == "envkit-right"
    other = {"ENVKIT_PREFER_PLUGINS": "side=envkit-left"}
    assert find_task("side", prefer="envkit-right", environ=other).plugin == "envkit-right"
    assert find_task("side", environ=other).plugin == "envkit-left"
    with pytest.raises(PluginError, match="claimed by"):
        find_task("side", prefer="envkit-elsewhere")
    with pytest.raises(UsageError, match="there is no task 'sides'"):
        find_task("sides")


def test_preference_is_asked_for_nothing_but_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISABLE_VARIABLE, "side")
    Path(PROJECT_FILE).write_text("no TOML")

    assert "my-task" in find_tasks()


def test_preferred_plugin_is_compared_in_canonical_form() -> None:
    wanted = preferred_plugin("side", environ={}, read=lambda: {"side": "Envkit.Left"})

    assert wanted == canonical("envkit_left") == "envkit-left"
    assert ".".join(PREFER_PATH) == PREFER_SETTING
