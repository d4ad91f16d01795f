"""Make the pages of docs/reference from the code: ``python docs/make_reference.py``; ``--check`` fails where one is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reference_pages import (
    commands,
    events,
    exit_codes,
    findings,
    hooks,
    json_output,
    options,
    parts,
    records,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).resolve().parent / "reference"
PAGES = {
    "hooks.md": hooks.make,
    "records.md": records.make,
    "options.md": options.make,
    "readers.md": parts.make_data,
    "readers-more.md": parts.make_more_data,
    "loop.md": parts.make_finetune,
    "loop-more.md": parts.make_more_finetune,
    "testing.md": parts.make_testing,
    "commands.md": commands.make,
    "events.md": events.make,
    "json.md": json_output.make,
    "json-records.md": json_output.make_records,
    "findings.md": findings.make,
    "exit-codes.md": exit_codes.make,
}

Pages = Mapping[str, Callable[[], str]]


def stale_pages(folder: Path = FOLDER, *, pages: Pages = PAGES) -> list[str]:
    """Return the names of the pages that are not what the code says, those that are too many included."""
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    made = {name: make() for name, make in pages.items()}
    return sorted(name for name in {*there, *made} if there.get(name) != made.get(name))


def write_pages(folder: Path = FOLDER, *, pages: Pages = PAGES) -> None:
    """Write every page, and remove those that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.md"):
        if file.name not in pages:
            file.unlink()
    for name, make in pages.items():
        (folder / name).write_text(make(), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which are stale; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the pages of docs/reference from the code.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; end with 1 where a page is stale"
    )
    if not parser.parse_args(arguments).check:
        write_pages()
        return 0
    stale = stale_pages()
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; renew them: python docs/make_reference.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
