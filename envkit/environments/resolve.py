"""Resolve what a plan asks for to exact wheels, without installing anything."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.utils import canonicalize_name

from envkit.environments.installer import write_alone
from envkit.environments.pylock import Target, read_resolution, write_preferences
from envkit.environments.records import WheelPackage
from envkit.environments.this_machine import describe_kind
from envkit.environments.torch_source import asked_lines, own_file
from envkit.environments.uv_calls import uv_calls
from envkit.environments.wheels import remake_wheel
from envkit.torchbuild import wheel_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.metadata import Distribution

    from envkit.environments.plan import Plan, Planning
    from envkit.environments.progress import Progress
    from envkit.machine import Platform

# The versions of glibc that uv resolves for by name. Source: uv 0.13.9, ``--python-platform``.
_GLIBCS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)


class _Silent:
    """A progress that nobody looks at."""

    def say(self, text: str) -> None:
        return

    def step(self, text: str) -> None:
        return

    def bytes(self, done: int, total: int | None, what: str) -> None:
        return


def resolve_wheels(
    plan: Plan,
    *,
    planning: Planning,
    prefer: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> tuple[WheelPackage, ...]:
    """Return all packages that uv would install, by name, each with the one file that fits.

    ``prefer`` are versions by canonical name that are kept where they fit. The machine of the plan's facts may
    be another than this one. What stands in the plan as locked is returned as it is. Raises: EnvError where
    the requirements cannot be met together, or an index does not answer.
    """
    if plan.locked:
        return plan.locked
    with tempfile.TemporaryDirectory(prefix="envkit-") as name:
        folder = Path(name)
        hosts = [_host_package(dist, folder=folder) for dist in plan.distributions]
        text = _compile(plan, hosts, planning=planning, prefer=prefer, progress=progress, folder=folder)
        links = frozenset(map(_folder_of, planning.pip_configuration().find_links))
        target = Target(
            tags=tuple(wheel_tags(plan.facts.platform, python=plan.base.python)), find_links=links
        )
        found = read_resolution(text, target=target, folder=folder)
    brought = "torch" if plan.is_torch_from_base else None
    remade = {host.name: msgspec.structs.replace(host, url="") for host in hosts}
    if own_file(plan.torch, plan.facts.platform) is not None:
        found = tuple(map(_by_name, found))
    return tuple(remade.get(each.name, each) for each in found if each.name != brought)


def find_brought(
    name: str,
    plan: Plan,
    *,
    planning: Planning,
    prefer: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> str | None:
    """Return the version in which the plan's packages bring a package along from an index, or None.

    One that comes from an address of its own is as the user wants it. Raises: as ``resolve_wheels``.
    """
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder_name:
        folder = Path(folder_name)
        hosts = [_host_package(dist, folder=folder) for dist in plan.distributions]
        text = _compile(plan, hosts, planning=planning, prefer=prefer, progress=progress, folder=folder)
        found = read_resolution(text, target=Target(tags=()), folder=folder)
    versions = (each.version for each in found if each.name == name and each.source != "direct")
    return next(versions, None)


def _compile(
    plan: Plan,
    hosts: Sequence[WheelPackage],
    *,
    planning: Planning,
    prefer: Mapping[str, str] | None,
    progress: Progress | None,
    folder: Path,
) -> str:
    """Return the pylock.toml that uv makes of the plan; the host's wheels lie in the folder."""
    uv = uv_calls(plan, planning=planning, folder=folder, progress=progress or _Silent())
    uv = replace(uv, settings=replace(uv.settings, environ=_environ(plan, uv.settings.environ)))
    asked, resolved = folder / "requirements.in", folder / "pylock.toml"
    lines = [*asked_lines(plan), *plan.unresolved, *(host.url for host in hosts)]
    if not lines:
        return ""
    lines += _from_base(plan, folder=folder)
    asked.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if prefer:  # uv keeps to the versions in a file that is there already
        resolved.write_text(write_preferences(prefer), encoding="utf-8")
    write_alone(plan, uv=uv)
    uv.progress.step("resolving packages")
    uv(
        *("pip", "compile", "--format", "pylock.toml", "--output-file", str(resolved)),
        *("--python", _interpreter(plan)),
        *("--python-version", plan.base.python, "--no-header", "--no-annotate", "--quiet"),
        # Without them uv takes release and version of the kernel, by which markers may tell, as they are here.
        *(() if _is_here(plan.facts.platform, planning) else _platform_arguments(plan.facts.platform)),
        *uv.settings.arguments,
        str(asked),
        constraints=plan.spec.constraints,
    )
    return resolved.read_text(encoding="utf-8")


