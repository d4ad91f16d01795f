"""``python -m envkit.torchbuild.refresh --check | --write``."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError
from envkit.pip_configuration import read_pip_configuration
from envkit.torchbuild.refresh.compare import differences, update
from envkit.torchbuild.refresh.gather import gather
from envkit.torchbuild.refresh.package_index import PackageIndex
from envkit.torchbuild.table import INDEX_FILE, read_index_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def main(arguments: Sequence[str] | None = None, *, file: Path = INDEX_FILE) -> int:
    """Compare or write; return 1 where the table is behind, 2 where the index cannot be asked."""
    parser = argparse.ArgumentParser(
        prog="python -m envkit.torchbuild.refresh",
        description="Hold envkit's table of torch builds against the package index that pip is configured for.",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="only say what is missing or wrong (the default)")
    way.add_argument("--write", action="store_true", help="bring index.json up to date")
    given = parser.parse_args(arguments)
    table = read_index_table(file)
    try:
        index = PackageIndex(read_pip_configuration())
        told = gather(index, date=datetime.datetime.now(datetime.UTC).date(), tell=_tell)
    except EnvkitError as error:
        sys.stderr.write(f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return 2
    found = differences(table, told)
    sys.stdout.write("".join(f"{line}\n" for line in found) or "the table says what the index says\n")
    if given.write:
        content = msgspec.json.encode(update(table, told))
        file.write_bytes(msgspec.json.format(content, indent=1) + b"\n")
        sys.stdout.write(f"written: {file.name}\n")
        return 0
    if found:
        sys.stdout.write("To write it: python -m envkit.torchbuild.refresh --write\n")
    return 1 if found else 0


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
