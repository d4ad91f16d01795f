"""Probe what installs packages here: the uv that envkit uses, and pip with its configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.api.facts import Pip, PipSetting, Uv
from envkit.masking import mask_address, mask_addresses, mask_secrets
from envkit.pip_configuration import PipConfiguration, read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What pip calls the fields of PipConfiguration that it calls otherwise.
_PIP_NAMES = {
    "extra_index_urls": "extra-index-url",
    "trusted_hosts": "trusted-host",
    "constraints": "constraint",
    "prereleases": "pre",
    "exclude_newer": "uploaded-prior-to",
    "no_cache": "no-cache-dir",
}


def read_uv(*, environ: Mapping[str, str], path: Sequence[str] | None = None) -> Uv:
    """Return the uv that comes with the package of that name. ``path`` is where modules are looked for."""
    cache_dir = str(uv_cache_dir(environ))
    try:
        import uv

        binary = os.fsdecode(uv.find_uv_bin())
    except (ImportError, AttributeError, OSError):  # a folder that happens to be called uv; no program in it
        return Uv(cache_dir=cache_dir)
    return Uv(path=binary, version=_installed_version("uv", path), cache_dir=cache_dir)


def uv_cache_dir(environ: Mapping[str, str]) -> Path:
    """Return where uv keeps what it downloaded, by its own rules. Source: uv's documentation, "Caching"."""
    if named := environ.get("UV_CACHE_DIR"):
        return Path(named).absolute()
    if Path(named := environ.get("XDG_CACHE_HOME") or "").is_absolute():
        return Path(named) / "uv"
    return Path(environ.get("HOME") or Path.home()) / ".cache" / "uv"


def read_pip(*, environ: Mapping[str, str], root: Path = Path("/"), path: Sequence[str] | None = None) -> Pip:
    """Return the pip of this Python and what it is told here, without passwords.

    ``root`` is where the system's files are looked for, ``path`` where modules are.
    """
    version = _installed_version("pip", path)
    try:
        configuration = read_pip_configuration(environ=environ, root=root)
    except EnvkitError as error:
        return Pip(version=version, problem=mask_secrets(error.message))
    except (OSError, ValueError) as error:  # a folder that is closed to this user, or is gone
        return Pip(version=version, problem=f"pip's configuration cannot be read: {error}")
    return Pip(version=version, settings=tuple(_settings(configuration)))


def _settings(configuration: PipConfiguration) -> Iterator[PipSetting]:
    for field, source in configuration.sources.items():
        value = getattr(configuration, field)
        if value is None or value == ():
            continue
        words = value if isinstance(value, tuple) else (value,)
        # pip splits at spaces, those of a password too: all words are masked as one.
        text = " ".join(_masked(word) for word in words)
        text = mask_addresses(text) if "://" in text else text
        yield PipSetting(name=_PIP_NAMES.get(field, field.replace("_", "-")), value=text, source=source)


def _masked(word: object) -> str:
    if isinstance(word, bool):
        return str(word).lower()
    if isinstance(word, float):
        return f"{word:g}"
    if not isinstance(word, str):
        return str(word)  # a path
    # An address that lost its scheme has been read as a path, and its password with it.
    before, at, host = word.rpartition("%40")
    return f"***@{host}" if at and before.startswith("file:") else mask_address(word)


def _installed_version(name: str, path: Sequence[str] | None) -> str | None:
    """Return the version of the first package of this name, as an import would find it."""
    from envkit.machine.torch_sites import list_metadata  # who asks for uv's cache needs none of it

    for folder in sys.path if path is None else path:
        try:
            metadata = list_metadata(Path(folder or "."), (name,))
        except OSError:
            continue
        if metadata:
            return metadata[-1].version
    return None
