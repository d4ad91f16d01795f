"""The files of a model as an image holds them: all that predicting reads, and nothing of where it was made."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DEFAULT_MODEL, EnvkitError, UsageError
from envkit.api.records import EnvironmentUse, ModelRecord
from envkit.images.layout import IMAGE_MODEL, IMAGE_PYTHON
from envkit.models import find_cached_model
from envkit.worker.model_files import MODEL_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ADAPTER_CONFIG = "adapter_config.json"
_BASE_KEY = "base_model_name_or_path"
_BASE_DIR = "base"
# What training leaves and predicting never reads, should a plugin save into the model's folder.
_LEFT_OUT_FOLDERS = ("checkpoint", "runs", "logs", "wandb", "__pycache__")
_LEFT_OUT_FILES = frozenset(
    {"events.jsonl", "request.json", "result.json", "metrics.json", "machine.json", "data.json"}
    | {"optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "training_args.bin", "lock"}
)
_LEFT_OUT_ENDINGS = (".log", ".tmp", ".pyc")
# Of a model that comes from elsewhere, all that is read of it: one form of its weights is enough.
_BASE_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json")
_OLD_BASE_FILES = ("config.json", "pytorch_model*.bin", "pytorch_model.bin.index.json")
_ORIGIN = EnvironmentUse(
    kind="current", name="current", python=IMAGE_PYTHON, reason="it is in the image with the model"
)


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A file of the model: where it goes, and its content, or the file that has it."""

    place: PurePosixPath
    content: bytes | None = None
    source: Path | None = None


@dataclass(frozen=True, kw_only=True)
class AdapterBase:
    """The model that an adapter is put on: its name or path, and its folder where that is on this machine."""

    name: str
    path: Path | None


def adapter_base(model_dir: Path, *, environ: Mapping[str, str] = os.environ) -> AdapterBase | None:
    """Return what an adapter needs to be opened, None for a whole model. Raises: EnvkitError for a damaged one."""
    name = _read_json(model_dir / _ADAPTER_CONFIG).get(_BASE_KEY)
    if not name:
        return None
    found = find_cached_model(str(name), environ=environ)
    return AdapterBase(name=str(name), path=None if found is None else found.path)


def model_files(model_dir: Path, *, environ: Mapping[str, str] = os.environ) -> Iterator[ModelFile]:
    """Yield the files of a model in the order of their places, the one that an adapter is put on included.

    ``envkit.json`` and an adapter's configuration are written anew without paths of this machine; checkpoints,
    logs, hidden files and linked folders are left out. Raises: EnvkitError; UsageError for a file that is a link to
    one outside the model's folder, but for those of the Hugging Face cache.
    """
    base = adapter_base(model_dir, environ=environ)
    has_base = base is not None and base.path is not None and base.name != DEFAULT_MODEL
    for file in sorted(_walk(model_dir)):
        _check_inside(file, folder=model_dir)
        place = PurePosixPath(file.relative_to(model_dir).as_posix())
        if place == PurePosixPath(MODEL_RECORD):
            yield ModelFile(place=place, content=_clean_record(file))
        elif place == PurePosixPath(_ADAPTER_CONFIG) and has_base:
            yield ModelFile(place=place, content=_moved_adapter(file))
        else:
            yield ModelFile(place=place, source=file)
    if base is not None and base.path is not None and has_base:
        yield from _base_files(base.path)


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            if not entry.name.startswith(_LEFT_OUT_FOLDERS):
                yield from _walk(entry)
        elif entry.is_file() and not _is_left_out(entry.name):
            yield entry


def _check_inside(file: Path, *, folder: Path) -> None:
    """Check that a file is the model's own. Raises: UsageError for a link to one that may be private."""
    target, home = file.resolve(), folder.resolve()
    allowed = [home]
    repository = home.parent.parent
    if home.parent.name == "snapshots" and repository.name.startswith("models--"):
        allowed.append(repository / "blobs")  # a snapshot of the cache is links to these
    if not any(target.is_relative_to(each) for each in allowed):
        raise UsageError(
            f"{file} is a link to {target}, which is outside the model's folder and would be in the image",
            hint=f"If it is the model's, copy the model: cp -rL {shlex.quote(str(folder))} FOLDER\n"
            f"If it is not: rm {shlex.quote(str(file))}",
        )


def _is_left_out(name: str) -> bool:
    return name in _LEFT_OUT_FILES or name.endswith(_LEFT_OUT_ENDINGS)


def _base_files(folder: Path) -> Iterator[ModelFile]:
    patterns = _BASE_FILES if any(folder.glob("*.safetensors")) else _OLD_BASE_FILES
    for file in sorted(file for pattern in patterns for file in folder.glob(pattern)):
        _check_inside(file, folder=folder)
        yield ModelFile(place=PurePosixPath(_BASE_DIR, file.name), source=file)


def _clean_record(file: Path) -> bytes:
    """Return envkit.json as it is true in the image: with its Python, and no path of this machine."""
    try:
        record = msgspec.json.decode(file.read_bytes(), type=ModelRecord)
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file}: cannot be read: {error}") from error
    options = {name: value for name, value in record.options.items() if not is_path(value)}
    clean = msgspec.structs.replace(
        record, environment=_ORIGIN, options=options, model=_without_folder(record.model)
    )
    return msgspec.json.format(msgspec.json.encode(clean)) + b"\n"


def _moved_adapter(file: Path) -> bytes:
    table = _read_json(file) | {_BASE_KEY: f"{IMAGE_MODEL}/{_BASE_DIR}"}
    return json.dumps(table, indent=2, sort_keys=True).encode() + b"\n"


def is_path(value: Any) -> bool:
    """Tell whether a value is a text that names a place on a machine."""
    return isinstance(value, str) and (value.startswith(("~", "file:")) or Path(value).is_absolute())


def _without_folder(model: str) -> str:
    return Path(model).name if is_path(model) else model


def _read_json(file: Path) -> dict[str, Any]:
    """Return the table in a file, empty where there is no file. Raises: EnvkitError for another content."""
    try:
        table = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:  # so is json's
        raise EnvkitError(f"{file}: cannot be read: {error}") from error
    if not isinstance(table, dict):
        raise EnvkitError(f"{file}: cannot be read: expected a table")
    return table
