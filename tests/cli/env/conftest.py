"""Commands that find their packages in folders alone, and packages to put there."""

from __future__ import annotations

import base64
import hashlib
import sys
from importlib.metadata import PathDistribution, distribution
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.environments.wheels import remake_wheel

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]

LIBRARY = f"lib/python3.{sys.version_info.minor}/site-packages"


def install(
    library: Path, name: str, version: str, *, headers: tuple[str, ...] = (), entry_points: str = ""
) -> PathDistribution:
    """Install a package of one module into a library, as an installer leaves it."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(
            ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *headers, ""]
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if entry_points:
        files[f"{info}/entry_points.txt"] = entry_points
    lines = []
    for place, text in files.items():
        (library / place).parent.mkdir(parents=True, exist_ok=True)
        (library / place).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{place},sha256={digest},{len(text.encode())}\n")
    (library / info / "RECORD").write_text("".join([*lines, f"{info}/RECORD,,\n"]))
    return PathDistribution(library / info)


@pytest.fixture(scope="session")
def old_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny` 1.5 and `other`, which needs it."""
    folder = tmp_path_factory.mktemp("wheels")
    library = tmp_path_factory.mktemp("prefix") / LIBRARY
    remake_wheel(install(library, "tiny", "1.5"), folder=folder)
    remake_wheel(install(library, "other", "1.0", headers=("Requires-Dist: tiny",)), folder=folder)
    for name in ("pluggy", "msgspec"):  # what envkit needs wherever a task is
        remake_wheel(distribution(name), folder=folder)
    return folder


@pytest.fixture(scope="session")
def new_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny` 1.6."""
    folder = tmp_path_factory.mktemp("wheels")
    library = tmp_path_factory.mktemp("prefix") / LIBRARY
    remake_wheel(install(library, "tiny", "1.6"), folder=folder)
    return folder


@pytest.fixture
def envkit(envkit_with: Callable[[Path], Command], old_wheels: Path) -> Command:
    """Run a command that knows the older folder of packages and no index."""
    return envkit_with(old_wheels)


@pytest.fixture
def data_of() -> Callable[[subprocess.CompletedProcess[str]], Any]:
    """Read the data in the envelope of a command that went well."""

    def read(done: subprocess.CompletedProcess[str]) -> Any:
        assert done.returncode == 0, done.stdout + done.stderr
        return msgspec.json.decode(done.stdout)["data"]

    return read


@pytest.fixture
def plugin_library(tmp_path: Path) -> Path:
    """Return a library with a plugin whose task `whisper` needs no torch."""
    library = tmp_path / "plugin" / LIBRARY
    install(
        library,
        "envkit-whisper",
        "0.3",
        headers=("Requires-Dist: tiny", "Requires-Python: >=3.11"),
        entry_points="[envkit.tasks]\nwhisper = envkit_whisper\n",
    )
    return library
