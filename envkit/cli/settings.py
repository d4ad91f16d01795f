"""envkit's own settings as they count in this folder, of files that may lie on a disk that does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envkit import config
from envkit.api import MachineError
from envkit.machine.time_limit import ANSWER_SECONDS, call_in_time, find_silent

if TYPE_CHECKING:
    from envkit.config import Settings

_LOOK_SECONDS = 0.5  # once more, for the name of the one that is silent


def read_settings(*, seconds: float = ANSWER_SECONDS) -> Settings:
    """Return the settings. Raises: ConfigError; MachineError where their files do not answer in time."""
    try:
        return call_in_time(lambda: config.resolve_settings(config.read_layers(Path.cwd())), seconds=seconds)
    except TimeoutError as error:
        raise MachineError(
            f"{_name_silent()}: {error}; envkit's configuration cannot be read",
            hint="Mend or unmount what the folder lies on, or name another: HOME, XDG_CONFIG_HOME",
        ) from error


def read_variables_alone() -> Settings:
    """Return the settings without any file. Raises: ConfigError."""
    return config.resolve_settings([])


def _name_silent() -> str:
    places = [config.user_config_file(), Path.cwd()]
    silent = find_silent(places, seconds=_LOOK_SECONDS) or places
    return " and ".join(map(str, silent))
