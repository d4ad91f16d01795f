"""Base images that are known by their names, and the machine that an image is.

Source of the table: the Docker official image ``python`` (its README, "Supported tags" and "Image Variants") for
names and for where Python lies, and Debian's package tracker, ``glibc``, for what each release of Debian holds.
Read in November 2026.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import msgspec

from envkit.api.facts import Platform
from envkit.environments.requirements import minor_version
from envkit.environments.this_machine import describe_kind
from envkit.images.records import ImageBase
from envkit.machine import Cpu, Interpreter, MachineFacts, Memory, Nvidia

if TYPE_CHECKING:
    from collections.abc import Mapping

# Debian's releases, the newest first: by codename their number and glibc.
_DEBIANS: Mapping[str, tuple[str, str]] = {
    "trixie": ("13", "2.41"),
    "bookworm": ("12", "2.36"),
    "bullseye": ("11", "2.31"),
}
# What `python:3.12` and `python:3.12-slim` are, which name no release. It moves to the next Debian a few weeks
# after that is out: the oldest glibc that it may hold is the one to count on.
_UNNAMED = "bookworm"
_DEFAULT_DEBIAN = "bookworm"
_INTERPRETER = "/usr/local/bin/python3"
# The patch release that an image of a minor version has at least, where its name tells no more.
_PATCHES: Mapping[str, int] = {"3.9": 20, "3.10": 15, "3.11": 10, "3.12": 7, "3.13": 1}
_NAME = re.compile(
    r"(?:docker\.io/)?(?:library/)?python:(?P<python>3\.\d+(?:\.\d+)?)(?:-slim)?"
    rf"(?:-(?P<debian>{'|'.join(_DEBIANS)}))?(?:@sha256:[0-9a-f]{{64}})?"
)
_KERNEL_NAMES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}


def known_base(reference: str, *, machine: str) -> ImageBase | None:
    """Return what is known of an official image of Python from its name, None for any other image.

    ``machine`` is the processor of the image, as the kernel or as Docker calls it.
    """
    found = _NAME.fullmatch(reference)
    if found is None:
        return None
    release, glibc = _DEBIANS[found["debian"] or _UNNAMED]
    return ImageBase(
        reference=reference,
        python=found["python"],
        interpreter=_INTERPRETER,
        platform=Platform(
            system="linux",
            machine=_KERNEL_NAMES.get(machine, machine),
            kernel="",
            os_name="Debian GNU/Linux",
            os_version=release,
            libc="glibc",
            libc_version=glibc,
            is_container=True,
        ),
    )


def default_base(python_minor: str) -> str:
    """Return the base image for a minor version of Python: ``python:3.11-slim-bookworm``."""
    return f"python:{minor_version(python_minor)}-slim-{_DEFAULT_DEBIAN}"


def full_python(base: ImageBase) -> str:
    """Return the base's Python to its patch release: where its name tells none, the oldest that it can be."""
    if base.python.count(".") > 1:
        return base.python
    return f"{base.python}.{_PATCHES.get(base.python, 0)}"


def image_facts(base: ImageBase, *, here: MachineFacts, facts: MachineFacts | None) -> MachineFacts:
    """Return the machine that an image of this base is: the base's system, and the GPUs that it will see.

    Those are the GPUs and the driver of ``facts``, the machine it is to run on, or of ``here``. An image for
    other processors than that machine's is emulated there and sees none.
    """
    there = facts or here
    is_native = (
        describe_kind(there.platform).rpartition(" ")[2] == describe_kind(base.platform).rpartition(" ")[2]
    )
    platform = msgspec.structs.replace(base.platform, is_wsl=there.platform.is_wsl)
    return MachineFacts(
        taken_at=there.taken_at,
        python=Interpreter(
            path=base.interpreter or sys.executable,
            version=full_python(base),
            implementation="cpython",
            is_64bit=True,
        ),
        platform=platform,
        cpu=there.cpu if is_native else Cpu(),
        memory=Memory(),
        nvidia=there.nvidia if is_native else Nvidia(),
    )
