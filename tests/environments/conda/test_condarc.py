"""conda's own configuration: every place, merged as conda merges it; what is broken is named by file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conda_channel import require_conda

from envkit.api import ConfigError
from envkit.environments.conda.condarc import read_condarc

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def yaml_is_here() -> None:
    require_conda()


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        ("root/etc/conda/.condarc", {}),
        ("root/etc/conda/condarc", {}),
        ("root/etc/conda/condarc.d/company.yml", {}),
        ("root/var/lib/conda/condarc.d/company.yaml", {}),
        ("base/.condarc", {"CONDA_EXE": "{tmp}/base/bin/conda"}),
        ("base/condarc", {"MAMBA_ROOT_PREFIX": "{tmp}/base"}),
        ("xdg/conda/condarc", {"XDG_CONFIG_HOME": "{tmp}/xdg"}),
        ("home/.config/conda/.condarc", {}),
        ("home/.conda/condarc.d/mine.yml", {}),
        ("home/.condarc", {}),
        ("prefix/.condarc", {"CONDA_PREFIX": "{tmp}/prefix"}),
        ("elsewhere/rc.yml", {"CONDARC": "{tmp}/elsewhere/rc.yml"}),
    ],
)
def test_condarc_in_any_of_its_places_is_read(place: str, variables: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / place, "channels: [mine]\n")
    environ = {name: text.format(tmp=tmp_path) for name, text in variables.items()}

    read = read_condarc({"HOME": str(tmp_path / "home"), **environ}, root=tmp_path / "root")

    assert read.channels == ("mine",)
    assert read.files == (tmp_path / place,)


def test_condarc_several_files_the_stronger_come_first_and_win(tmp_path: Path) -> None:
    write(
        tmp_path / "etc/conda/.condarc",
        "channels: [company, conda-forge]\noffline: true\ncustom_channels: {a: https://one, b: https://two}\n",
    )
    write(
        tmp_path / "home/.condarc",
        "channels: [mine, company]\noffline: false\ncustom_channels: {a: https://mine}\n",
    )

    read = read_condarc({"HOME": str(tmp_path / "home")}, root=tmp_path)

    assert read.channels == ("mine", "company", "conda-forge")
    assert read.offline is False
    assert read.custom_channels == {"a": "https://mine", "b": "https://two"}


def test_condarc_variables_go_before_files(tmp_path: Path) -> None:
    write(tmp_path / ".condarc", "channels: [mine]\nchannel_priority: strict\nssl_verify: truststore\n")
    environ = {
        "HOME": str(tmp_path),
        "CONDA_CHANNELS": "one, two",
        "CONDA_CHANNEL_PRIORITY": "disabled",
        "CONDA_SSL_VERIFY": "false",
        "CONDA_OFFLINE": "1",
    }

    read = read_condarc(environ, root=tmp_path / "none")

    assert read.channels == ("one", "two", "mine")
    assert (read.channel_priority, read.ssl_verify, read.offline) == ("disabled", False, True)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("channel_priority: true", "channel_priority", "flexible"),
        ("channel_priority: false", "channel_priority", "disabled"),
        ("ssl_verify: /a/ca.pem", "ssl_verify", "/a/ca.pem"),
        ("ssl_verify: 'False'", "ssl_verify", False),
        ("verify_ssl: false", "ssl_verify", False),
        ("channels: conda-forge", "channels", ("conda-forge",)),
        ("channels:\n  - https://u:${SECRET}@host/c", "channels", ("https://u:s3@host/c",)),
        ("channels: [$UNKNOWN]", "channels", ("$UNKNOWN",)),
        ("proxy_servers: {https: 'http://p:1'}", "proxy_servers", {"https": "http://p:1"}),
        ("proxy_servers: {https: }", "proxy_servers", {}),
        ("custom_multichannels: {all: [a, b]}", "custom_multichannels", {"all": ("a", "b")}),
        ("solver: libmamba\nplugins: {x: 1}\naliases: 3", "channels", ()),
        ("", "channels", ()),
        ("# nothing\n", "channels", ()),
        ("channels:\n", "channels", ()),
    ],
)
def test_condarc_value_as_people_write_it_is_understood(
    text: str, name: str, value: object, tmp_path: Path
) -> None:
    write(tmp_path / ".condarc", text)

    read = read_condarc({"HOME": str(tmp_path), "SECRET": "s3"}, root=tmp_path / "none")

    assert getattr(read, name) == value


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("channels: [a\nb: 1\n", 2, "no YAML"),
        ("a: 1\n\tb: 2\n", 2, "no YAML"),
        ("- a\n- b\n", 1, "a table"),
        ("solver: x\nchannels: 3\n", 2, "a list of names"),
        ("\n\noffline: perhaps\n", 3, "true or false"),
        ("channel_priority: high\n", 1, "strict, flexible or disabled"),
        ("custom_channels: [a]\n", 1, "a table"),
        ("channel_alias: [a]\n", 1, "text"),
    ],
)
def test_condarc_broken_names_file_and_line(text: str, line: int, says: str, tmp_path: Path) -> None:
    write(tmp_path / ".condarc", text)

    with pytest.raises(ConfigError) as caught:
        read_condarc({"HOME": str(tmp_path)}, root=tmp_path / "none")
    assert caught.value.message.startswith(f"{tmp_path}/.condarc:{line}: ")
    assert says in caught.value.message
    assert "CONDARC=" in str(caught.value.hint)


def test_condarc_variable_wrong_is_named() -> None:
    with pytest.raises(ConfigError, match="CONDA_OFFLINE has to be true or false"):
        read_condarc({"CONDA_OFFLINE": "maybe"})


@pytest.mark.parametrize(
    "text",
    [
        "proxy_servers: http://u:s3kret@h\n",
        "channel_alias: [http://u:s3kret@h]\n",
        "custom_channels: [http://u:s3kret@h]\n",
        "custom_channels: {a: [http://u:s3kret@h]}\n",
        "mirrored_channels: http://u:s3kret@h\n",
        "channels: {a: http://u:s3kret@h}\n",
        "offline: http://u:s3kret@h\n",
        "channels: ['http://u:s3kret@h\n",
        "channels: [//u:s3kret@h/c]\n",
        "channels: [u:s3kret@h/c]\n",
        "channel_alias: https:/u:s3kret@h\n",
        "mirrored_channels: {a: [u:s3kret@h/c]}\n",
    ],
)
def test_condarc_of_another_form_is_named_and_its_passwords_are_not(text: str, tmp_path: Path) -> None:
    write(tmp_path / ".condarc", text)

    with pytest.raises(ConfigError) as caught:
        read_condarc({"HOME": str(tmp_path)}, root=tmp_path / "none")
    assert caught.value.exit_code == 2
    assert "s3kret" not in f"{caught.value.message}{caught.value.hint}"


def test_condarc_date_that_is_none_names_the_file(tmp_path: Path) -> None:
    write(tmp_path / ".condarc", "a: 2020-13-45\n")

    with pytest.raises(ConfigError, match=r"\.condarc: this is no YAML: a date"):
        read_condarc({"HOME": str(tmp_path)}, root=tmp_path / "none")


def test_condarc_variable_of_another_form_does_not_show_its_value() -> None:
    with pytest.raises(ConfigError, match="CONDA_OFFLINE") as caught:
        read_condarc({"CONDA_OFFLINE": "http://u:s3kret@h"})
    assert "s3kret" not in caught.value.message
