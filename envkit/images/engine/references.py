"""Take names of images apart."""

from __future__ import annotations


def split_reference(reference: str) -> tuple[str, str]:
    """Split ``host:5000/name:tag`` into repository and tag (or digest), ``latest`` where there is none."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    before, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return before, tag


def registry_of(reference: str) -> str:
    """Return the registry in an image's name, ``docker.io`` where none is named.

    Source: distribution/reference, ``splitDockerDomain``.
    """
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
