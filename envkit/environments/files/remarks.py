"""What every exported file says in comments: where it is from, what it leaves out, how to use it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit import __version__
from envkit.environments.files.addresses import editable_folders, local_path, public
from envkit.environments.requirements import minor_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.environments.records import EnvRecord, HostPackage, WheelPackage


def remarks(
    record: EnvRecord, *, uses: Sequence[str], lacks_bare: bool = False, lacks_base: bool = False
) -> str:
    """Return the comment at the top; ``uses`` are commands that make use of the file.

    ``lacks_bare`` says that packages which come without their dependencies are not in the file, ``lacks_base``
    that those of the backend are not.
    """
    platform = record.facts.platform
    lines = [
        f"The environment {record.name}, written by envkit {__version__}:",
        f"Python {record.python} on {platform.system} {platform.machine}. Use it with",
        *(f"    {use}" for use in uses),
    ]
    if lacks_base and (base := base_names(record)):
        lines += [
            f"LEFT OUT, for they are of {record.backend} (--format environment.yml has them):",
            f"    {', '.join(base)}",
        ]
    if host := [f"{each.name} {each.version}" for each in host_packages(record)]:
        lines += [
            "Left out, for envkit adds them from where it is installed itself:",
            f"    {', '.join(host)}",
        ]
    if lacks_bare and (bare := [f"uv pip install --no-deps {each}" for each in bare_packages(record)]):
        lines += ["Left out, for they come without what they ask for:", *(f"    {each}" for each in bare)]
    return "".join(f"# {line}\n" for line in lines)


def base_names(record: EnvRecord) -> tuple[str, ...]:
    """Return the packages, Python apart, that the backend was asked for and that no list of wheels has."""
    is_torch = record.torch is not None and record.spec.torch_from == "conda"
    return (*record.spec.base_packages, *(["torch"] if is_torch else []))


def create_command(
    record: EnvRecord, file_name: str, *, names_python: bool = True, name: str = "NAME"
) -> str:
    """Return the command that makes such an environment again; ``names_python`` says that the file does."""
    words = [f"envkit env create {name}"]
    if record.backend != "venv":
        words.append(f"--backend {record.backend}")
    words.append(f"--file {shlex.quote(file_name)}")
    if not names_python:
        words.append(f"--python {minor_version(record.python)}")
    words += [f"--task {task}" for task in record.spec.tasks]
    return " ".join(words)


def host_packages(record: EnvRecord) -> Iterator[HostPackage]:
    """Yield envkit and the plugins, where they are in the environment."""
    if record.envkit is not None:
        yield record.envkit
    yield from record.plugins


def host_names(record: EnvRecord) -> frozenset[str]:
    """Return the canonical names of envkit and the plugins."""
    return frozenset(canonicalize_name(each.name) for each in host_packages(record))


def bare_packages(record: EnvRecord) -> tuple[str, ...]:
    """Return the requirements, envkit and the plugins apart, that were installed without their dependencies."""
    own = host_names(record)
    return tuple(
        text for text in record.without_dependencies if canonicalize_name(Requirement(text).name) not in own
    )


def bare_names(record: EnvRecord) -> frozenset[str]:
    """Return the canonical names of ``bare_packages``."""
    return frozenset(canonicalize_name(Requirement(text).name) for text in bare_packages(record))


def pin(record: EnvRecord, wheel: WheelPackage) -> str:
    """Return the requirement that means exactly this package."""
    if is_editable(record, wheel):
        path = str(local_path(wheel.url))
        # Installers split such a line as a shell does; an address has nothing to split at.
        return f"-e {path if shlex.quote(path) == path else wheel.url}"
    if wheel.source == "direct" and wheel.url:
        return f"{wheel.name} @ {public(wheel.url)}"
    if wheel.name == "torch" and record.torch is not None and record.torch.version == wheel.version:
        return record.torch.requirement
    return f"{wheel.name}=={wheel.version}"


def is_editable(record: EnvRecord, wheel: WheelPackage) -> bool:
    """Tell whether the package was asked for with ``-e``: its folder is used where it lies."""
    folder = local_path(wheel.url) if wheel.source == "direct" else None
    return folder is not None and folder.resolve() in editable_folders(record.spec.packages)


def torch_index(record: EnvRecord) -> str | None:
    """Return the index that the torch wheel came from, None where it came from none of its own."""
    if record.torch is None or record.torch.source != "torch index" or record.spec.torch_from == "conda":
        return None
    return public(record.torch.location)
