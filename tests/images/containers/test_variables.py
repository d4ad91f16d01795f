"""What of the host's variables and models reaches a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.images.containers.variables import ModelSupply, container_variables, supply_model

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = ModelSupply(readable=(), variables={})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return a Hugging Face cache that holds `ada/tiny`."""
    hub = tmp_path / "hf" / "hub"
    snapshot = hub / "models--ada--tiny" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_text("{}")
    (hub / "models--ada--tiny" / "refs").mkdir()
    (hub / "models--ada--tiny" / "refs" / "main").write_text("abc")
    return hub


def test_container_variables_hand_on_what_changes_the_computation_and_no_secret() -> None:
    host = {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "1",
        "HF_HUB_OFFLINE": "1",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "http_proxy": "http://localhost:3128",
        "no_proxy": "localhost,.example",
        "HF_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "WANDB_API_KEY": "secret",
        "PYTHONPATH": "/mine",
        "HOME": "/home/ada",
        "LD_PRELOAD": "/lib/odd.so",
        "HF_HOME": "/home/ada/hf",
    }

    found = container_variables(host, supply=NOTHING, user="ada")

    assert "secret" not in found.values()
    assert found.keys() & host.keys() == {
        *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE"),
        *("HTTPS_PROXY", "no_proxy", "HOME", "HF_HOME"),
    }
    assert found["USER"] == "ada"
    inside = ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")
    assert all(found[name].startswith("/tmp") for name in inside)


@pytest.mark.parametrize(
    ("note", "offline", "is_handed_on"),
    [("", "", False), ("it is downloaded", "", True), ("it is downloaded", "1", False)],
)
def test_proxy_with_a_password_is_handed_on_for_a_download_alone(
    note: str, offline: str, is_handed_on: bool
) -> None:
    host = {
        "https_proxy": "http://ada:secret@proxy.example:3128",
        "http_proxy": "http://proxy.example:3128",
        "HF_HUB_OFFLINE": offline,
    }

    found = container_variables(host, supply=ModelSupply(readable=(), variables={}, note=note), user="ada")

    assert ("https_proxy" in found) is is_handed_on
    assert "http_proxy" in found


def test_supply_model_from_a_folder_mounts_it(tmp_path: Path) -> None:
    assert supply_model(str(tmp_path), environ={}) == ModelSupply(readable=(tmp_path,), variables={})


def test_supply_model_from_the_cache_mounts_that_alone_and_hands_on_no_token(cache: Path) -> None:
    environ = {"HF_HOME": str(cache.parent), "HF_TOKEN": "secret"}

    supply = supply_model("ada/tiny", environ=environ)

    assert supply == ModelSupply(readable=(cache,), variables={"HF_HUB_CACHE": str(cache)})


def test_supply_model_from_the_hub_says_so_and_brings_the_token(cache: Path) -> None:
    by_variable = supply_model("ada/large", environ={"HF_HOME": str(cache.parent), "HF_TOKEN": "secret"})
    token = cache.parent / "token"
    token.write_text("secret")
    by_file = supply_model("ada/large", environ={"HF_HOME": str(cache.parent)})

    assert (by_variable.readable, by_variable.variables) == ((), {"HF_TOKEN": "secret"})
    assert (by_file.readable, by_file.variables) == ((token,), {"HF_TOKEN_PATH": str(token)})
    assert "hf download ada/large" in by_variable.note


@pytest.mark.parametrize(("model", "is_in_image"), [("ada/large", True), ("", False)])
def test_supply_model_that_the_image_or_the_plugin_has_needs_nothing(
    cache: Path, model: str, is_in_image: bool
) -> None:
    environ = {"HF_HOME": str(cache.parent), "HF_TOKEN": "secret"}

    assert supply_model(model, environ=environ, is_in_image=is_in_image) == NOTHING
