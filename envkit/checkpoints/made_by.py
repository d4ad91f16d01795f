"""What makes a run come out as it does: described, compared, and the difference in words."""

from __future__ import annotations

import hashlib
import platform
import shlex
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError
from envkit.api.errors import ResumeRefused
from envkit.api.options import Options, to_builtins
from envkit.api.records import RunRequest
from envkit.checkpoints.layout import FileRecord, MadeBy
from envkit.checkpoints.write import hash_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Where a folder of data may hold a folder for each split.
SPLIT_FOLDERS = frozenset({"train", "dev", "valid", "validation", "test"})
# The distributions whose code decides what a loop computes.
_COMPUTING = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "peft", "envkit-ml")


def describe_run(run_dir: Path, options: Options) -> MadeBy:
    """Return what can be known of a run before torch loads; hashes its data files.

    Called before the data are read, it describes what was read. A loop adds what it knows with
    ``msgspec.structs.replace(made_by, threads=…, device=…, precision=…, world_size=…, digests=…)``. In a
    folder without a ``request.json`` (a loop tried by hand) no plugin is named. Raises: DataError.
    """
    request_file = run_dir / "request.json"
    plugins = []
    if request_file.exists():
        plugins = [msgspec.json.decode(request_file.read_bytes(), type=RunRequest).plugin.distribution]
    return MadeBy(
        options=to_builtins(options),
        data=describe_data(options),
        packages=describe_packages(plugins),
        python=platform.python_version(),
    )


def describe_data(options: Options) -> tuple[FileRecord, ...]:
    """Return the files that path options name, sorted by path.

    Of ``data``, a folder, its own files and the folders of its splits; a split that is a folder (a folder a
    class) is one record. What does not exist is left out. Raises: DataError for a file that cannot be read.
    """
    values = {name: getattr(options, name) for name in options.__struct_fields__}
    files = {
        file
        for name, value in values.items()
        if isinstance(value, Path)
        for file in _files(value.absolute(), is_split=name != "data")
    }
    return tuple(_describe_file(file) for file in sorted(files))


def describe_packages(plugins: Sequence[str] = ()) -> dict[str, str]:
    """Return the versions of what computes, those of these distributions of plugins included."""
    found = {}
    for name in (*_COMPUTING, *plugins):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def differences(then: MadeBy, now: MadeBy) -> list[str]:
    """Return in words what has changed, the most important first; nothing if the run can go on exactly."""
    return [
        *_data_differences(then.data, now.data),
        *_option_differences(then.options, now.options),
        *(
            f"the {name} has changed"
            for name, digest in then.digests.items()
            if now.digests.get(name, digest) != digest
        ),
        *_changes(("device", then.device, now.device), ("precision", then.precision, now.precision)),
        *_package_differences(then.packages, now.packages),
        *_changes(("Python", then.python, now.python)),
        *_count_differences("process", "processes", then.world_size, now.world_size),
        *_count_differences("thread", "threads", then.threads, now.threads),
    ]


def changed_error(differences: Sequence[str], *, run_dir: Path) -> ResumeRefused:
    """Return the error by which a run refuses to go on with something changed, a line for each difference."""
    lines = "".join(f"\n  {difference}" for difference in differences)
    return ResumeRefused(
        f"the run would not go on as it began:{lines}",
        hint="Put it back as it was, or go on all the same and get another result than without the break: "
        f"envkit runs resume {shlex.quote(str(run_dir))} --force",
    )


def _files(path: Path, *, is_split: bool) -> Iterator[Path]:
    """Yield the file, or folder, of a split; for a folder of splits those in it, and nothing else that lies there."""
    if path.is_file() or (is_split and path.is_dir()):
        yield path
    elif path.is_dir():
        yield from (
            entry
            for entry in path.iterdir()
            if not entry.name.startswith(".") and (entry.is_file() or entry.name in SPLIT_FOLDERS)
        )


def _describe_file(file: Path) -> FileRecord:
    try:
        if file.is_dir():
            return _describe_folder(file)
        return FileRecord(name=_text(file), size=file.stat().st_size, sha256=hash_file(file))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=file) from error


def _describe_folder(folder: Path) -> FileRecord:
    """Return one record for all files below: its hash is that of their names and hashes."""
    whole, size = hashlib.sha256(), 0
    for file in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        whole.update(f"{_text(file.relative_to(folder))}\0{hash_file(file)}\n".encode())
        size += file.stat().st_size
    return FileRecord(name=_text(folder), size=size, sha256=whole.hexdigest())


def _text(path: Path) -> str:
    # A name that is not UTF-8 comes with lone surrogates, which JSON cannot carry.
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _data_differences(then: Sequence[FileRecord], now: Sequence[FileRecord]) -> Iterator[str]:
    before, after = ({file.name: file for file in files} for files in (then, now))
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"the data file {name} is gone"
        elif name not in before:
            yield f"the data file {name} is new"
        elif before[name] != after[name]:
            yield f"the data file {name} has changed"


def _option_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        before, after = then.get(name), now.get(name)
        if before != after:
            yield f"--{name.replace('_', '-')} was {_value(before)} and is {_value(after)}"


def _package_differences(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        if name not in now:
            yield f"{name} was {then[name]} and is not installed"
        elif name not in then:
            yield f"{name} was not installed and is {now[name]}"
        elif then[name] != now[name]:
            yield f"{name} was {then[name]} and is {now[name]}"


def _changes(*values: tuple[str, str | None, str | None]) -> Iterator[str]:
    for name, then, now in values:
        if then is not None and now is not None and then != now:
            yield f"{name} was {then} and is {now}"


def _count_differences(one: str, many: str, then: int | None, now: int | None) -> Iterator[str]:
    if then is not None and now is not None and then != now:
        yield f"{then} {one if then == 1 else many} computed and now {now} would"


def _value(value: Any) -> str:
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
