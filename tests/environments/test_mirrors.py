"""Where packages and models come from where envkit is told of no mirror, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from required import require_dists

from envkit.config import read_layers, resolve_settings
from envkit.config.overview import show_config
from envkit.environments.mirrors import mirror_hint, mirrors_elsewhere
from envkit.environments.uv_environment import uv_settings
from envkit.mirrors import MirrorKind, hub_environ, mirror_variable
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from pathlib import Path


def mirrors(folder: Path, **environ: str) -> dict[str, tuple[object, str]]:
    environ = {"HOME": str(folder), "PIP_CONFIG_FILE": "/dev/null", **environ}
    shown = show_config(
        read_layers(folder, user_file=folder / "none"), folder=folder, environ=environ
    ).mirrors
    found = mirrors_elsewhere(shown, environ=environ)
    return {each.key.partition(".")[2]: (each.value, each.source) for each in found}


def test_mirrors_that_nobody_names_are_the_tools_own(tmp_path: Path) -> None:
    found = mirrors(tmp_path, CONDARC=str(tmp_path / "none"))
    assert found["model-hub"] == ("https://huggingface.co", "default")
    assert found["package-index"][1] == "default"
    assert list(found) == list(get_args(MirrorKind))


@pytest.mark.parametrize(
    ("environ", "value", "source"),
    [
        ({"PIP_INDEX_URL": "https://u:s3kret@a"}, "https://***@a", "PIP_INDEX_URL"),
        ({"PIP_INDEX_URL": "https://a", "UV_DEFAULT_INDEX": "https://b"}, "https://a", "PIP_INDEX_URL"),
        ({"UV_DEFAULT_INDEX": "https://u:s3kret@b"}, "https://***@b", "UV_DEFAULT_INDEX"),
        ({"UV_INDEX_URL": "https://b"}, "https://b", "UV_INDEX_URL"),
        ({"PIP_NO_INDEX": "1"}, "none: find-links only", "PIP_NO_INDEX"),
        (
            {"PIP_INDEX_URL": "https://a", "ENVKIT_PACKAGE_INDEX": "https://c"},
            "https://c",
            "ENVKIT_PACKAGE_INDEX",
        ),
        ({"PIP_TIMEOUT": "soon"}, "cannot be read", "pip's configuration: the value of PIP_TIMEOUT"),
    ],
)
def test_package_index_is_envkits_or_pips_or_uvs(
    tmp_path: Path, environ: dict[str, str], value: str, source: str
) -> None:
    found = mirrors(tmp_path, **environ)["package-index"]
    assert found[0] == value
    assert found[1].startswith(source)


def test_channels_are_those_of_condarc_with_its_file(tmp_path: Path) -> None:
    require_dists("conda", "pyyaml")
    file = tmp_path / "condarc.yml"
    file.write_text("channel_alias: https://u:s3kret@h\nchannels:\n  - https://h/t/s3kret/a\n  - b\n")

    found = mirrors(tmp_path, CONDARC=str(file))

    assert found["channels"] == (["https://h/t/***/a", "b"], str(file))
    assert found["channel-alias"] == ("https://***@h", str(file))


def test_condarc_that_cannot_be_read_says_so_in_its_place(tmp_path: Path) -> None:
    require_dists("conda", "pyyaml")
    (tmp_path / "condarc.yml").write_text("channels: [\n")

    value, source = mirrors(tmp_path, CONDARC=str(tmp_path / "condarc.yml"))["channels"]

    assert (value, "condarc.yml:" in source) == ("cannot be read", True)


def test_package_index_of_envkit_beats_pips_and_is_what_uv_is_told() -> None:
    environ = {"HOME": "/none", "PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "https://pips"}

    configuration = read_pip_configuration(environ=environ, package_index="https://own")

    assert configuration.sources["index_url"] == "mirrors.package-index"
    assert uv_settings(configuration, environ=environ).environ["UV_DEFAULT_INDEX"] == "https://own"
    assert read_pip_configuration(environ=environ).index_url == "https://pips"


@pytest.mark.parametrize(
    ("model_hub", "before", "after"),
    [
        (None, {}, {}),
        (None, {"HF_ENDPOINT": "https://a"}, {"HF_ENDPOINT": "https://a"}),
        ("https://b", {"HF_ENDPOINT": "https://a"}, {"HF_ENDPOINT": "https://b"}),
    ],
)
def test_model_hub_reaches_the_worker_as_its_libraries_know_it(
    model_hub: str | None, before: dict[str, str], after: dict[str, str]
) -> None:
    assert hub_environ(model_hub, environ={**before, "A": "1"}) == {**after, "A": "1"}


@pytest.mark.parametrize("kind", get_args(MirrorKind))
def test_hint_names_a_key_and_a_variable_that_there_are(kind: MirrorKind) -> None:
    from envkit.config.keys import find_key

    hint = mirror_hint(kind)

    assert find_key(f"mirrors.{kind}").variable == mirror_variable(kind)
    assert f"envkit config set mirrors.{kind} " in hint
    assert f"{mirror_variable(kind)}=" in hint
    resolve_settings([], environ={mirror_variable(kind): "https://x"})
