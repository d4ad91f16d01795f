"""The backend of conda prefixes: Python, and what is not Python, from conda's channels."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import msgspec

from envkit.api import Base, BasePackage, EnvError
from envkit.environments.conda.jobs import Bytes, Failed, InstallJob, Package, Solved, SolveJob, Step
from envkit.environments.conda.process import PROCESSES
from envkit.environments.prefix_names import link_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.api import BackendContext, BaseProgress, BaseRequest
    from envkit.environments.conda.jobs import ChannelSource, Installed, Job
    from envkit.environments.conda.process import RattlerProcesses
    from envkit.environments.conda.settings import CondaSettings

# Of conda's names of systems and machines, those that differ from the kernel's.
_SYSTEMS = {"darwin": "osx", "windows": "win"}
_MACHINES = {"x86_64": "64", "amd64": "64", "i686": "32", "i386": "32"}
_SUBDIR = re.compile(r"(linux|osx|win|freebsd|emscripten|wasi|zos)-[a-z0-9]+")


class CondaBackend:
    """Makes conda prefixes with py-rattler; needs no conda."""

    name = "conda"
    summary = "a conda prefix: Python and what is not Python, from conda's channels"

    def __init__(self, *, processes: RattlerProcesses | None = None) -> None:
        # Addresses with passwords that a plan was asked with: no record holds them, and installing needs them.
        self._given: dict[str, ChannelSource] = {}
        self._processes = processes or PROCESSES

    def plan(self, request: BaseRequest, *, context: BackendContext) -> Base:
        """Solve. Raises: EnvError for packages that cannot be had together, and for channels out of reach."""
        _check_installed()
        with self._processes.lend(context.environ, keeps=True) as process:
            from envkit.environments.conda.settings import conda_settings  # which venvs do without

            settings = conda_settings(context, channels=request.channels)
            self._given |= {channel.url: channel for channel in settings.channels if channel.mirrors}
            job = SolveJob(
                channels=settings.channels,
                specs=(python_spec(request.python), *request.packages),
                subdir=subdir_of(request.system, request.machine),
                virtual_packages=request.virtual_packages,
                priority=settings.condarc.channel_priority,
                prefer=_packages(request.prefer),
                cache_dir=str(context.cache_dir),
                network=settings.network,
            )
            answer = _checked(process.run(job), job, settings, context=context)
        assert isinstance(answer, Solved)
        packages = msgspec.convert(answer.packages, tuple[BasePackage, ...], from_attributes=True)
        python = next((package for package in packages if package.name == "python"), None)
        if python is None:
            raise EnvError(
                f"{' and '.join(each.name for each in settings.channels)} gives no package python",
                hint="Add a channel that has it: --channel conda-forge",
            )
        return Base(backend=self.name, python=python.version, packages=packages)

    def install(
        self,
        base: Base,
        prefix: Path,
        *,
        requested: Sequence[str],
        context: BackendContext,
        progress: BaseProgress,
        inherited: Sequence[int],
    ) -> None:
        """Fetch and link the packages, run their link scripts, and list the prefix where conda looks.

        Raises: EnvError, also for a package whose hash is not the one planned.
        """
        _check_installed()
        progress.step(f"fetching {len(base.packages)} conda packages")
        with self._processes.lend(context.environ, keeps=False) as process:
            from envkit.environments.conda.settings import conda_settings

            settings = conda_settings(context)
            known = {channel.url: channel for channel in settings.channels} | self._given
            job = InstallJob(
                packages=_packages(base.packages),
                channels=tuple(known.values()),
                prefix=str(prefix),
                subdir=_subdir_in(base),
                requested=(python_spec(f"=={'.'.join(base.python.split('.')[:2])}.*"), *requested),
                cache_dir=str(context.cache_dir),
                packages_dir=str(settings.packages_dir),
                network=settings.network,
            )
            answer = process.run(job, inherited=inherited, on_progress=lambda said: _tell(progress, said))
            _checked(answer, job, settings, context=context)
        from envkit.environments.conda import known_prefixes  # solving need not wait for it

        known_prefixes.remember(link_of(prefix), environ=context.environ)

    def activate(self, prefix: Path, *, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that ``conda activate`` leaves, those of packages' own scripts too.

        Raises: EnvError where such a script ends the shell.
        """
        from envkit.environments.conda.activation import activated_variables

        return activated_variables(prefix, environ=environ)

    def activation_script(self, prefix: Path, *, shell: str) -> str:
        """Return what that shell has to read; ``deactivate`` comes with it. Raises: EnvError."""
        from envkit.environments.conda.activation_scripts import write_activation

        return write_activation(prefix, shell=shell)

    def forget(self, link: Path, *, environ: Mapping[str, str]) -> None:
        """Take the path under which people found a removed prefix off conda's list."""
        from envkit.environments.conda import known_prefixes

        known_prefixes.forget(link, environ=environ)


def subdir_of(system: str, machine: str) -> str:
    """Return conda's word for a kind of machine, such as ``linux-64`` or ``osx-arm64``."""
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine.lower(), machine.lower())}"


def python_spec(wanted: str) -> str:
    """Return conda's spec for a range of Python versions, which it writes alike but for ``==3.12.*``."""
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    parts = [
        part.lstrip("=").strip() if part.startswith("==") and part.endswith("*") else part for part in parts
    ]
    return f"python {','.join(part.replace(' ', '') for part in parts)}".strip()


def _packages(packages: Sequence[BasePackage]) -> tuple[Package, ...]:
    return msgspec.convert(packages, tuple[Package, ...], from_attributes=True)


def _subdir_in(base: Base) -> str:
    """Return the kind of machine that a base is for; a package named by its address may lie in any folder."""
    for package in sorted(base.packages, key=lambda package: package.name != "python"):
        folder = package.url.split("/")[-2]
        if _SUBDIR.fullmatch(folder):
            return folder
    return "noarch"


def _checked(
    answer: Solved | Installed | Failed, job: Job, settings: CondaSettings, *, context: BackendContext
) -> Solved | Installed:
    if isinstance(answer, Failed):
        from envkit.environments.conda.failures import explain_failure

        raise explain_failure(
            answer,
            channels=job.channels,
            proxies=job.network.proxies,
            cache_dir=settings.packages_dir,
            home_dir=context.cache_dir.parent.parent,
        )
    return answer


def _tell(progress: BaseProgress, said: Step | Bytes) -> None:
    if isinstance(said, Step):
        progress.step(said.text)
        return
    show = getattr(progress, "bytes", None)
    if show is not None:
        show(said.done, said.total, said.what)


def _check_installed() -> None:
    for module, package in (("rattler", "py-rattler"), ("yaml", "PyYAML")):
        if importlib.util.find_spec(module) is None:
            from envkit.owner import install_command  # for an error alone

            raise EnvError(
                f"{package}, which conda environments need, is not installed",
                hint=f"Install it: {install_command('envkit-ml[conda]')}",
            )
