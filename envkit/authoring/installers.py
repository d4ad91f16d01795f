"""The calls that put plugins into envkit's environment and take them out, each in the words of its owner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from envkit.authoring.calls import Call
from envkit.authoring.uv_tools import read_receipt
from envkit.owner import PIPX_METADATA

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from envkit.authoring.specs import Spec
    from envkit.owner import Owner
    from envkit.uv_receipt import Receipt, ToolRequirement


def install_call(
    owner: Owner,
    specs: Sequence[Spec],
    *,
    is_upgrade: bool = False,
    anew: Collection[str] = (),
    pins: Sequence[str] = (),
) -> Call:
    """Return the call that installs these and keeps what is there.

    ``anew`` are names of those that are there and that the installer would pass over; where pip would, ``pins`` are
    all others that come along. Raises: EnvError for a receipt not readable.
    """
    if owner.kind == "uv tool":
        return _uv_tool_call(owner, specs, is_upgrade=is_upgrade, anew=anew)
    if owner.kind == "pipx":
        flags = ["--force"] if is_upgrade or anew else []  # pipx has no other word for it
        flags += ["--editable"] if any(spec.is_editable for spec in specs) else []
        return _pipx_call(owner, "inject", *flags, owner.prefix.name, *(spec.text for spec in specs))
    if anew and uses_pip(owner):
        # pip has no word for one distribution alone: it is given all that is to be done, and looks for no more.
        wanted = [word for spec in specs if spec.address is not None for word in _words(spec)]
        return Call(program="pip", arguments=("install", "--force-reinstall", "--no-deps", *wanted, *pins))
    return packages_call(owner, specs, is_upgrade=is_upgrade, anew=anew)


def uses_pip(owner: Owner) -> bool:
    """Tell whether packages are put in by the pip of the environment; uv keeps its tools itself, pip or not."""
    return owner.has_pip and owner.kind != "uv tool"


def packages_call(
    owner: Owner,
    specs: Sequence[Spec],
    *,
    is_upgrade: bool = False,
    anew: Collection[str] = (),
    flags: Sequence[str] = (),
) -> Call:
    """Return the call that puts packages into the environment, whatever its owner writes down of it."""
    words = [word for spec in specs for word in _words(spec)]
    if uses_pip(owner):
        upgrade = ["--upgrade"] if is_upgrade else []
        return Call(program="pip", arguments=("install", *flags, *upgrade, *words))
    upgrades = tuple(_upgrade_flags(specs)) if is_upgrade else ()
    python = ("--python", str(owner.python))
    return Call(
        program="uv", arguments=("pip", "install", *python, *flags, *upgrades, *_anew_flags(anew), *words)
    )


def removal_calls(owner: Owner, names: Sequence[str]) -> tuple[Call, ...]:
    """Return the calls that remove these distributions, in canonical form; what an owner wrote down, it unwrites.

    Raises: EnvError for a receipt that cannot be read.
    """
    calls: list[Call] = []
    recorded: list[str] = []
    if owner.kind == "uv tool":
        receipt = read_receipt(owner)
        recorded = [name for name in names if receipt.find(name) is not None]
        if recorded:
            calls.append(
                _tool_call(owner, receipt, [each for each in receipt.others if each.name not in names])
            )
    elif owner.kind == "pipx":
        recorded = [name for name in names if name in _injected(owner)]
        if recorded:
            calls.append(_pipx_call(owner, "uninject", owner.prefix.name, *recorded))
    others = [name for name in names if name not in recorded]
    if others and owner.has_pip:
        calls.append(Call(program="pip", arguments=("uninstall", "--yes", *others)))
    elif others:
        python = ("--python", str(owner.python))
        calls.append(Call(program="uv", arguments=("pip", "uninstall", *python, *others)))
    return tuple(calls)


def _words(spec: Spec) -> tuple[str, ...]:
    return ("--editable", spec.text) if spec.is_editable else (spec.text,)


def _anew_flags(names: Iterable[str]) -> Iterator[str]:
    for name in sorted(names):
        yield from ("--reinstall-package", name)


def _upgrade_flags(specs: Iterable[Spec]) -> Iterator[str]:
    for spec in specs:
        if spec.name is not None:
            yield from ("--upgrade-package", spec.name)


def _pipx_call(owner: Owner, *arguments: str) -> Call:
    # pipx looks for its environments where a variable may say otherwise by now.
    home = owner.prefix.parent.parent
    variables = (("PIPX_HOME", str(home)),) if owner.prefix.parent.name == "venvs" else ()
    return Call(program="pipx", arguments=arguments, variables=variables)


def _injected(owner: Owner) -> frozenset[str]:
    """Return the packages that pipx knows of beside envkit; none where its record cannot be read."""
    try:
        record = json.loads((owner.prefix / PIPX_METADATA).read_text(encoding="utf-8"))
        return frozenset(map(canonicalize_name, record["injected_packages"]))
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _uv_tool_call(owner: Owner, specs: Sequence[Spec], *, is_upgrade: bool, anew: Collection[str]) -> Call:
    receipt = read_receipt(owner)
    names = {spec.name for spec in specs}
    kept = [each for each in receipt.others if each.name not in names]
    flags = (*(_upgrade_flags(specs) if is_upgrade else ()), *_anew_flags(anew))
    return _tool_call(owner, receipt, kept, specs, flags=flags)


def _tool_call(
    owner: Owner,
    receipt: Receipt,
    kept: Iterable[ToolRequirement],
    specs: Iterable[Spec] = (),
    *,
    flags: tuple[str, ...] = (),
) -> Call:
    words = receipt.install_words(kept, specs, flags=flags)
    variables = {"UV_TOOL_DIR": str(owner.prefix.parent)}
    if receipt.bin_dir is not None:
        variables["UV_TOOL_BIN_DIR"] = str(receipt.bin_dir)
    return Call(
        program="uv",
        arguments=("tool", "install", *words),
        variables=tuple(variables.items()),
        settings=receipt.options,
        constraints=receipt.constraints,
        overrides=receipt.overrides,
    )
