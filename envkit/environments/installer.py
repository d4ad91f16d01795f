"""Install wheels into the Python of any prefix, with one call of uv.

uv waits for what is imported here: what only some plans need is imported where they do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.environments.store import python_of
from envkit.environments.torch_source import asked_lines, locked_packages

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.records import WheelPackage
    from envkit.environments.uv_calls import UvCalls

# The last field of a line of RECORD is the file's size.
_RECORD_SIZE = re.compile(rb",([0-9]+)\r?$", re.MULTILINE)
_CONDA_SIZE = re.compile(rb'"size_in_bytes":\s*([0-9]+)')


def install_wheels(prefix: Path, plan: Plan, *, uv: UvCalls) -> None:
    """Install what the plan says: resolved now, or exactly what is locked, its hashes checked by uv.

    Nothing is compiled ahead: compiling all of torch and transformers takes 19 s on two cores; what the proof
    and the first worker import, they compile. Raises: EnvError.
    """
    requirements, pylock = uv.folder / "requirements.txt", uv.folder / "pylock.toml"
    locked = locked_packages(plan)
    exact = [package for package in locked if package.source == "pylock"]
    wheels = list(_host_wheels(plan, folder=uv.folder))
    if plan.locked:
        # What comes from its own address is no line: uv would record it as something the user named so.
        named = (each for each in locked if each.source != "pylock")
        lines = list(locked_lines(named, wheels, editable=_editable_addresses(plan, locked)))
        arguments = ["--no-deps", *(["--require-hashes"] if _all_hashed(lines) else [])]
    else:
        lines = [*asked_lines(plan), *plan.unresolved, *(wheel.as_uri() for wheel in wheels)]
        write_alone(plan, uv=uv)
        arguments = []
    install = ("pip", "install", "--python", str(python_of(prefix)), *uv.settings.arguments, *arguments)
    if plan.base.packages:  # a Python of conda's may be marked as managed by conda alone (PEP 668)
        install = (*install, "--break-system-packages")
    if lines or exact:
        uv.progress.step("installing packages" if plan.locked else "resolving packages")
    if lines:
        requirements.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        uv(*install, "--requirements", str(requirements), constraints=plan.spec.constraints)
    if exact:
        from envkit.environments.pylock import write_exact

        pylock.write_text(write_exact(exact), encoding="utf-8")
        uv(*install, "--preview-features", "pylock", "--requirements", str(pylock), is_exact=True)


def _host_wheels(plan: Plan, *, folder: Path) -> Iterator[Path]:
    if not plan.distributions:
        return
    from envkit.environments.wheels import remake_wheel

    for dist in plan.distributions:
        # They come without what their commands need: those would not start.
        yield remake_wheel(dist, folder=folder, has_commands=False)


def write_alone(plan: Plan, *, uv: UvCalls) -> None:
    """Tell uv, in its settings for its folder, which packages come without what they ask for.

    So one call resolves and installs all. Source: uv's settings reference, "dependency-metadata".
    """
    names = [dist.metadata["Name"] for dist in plan.distributions]
    names += [Requirement(text).name for text in plan.unresolved]
    tables = (
        f'[[dependency-metadata]]\nname = "{canonicalize_name(name)}"\nrequires-dist = []\n' for name in names
    )
    uv.write_settings("\n".join(tables))


def _editable_addresses(plan: Plan, locked: Iterable[WheelPackage]) -> frozenset[str]:
    """Return the addresses of those packages whose folders were asked for with ``-e``."""
    if not any(text.startswith("-e ") for text in plan.spec.packages):
        return frozenset()
    from envkit.environments.files.addresses import editable_folders, local_path

    folders = editable_folders(plan.spec.packages)
    paths = ((each.url, local_path(each.url)) for each in locked if each.source == "direct")
    return frozenset(url for url, path in paths if path is not None and path.resolve() in folders)


def locked_lines(
    locked: Iterable[WheelPackage], wheels: Sequence[Path], *, editable: Container[str] = ()
) -> Iterable[str]:
    """Yield the lines of a requirements file that name exactly these packages, and the host's wheels.

    What comes from an address in ``editable``, that of a folder, is used where it lies.
    """
    import hashlib

    for package in locked:
        if package.source == "host":
            continue  # remade from what is installed here: its wheel is among the others
        hashed = f" --hash=sha256:{package.sha256}" if package.sha256 else ""
        if package.url in editable:
            yield f"-e {package.url}"
        elif package.source == "direct":
            yield f"{package.name} @ {package.url}{hashed}"
        else:
            # ``==2.15.0`` would mean ``2.15.0+cpu`` as well, wherever an installer finds one.
            exactly = "==" if "+" in package.version else "==="
            yield f"{package.name}{exactly}{package.version}{hashed}"
    for wheel in wheels:
        name = canonicalize_name(wheel.name.partition("-")[0])
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        yield f"{name} @ {wheel.as_uri()} --hash=sha256:{digest}"


def recorded_size(prefix: Path) -> int:
    """Return the bytes of all packages, read from their own lists of files, without a walk over the files."""
    lists = [*prefix.glob("lib/python*/site-packages/*.dist-info/RECORD")]
    size = sum(_sum(_RECORD_SIZE, file.read_bytes()) for file in lists)
    # A conda package's wheel lists its files as well: those of conda come from conda alone.
    metadata = [*prefix.glob("conda-meta/*.json")]
    return size + sum(_sum(_CONDA_SIZE, file.read_bytes()) for file in metadata)


def _all_hashed(lines: Sequence[str]) -> bool:
    return all(" --hash=" in line for line in lines)


def _sum(pattern: re.Pattern[bytes], content: bytes) -> int:
    return sum(map(int, pattern.findall(content)))
