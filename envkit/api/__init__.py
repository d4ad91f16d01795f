"""Everything that the author of a plugin imports."""

from envkit.api.errors import (
    ConfigError,
    DataError,
    EnvError,
    EnvkitError,
    MachineError,
    PluginError,
    RunCancelled,
    RunFailed,
    UsageError,
)
from envkit.api.finetune_options import FinetuneOptions
from envkit.api.hooks import hookimpl
from envkit.api.options import DEFAULT_MODEL, Meta, Options
from envkit.api.task import Reporter, Request, Result, Run, Table, Task

__all__ = [
    "DEFAULT_MODEL",
    "ConfigError",
    "DataError",
    "EnvError",
    "EnvkitError",
    "FinetuneOptions",
    "MachineError",
    "Meta",
    "Options",
    "PluginError",
    "Reporter",
    "Request",
    "Result",
    "Run",
    "RunCancelled",
    "RunFailed",
    "Table",
    "Task",
    "UsageError",
    "hookimpl",
]
