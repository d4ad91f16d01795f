"""envkit's own settings from files and variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import platformdirs

from envkit.api import ConfigError
from envkit.config.names import refuse_misspelt_table, variable_of
from envkit.config.plugins_table import refuse_wrong_table
from envkit.config.records import MIRROR_NAMES, PLAIN_NAMES, Settings
from envkit.config.shown import masked
from envkit.config.stated import Stated, check_stated, place_of, stated_in
from envkit.config_files import PLUGINS_TABLE
from envkit.masking import mask_address
from envkit.mirrors import MIRRORS_TABLE
from envkit.option_values import Value, option_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envkit.config_files import Layer

_ADDRESSES = ("package_index", "torch_index", "channel_alias", "model_hub")
_PATH_MARKS = ("/", "./", "../", "~")


def resolve_settings(layers: Iterable[Layer], *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return envkit's own settings. Raises: ConfigError for an unknown name or a wrong value."""
    strongest: dict[str, Stated] = {}
    for layer in layers:
        refuse_misspelt_table(layer, MIRRORS_TABLE)
        refuse_misspelt_table(layer, PLUGINS_TABLE, cutoff=0.85)
        refuse_wrong_table(layer)
        for stated in settings_in(layer):
            strongest[stated.name] = stated
    strongest |= {stated.name: stated for stated in settings_of_variables(environ)}
    checked = {name: check_setting(stated) for name, stated in strongest.items()}
    checked.setdefault("home", default_home())
    return Settings(**checked)


def default_home() -> Path:
    """Return the folder of the environments where nobody names another."""
    return Path(platformdirs.user_data_dir("envkit"))


def settings_in(layer: Layer) -> Iterable[Stated]:
    """Return the settings that a file states. Raises: ConfigError for an unknown name."""
    return [
        *stated_in(layer, PLAIN_NAMES),
        *stated_in(layer, MIRROR_NAMES, table=MIRRORS_TABLE),
    ]


def settings_of_variables(environ: Mapping[str, str]) -> Iterable[Stated]:
    """Return the settings that variables state; an empty one says nothing."""
    variables = [(name, variable_of(name)) for name in Settings.__struct_fields__]
    return [
        Stated(name, Value(environ[variable], variable, is_text=True))
        for name, variable in variables
        if environ.get(variable)
    ]


def check_setting(stated: Stated) -> Any:
    """Return the value of a setting as its type has it. Raises: ConfigError, with its place."""
    try:
        value = check_stated(Settings, stated)
    except ConfigError as error:
        if stated.name in PLAIN_NAMES:
            raise
        # The message shows the value as it is written.
        message = error.message.replace(
            repr(stated.value.raw), repr(masked(stated.value.raw, mask=mask_address))
        )
        raise ConfigError(message, hint=error.hint) from None
    if stated.name in _ADDRESSES and value is not None:
        _check_address(stated, value)
    elif stated.name == "channels":
        for channel in value:
            _check_channel(stated, channel)
    elif stated.name in ("env", "backend") and not value.strip():
        raise ConfigError(
            f"{place_of(stated)}: {option_key(stated.name)} is empty", hint="Give it a value, or take it out"
        )
    return value


def _check_address(stated: Stated, address: str) -> None:
    scheme, mark, rest = address.partition("://")
    is_folder_good = stated.name != "model_hub"
    good = ("http", "https", "file") if is_folder_good else ("http", "https")
    is_form = mark and scheme.lower() in good and rest and not any(letter.isspace() for letter in address)
    if not is_form or not (scheme.lower() == "file" or _has_host(address)):
        # The value may hold a password that masking cannot see: only its place is said.
        raise ConfigError(
            f"{place_of(stated)}: {option_key(stated.name)} is not an address",
            hint="An address begins with https://" + (" or file://" if is_folder_good else ""),
        )


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number, or half of the brackets of IPv6
        return False


def _check_channel(stated: Stated, channel: str) -> None:
    is_address = "://" in channel
    is_name = not is_address and not set(channel) & set(":@")
    if not channel or any(letter.isspace() for letter in channel) or not (is_address or is_name):
        raise ConfigError(
            f"{place_of(stated)}: {mask_address(channel)!r} is no channel",
            hint="A channel is a name such as conda-forge, or an address such as https://HOST/CHANNEL",
        )
    if is_address and not channel.lower().startswith("file:") and not _has_host(channel):
        raise ConfigError(
            f"{place_of(stated)}: the channel is not an address", hint="An address begins with https://HOST/"
        )
    if channel.startswith(_PATH_MARKS):
        folder = ((stated.value.folder or Path.cwd()) / Path(channel).expanduser()).resolve()
        raise ConfigError(
            f"{place_of(stated)}: the channel {channel!r} is a path", hint=f"Write it as {folder.as_uri()}"
        )
