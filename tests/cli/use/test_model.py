"""Which environment a saved model is used in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo import install_source
from echo_model import HERE, echo_record, save_echo_model

from envkit.api import DataError, EnvError, PluginError, UsageError
from envkit.cli.use.model import check_device, check_file, ready_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    monkeypatch.setenv("ENVKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made_in(**environment: Any) -> Any:
    return msgspec.structs.replace(echo_record(), environment=msgspec.structs.replace(HERE, **environment))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"python": "/gone/bin/python"},
        {"kind": "venv", "name": "echo-py3.11", "python": "/elsewhere/python"},
    ],
    ids=["its own", "of another machine", "gone"],
)
def test_ready_model_whose_environment_is_not_here_is_used_in_one_that_fits_without_a_word(
    place: Path, capfd: pytest.CaptureFixture[str], environment: dict[str, str]
) -> None:
    save_echo_model(place / "model", made_in(**environment))

    ready = ready_model("model", env_choice=None, data=None)

    assert (ready.environment.kind, ready.environment.python) == ("current", sys.executable)
    assert ready.model.path == place / "model"
    assert capfd.readouterr() == ("", "")


def test_ready_model_in_an_environment_asked_for_takes_no_other(place: Path) -> None:
    save_echo_model(place / "model")

    with pytest.raises(EnvError, match="no-such"):
        ready_model("model", env_choice="no-such", data=None)


def test_ready_model_of_a_plugin_that_is_not_here_says_how_to_get_it(place: Path) -> None:
    save_echo_model(place / "model", echo_record(task="gone"))

    with pytest.raises(PluginError, match="envkit-echo 0.1.0") as caught:
        ready_model("model", env_choice=None, data=None)

    assert caught.value.hint == "envkit plugin install envkit-echo"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_check_device_takes_what_a_run_takes(device: str) -> None:
    check_device(device)


@pytest.mark.parametrize("device", ["", "gpu", "cuda:", "CPU"])
def test_check_device_refuses_what_is_none(device: str) -> None:
    with pytest.raises(UsageError, match="is no device"):
        check_device(device)


def test_check_file_that_is_not_there_is_bad_data(place: Path) -> None:
    with pytest.raises(DataError, match="nowhere.txt: no such file"):
        check_file(place / "nowhere.txt")
