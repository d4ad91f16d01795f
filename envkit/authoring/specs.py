"""What the user names to be installed: a distribution, a task, a folder, a file or an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from envkit.api import UsageError
from envkit.masking import mask_address

ENVKIT = "envkit-ml"
PLUGIN_PREFIX = "envkit-"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NAMED_ADDRESS = re.compile(
    r"[A-Za-z0-9._-]+(\[[^\]]*\])?\s*@\s*[A-Za-z][A-Za-z0-9+.-]*:"
)  # NAME @ https://…
_FILES = (".whl", ".tar.gz", ".zip")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Something to be installed. ``text`` is what an installer is given.

    ``name`` is the distribution's, in canonical form, None where only its content tells. ``fallback`` is what else
    the user may have meant, to be tried where there is no such distribution.
    """

    text: str
    name: str | None
    is_editable: bool = False
    fallback: Spec | None = None

    @property
    def address(self) -> str | None:
        """Return the address that it is taken from, None for what an index is asked for."""
        if self.is_editable or self.text.startswith("/"):
            return Path(self.text).as_uri()
        if _NAMED_ADDRESS.match(self.text):
            return self.text.partition("@")[2].partition(" ;")[0].strip()
        return self.text if _ADDRESS.match(self.text) else None

    @property
    def is_repository(self) -> bool:
        """Tell whether it is taken from a version control system, which tells one state from another."""
        return self.address is not None and "+" in self.address.partition(":")[0]

    @property
    def is_source(self) -> bool:
        """Tell whether it has to be built: a repository, a folder or an archive."""
        place = (self.address or "").partition("#")[0].partition("?")[0]
        return self.address is not None and not place.endswith(".whl")


def shown_spec(text: str) -> str:
    """Return what the user typed without the password that an address, or what should be one, may hold."""
    return mask_address(text) if ":" in text else text


def read_spec(text: str, *, is_editable: bool = False, folder: Path | None = None) -> Spec:
    """Return what is meant; ``folder``, the working one if None, is where relative paths begin.

    A name such as ``ner`` means ``envkit-ner``, with the name itself as its fallback. Raises: UsageError.
    """
    text = text.strip()
    if _ADDRESS.match(text) and not is_editable:
        return Spec(text=text, name=_file_name(text.partition("#")[0].partition("?")[0].rpartition("/")[2]))
    if is_editable or _is_path(text):
        return _read_path(text, is_editable=is_editable, folder=folder or Path.cwd())
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(
            f"{shown_spec(text)!r} is neither the name of a plugin nor a path or an address",
            hint="Name it as in envkit-ner, 'envkit-ner>=1.2', ./folder or ./file.whl",
        ) from error
    named = Spec(text=text, name=canonicalize_name(requirement.name))
    if requirement.url is None and not str(named.name).startswith(PLUGIN_PREFIX):
        meant = PLUGIN_PREFIX + text
        named = Spec(text=meant, name=canonicalize_name(Requirement(meant).name), fallback=named)
    if named.name == ENVKIT:
        raise UsageError(
            f"{ENVKIT} is envkit itself, and no plugin",
            hint="Upgrade it the way that you installed it: with pip, uv tool, pipx or conda",
        )
    return named


def _is_path(text: str) -> bool:
    if _NAMED_ADDRESS.match(text):
        return False
    return "/" in text or text.startswith((".", "~")) or text.endswith(_FILES)


def _read_path(text: str, *, is_editable: bool, folder: Path) -> Spec:
    path = folder / Path(text).expanduser()
    if not path.exists():
        raise UsageError(
            f"there is no file or folder {shown_spec(text)}", hint="Name it as it lies from here"
        )
    if path.is_file():
        if is_editable:
            raise UsageError(
                f"{shown_spec(text)} is a file: only a folder stays editable", hint="Leave out --editable"
            )
        if not path.name.endswith(_FILES):
            raise UsageError(
                f"{shown_spec(text)} is neither a wheel nor a source archive", hint="Name a .whl or .tar.gz"
            )
        return Spec(text=str(path), name=_file_name(path.name))
    if not any((path / file).is_file() for file in ("pyproject.toml", "setup.py")):
        raise UsageError(
            f"there is no pyproject.toml in the folder {shown_spec(text)}",
            hint="Name the folder that holds it",
        )
    return Spec(text=str(path), name=_project_name(path), is_editable=is_editable)


def _file_name(file: str) -> str | None:
    """Return the distribution that the name of a file tells, None for any other file."""
    try:
        if file.endswith(".whl"):
            return parse_wheel_filename(file)[0]
        return parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _project_name(folder: Path) -> str | None:
    import tomllib  # a folder alone has one

    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    except (OSError, ValueError):  # the installer says what is wrong with it
        return None
    name = project.get("name") if isinstance(project, dict) else None
    return canonicalize_name(name) if isinstance(name, str) else None
