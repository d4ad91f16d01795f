"""Find shared libraries in the folders that the loader searches, without its cache and without loading any."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files

# Where Windows puts its driver's half for WSL, and nobody else anything.
WSL_LIBRARIES = "/usr/lib/wsl/lib"
# Debian's and Ubuntu's folders, those of Red Hat, SUSE and Arch, NixOS, and what containers mount drivers at.
FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib64-nvidia",
    "/run/opengl-driver/lib",
    "/usr/local/lib",
)


def find_library(files: Files, name: str) -> str | None:
    """Return the real file behind a library's name (``libcuda.so.1``), or None."""
    path = next((path for folder in FOLDERS if files.exists(path := f"{folder}/{name}")), None)
    return path and resolve(files, path)


def resolve(files: Files, path: str) -> str:
    """Return a path without symbolic links."""
    root = os.path.realpath(files.locate("/")).rstrip("/")
    real = os.path.realpath(files.locate(path))
    # A link to an absolute path leads out of a root that is not "/".
    return real.removeprefix(root) if real.startswith(f"{root}/") else real


def version_in_name(path: str) -> str | None:
    """Return the driver's version that a library is named by: ``580.65.06``, None for ``libcuda.so.1``."""
    match = re.search(r"\.so\.(\d{3,}(?:\.\d+)+)$", path)
    return match[1] if match else None


def library_folders(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the absolute folders of LD_LIBRARY_PATH, each once."""
    # The loader takes both signs.
    entries = re.split(r"[:;]", environ.get("LD_LIBRARY_PATH", ""))
    return tuple(dict.fromkeys(os.path.normpath(entry) for entry in entries if entry.startswith("/")))
