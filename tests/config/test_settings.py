"""envkit's own settings: where each may stand, and what a wrong one gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envkit.api import ConfigError
from envkit.config import Layer, read_layers, resolve_settings
from envkit.mirrors import TORCH_INDEX


def settings_error(folder: Path, text: str, *, name: str = "envkit.toml") -> ConfigError:
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        resolve_settings(read_layers(folder, user_file=folder / "none"), environ={})
    return caught.value


def test_settings_where_nobody_says_anything_are_the_defaults() -> None:
    settings = resolve_settings([], environ={"ENVKIT_ENV": ""})
    assert (settings.env, settings.backend, settings.torch_index) == ("auto", "venv", TORCH_INDEX)
    assert (settings.package_index, settings.channels, settings.model_hub) == (None, (), None)
    assert settings.home.is_absolute()


def test_settings_take_the_strongest_source_for_each(tmp_path: Path) -> None:
    (tmp_path / "user.toml").write_text(
        "backend = 'conda'\nenv = 'a'\n[mirrors]\npackage-index = 'https://user/simple'\nchannels = ['u']\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        "[tool.envkit]\nenv = 'b'\n[tool.envkit.mirrors]\ntorch-index = 'https://project/whl'\n"
    )
    (tmp_path / "envkit.toml").write_text("env = 'c'\n[mirrors]\nmodel_hub = 'https://hub'\n")
    environ = {"ENVKIT_CHANNELS": "one, https://two/three", "ENVKIT_CHANNEL_ALIAS": "https://alias"}

    settings = resolve_settings(read_layers(tmp_path, user_file=tmp_path / "user.toml"), environ=environ)

    assert (settings.backend, settings.env) == ("conda", "c")
    assert settings.package_index == "https://user/simple"
    assert settings.torch_index == "https://project/whl"
    assert settings.channels == ("one", "https://two/three")
    assert (settings.channel_alias, settings.model_hub) == ("https://alias", "https://hub")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("torch-index = 'https://x'\n", "envkit.toml:1: there is no option 'torch-index'", "table [mirrors]"),
        ("[mirrors]\n\ntorch-indx = 'x'\n", "envkit.toml:3: [mirrors]: there is no", "'torch-index'"),
        ("[mirrors]\nenv = 'x'\n", "envkit.toml:2: [mirrors]: there is no", "above all tables"),
        ("[mirors]\nchannels = ['a']\n", "envkit.toml:1: there is no table 'mirors'", "[mirrors]"),
        ("mirrors = 'https://x'\n", "there is no option 'mirrors'", "mirrors is a table"),
        ("torch-indx = 'x'\n", "there is no option 'torch-indx'", "'torch-index'? It stands in the table"),
        ("colour = 1\n", "envkit.toml:1: there is no option 'colour'", "Known here: home, env"),
        ("backend = ''\n", "envkit.toml:1: backend is empty", "Give it a value"),
        ("[mirrors]\npackage-index = 'x'\n", "envkit.toml:2: package-index is not an address", "https://"),
        ("[mirrors]\nmodel-hub = 'file:///x'\n", "model-hub is not an address", "https://"),
        ("[mirrors]\nchannels = ['a b']\n", "envkit.toml:2: 'a b' is no channel", "conda-forge"),
        ("[mirrors]\nchannels = ['./a']\n", "the channel './a' is a path", "file:///"),
        ("[mirrors]\nchannels = 3\n", "envkit.toml:2: channels = 3 does not fit: expected a list", ""),
    ],
)
def test_settings_that_are_wrong_name_file_line_and_what_is_meant(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    error = settings_error(tmp_path, text)
    assert message in error.message
    assert hint in (error.hint or "")


def test_settings_in_a_pyproject_are_told_of_their_own_table(tmp_path: Path) -> None:
    error = settings_error(
        tmp_path, "[project]\nname = 'x'\n[tool.envkit]\ntorch-index = 'x'\n", name="pyproject.toml"
    )
    assert "pyproject.toml:4: there is no option 'torch-index'" in error.message
    assert "[tool.envkit.mirrors]" in (error.hint or "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("torch-index", "u:s3kret@host"),
        ("torch-index", "https:// u:s3kret@host"),
        ("torch-index", "ftp://u:s3kret@host"),
        ("package-index", "https:/u:s3kret@host/c"),
        ("model-hub", "https://u:s3 s3kret@host/c"),
        ("package-index", "https:///u:s3kret@host"),
        ("package-index", "https://u:s3kret@host:port/c"),
        ("package-index", ["https:/u:s3kret@host"]),
        ("channels", ["u:s3kret@host/c"]),
        ("channels", ["https:/u:s3kret@host/c"]),
        ("channels", ["https://u:s3 s3kret@host/c"]),
        ("channels", ["//u:s3kret@host/c"]),
        ("channels", {"a": "u:s3kret@host/c"}),
    ],
)
def test_address_that_is_none_is_not_repeated_since_it_may_hold_a_password(key: str, value: object) -> None:
    layer = Layer(Path("/x/envkit.toml"), {}, {"mirrors": {key: value}})
    with pytest.raises(ConfigError) as caught:
        resolve_settings([layer], environ={})
    assert "s3kret" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("table", [{}, {"channels": []}, {"channels": "a,b"}])
def test_channels_may_be_a_list_or_text(table: dict[str, Any]) -> None:
    channels = resolve_settings([Layer(Path("envkit.toml"), {}, {"mirrors": table})], environ={}).channels
    assert channels == (("a", "b") if table.get("channels") else ())
