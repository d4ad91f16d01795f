"""The table ``[plugins]`` of a file, checked: what every command does, so without a look at what is installed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError
from envkit.config.lines import located
from envkit.config_files import PLUGINS_TABLE, PREFER_PATH

if TYPE_CHECKING:
    from envkit.config_files import Layer

_FORM = '[plugins.prefer] holds lines such as: ner = "envkit-ner"'


def refuse_wrong_table(layer: Layer) -> None:
    """Refuse a table ``[plugins]`` that says something else. Raises: ConfigError, with file and line."""
    stated: Any = layer.tables.get(PLUGINS_TABLE, {})
    for key, value in stated.items():
        if key != PREFER_PATH[-1]:
            near = difflib.get_close_matches(key, PREFER_PATH[-1:], n=1)
            hint = f"Did you mean {near[0]!r}? {_FORM}" if near else _FORM
            raise ConfigError(
                f"{located(layer.file, (*layer.root, PLUGINS_TABLE, key))}: [{PLUGINS_TABLE}]: "
                f"there is no option {key!r}",
                hint=hint,
            )
        if not isinstance(value, dict):
            raise _wrong(layer, key, value)
        for name, plugin in value.items():
            if not isinstance(plugin, str) or not plugin.strip():
                raise _wrong(layer, f"{key}.{name}", plugin)


def _wrong(layer: Layer, key: str, value: Any) -> ConfigError:
    keys = (*layer.root, PLUGINS_TABLE, *key.split("."))
    return ConfigError(
        f"{located(layer.file, keys)}: {PLUGINS_TABLE}.{key} = {value!r} does not fit: expected a distribution",
        hint=_FORM,
    )
