"""The configuration files: where they are, and what they say."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT_FILE = "envkit.toml"
PYPROJECT_FILE = "pyproject.toml"
# Which distribution is meant where several claim a name: the one table that the registry asks for.
PLUGINS_TABLE = "plugins"
PREFER_PATH = (PLUGINS_TABLE, "prefer")


@dataclass(frozen=True)
class Layer:
    """What one file says: envkit's settings, and a table a task (and ``mirrors``)."""

    file: Path
    settings: dict[str, Any]
    tables: dict[str, dict[str, Any]]

    @property
    def root(self) -> tuple[str, ...]:
        """Return the keys below which everything stands: ``tool.envkit`` in a pyproject.toml."""
        return ("tool", "envkit") if self.file.name == PYPROJECT_FILE else ()

    def table(self, path: Sequence[str]) -> dict[str, Any]:
        """Return what stands at this path of tables, nothing where there is no such; an empty path is above them all."""
        if not path:
            return self.settings
        content: Any = self.tables
        for key in path:
            content = content.get(key, {}) if isinstance(content, dict) else {}
        return content if isinstance(content, dict) else {}


def user_config_file() -> Path:
    """Return the place of the user's own configuration. Raises: ImportError in an environment of envkit's."""
    import platformdirs  # a worker's environment, which has no configuration, lacks it

    return Path(platformdirs.user_config_dir("envkit")) / "config.toml"


def read_layers(folder: Path, *, user_file: Path | None = None) -> list[Layer]:
    """Read the configuration files that count in this folder, weakest first. Raises: ConfigError."""
    own = user_file or user_config_file()
    layers = [make_layer(own, read_toml(own))] if own.is_file() else []
    folders = [folder, *folder.parents]
    for place in folders:
        file = place / PYPROJECT_FILE
        if file.is_file() and (content := envkit_table(file, read_toml(file))) is not None:
            layers.append(make_layer(file, content))
            break
    for place in folders:
        file = place / PROJECT_FILE
        if file.is_file():
            layers.append(make_layer(file, read_toml(file)))
            break
    return layers


def read_toml(file: Path) -> dict[str, Any]:
    """Return what a file says. Raises: ConfigError, with the line, where it is not TOML or may not be read."""
    try:
        return parse_toml(file.read_bytes(), file=file)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}", hint="Mend the file's permissions") from error


def parse_toml(content: bytes, *, file: Path) -> dict[str, Any]:
    """Return what this content of a file says. Raises: ConfigError, with the line, where it is not TOML."""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", hint="Mend the file; it has to be TOML in UTF-8") from error


def envkit_table(file: Path, content: dict[str, Any]) -> Any:
    """Return what a file's content holds for envkit: all, or ``[tool.envkit]`` of a pyproject.toml, or None."""
    if file.name != PYPROJECT_FILE:
        return content
    tool = content.get("tool", {})
    return tool.get("envkit") if isinstance(tool, dict) else None


def make_layer(file: Path, content: Any) -> Layer:
    """Return what a file says as a layer. Raises: ConfigError where its part for envkit is no table."""
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: tool.envkit has to be a table", hint="Write it as [tool.envkit]")
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    return Layer(file, {key: value for key, value in content.items() if key not in tables}, tables)
