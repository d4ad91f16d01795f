"""Who owns the environment that envkit itself runs in, told by what lies in it.

Sources: uv's ``uv-receipt.toml``, pipx's ``pipx_metadata.json``, conda's ``conda-meta``, pixi's ``conda-meta/pixi``,
PEP 405 (``pyvenv.cfg``) and PEP 668 (``EXTERNALLY-MANAGED``).
"""

from __future__ import annotations

import shlex
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OwnerKind = Literal["venv", "python", "conda", "uv tool", "pipx", "pixi", "uvx", "system"]
UV_RECEIPT = "uv-receipt.toml"
PIPX_METADATA = "pipx_metadata.json"
# How those bring the newest envkit that have one command for it; what belongs to the system, it alone changes.
_OWN_COMMANDS: dict[OwnerKind, str] = {
    "uv tool": "uv tool upgrade envkit-ml",
    "uvx": "uvx --from envkit-ml@latest envkit",
    "pixi": "pixi update envkit-ml",
    "system": "uv tool install --upgrade envkit-ml",
}
# Folders of uv's cache, in which it keeps the environments of one command.
_UVX_FOLDERS = ("archive-v", "environments-v")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """An environment and who changes it.

    ``site`` is where its packages lie, ``evidence`` the file or folder that tells the kind, ``has_pip`` whether pip
    lies in it, ``lock_file`` uv's lock of the project whose environment this is.
    """

    kind: OwnerKind
    prefix: Path
    python: Path
    site: Path
    evidence: Path
    has_pip: bool = False
    lock_file: Path | None = None

    @property
    def title(self) -> str:
        """Return what it is, in words."""
        how = {
            "venv": "the virtual environment",
            "python": "the Python",
            "conda": "the conda environment",
            "uv tool": "uv's tool environment",
            "pipx": "pipx's environment",
            "pixi": "pixi's environment",
            "uvx": "the passing environment",
            "system": "the system's Python",
        }
        return f"{how[self.kind]} {self.prefix}"

    @property
    def upgrade_text(self) -> str:
        """Return the command that brings the newest envkit."""
        if (command := _OWN_COMMANDS.get(self.kind)) is not None:
            return command
        if self.kind == "pipx":
            return f"pipx upgrade {self.prefix.name}"
        if self.lock_file is not None:
            return "uv sync --upgrade-package envkit-ml"
        python = shlex.quote(str(self.python))
        if self.has_pip:
            return f"{python} -m pip install --upgrade envkit-ml"
        return f"uv pip install --python {python} --upgrade-package envkit-ml envkit-ml"


def find_owner(
    *,
    prefix: Path = Path(sys.prefix),
    base_prefix: Path = Path(sys.base_prefix),
    python: Path = Path(sys.executable),
    library: Path | None = None,
    site: Path | None = None,
) -> Owner:
    """Return the owner; ``library`` is the folder of the standard library, ``site`` that of the packages."""
    library = library or Path(sysconfig.get_path("stdlib"))
    site = site or Path(sysconfig.get_path("purelib"))
    kind, evidence = _tell(prefix, base_prefix=base_prefix, library=library)
    lock_file = prefix.parent / "uv.lock"
    return Owner(
        kind=kind,
        prefix=prefix,
        python=python,
        site=site,
        evidence=evidence,
        has_pip=_has_pip(site, kind=kind),
        lock_file=lock_file if kind == "venv" and lock_file.is_file() else None,
    )


def upgrade_command() -> str:
    """Return the command by which the owner of this very envkit brings the newest: the last words of a hint."""
    return find_owner().upgrade_text


def _tell(prefix: Path, *, base_prefix: Path, library: Path) -> tuple[OwnerKind, Path]:
    signs: tuple[tuple[OwnerKind, Path], ...] = (
        ("uv tool", prefix / UV_RECEIPT),
        ("pipx", prefix / PIPX_METADATA),
        ("pixi", prefix / "conda-meta/pixi"),
    )
    for kind, sign in signs:
        if sign.is_file():
            return kind, sign
    if any(part.startswith(_UVX_FOLDERS) for part in prefix.parts):
        return "uvx", prefix
    managed = library / "EXTERNALLY-MANAGED"
    if prefix == base_prefix and managed.is_file():  # PEP 668 leaves venvs out; conda may mark its base
        return "system", managed
    if (conda := prefix / "conda-meta").is_dir():
        return "conda", conda
    if prefix != base_prefix:
        return "venv", prefix / "pyvenv.cfg"
    return "python", prefix


def _has_pip(site: Path, *, kind: OwnerKind) -> bool:
    """Tell whether this Python runs pip: its own, or with pipx the one that all its environments share."""
    folders = [site]
    if kind == "pipx" and (shared := site / "pipx_shared.pth").is_file():
        folders += [Path(line) for line in shared.read_text(encoding="utf-8").split("\n") if line.strip()]
    return any((folder / "pip/__main__.py").is_file() for folder in folders)
