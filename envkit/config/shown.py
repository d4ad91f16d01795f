"""The configuration as it is shown: records of values, files and problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvkitError
from envkit.api.options import to_builtins
from envkit.config.lines import line_of
from envkit.config.options import drop_contradicted, rivals_of
from envkit.masking import mask_address, mask_secrets
from envkit.option_values import option_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from envkit.config.stated import Stated

DEFAULT = "default"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A value at the place that states it: a file with its line, a variable, or ``default``."""

    value: Any
    source: str
    line: int | None = None


class ShownValue(msgspec.Struct, frozen=True, kw_only=True):
    """The value that counts, passwords masked; ``overridden`` are those of weaker places, the strongest first.

    ``set_aside`` names the option of a stronger place because of which this one does not count at all.
    """

    key: str
    value: Any
    source: str
    line: int | None = None
    overridden: tuple[Origin, ...] = ()
    set_aside: str | None = None


class TaskValues(msgspec.Struct, frozen=True, kw_only=True):
    """What is stated for a task; ``plugin`` is None where none is installed, and nothing was checked."""

    task: str
    plugin: str | None
    values: tuple[ShownValue, ...]


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A place of configuration: ``user`` or ``project``; the weakest stand first in a list."""

    path: str
    scope: str
    is_there: bool


class ConfigProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at a place, and what mends it."""

    message: str
    hint: str | None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration as it counts in one folder."""

    files: tuple[ConfigFile, ...]
    settings: tuple[ShownValue, ...]
    mirrors: tuple[ShownValue, ...]
    tasks: tuple[TaskValues, ...]
    problems: tuple[ConfigProblem, ...]
    plugins: tuple[ShownValue, ...] = ()


def show_values(
    stated: Sequence[Stated],
    *,
    check: Callable[[Stated], Any],
    note: Callable[[EnvkitError], None],
    names: Sequence[str],
    prefix: str = "",
    defaults: Mapping[str, Any] | None = None,
) -> tuple[ShownValue, ...]:
    """Return these fields, as far as they are stated (weakest first) or have a default, with their places.

    Values that ``check`` refuses are shown as they are written, and its error goes to ``note``.
    """
    by_name: dict[str, list[Stated]] = {}
    for each in stated:
        by_name.setdefault(each.name, []).insert(0, each)
    kept = drop_contradicted({name: found[0] for name, found in by_name.items()})
    shown = []
    for name in names:
        origins = [_origin(each, check, note) for each in by_name.get(name, ())]
        if not origins and defaults is not None and name in defaults:
            origins = [Origin(value=masked(defaults[name]), source=DEFAULT)]
        if not origins:
            continue
        first, *others = origins
        rivals = [option_key(rival) for rival in rivals_of(name) if rival in kept]
        shown.append(
            ShownValue(
                key=f"{prefix}{option_key(name)}",
                value=first.value,
                source=first.source,
                line=first.line,
                overridden=tuple(others),
                set_aside=", ".join(rivals) if name in by_name and name not in kept else None,
            )
        )
    return tuple(shown)


def defaults_of(type_: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the default of each field that has one."""
    return {
        field.name: field.default_factory() if field.default is msgspec.NODEFAULT else field.default
        for field in msgspec.structs.fields(type_)
        if not field.required
    }


def _origin(stated: Stated, check: Callable[[Stated], Any], note: Callable[[EnvkitError], None]) -> Origin:
    line = None if stated.file is None else line_of(stated.file, stated.keys)
    try:
        shown = masked(check(stated))
    except EnvkitError as error:
        note(error)
        # What cannot be read may be an address with one letter amiss.
        shown = masked(stated.value.raw, mask=mask_address)
    return Origin(value=shown, source=stated.value.source, line=line)


def masked(value: Any, *, mask: Callable[[str], str] = mask_secrets) -> Any:
    """Return a value as JSON has it, passwords in addresses masked, in lists and tables too."""
    plain = to_builtins(value)
    if isinstance(plain, str):
        return mask(plain)
    if isinstance(plain, dict):
        return {key: masked(each, mask=mask) for key, each in plain.items()}
    if isinstance(plain, list | tuple):
        return [masked(each, mask=mask) for each in plain]
    return plain
