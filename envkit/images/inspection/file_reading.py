"""What is read of an image's files as they pass: locks, packages' records, hashes, and what looks like a secret."""

from __future__ import annotations

import hashlib
import re
from typing import IO, TYPE_CHECKING

from envkit.images.inspection.layers import FileReading
from envkit.images.inspection.secret_patterns import find_secrets
from envkit.images.layout import ENV_PREFIX, IMAGE_LOCK

if TYPE_CHECKING:
    from envkit.images.inspection.layers import FileEntry, FileReader

# Larger files are libraries, weights and archives; they are counted, and not searched.
SEARCH_LIMIT = 1_000_000
# The RECORD of torch has 2 MB.
_KEPT_LIMIT = 32_000_000
_KEPT = re.compile(
    rf"/etc/passwd|{re.escape(IMAGE_LOCK)}|.*\.dist-info/RECORD"
    rf"|{re.escape(ENV_PREFIX)}/.*\.dist-info/(?:METADATA|entry_points\.txt)"
)
_BLOCK = 1 << 20


def make_reader(*, is_deep: bool) -> FileReader:
    """Return what reads an image's files; with ``is_deep`` it hashes all of the environment's."""

    def read(entry: FileEntry, content: IO[bytes]) -> FileReading | None:
        is_kept = entry.size <= _KEPT_LIMIT and _KEPT.fullmatch(entry.path) is not None
        if entry.size <= SEARCH_LIMIT or is_kept:
            return _read_whole(entry.path, content.read(), is_kept=is_kept, is_deep=is_deep)
        if is_deep and _is_of_environment(entry.path):
            digest = hashlib.sha256()
            while block := content.read(_BLOCK):
                digest.update(block)
            return FileReading(sha256=digest.hexdigest())
        return None

    return read


def _read_whole(path: str, content: bytes, *, is_kept: bool, is_deep: bool) -> FileReading | None:
    hits = find_secrets(path, content)
    if not (hits or is_kept or (is_deep and _is_of_environment(path))):
        return None
    return FileReading(
        sha256=hashlib.sha256(content).hexdigest(), content=content if is_kept else None, hits=hits
    )


def _is_of_environment(path: str) -> bool:
    return path.startswith(f"{ENV_PREFIX}/")
