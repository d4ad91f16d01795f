"""Jupyter kernels of environments. Source: jupyter-client's documentation, "Making kernels for Jupyter"."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import EnvError
from envkit.environments.activation import activated
from envkit.environments.store import hold_environment, installed_in, python_of
from envkit.mirrors import hub_environ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.environments.records import StoredEnvironment

KERNEL_FILE = "kernel.json"
_START_FILE = "start.py"
_START_SOURCE = Path(__file__).with_name("kernel_start.py")
# What scripts of an environment's packages may go by; the rest of this session is of no concern to a kernel.
_SEEN_BY_SCRIPTS = ("HOME", "LANG", "LC_ALL", "LOGNAME", "TMPDIR", "USER")
_OF_THE_SHELL = ("_", "OLDPWD", "PWD", "SHLVL")


class KernelOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Which environment a kernel is of; ``folder`` is the path under which people find it."""

    name: str
    folder: str


class KernelMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a kernel's command; ``envkit`` is missing where it is another tool's."""

    debugger: bool = True
    envkit: KernelOrigin | None = None


class KernelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """``kernel.json``: how Jupyter starts a kernel. ``env`` is added to the variables that Jupyter has."""

    argv: tuple[str, ...] = ()
    display_name: str = ""
    language: str = ""
    interrupt_mode: str = "signal"
    env: dict[str, str] = {}
    metadata: KernelMetadata = KernelMetadata()


class KernelChange(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about a kernel: ``done`` is ``made``, ``renewed``, ``as it was``, ``removed`` or ``nothing``.

    With ``is_dry_run`` it is what would be done; ``kernel`` is what then stands in ``kernel.json``.
    """

    name: str
    folder: str
    done: str
    is_dry_run: bool
    kernel: KernelSpec | None


def kernel_dir(name: str, *, prefix: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the kernel of the environment ``name``: the user's, or that under a prefix.

    Source: jupyter-core's documentation of the data folders.
    """
    if prefix is not None:
        data_dir = prefix / "share" / "jupyter"
    elif named := environ.get("JUPYTER_DATA_DIR"):
        data_dir = Path(named)
    else:
        home = Path(environ.get("HOME") or Path.home())
        if sys.platform == "darwin":
            data_dir = home / "Library" / "Jupyter"
        else:
            data_dir = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"
    return data_dir / "kernels" / f"envkit-{name}"


def plan_kernel(
    stored: StoredEnvironment,
    *,
    display_name: str | None = None,
    model_hub: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> KernelSpec:
    """Return the kernel of an environment. Raises: EnvError where there is no ipykernel in it."""
    if "ipykernel" not in installed_in(stored.prefix):
        raise EnvError(
            f"the environment {stored.name} lacks ipykernel, which Jupyter talks to",
            hint=f"envkit env sync {stored.name} --with ipykernel",
        )
    link = stored.link.absolute()
    return KernelSpec(
        # By the link: a change of the environment is seen by the next kernel.
        argv=(str(python_of(link)), f"{{resource_dir}}/{_START_FILE}", "-f", "{connection_file}"),
        display_name=display_name or f"{stored.name} (envkit)",
        language="python",
        env=_variables(stored, link, model_hub=model_hub, environ=environ),
        metadata=KernelMetadata(envkit=KernelOrigin(name=stored.name, folder=str(link))),
    )


def read_kernel(folder: Path) -> KernelSpec | None:
    """Return the kernel in a folder, None where there is none; one that cannot be read has no origin."""
    try:
        return msgspec.json.decode((folder / KERNEL_FILE).read_bytes(), type=KernelSpec)
    except FileNotFoundError:
        return KernelSpec() if folder.exists() else None
    except (OSError, msgspec.DecodeError):
        return KernelSpec()


def write_kernel(spec: KernelSpec, *, folder: Path) -> None:
    """Put a kernel where Jupyter finds it; ``kernel.json``, which makes it one, comes last. Raises: EnvError."""
    contents = {
        _START_FILE: _START_SOURCE.read_bytes(),
        KERNEL_FILE: msgspec.json.format(msgspec.json.encode(spec)) + b"\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            draft = folder / f".{name}.draft"
            draft.write_bytes(content)
            draft.replace(folder / name)
    except OSError as error:
        raise EnvError(
            f"the kernel cannot be written: {error.filename or folder}: {error.strerror}",
            hint="Name another place: --prefix DIR, or JUPYTER_DATA_DIR=DIR",
        ) from error


def remove_kernel(
    name: str, *, link: Path, prefix: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Remove the kernel of the environment that lies at ``link``; return its folder, None where there is none.

    One of another environment of that name stays. Raises: EnvError.
    """
    folder = kernel_dir(name, prefix=prefix, environ=environ)
    if not is_kernel_of(read_kernel(folder), link):
        return None
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise EnvError(
            f"the kernel cannot be removed: {error.filename or folder}: {error.strerror}",
            hint=f"Mend the permissions of {folder.parent}",
        ) from error
    return folder


def is_kernel_of(spec: KernelSpec | None, link: Path) -> bool:
    """Tell whether a kernel was made for the environment that lies at ``link``."""
    origin = spec.metadata.envkit if spec is not None else None
    return origin is not None and origin.folder == str(link.absolute())


def _variables(
    stored: StoredEnvironment, link: Path, *, model_hub: str | None, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return what activating changes, as Jupyter wants it: ``${PATH}`` stands for what Jupyter itself has."""
    before = {name: environ[name] for name in _SEEN_BY_SCRIPTS if name in environ}
    before["PATH"] = environ.get("PATH", os.defpath)
    environment = replace(hold_environment(stored), prefix=link)
    try:
        after = activated(environment, hub_environ(model_hub, environ=before))
    finally:
        environment.release()
    changed: dict[str, Any] = {
        name: text.replace("$", "$$")
        for name, text in after.items()
        if before.get(name) != text and name not in _OF_THE_SHELL
    }
    known = before["PATH"].split(os.pathsep)
    added = [folder for folder in after["PATH"].split(os.pathsep) if folder not in known]
    changed["PATH"] = os.pathsep.join([*(folder.replace("$", "$$") for folder in added), "${PATH}"])
    return dict(sorted(changed.items()))
