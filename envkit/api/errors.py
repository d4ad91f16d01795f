"""Errors that end a command. Library code raises them; only ``envkit.cli`` turns them into exits.

EnvkitError            1    a check or a run failed
├── RunFailed          1    the worker ended without a model
├── UsageError         2    the command line is wrong
│   ├── ConfigError    2    so is a file or variable that stands for it
│   └── ResumeRefused  2    a run would not go on as it began
├── DataError          2    the user's data is wrong, at a file and a line
├── MachineError       4    this machine cannot do it
├── PluginError        5    a plugin is missing, broken or in conflict
├── EnvError           6    an environment could not be made or does not fit
├── ImageError         7    an image could not be built, or a container not run
└── RunCancelled     130    the user stopped it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

PluginFault = Literal["broken", "conflict", "disabled", "incompatible"]


class EnvkitError(Exception):
    """Say what is wrong with the user's value and, as the hint, what to do about it."""

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, kw_only=True)
class LikelyCause:
    """What most likely ended a run: a known trouble, in words, and what mends it; ``line`` shows it."""

    id: str
    title: str
    fix: tuple[str, ...]
    line: str
    link: str


class RunFailed(EnvkitError):
    """Report a run that ended without a model; the exit code is that of the error that ended it."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        exit_code: int = 1,
        likely_cause: LikelyCause | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
        self.likely_cause = likely_cause


class UsageError(EnvkitError):
    """Report a command line that cannot be understood or obeyed."""

    exit_code = 2


class ConfigError(UsageError):
    """Report a configuration file or variable that cannot be understood or obeyed."""


class ResumeRefused(UsageError):
    """Report a run that would not go on as it began; what is in its folder stays as it is."""


class DataError(EnvkitError):
    """Report bad input data, with the file and, where there is one, the line (counted from 1)."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(place + message, hint=hint)
        self.file = file
        self.line = line


class MachineError(EnvkitError):
    """Report a machine that cannot do what was asked."""

    exit_code = 4


class PluginError(EnvkitError):
    """Report a plugin that is missing, broken or in conflict with another.

    ``plugin`` and ``version`` are those of the distribution whose fault it is, ``tracker`` the address where its
    author wants to hear of it, ``state`` why it cannot be used; all empty where nobody can be named.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        plugin: str = "",
        version: str = "",
        tracker: str | None = None,
        state: PluginFault = "broken",
    ) -> None:
        super().__init__(message, hint=hint)
        self.plugin = plugin
        self.version = version
        self.tracker = tracker
        self.state: PluginFault = state


class EnvError(EnvkitError):
    """Report an environment that could not be made or that lacks what a task needs."""

    exit_code = 6


class ImageError(EnvkitError):
    """Report an image that could not be built, or a container that could not run."""

    exit_code = 7


class RunCancelled(EnvkitError):
    """Report that the user stopped the command."""

    exit_code = 130
