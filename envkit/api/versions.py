"""Versions that are counted apart from envkit's own: of what plugins are written against, of the files of a run."""

from __future__ import annotations

# Major and minor. The minor grows when something is added, the major when something is taken away: a plugin that
# sets `api_version = "1.2"` runs with every envkit whose version is 1.2 or later, below 2.0.
API_VERSION: tuple[int, int] = (1, 0)
# Of the records of a run's folder: it grows when a reader must know of a change.
RECORDS_VERSION = 1


def version_text(version: tuple[int, int]) -> str:
    """Return a version as plugins write it: ``1.0``."""
    return ".".join(map(str, version))
