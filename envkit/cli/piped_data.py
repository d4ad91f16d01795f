"""Take data from standard input into a file, where the worker and whoever looks later find it."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import DataError, UsageError
from envkit.config import flag_of
from envkit.data.parquet import PARQUET_MARK
from envkit.data.text import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedReader
    from pathlib import Path

    from envkit.api import Options
    from envkit.api.records import RunRequest


@dataclass(frozen=True)
class PipedData:
    """The option whose file is standard input, and the stream, of which nothing has been taken yet."""

    option: str
    stream: BufferedReader
    is_parquet: bool

    def name_in(self, request: RunRequest, *, run_path: Path) -> RunRequest:
        """Return the request with the file in the run's folder that the data will be kept in."""
        options: dict[str, Any] = {**request.options, self.option: str(self._file(run_path))}
        return msgspec.structs.replace(request, options=options)

    def keep(self, *, run_path: Path) -> None:
        """Write all that comes in into the run's folder; the file appears whole. Raises: DataError."""
        file = self._file(run_path)
        draft = file.with_suffix(".tmp")
        try:
            file.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise _not_kept(file, error) from error
        _copy(self.stream, draft)
        draft.rename(file)

    def _file(self, run_path: Path) -> Path:
        return run_path / "data" / ("train" if self.option == "data" else self.option)


def find_piped(
    options: Options, names: Iterable[str], *, stream: BufferedReader | None = None
) -> PipedData | None:
    """Return what of these options standard input is given for (``-``), None where there is none.

    Waits for its first bytes. Raises: UsageError where there are two, or a terminal; DataError where
    nothing comes.
    """
    piped = [name for name in names if getattr(options, name) == STANDARD_INPUT]
    if not piped:
        return None
    if len(piped) > 1:
        raise UsageError(
            f"{' and '.join(map(flag_of, piped))} would both be read from standard input",
            hint="Write one of them into a file",
        )
    (option,) = piped
    source: BufferedReader = stream or sys.stdin.buffer  # type: ignore[assignment]  # it is one
    first = _first_bytes(
        source, name=flag_of(option), example=f"envkit run … {flag_of(option)} - < train.csv"
    )
    return PipedData(option, source, first.startswith(PARQUET_MARK))


def keep_input(file: Path, *, name: str, example: str) -> None:
    """Write all of standard input, given for ``name``, into a file; ``example`` is how it is sent in.

    Raises: UsageError where it is a terminal, DataError where nothing comes or the disk is full.
    """
    source: BufferedReader = sys.stdin.buffer  # type: ignore[assignment]  # it is one
    _first_bytes(source, name=name, example=example)
    _copy(source, file)


def _first_bytes(source: BufferedReader, *, name: str, example: str) -> bytes:
    """Return what comes first, which stays in the stream. Raises: UsageError, DataError."""
    if source.isatty():
        raise UsageError(
            f"{name} - reads standard input, which is a terminal here", hint=f"Send the data in: {example}"
        )
    first = source.peek(len(PARQUET_MARK))
    if not first:
        raise DataError(
            f"standard input, given for {name}, is empty", hint="See what the command before gives"
        )
    return first


def _copy(source: BufferedReader, file: Path) -> None:
    try:
        with file.open("wb") as kept:
            shutil.copyfileobj(source, kept)
    except OSError as error:
        raise _not_kept(file, error) from error


def _not_kept(file: Path, error: OSError) -> DataError:
    return DataError(f"standard input cannot be kept: {error.strerror}", file=file)
