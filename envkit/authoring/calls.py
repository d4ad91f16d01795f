"""One call of an installer: what it is told, how it is shown to be pasted, and its run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envkit.api import EnvError
from envkit.authoring.pip_failures import explain_pip
from envkit.environments.uv import die_with, find_uv
from envkit.environments.uv_calls import UvCalls
from envkit.environments.uv_environment import uv_settings, without_misleading
from envkit.environments.uv_failures import Place
from envkit.masking import mask_secrets
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.environments.progress import Progress
    from envkit.owner import Owner

Program = Literal["pip", "uv", "pipx"]
_PIP_VARIABLES = {
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "NO_COLOR": "1",
}
_SHOWN_STEPS = ("Collecting ", "Downloading ", "Building ", "Installing ", "Uninstalling ", "Preparing ")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What an installer is told.

    ``variables`` say where its environments lie; ``settings`` are tables for uv's settings file, and
    ``constraints`` bounds of versions, ``overrides`` what counts instead of packages' own, a line each.
    """

    program: Program
    arguments: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    settings: str = field(default="", repr=False)
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    def cmd(self, owner: Owner) -> tuple[str, ...]:
        """Return the command as it is pasted into a shell, passwords in addresses masked."""
        words = tuple(map(mask_secrets, self.arguments))
        if self.program == "pip":
            return (str(owner.python), "-m", "pip", *words)
        return (self.program, *words)

    def text(self, owner: Owner) -> str:
        """Return the command as one line."""
        return shlex.join(self.cmd(owner))


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Run calls for one environment; ``folder`` is for files that live as long as the command.

    ``package_index`` is envkit's own setting, which beats that of pip.
    """

    owner: Owner
    folder: Path
    progress: Progress
    package_index: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def run(self, call: Call) -> list[str]:
        """Run a call to its end and return its lines. Raises: EnvError with what mends it."""
        if call.program == "uv":
            return self._run_uv(call)
        environ = {**without_misleading(self.environ), **_PIP_VARIABLES, **dict(call.variables)}
        if self.package_index:
            environ["PIP_INDEX_URL"] = self.package_index
        program = [str(self.owner.python), "-m", "pip"] if call.program == "pip" else [self._find_pipx(call)]
        return self._follow([*program, *call.arguments], environ=environ, what=call.program)

    def _run_uv(self, call: Call) -> list[str]:
        configuration = read_pip_configuration(
            environ=self.environ, package_index=self.package_index, prefix=self.owner.prefix
        )
        settings = uv_settings(configuration, environ=self.environ)
        # A tool's receipt keeps these: its next upgrade looks in the same places.
        variables = dict(call.variables)
        if call.overrides:
            file = self.folder / "overrides.txt"
            file.write_text("".join(f"{line}\n" for line in call.overrides), encoding="utf-8")
            variables["UV_OVERRIDE"] = str(file)
        settings = replace(settings, environ={**settings.environ, **variables})
        uv = UvCalls(
            settings=settings,
            place=Place(self.owner.prefix, configuration.sources.get("index_url")),
            folder=self.folder,
            progress=self.progress,
            binary=self._find_uv(),
        )
        uv.write_settings(call.settings)
        flags = settings.arguments if "uninstall" not in call.arguments else ()
        return uv(*call.arguments, *flags, constraints=call.constraints)

    def _find_uv(self) -> Path:
        """Return the uv that made the tool's environment, where the user has one of their own; else envkit's."""
        found = shutil.which("uv", path=self.environ.get("PATH")) if self.owner.kind == "uv tool" else None
        return Path(found) if found else find_uv()

    def _find_pipx(self, call: Call) -> str:
        found = shutil.which("pipx", path=self.environ.get("PATH", os.defpath))
        if found is None:
            raise EnvError(
                f"pipx, which made {self.owner.prefix}, is not on PATH",
                hint=f"Run this where it is: {call.text(self.owner)}",
            )
        return found

    def _follow(self, cmd: list[str], *, environ: Mapping[str, str], what: str) -> list[str]:
        """Run a program and return its lines. Raises: EnvError."""
        process = subprocess.Popen(
            cmd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  # one system call, looked up before the fork
        )
        lines: list[str] = []
        with process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(mask_secrets(line.rstrip()))
                    if lines[-1].strip().startswith(_SHOWN_STEPS):
                        self.progress.step(lines[-1].strip())
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            raise explain_pip(lines, status=process.returncode, what=what)
        return lines
