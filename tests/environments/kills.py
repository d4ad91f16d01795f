"""Environments made and changed by `envkit env`, killed at random moments, and what must hold after each kill.

No network is needed: wheels come from a folder, and for conda a channel of this interpreter from another.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.stored import lies_in

from envkit.environments.flock import try_lock
from envkit.environments.store import envs_dir, list_environments

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from envkit.environments.records import StoredEnvironment

_BULK_FILES = 1500  # unpacking takes a while, so that kills fall into it
_PATIENCE = 300.0
_LOOK = """
import importlib, json, sys
from pathlib import Path
names = sys.argv[1:]
modules = [importlib.import_module(name.replace("-", "_")) for name in names]
print(json.dumps({name: len(list(Path(m.__file__).parent.glob("file_*.py"))) for name, m in zip(names, modules)}))
"""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where environments of one backend are made offline, and the variables that say so."""

    home: Path
    backend: str
    environ: Mapping[str, str]

    def create(self, name: str) -> list[str]:
        """Return the command that makes an environment with the bulky package."""
        words = ["create", name, "--backend", self.backend, "--with", "kill-bulk", "--python", _minor()]
        return [sys.executable, "-m", "envkit", "env", *words]

    def sync(self, name: str, part: int) -> list[str]:
        """Return the command that adds one of the small packages."""
        return [sys.executable, "-m", "envkit", "env", "sync", name, "--with", f"kill-part-{part}", "--yes"]


@dataclass(frozen=True, kw_only=True)
class Kill:
    """A kill: ``after`` how many seconds, whether children died as well, and what stood there afterwards."""

    command: str
    after: float
    with_children: bool
    left: str


def make_workplace(folder: Path, *, backend: str, parts: int) -> Workplace:
    """Write the wheels, and for conda the channel, and return where to work with them."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    _write_wheel(wheels, "kill-bulk", files=_BULK_FILES)
    for part in range(parts):
        _write_wheel(wheels, f"kill-part-{part}", files=3)
    temporary = folder / "tmp"
    temporary.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "ENVKIT_HOME": str(folder / "home"),
        "UV_CACHE_DIR": str(folder / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),  # pip splits paths at blanks
        "NO_COLOR": "1",
    }
    if backend == "conda":
        environ["ENVKIT_CHANNELS"] = _channel(folder / "channel")
    return Workplace(home=folder / "home", backend=backend, environ=environ)


def straight(place: Workplace, command: list[str]) -> float:
    """Run a command to its end, which must be a good one; return the seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        command, env=place.environ, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return time.monotonic() - began


def kill_creations(place: Workplace, *, kills: int, dice: random.Random) -> Iterator[Kill]:
    """Kill the making of an environment, look, make it, and go on with the next name."""
    seconds = straight(place, place.create("straight"))
    done = 0
    while done < kills:
        name = f"killed-{dice.getrandbits(32):08x}"
        killed = _kill(place, place.create(name), within=seconds, dice=dice)
        left = _sound(place, {"straight"}, may_have=name)
        seconds = straight(place, place.create(name))
        _sound(place, {"straight", name})
        _tidy(place)
        straight(place, _remove(name))
        if killed is not None:
            done += 1
            state = "the new one" if name in left else "none"
            yield Kill(command="create", after=killed[0], with_children=killed[1], left=state)


def kill_changes(place: Workplace, *, kills: int, dice: random.Random) -> Iterator[Kill]:
    """Kill a change, look whether the old environment works, change it, and go on with the next change."""
    name = "changed"
    straight(place, place.create(name))
    seconds = straight(place, place.sync(name, 0))
    part = done = 0
    while done < kills:
        part += 1
        before = _parts(place, name)
        killed = _kill(place, place.sync(name, part), within=seconds, dice=dice)
        _sound(place, {name})
        after = _parts(place, name)
        assert after in (before, before | {part}), f"{before} became {after}"
        seconds = straight(place, place.sync(name, part))
        _sound(place, {name})
        assert _parts(place, name) == before | {part}
        _unlocked(place)
        if killed is not None:
            done += 1
            state = "the new one" if part in after else "the old one"
            yield Kill(command="sync", after=killed[0], with_children=killed[1], left=state)
    straight(place, place.sync(name, part + 1))  # one that has something to do clears what is old
    _tidy(place)


def together(place: Workplace, names: list[str]) -> dict[str, int]:
    """Make environments of these names all at once; return how often each was made."""
    started = [
        subprocess.Popen(
            place.create(name),
            env=place.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in started:
        _, errors = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 0, errors
    _sound(place, set(names))
    _tidy(place)
    return {each.name: each.record.generation for each in list_environments(place.home) if each.name in names}


def _kill(
    place: Workplace, command: list[str], *, within: float, dice: random.Random
) -> tuple[float, bool] | None:
    after, with_children = dice.uniform(0, within), dice.random() < 0.5
    process = subprocess.Popen(
        command,
        env=place.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        if with_children:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return after, with_children
    assert process.returncode == 0, command
    return None


def _sound(place: Workplace, expected: set[str], *, may_have: str | None = None) -> set[str]:
    """Check that what is listed is whole, and return its names."""
    listed = list_environments(place.home)
    names = {stored.name for stored in listed}
    assert names >= expected, f"{expected - names} is gone"
    for stored in listed:
        if stored.name in expected or stored.name == may_have:
            _whole(stored)
    return names


def _whole(stored: StoredEnvironment) -> None:
    inside = [name for name in stored.record.installed if name.startswith("kill-")]
    done = subprocess.run(
        [stored.link / "bin/python", "-I", "-c", _LOOK, *inside], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{stored.name} does not work: {done.stderr}"
    found = json.loads(done.stdout)
    assert found == {name: _BULK_FILES if name == "kill-bulk" else 3 for name in inside}, stored.name


def _parts(place: Workplace, name: str) -> set[int]:
    (stored,) = [each for each in list_environments(place.home) if each.name == name]
    return {
        int(package.rpartition("-")[2])
        for package in stored.record.installed
        if package.startswith("kill-part-")
    }


def _tidy(place: Workplace) -> None:
    """Check that nothing is left but the environments there are, and that nobody holds a lock."""
    expected = set()
    for stored in list_environments(place.home):
        prefix = f".made/{stored.prefix.name}"
        expected |= {stored.name, prefix, f"{prefix}.in-use", f".made/{stored.name}.lock"}
    assert lies_in(place.home) == expected
    _unlocked(place)


def _unlocked(place: Workplace) -> None:
    for file in _lock_files(place.home):
        lock = try_lock(file, shared=False)
        assert lock is not None, f"{file} is held"
        lock.release()


def _lock_files(home: Path) -> Iterator[Path]:
    for pattern in ("*.lock", "*.in-use"):
        yield from (envs_dir(home) / ".made").glob(pattern)


def _remove(name: str) -> list[str]:
    return [sys.executable, "-m", "envkit", "env", "remove", name, "--yes"]


def _minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _channel(folder: Path) -> str:
    from conda_channel import build_channel, python_package

    return build_channel(folder, [(python_package(), ".conda")]).url


def _write_wheel(folder: Path, name: str, *, files: int) -> None:
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    contents = {f"{module}/__init__.py": ""}
    contents |= {f"{module}/file_{number}.py": f"NUMBER = {number}\n" * 20 for number in range(files)}
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [
        f"{path},sha256={_digest(text.encode())},{len(text.encode())}\n" for path, text in contents.items()
    ]
    contents[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
