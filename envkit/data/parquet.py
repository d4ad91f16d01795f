"""Read Parquet, where pyarrow is installed."""

from __future__ import annotations

import io
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from envkit.api import DataError
from envkit.data.lacking import install_command
from envkit.data.text import STANDARD_INPUT, read_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PARQUET_EXTRA = "parquet"
PARQUET_PACKAGE = "pyarrow"
PARQUET_MARK = b"PAR1"
SUFFIXES = (".parquet", ".pq")


def is_parquet(file: Path) -> bool:
    """Tell whether a file is Parquet, by its first bytes."""
    if file == STANDARD_INPUT:
        return read_content(file).startswith(PARQUET_MARK)
    if not file.is_file():
        return False
    try:
        with file.open("rb") as opened:
            return opened.read(4) == PARQUET_MARK
    except OSError:
        return False


def data_extras(paths: Iterable[Path]) -> frozenset[str]:
    """Return the extras of envkit-ml that reading these files, and those in these folders, calls for."""
    return frozenset({PARQUET_EXTRA}) if any(map(_holds_parquet, paths)) else frozenset()


def has_parquet_reader() -> bool:
    """Tell whether the running interpreter has pyarrow, which is not imported."""
    return find_spec(PARQUET_PACKAGE) is not None


def iterate_parquet(file: Path) -> Iterator[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """Yield the columns and, a part of the file at a time, the rows as tuples. Raises: DataError."""
    opened = _open(file)
    columns = tuple(opened.schema_arrow.names)
    try:
        for part in opened.iter_batches():
            values = [column.to_pylist() for column in part.columns]
            yield columns, list(zip(*values, strict=True))
    except (OSError, ValueError) as error:  # pyarrow's errors are these
        raise _broken(file, error) from error


def _holds_parquet(path: Path) -> bool:
    if path.is_dir():
        return any(entry.suffix.lower() in SUFFIXES for entry in path.iterdir())
    return is_parquet(path)


def _open(file: Path) -> Any:
    # What cannot be opened is said by us, whether pyarrow is here or not.
    source = file if file.is_file() else io.BytesIO(read_content(file))
    try:
        import pyarrow.parquet  # late: few have Parquet, and it takes 0.2 s
    except ImportError as error:
        raise DataError(
            f"the file is Parquet, and {sys.executable} has no {PARQUET_PACKAGE}, which reads it",
            file=file,
            hint=install_command(PARQUET_PACKAGE),
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(source)
    except (OSError, ValueError) as error:
        raise _broken(file, error) from error


def _broken(file: Path, error: Exception) -> DataError:
    return DataError(
        f"this Parquet file cannot be read: {str(error).splitlines()[0].rstrip('.')}",
        file=file,
        hint="See whether it is whole, and no pointer to a file kept elsewhere",
    )
