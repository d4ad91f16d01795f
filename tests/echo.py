"""The task `echo`: how tests install it, ask for it and wait for it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uv import find_uv_bin

from envkit.api.records import EnvironmentUse, PluginRecord, RunRequest
from envkit.environments.wheels import remake_wheel
from envkit.runs.folder import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SOURCE = Path(__file__).parent / "fixtures" / "echo_plugin"
_LONGEST_WAIT = 30.0


def install_source(site: Path) -> Path:
    """Put the plugin into a folder for PYTHONPATH, as an installer would, and return the folder."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"envkit_echo-{project['version']}.dist-info"
    info.mkdir(parents=True)
    shutil.copytree(SOURCE / "src" / "envkit_echo", site / "envkit_echo")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
        f"Summary: {project['description']}\nProject-URL: Issues, {project['urls']['Issues']}\n",
        encoding="utf-8",
    )
    tasks = project["entry-points"]["envkit.tasks"]
    lines = "".join(f"{name} = {target}\n" for name, target in tasks.items())
    (info / "entry_points.txt").write_text(f"[envkit.tasks]\n{lines}", encoding="utf-8")
    return site


def build_wheel(source: Path, folder: Path) -> Path:
    """Build a project's wheel with pip, so with the user's own index and the project's own backend."""
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*pip, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_venv(folder: Path, *wheels: Path, packages: Sequence[str]) -> Path:
    """Make a virtual environment of wheels and of packages that are here, offline; return its Python."""
    remade = folder.parent / f"{folder.name}-wheels"
    remade.mkdir()
    files = [*wheels, *(remake_wheel(distribution(name), folder=remade) for name in packages)]
    python = folder / "bin" / "python"
    uv = [find_uv_bin(), "--quiet", "--no-config", "--offline"]
    subprocess.run([*uv, "venv", "--no-project", "--python", sys.executable, str(folder)], check=True)
    install = [*uv, "pip", "install", "--no-deps", "--no-index", "--python", str(python)]
    subprocess.run([*install, *map(str, files)], check=True)
    return python


def echo_request(*, python: Path | None = None, **options: Any) -> RunRequest:
    """Return the request of a run in this interpreter, or in an environment's ``python``."""
    kind = "current" if python is None else "venv"
    return RunRequest(
        id=new_run_id("echo"),
        task="echo",
        plugin=PluginRecord(distribution="envkit-echo", version="0.1.0"),
        options={"batch_size": 8, **options},
        sources={name: "default" for name in options},
        environment=EnvironmentUse(
            kind=kind, name="echo-env", python=str(python or sys.executable), reason="the test says so"
        ),
        envkit=version("envkit-ml"),
        created="2026-11-22T14:15:03Z",
        headline="echo_score",
        seconds_before={"environment": 1.5},
    )


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; fail when it takes half a minute."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def living_processes(group: int) -> list[int]:
    """Return the processes of this group that are alive (a zombie is not)."""
    return [pid for pid, owner, state in _processes() if owner == group and not state.startswith("Z")]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Yield id, group and state of every process: from /proc, as not every Linux has ps, or from ps."""
    if not Path("/proc/self/stat").exists():
        done = subprocess.run(["ps", "-Ao", "pid=,pgid=,state="], check=True, capture_output=True, text=True)
        for pid, group, state in map(str.split, done.stdout.splitlines()):
            yield int(pid), int(group), state
        return
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # gone meanwhile
            state, _, group = file.read_text().rpartition(")")[2].split()[:3]
            yield int(file.parent.name), int(group), state
