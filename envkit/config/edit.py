"""Change one value of a configuration file, checked first as every command would check it."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from envkit.api import ConfigError, EnvkitError
from envkit.config.keys import Key, find_key, read_value, split_key
from envkit.config.lines import located
from envkit.config.options import resolve_options
from envkit.config.settings import resolve_settings
from envkit.config.shown import masked
from envkit.config.writing import alone, read_or_empty, replace_file, toml_with, toml_without
from envkit.config_files import (
    PROJECT_FILE,
    envkit_table,
    make_layer,
    parse_toml,
    read_layers,
    user_config_file,
)
from envkit.masking import mask_address, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.config_files import Layer

Scope = Literal["user", "project"]

_QUOTED = re.compile(r"(['\"])([^'\"]*)\1")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What was changed in a file, or would be; passwords masked.

    ``before`` and ``after`` are None where the key is not there. ``diff`` are the lines that differ, empty
    where none does. ``stronger`` is the place, if there is one, whose value counts instead.
    """

    key: str
    file: str
    before: Any
    after: Any
    diff: str
    stronger: str | None = None


@dataclass(frozen=True, kw_only=True)
class Editor:
    """Changes the file of a scope, the user's own or the project's, as they are seen from ``folder``."""

    folder: Path
    scope: Scope = "user"
    user_file: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def file(self) -> Path:
        """Return the file that is changed: of a project its strongest, or a new ``envkit.toml``."""
        if self.scope == "user":
            return self._own
        layers = [layer for layer in self._layers() if layer.file != self._own]
        return layers[-1].file if layers else self.folder / PROJECT_FILE

    def set_value(self, text: str, value: str, *, is_dry_run: bool = False) -> Change:
        """Write the value under this key. A relative path begins in the folder.

        Raises: UsageError for an unknown key, ConfigError for a value that does not fit, or a file that cannot
        be read or written: it is then as it was.
        """
        key = find_key(text)
        file = self.file
        new = read_value(key, value, file=file, folder=self.folder)
        with alone(file):
            before, layer = self._read(file)
            written, *others = key.spellings_in(layer) or [key.key]
            after = toml_with(before, (*_path_of(key, layer), written), new, file=file)
            for other in others:  # written twice, the file is refused: the new value is to count
                after = toml_without(after, (*_path_of(key, layer), other), file=file)
            self._refuse_new_error(key, file, before, after)
            if before != after and not is_dry_run:
                replace_file(file, after, is_private=self.scope == "user")
        return self._change(key, layer, before, after, new=new)

    def unset_value(self, text: str, *, is_dry_run: bool = False) -> Change:
        """Take this key out, a misspelt one too. Raises: ConfigError where the file has none such."""
        key = split_key(text)
        file = self.file
        with alone(file):
            before, layer = self._read(file)
            spellings = key.spellings_in(layer)
            if not spellings:
                raise self._not_there(key, file)
            after = before
            for written in spellings:
                after = toml_without(after, (*_path_of(key, layer), written), file=file)
            if not is_dry_run:
                replace_file(file, after, is_private=self.scope == "user")
        return self._change(key, layer, before, after, new=None)

    @property
    def _own(self) -> Path:
        return self.user_file or user_config_file()

    def _layers(self) -> list[Layer]:
        return read_layers(self.folder, user_file=self._own)

    def _read(self, file: Path) -> tuple[bytes, Layer]:
        content = read_or_empty(file)
        return content, _layer_of(content, file)

    def _refuse_new_error(self, key: Key, file: Path, before: bytes, after: bytes) -> None:
        """Refuse a value with which commands would end that do not end now. Raises: the EnvkitError."""
        try:
            self._resolve(key, _layer_of(after, file))
        except EnvkitError:
            try:
                self._resolve(key, _layer_of(before, file))
            except EnvkitError:
                return  # it was wrong before: nobody should have to mend two things with one command
            raise

    def _resolve(self, key: Key, changed: Layer) -> None:
        layers = [changed if layer.file == changed.file else layer for layer in self._layers()]
        if changed not in layers:
            layers.insert(0 if changed.file == self._own else len(layers), changed)
        resolve_settings(layers, environ=self.environ)
        if key.table is not None and key.options is not None:
            resolve_options(
                key.table, key.options, flags={}, layers=layers, folder=self.folder, environ=self.environ
            )

    def _change(self, key: Key, layer: Layer, before: bytes, after: bytes, *, new: Any) -> Change:
        written = key.written_in(layer)
        content = layer.table(key.path)
        old_lines, new_lines = before.decode().splitlines(), after.decode().splitlines()
        diff = difflib.unified_diff(old_lines, new_lines, str(layer.file), str(layer.file), lineterm="", n=1)
        return Change(
            key=str(key),
            file=str(layer.file),
            before=None if written is None else masked(content[written], mask=mask_address),
            after=masked(new),
            diff="\n".join(_mask_quoted(line) for line in diff),
            stronger=None if new is None else self._stronger(key, layer.file),
        )

    def _stronger(self, key: Key, file: Path) -> str | None:
        """Return the strongest place that says it besides, if there is one stronger than the file."""
        if (variable := key.stated_by(self.environ)) is not None:
            return variable
        for layer in reversed(self._layers()):
            if layer.file == file:
                return None
            if (written := key.written_in(layer)) is not None:
                return located(layer.file, (*_path_of(key, layer), written))
        return None

    def _not_there(self, key: Key, file: Path) -> ConfigError:
        places = [
            (layer.file, located(layer.file, (*_path_of(key, layer), written)))
            for layer in reversed(self._layers())
            if (written := key.written_in(layer)) is not None
        ]
        hint = "To see what is set: envkit config show --sources"
        if (variable := key.stated_by(self.environ)) is not None:
            hint = f"The variable {variable} sets it: unset {variable}"
        elif places:
            flag = "--user" if places[0][0] == self._own else "--project"
            hint = f"It stands in {places[0][1]}: envkit config unset {key} {flag}"
        return ConfigError(f"{file}: there is no {key}", hint=hint)


def _layer_of(content: bytes, file: Path) -> Layer:
    table = envkit_table(file, parse_toml(content, file=file))
    return make_layer(file, {} if table is None else table)


def _mask_quoted(line: str) -> str:
    """Return a line of a file with passwords masked, also in values that should be addresses and are none."""
    return _QUOTED.sub(lambda found: found[1] + mask_address(found[2]) + found[1], mask_secrets(line))


def _path_of(key: Key, layer: Layer) -> tuple[str, ...]:
    return (*layer.root, *key.path)
