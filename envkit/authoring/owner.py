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
from typing import TYPE_CHECKING, Literal

from envkit.api import EnvError
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OwnerKind = Literal["venv", "python", "conda", "uv tool", "pipx", "pixi", "uvx", "system"]
UV_RECEIPT = "uv-receipt.toml"
PIPX_METADATA = "pipx_metadata.json"
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
        if self.kind == "uv tool":
            return "uv tool upgrade envkit-ml"
        if self.kind == "pipx":
            return f"pipx upgrade {self.prefix.name}"
        if self.has_pip:
            return f"{self.python} -m pip install --upgrade envkit-ml"
        return f"uv pip install --python {self.python} --upgrade-package envkit-ml envkit-ml"


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


def shown_words(texts: Iterable[str]) -> str:
    """Return what was asked for as a command has it: passwords masked, and quoted for a shell."""
    return " ".join(shlex.quote(mask_secrets(text)) for text in texts)


def refuse_foreign(owner: Owner, *, names: Sequence[str], is_removal: bool = False) -> None:
    """Refuse an environment that no installer may change for us; ``names`` are what is to be put in.

    Raises: EnvError with what to do instead.
    """
    words = shown_words(names)
    with_each = " ".join(f"--with {shown_words([name])}" for name in names)
    if owner.kind == "system":
        hint = (
            "Give envkit an environment of its own, with its plugins:\n"
            f"uv tool install envkit-ml {with_each}\n"
            f"or: python3 -m venv ~/envkit && ~/envkit/bin/pip install envkit-ml {words}"
        )
        if is_removal:
            hint = "Remove it with the system's own package manager, or do without it: --disable-plugin NAME"
        raise EnvError(
            f"{owner.title} belongs to the system, which alone changes it ({owner.evidence})", hint=hint
        )
    if owner.kind == "uvx":
        raise EnvError(
            f"{owner.title} is uv's for this one command, and what changes in it is lost",
            hint=f"Name plugins each time: uvx --from envkit-ml {with_each} envkit\n"
            f"or keep them: uv tool install envkit-ml {with_each}",
        )
    if owner.kind == "pixi":
        command = f"pixi remove --pypi {words}" if is_removal else f"pixi add --pypi {words}"
        raise EnvError(
            f"{owner.title} is made from pixi's manifest, which alone changes it",
            hint=f"Change the manifest: {command}",
        )
