"""What the processes that load a plugin tell the check of it: records as JSON, judged elsewhere."""

from __future__ import annotations

import msgspec


class HeavyImport(msgspec.Struct, frozen=True):
    """A module that the host should not load, and the line of the plugin that asked for it, if one did."""

    name: str
    place: str = ""


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """What importing a plugin's module costs, in a process of its own.

    ``bare_seconds`` is what ``import envkit.api`` took before, ``seconds`` the module; ``modules`` are those that
    it brought along. ``problem`` says why it could not be imported, None where it could.
    """

    bare_seconds: float = 0.0
    seconds: float = 0.0
    modules: tuple[str, ...] = ()
    heavy: tuple[HeavyImport, ...] = ()
    problem: str | None = None


class ArgumentRecord(msgspec.Struct, frozen=True):
    """An argument of a function: ``kind`` is the name of one of ``inspect.Parameter``'s."""

    name: str
    kind: str = "POSITIONAL_OR_KEYWORD"
    has_default: bool = False


class HookRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A function that is, or looks like, a hook; ``hook`` is the name that it would be called by."""

    function: str
    hook: str
    place: str
    is_marked: bool = True
    is_async: bool = False
    arguments: tuple[ArgumentRecord, ...] = ()


class OptionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An option: its help text, the type as it is written, and what is wrong with type and default, if anything."""

    name: str
    help: str
    type: str
    place: str = ""
    type_problem: str = ""
    default_problem: str = ""


class RemarkRecord(msgspec.Struct, frozen=True):
    """What loading did that no import should: ``prints 'hello'``; and the plugin's line that did it, if one is known."""

    text: str
    place: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of an entry's module.

    ``problem`` says why it cannot be imported, at ``place``, ``missing`` the module at the top that is not there; ``api_version`` is what it states, as code writes it,
    None for nothing. ``refusal`` is why envkit would refuse it though it can be imported, ``state`` what the
    registry calls that. ``gives`` names what an extension hands in: pairs of kind and name.
    """

    problem: str | None = None
    missing: str = ""
    place: str = ""
    api_version: str | None = None
    api_place: str = ""
    refusal: str | None = None
    state: str = ""
    remarks: tuple[RemarkRecord, ...] = ()
    deprecations: tuple[str, ...] = ()
    hooks: tuple[HookRecord, ...] = ()
    options: tuple[OptionRecord, ...] = ()
    gives: tuple[tuple[str, str], ...] = ()