def _by_name(wheel: WheelPackage) -> WheelPackage:
    """Return a torch of one's own as what find-links brings: its folder is another on each machine."""
    is_own = wheel.name == "torch" and wheel.source == "direct" and wheel.sha256
    return msgspec.structs.replace(wheel, source="find-links") if is_own else wheel


def _host_package(dist: Distribution, *, folder: Path) -> WheelPackage:
    """Return the wheel of what is installed here; the same installation gives the same bytes."""
    wheel = remake_wheel(dist, folder=folder, has_commands=False)
    return WheelPackage(
        name=str(canonicalize_name(dist.metadata["Name"])),
        version=dist.version,
        url=wheel.as_uri(),
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        size=wheel.stat().st_size,
        source="host",
    )


def _from_base(plan: Plan, *, folder: Path) -> list[str]:
    """Return the line that stands for the torch which the base brings, if it does."""
    if plan.torch is None or not plan.is_torch_from_base:
        return []
    wheel = _stand_in("torch", plan.torch.version.partition("+")[0], folder=folder)
    return [f"torch @ {wheel.as_uri()}"]


def _stand_in(name: str, version: str, *, folder: Path) -> Path:
    """Write a wheel without content: for what the base brings, uv need not find one."""
    info = f"{name}-{version}.dist-info"
    contents = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: envkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, text in contents.items():
            archive.writestr(f"{info}/{member}", text)
    return wheel


def _interpreter(plan: Plan) -> str:
    """Return a Python for uv to begin from: only markers and tags that it is told of count."""
    # Of another machine's Pythons the facts tell the path, and here may be none, or one of another kind.
    is_here = describe_kind(plan.facts.platform) == describe_kind()
    interpreter = plan.base.interpreter
    return interpreter if is_here and os.access(interpreter, os.X_OK) else sys.executable


def _is_here(platform: Platform, planning: Planning) -> bool:
    """Tell whether it is this very machine: one that stands for its kind, as in a lock, has no kernel."""
    is_same = planning.here is None or planning.here.platform == platform
    return is_same and platform.kernel == os.uname().release and describe_kind(platform) == describe_kind()


def _platform_arguments(platform: Platform) -> tuple[str, ...]:
    family = describe_kind(platform).rpartition(" ")[2]
    if platform.system == "darwin":
        return "--python-platform", f"{family}-apple-darwin"
    if platform.libc == "musl":
        return "--python-platform", f"{family}-unknown-linux-musl"
    glibc = int((platform.libc_version or "2.17").split(".")[1])
    nearest = next((minor for minor in _GLIBCS if minor <= glibc), _GLIBCS[-1])
    if family not in ("x86_64", "aarch64"):
        return ()
    return "--python-platform", f"{family}-manylinux_2_{nearest}"


def _environ(plan: Plan, environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's variables, told which macOS it resolves for."""
    platform = plan.facts.platform
    release = {"MACOSX_DEPLOYMENT_TARGET": platform.os_version} if platform.system == "darwin" else {}
    return {**environ, **{name: text for name, text in release.items() if text}}


def _folder_of(link: str) -> Path:
    return Path(unquote(urlsplit(link).path)) if link.startswith("file:") else Path(link)
