"""Files, environment variables and flags become one set of options, with the source of every value.

Order, the later wins: defaults, the user's ``config.toml``, ``[tool.envkit]`` in ``pyproject.toml``,
``envkit.toml``, ``ENVKIT_<TASK>_<OPTION>``, flags. The two project files are looked for from the working
folder upwards. A task's options stand in a table of its name, addresses of servers in the table ``mirrors``,
envkit's other settings above all tables.
"""

from envkit.config.options import flag_of, resolve_options
from envkit.config.records import Settings, TrackerName
from envkit.config.settings import resolve_settings
from envkit.config_files import Layer, read_layers, user_config_file

__all__ = [
    "Layer",
    "Settings",
    "TrackerName",
    "flag_of",
    "read_layers",
    "resolve_options",
    "resolve_settings",
    "user_config_file",
]
