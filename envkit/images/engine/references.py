"""Names of images: what is one, and what it consists of.

Source: the grammar in the package ``reference`` of the distribution project.
"""

from __future__ import annotations

import re

from envkit.api import UsageError

_LONGEST_NAME = 255
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?:{_HOST}|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,})?"
)
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")


def is_reference(text: str) -> bool:
    """Tell whether a text can be the name of an image; 64 hexadecimal digits are an id, and no name."""
    found = _REFERENCE.fullmatch(text)
    return found is not None and len(found["name"]) <= _LONGEST_NAME and not _IMAGE_ID.fullmatch(text)


def check_reference(text: str, *, option: str, example: str = "team/ner:1.0") -> None:
    """Check the name of an image that an option was given. Raises: UsageError that says what is wrong with it."""
    if not is_reference(text):
        raise _no_reference(text, before=f"{option}: ", hint=f"As in {option} {_nearest(text) or example}")


def check_image(text: str, *, option: str = "") -> None:
    """Check what is to be looked for: the name of an image or its id; ``option`` is what stood before it.

    Raises: UsageError.
    """
    if is_reference(text) or _IMAGE_ID.fullmatch(text):
        return
    near = _nearest(text)
    meant = f"Did you mean {option.rpartition(' ')[2]}{near}? " if near else ""
    raise _no_reference(
        text,
        before=f"{option.rstrip(':')}: " if option else "",
        hint=f"{meant}What is there: envkit image list",
    )


def _no_reference(text: str, *, before: str, hint: str) -> UsageError:
    if not text.strip():
        what = "the name of an image is expected, and there is none"
    elif _nearest(text):
        what = f"{text!r} has capitals, and the name of an image has none"
    else:
        what = f"{text!r} is no name of an image: small letters, digits and . _ - / : are expected"
    return UsageError(f"{before}{what}", hint=hint)


def _nearest(text: str) -> str:
    """Return the name that is meant where nothing but its capitals is wrong, else nothing."""
    before, colon, tag = text.rpartition(":")
    # What follows the last colon is a port where a slash is in it.
    small = f"{before.lower()}:{tag}" if colon and "/" not in tag else text.lower()
    return small if small != text and is_reference(small) else ""


def full_tag(reference: str) -> str:
    """Return a name as the engine keeps it: with its tag, ``latest`` where none was given."""
    repository, tag = split_reference(reference)
    return reference if "@" in reference else f"{repository}:{tag}"


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
