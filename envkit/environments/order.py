"""What an environment is to be provided for, and what follows from it: needs, Python and torch build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit import models
from envkit.api import DEFAULT_MODEL, EnvError, MachineError
from envkit.environments.records import HostPackage
from envkit.environments.requirements import HOST, Needs, minor_version, read_needs
from envkit.environments.wheels import content_digest
from envkit.torchbuild import TorchBuild, choose_torch_build, local_wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.environments.pip_configuration import PipConfiguration
    from envkit.machine import MachineFacts
    from envkit.registry import TaskEntry


@dataclass(frozen=True)
class Target:
    """The Python that an environment is made for, what the plugin needs there, and the torch that fits."""

    python: str
    version: str
    needs: Needs
    torch: TorchBuild | None


@dataclass(frozen=True, kw_only=True)
class Order:
    """A task, its model and the machine: what an environment is to be provided for.

    ``host_extras`` are the extras of envkit-ml that the data calls for.
    """

    entry: TaskEntry
    model: str
    facts: MachineFacts
    home: Path
    torch_index: str
    environ: Mapping[str, str]
    find_distribution: Callable[[str], Distribution]
    host_extras: frozenset[str] = frozenset()

    def needs(self, python: str) -> Needs:
        """Return what the plugin needs on this Python. Raises: PluginError."""
        return read_needs(
            self.entry,
            python=python,
            host_extras=self.host_extras,
            find_distribution=self.find_distribution,
        )

    def model_package(self, needs: Needs) -> str | None:
        """Return the package that brings the model, None where none is called for."""
        if needs.torch is None or self.model != DEFAULT_MODEL:
            return None
        if models.find_cached_model(self.model, environ=self.environ) is not None:
            return None
        return models.DEFAULT_MODEL_PACKAGE

    @property
    def can_ask_hub(self) -> bool:
        """Tell whether a model that is nowhere on this machine may be fetched from the model hub."""
        return self.environ.get("HF_HUB_OFFLINE", "").lower() not in ("1", "on", "yes", "true")

    def environment_name(self, target: Target) -> str:
        """Return the name of the plugin's environment: ``ner-py3.11-torch2.13.0-cpu``."""
        # A name becomes a folder's: nothing in it may lead elsewhere.
        plugin = re.sub(r"[^a-z0-9]+", "-", self.entry.plugin.lower().removeprefix("envkit-")).strip("-")
        parts = [plugin or "plugin", f"py{minor_version(target.version)}"]
        if target.torch is not None:
            parts.append(f"torch{target.torch.version.split('+')[0]}-{target.torch.variant}")
        return "-".join(parts)

    def plugin_package(self) -> HostPackage:
        """Return the plugin as it is installed here. Raises: EnvError where it has no RECORD."""
        return _package(self.entry.distribution)

    def envkit_package(self) -> HostPackage:
        """Return envkit as it is installed here. Raises: EnvError where it has no RECORD."""
        return _package(self.find_distribution(HOST))

    def torch_build(self, needs: Needs, configuration: PipConfiguration) -> TorchBuild | None:
        """Return the torch that fits, None where none is needed. Raises: MachineError."""
        if needs.torch is None:
            return None
        return choose_torch_build(
            self.facts,
            specifier=needs.torch,
            python=needs.python,
            wheels=local_wheels(configuration.find_links),
            torch_index=self.torch_index,
        )

    def target(self, configuration: PipConfiguration) -> Target:
        """Return the running Python if plugin and torch allow it, else the first other that they do.

        Raises: EnvError where the plugin runs on none, MachineError where torch has a build for none.
        """
        python = self.facts.python
        places = [(python.path, python.version), *((i.path, i.version) for i in self.facts.interpreters)]
        first_error: MachineError | None = None
        for path, version in places:
            needs = self.needs(version)
            if needs.requires_python.contains(version, prereleases=True):
                try:
                    return Target(path, version, needs, self.torch_build(needs, configuration))
                except MachineError as error:
                    first_error = first_error or error
        if first_error is not None:
            raise first_error
        raise EnvError(
            f"{self.entry} needs Python {self.needs(python.version).requires_python}; "
            f"on PATH there is {', '.join(version for _, version in places)}",
            hint="Install such a Python so that it is found on PATH; none is downloaded unasked",
        )


def _package(dist: Distribution) -> HostPackage:
    return HostPackage(name=dist.metadata["Name"], version=dist.version, digest=content_digest(dist))
