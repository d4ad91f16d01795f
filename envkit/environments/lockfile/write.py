"""Write ``envkit.lock``: always in the same order, one package a line, so that a change is seen at a glance."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.environments.lockfile.portable import portable_machine, portable_spec
from envkit.environments.lockfile.records import LOCK_VERSION
from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from envkit.environments.lockfile.records import Lock, LockedMachine

_HEAD = """\
# What an environment is made of, to the last file, for each kind of machine.
# Written by envkit lock. To make one so: envkit env create NAME --locked
"""
# A list of these stands on one line; of all else every item has its own.
_SHORT = frozenset({"gpus", "cpu-features", "tasks", "channels", "host-extras", "model-packages"})


def write_lock(lock: Lock, *, folder: Path) -> str:
    """Return the text of a lock file that lies in ``folder``; the same lock gives the same bytes."""
    spec = portable_spec(lock.spec, folder=folder)
    parts = [f"{_HEAD}version = {LOCK_VERSION}\n", _joined(["[spec]", *_spec_lines(spec)])]
    for machine in lock.machines:
        portable = portable_machine(machine, folder=folder)
        made = msgspec.structs.replace(portable, spec_digest=spec_digest(spec))
        sealed = msgspec.structs.replace(made, digest=section_digest(made))
        parts.append(_joined(["[[machine]]", *_machine_lines(sealed)]))
    return "\n".join(parts)


def spec_digest(spec: EnvSpec) -> str:
    """Return the sha256 of a spec that is portable."""
    return _sha256(_spec_lines(spec))


def section_digest(machine: LockedMachine) -> str:
    """Return the sha256 of a machine's section that is portable, its digest apart."""
    return _sha256(_machine_lines(msgspec.structs.replace(machine, digest="")))


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256(_joined(lines).encode()).hexdigest()


def _spec_lines(spec: EnvSpec) -> Iterator[str]:
    usual = EnvSpec()
    for name in spec.__struct_fields__:
        value = getattr(spec, name)
        if name == "backend" or value != getattr(usual, name):
            yield from _entry(name.replace("_", "-"), value)


def _machine_lines(machine: LockedMachine) -> Iterator[str]:
    table: dict[str, Any] = msgspec.to_builtins(machine)
    for name, value in table.items():
        if isinstance(value, dict):
            for inner, item in value.items():
                if item:
                    yield from _entry(f"{name}.{inner}", item)
        elif value:
            yield from _entry(name, value)


def _entry(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, (list, tuple)) or name.rpartition(".")[2] in _SHORT:
        yield f"{name} = {_value(value)}"
        return
    yield f"{name} = ["
    yield from (f"  {_value(item)}," for item in value)
    yield "]"


def _value(value: Any) -> str:
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for one character that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items() if item)} }}"
    return json.dumps(value)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
