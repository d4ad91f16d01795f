"""Import the module of an entry and hold it against the API; what is wrong is said with the plugin's name."""

from __future__ import annotations

import importlib
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pluggy

from envkit.api import PluginError, hooks
from envkit.registry.compatibility import check_api_version
from envkit.registry.disabled import DISABLE_VARIABLE, is_disabled
from envkit.registry.entries import describe, place_of, plugin_error, tell_author
from envkit.registry.guard import CodeEnded, guarded
from envkit.registry.hook_names import check_hooks
from envkit.registry.metadata import source_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.registry.entries import AnyEntry
    from envkit.registry.guard import Noted

_ROOM = {"task": "plugin", "extension": "extension"}  # how errors call what an entry leads to


@dataclass(frozen=True, kw_only=True)
class LoadedModule:
    """The hooks of an imported module, and what its import did besides."""

    manager: pluggy.PluginManager
    remarks: list[str] = field(default_factory=list)


def load_module(entry: AnyEntry, *, seconds: float | None = None) -> LoadedModule:
    """Import the module of this entry, for at most ``seconds``, and check its API version and its hooks.

    Raises: PluginError, with the plugin's traceback as its cause where it has one.
    """
    refuse_entry(entry)
    manager = pluggy.PluginManager("envkit")
    manager.add_hookspecs(hooks)
    room = _ROOM[entry.kind]
    with blaming(entry, f"the {room} {entry} cannot be loaded", seconds=seconds) as noted:
        module = importlib.import_module(entry.entry_point.module)
        check_api_version(module, entry)
        check_hooks(module, entry)
        manager.register(module, name=str(entry))
        manager.check_pending()
    return LoadedModule(manager=manager, remarks=noted.remarks)


def refuse_entry(entry: AnyEntry) -> None:
    """Refuse what the metadata alone show to be unusable. Raises: PluginError."""
    if is_disabled(entry):
        raise disabled_error(entry)
    if entry.fault is not None:
        raise plugin_error(entry, f"{entry} cannot be used: {entry.fault}")


def disabled_error(entry: AnyEntry) -> PluginError:
    """Return the error for whoever asks for what the user disabled."""
    return plugin_error(
        entry,
        f"the {entry.kind} {entry.name!r} of {entry} is disabled",
        hint=f"{DISABLE_VARIABLE}, --disable-plugin or --no-plugins does it: go without it",
        state="disabled",
    )


@contextmanager
def blaming(entry: AnyEntry, what: str, *, seconds: float | None = None) -> Iterator[Noted]:
    """Run code of this plugin; where it fails, ``what`` is said, with the reason. Its deprecations are told as its own.

    Raises: PluginError; KeyboardInterrupt of the user's, MemoryError.
    """
    try:
        with guarded(seconds=seconds) as noted:
            yield noted
    except (KeyboardInterrupt, MemoryError, PluginError):
        raise
    except CodeEnded as error:
        raise plugin_error(entry, f"{what}: {error}{place_of(error.__cause__ or error)}") from error
    except ImportError as error:
        hint = _import_hint(entry, error)
        raise plugin_error(entry, f"{what}: {describe(error)}", hint=hint) from error
    except BaseException as error:  # SystemExit too: a bad plugin harms only itself
        raise plugin_error(entry, f"{what}: {describe(error)}") from error
    for each in noted.deprecations:
        warnings.warn(each.of_plugin(str(entry)), stacklevel=2)


def _import_hint(entry: AnyEntry, error: ImportError) -> str | None:
    """Return the hint for a name that this envkit lacks, None where the fault is another."""
    if (error.name or "").partition(".")[0] != "envkit":
        return None
    from envkit.owner import upgrade_command  # for an error alone

    if source_folder(entry.distribution) is not None:
        return f"{tell_author(entry)}\nIs it made for a newer envkit? Upgrade this one: {upgrade_command()}"
    where = f"\nElse tell its author: {entry.tracker}" if entry.tracker else ""
    return f"It may be made for a newer envkit: {upgrade_command()}{where}"
