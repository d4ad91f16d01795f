"""The table `[plugins.prefer]`: set, shown, checked, taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_distributions import small_extension, small_task

from envkit.api import ConfigError, UsageError
from envkit.config import read_layers, resolve_settings
from envkit.config.edit import Editor
from envkit.config.overview import show_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Return what changes the project's file, where two plugins claim the task `side`."""
    for dist in (small_task("left", task="side"), small_task("right", task="side"), small_extension("more")):
        dist.install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return Editor(folder=tmp_path, scope="project", user_file=tmp_path / "user.toml", environ={})


def test_preference_set_is_written_shown_and_taken_out(editor: Editor, tmp_path: Path) -> None:
    change = editor.set_value("plugins.prefer.side", "envkit-right")

    assert (change.before, change.after) == (None, "envkit-right")
    assert editor.file.read_text() == '[plugins.prefer]\nside = "envkit-right"\n'
    layers = read_layers(tmp_path, user_file=tmp_path / "user.toml")
    overview = show_config(layers, folder=tmp_path, user_file=tmp_path / "user.toml", environ={})
    assert [(each.key, each.value, each.line) for each in overview.plugins] == [
        ("plugins.prefer.side", "envkit-right", 2)
    ]
    assert overview.problems == () and overview.tasks == ()
    assert editor.unset_value("plugins.prefer.side").before == "envkit-right"


def test_preference_of_the_variable_is_shown_above_that_of_a_file(editor: Editor, tmp_path: Path) -> None:
    editor.set_value("plugins.prefer.side", "envkit-right")
    layers = read_layers(tmp_path, user_file=tmp_path / "user.toml")
    environ = {"ENVKIT_PREFER_PLUGINS": "side=envkit-left"}

    overview = show_config(layers, folder=tmp_path, user_file=tmp_path / "user.toml", environ=environ)

    (shown,) = overview.plugins
    assert (shown.value, shown.source) == ("envkit-left", "ENVKIT_PREFER_PLUGINS")
    assert [each.value for each in shown.overridden] == ["envkit-right"]
    assert overview.problems == ()


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("plugins.prefer.side", "envkit-rigth", "no distribution 'envkit-rigth'", "'envkit-right'"),
        ("plugins.prefer.sida", "envkit-right", "no plugin claims the name 'sida'", "plugins.prefer.side"),
        ("plugins.prefer.my-backend", "envkit-mare", "with an extension is installed", "'envkit-more'"),
        ("plugins.prefer", "envkit-right", "is no key", "plugins.prefer.NAME"),
        ("plugins.side", "envkit-right", "is no key", "plugins.prefer.side"),
        ("plugins.prefer.side", " ", "the value is empty", "unset"),
    ],
)
def test_preference_that_cannot_be_is_refused_with_what_can(
    key: str, value: str, message: str, hint: str, editor: Editor
) -> None:
    with pytest.raises(UsageError) as caught:
        editor.set_value(key, value)

    assert message in caught.value.message and hint in str(caught.value.hint)
    assert not editor.file.exists()


def test_preference_of_a_backend_is_a_distribution_with_an_extension(editor: Editor) -> None:
    assert editor.set_value("plugins.prefer.my-backend", "envkit-more").after == "envkit-more"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[plugins]\nprefr = {}", ":2: [plugins]: there is no option 'prefr'"),
        ('[plugins]\nprefer = "side"', "plugins.prefer = 'side' does not fit"),
        ("[plugins.prefer]\nside = 3", ":2: plugins.prefer.side = 3 does not fit"),
        ('[plugin]\nprefer = {side = "x"}', "there is no table 'plugin'"),
    ],
)
def test_table_that_says_something_else_is_refused_at_its_line(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "envkit.toml").write_text(text)
    layers = read_layers(tmp_path, user_file=tmp_path / "user.toml")

    with pytest.raises(ConfigError) as caught:
        resolve_settings(layers, environ={})
    assert message in caught.value.message
    overview = show_config(layers, folder=tmp_path, user_file=tmp_path / "user.toml", environ={})
    assert overview.problems or text.startswith("[plugin]\n")
