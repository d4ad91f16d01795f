"""Which versions of envkit a plugin that is made for this one works with, by what docs/versions.md promises."""

from __future__ import annotations

from packaging.version import Version

from envkit import __version__


def first_breaking(version: str = __version__) -> str:
    """Return the first version after this one that may break a plugin: before 1.0 the next minor, else the next major."""
    major, minor = Version(version).release[:2]
    return f"0.{minor + 1}" if major == 0 else f"{major + 1}"


def compatible_versions(version: str = __version__) -> str:
    """Return the range that a plugin made for this version asks for."""
    major, minor = Version(version).release[:2]
    return f">={major}.{minor},<{first_breaking(version)}"
