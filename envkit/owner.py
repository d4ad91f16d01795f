"""Who owns the environment that envkit itself runs in, told by what lies in it.

Sources: uv's ``uv-receipt.toml``, pipx's ``pipx_metadata.json``, conda's ``conda-meta``, pixi's ``conda-meta/pixi``,
PEP 405 (``pyvenv.cfg``) and PEP 668 (``EXTERNALLY-MANAGED``); of the environments that envkit makes, the record in them.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OwnerKind = Literal["venv", "python", "conda", "uv tool", "pipx", "pixi", "uvx", "system", "envkit"]
UV_RECEIPT = "uv-receipt.toml"
PIPX_METADATA = "pipx_metadata.json"
# How those bring the newest envkit that have one command for it; what belongs to the system, it alone changes.
_OWN_COMMANDS: dict[OwnerKind, str] = {
    "uv tool": "uv tool upgrade envkit-ml",
    "uvx": "uvx --from envkit-ml@latest envkit",
    "pixi": "pixi update envkit-ml",
    "system": "uv tool install --upgrade envkit-ml",
}
_ENV_RECORD = "envkit-env.json"
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
            "envkit": "the environment that envkit made",
            "system": "the system's Python",
        }
        return f"{how[self.kind]} {self.prefix}"

    @property
    def upgrade_text(self) -> str:
        """Return the command that brings the newest envkit."""
        if (command := _OWN_COMMANDS.get(self.kind)) is not None:
            return command
        if self.kind == "envkit":  # its envkit is that of the host, whose owner that one names
            return f"envkit env sync {self.env_name}"
        if self.kind == "pipx":
            return f"pipx upgrade {self.prefix.name}"
        if self.lock_file is not None:
            return "uv sync --upgrade-package envkit-ml"
        python = shlex.quote(str(self.python))
        if self.has_pip:
            return f"{python} -m pip install --upgrade envkit-ml"
        return f"uv pip install --python {python} --upgrade-package envkit-ml envkit-ml"

    @property
    def env_name(self) -> str:
        """Return the name that people know an environment of envkit's by, quoted for a shell."""
        record = json.loads(self.evidence.read_bytes())  # it stands only in what is whole
        return shlex.quote(str(record["name"]))

    def install_text(self, *requirements: str, is_anew: bool = False) -> str:
        """Return the command that brings packages into this environment, such as ``envkit-ml[conda]``.

        What is there stays. With ``is_anew`` they are installed again, alone, although they are there.
        """
        words = shlex.join(requirements)
        names = [_name(each) for each in requirements]
        if self.kind == "envkit":
            return " ".join(["envkit env sync", self.env_name, *_options("--with", requirements)])
        if self.kind == "pixi":
            return f"pixi reinstall {shlex.join(names)}" if is_anew else f"pixi add --pypi {words}"
        if self.kind in ("uv tool", "uvx", "system"):
            return self._uv_text(requirements, is_anew=is_anew)
        again = _options("--reinstall-package", names) if is_anew else []
        if self.lock_file is not None:
            is_bare = is_anew and names == list(requirements)
            return " ".join(["uv sync", *again] if is_bare else ["uv add", *again, words])
        python = shlex.quote(str(self.python))
        alone = "--force-reinstall --no-deps " if is_anew else ""
        if self.kind == "pipx":  # whose own inject passes over envkit, as it is there
            return f"pipx runpip {self.prefix.name} install {alone}{words}"
        if self.has_pip:
            return f"{python} -m pip install {alone}{words}"
        return " ".join(["uv pip install --python", python, *again, *["--no-deps"][: len(again)], words])

    def _uv_text(self, requirements: Sequence[str], *, is_anew: bool) -> str:
        """Return what uv is told that has no command to add to a tool: all that it is to be made of."""
        names = [_name(each) for each in requirements]
        # What is only installed again is asked for already.
        added = [each for each, name in zip(requirements, names, strict=True) if not is_anew or each != name]
        again = [word for name in names for word in ("--reinstall-package", name)] if is_anew else []
        if self.kind == "uv tool":
            from envkit.api import EnvError
            from envkit.masking import mask_secrets
            from envkit.uv_receipt import ToolRequirement, read_receipt  # for an error alone

            more = [ToolRequirement(name=_name(each), text=each) for each in added]
            try:
                receipt = read_receipt(self.evidence)
            except EnvError as error:
                return error.hint or ""
            words = receipt.install_words(receipt.others, more, flags=again)
            return mask_secrets(f"uv tool install {shlex.join(words)}")
        main = next((each for each in added if _name(each) == "envkit-ml"), "envkit-ml")
        others = _options("--with", [each for each in added if each != main])
        if self.kind == "uvx":
            return " ".join(["uvx", *again, "--from", shlex.quote(main), *others, "envkit"])
        return " ".join(["uv tool install", *again, shlex.quote(main), *others])


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


def install_command(*requirements: str, is_anew: bool = False) -> str:
    """Return the command that brings packages into the environment of this very envkit: the last words of a hint."""
    return find_owner().install_text(*requirements, is_anew=is_anew)


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found else requirement


def _options(flag: str, values: Iterable[str]) -> list[str]:
    """Return a flag and its value for each of these, quoted for a shell."""
    return [f"{flag} {shlex.quote(value)}" for value in values]


def _tell(prefix: Path, *, base_prefix: Path, library: Path) -> tuple[OwnerKind, Path]:
    signs: tuple[tuple[OwnerKind, Path], ...] = (
        ("envkit", prefix / _ENV_RECORD),
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
