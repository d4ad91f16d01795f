"""uv's own settings files: what they say about where packages come from, and nothing that moves an install.

Source: uv 0.13.9, its documentation "Configuration files" and settings reference.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Where packages come from, how they are fetched, and which may be. What is not here, such as ``target`` or
# ``override-dependencies``, would make another environment than the one that was decided on.
_KEPT = frozenset(
    {
        "index",
        "index-url",
        "extra-index-url",
        "find-links",
        "no-index",
        "index-strategy",
        "keyring-provider",
        "allow-insecure-host",
        "native-tls",
        "system-certs",
        "http-proxy",
        "https-proxy",
        "no-proxy",
        "offline",
        "cache-dir",
        "no-cache",
        "link-mode",
        "concurrent-downloads",
        "concurrent-builds",
        "concurrent-installs",
        "exclude-newer",
        "exclude-newer-package",
        "no-binary",
        "only-binary",
        "no-binary-package",
        "no-build",
        "no-build-package",
        "config-settings",
        "constraint-dependencies",
        "build-constraint-dependencies",
    }
)
_PLACES = frozenset({"index-url", "extra-index-url", "find-links", "url"})


def read_uv_configuration(environ: Mapping[str, str], *, root: Path = Path("/")) -> str:
    """Return the user's settings for uv that count for every environment, as the text of a ``uv.toml``.

    ``root`` is where the system's file is looked for. Raises: ConfigError for a file that cannot be read.
    """
    merged: dict[str, Any] = {}
    for file in _strongest_first(environ, root):
        content = _read_file(file)
        kept = _kept(content, folder=file.parent)
        if isinstance(of_pip := content.get("pip"), dict):
            kept["pip"] = _kept(of_pip, folder=file.parent)
        merged = _merged(merged, kept)
    if not merged:
        return ""
    import tomlkit  # a twentieth of making an environment, where no file says anything

    # What stands below a table's header would belong to the table.
    return tomlkit.dumps(dict(sorted(merged.items(), key=lambda pair: _is_table(pair[1]))))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))


def _strongest_first(environ: Mapping[str, str], root: Path) -> Iterator[Path]:
    if named := environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    if environ.get("UV_NO_CONFIG", "").lower() in ("1", "true", "yes", "y", "on", "t"):
        return
    home = environ.get("HOME")
    if config := environ.get("XDG_CONFIG_HOME") or (home and f"{home}/.config"):
        yield from _where_there(Path(config, "uv/uv.toml"))
    places = environ.get("XDG_CONFIG_DIRS") or str(root / "etc/xdg")
    systems = [Path(place, "uv/uv.toml") for place in places.split(":") if place]
    yield from [file for each in (*systems, root / "etc/uv/uv.toml") for file in _where_there(each)][:1]


def _where_there(file: Path) -> Iterator[Path]:
    if file.is_file():
        yield file


def _read_file(file: Path) -> dict[str, Any]:
    hint = "Mend it, or leave uv's files out: UV_NO_CONFIG=1"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: uv's settings cannot be read: {error.strerror}", hint=hint) from error
    except ValueError as error:  # of TOML or of UTF-8
        raise ConfigError(f"{file}: uv's settings are no TOML: {error}", hint=hint) from error


def _kept(table: Mapping[str, Any], *, folder: Path) -> dict[str, Any]:
    return {key: _absolute(key, value, folder) for key, value in table.items() if key in _KEPT}


def _absolute(key: str, value: Any, folder: Path) -> Any:
    """Return a value with its paths made absolute: uv takes them from the folder of the file."""
    if isinstance(value, list):
        return [_absolute(key, each, folder) for each in value]
    if isinstance(value, dict):
        return {inner: _absolute(inner, each, folder) for inner, each in value.items()}
    if key in _PLACES and isinstance(value, str) and "://" not in value:
        return str(folder.absolute() / value)
    return value


def _merged(strong: Mapping[str, Any], weak: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, as uv puts them together: lists one after the other, of anything else the stronger."""
    merged = {**weak, **strong}
    for key in strong.keys() & weak.keys():
        if isinstance(strong[key], list) and isinstance(weak[key], list):
            merged[key] = [*strong[key], *weak[key]]
        elif isinstance(strong[key], dict) and isinstance(weak[key], dict):
            merged[key] = _merged(strong[key], weak[key])
    return merged
