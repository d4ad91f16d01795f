"""Small real environments in a store: a venv without packages, and one that a conda prefix looks like."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
from environments.stored import record_of, wanted
from uv import find_uv_bin

from envkit.environments.store import change_environment, find_stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.environments.flock import FileLock
    from envkit.environments.records import EnvRecord, StoredEnvironment

SITE = f"lib/python3.{sys.version_info.minor}/site-packages"
# What a kernel starts in place of the real launcher: it says where it is, and waits.
LAUNCHER = {
    f"{SITE}/ipykernel-6.29.dist-info/METADATA": "",
    f"{SITE}/ipykernel_launcher.py": (
        "import os, sys\nprint(sys.prefix, sys.argv[1:], os.getpid(), flush=True)\nsys.stdin.read()\n"
    ),
}


def make_small(
    home: Path, name: str, *, backend: str = "venv", files: Mapping[str, str] | None = None
) -> StoredEnvironment:
    """Make the next generation of an environment; ``files`` are laid into it, by their paths."""

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        uv = [find_uv_bin(), "--quiet", "--no-config", "venv", "--no-project", "--prompt", name]
        subprocess.run([*uv, "--python", sys.executable, str(prefix)], check=True)
        for place, text in (files or {}).items():
            file = prefix / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            file.chmod(0o755)
        record = record_of(wanted(name=name), generation=generation)
        return msgspec.structs.replace(record, backend=backend, envkit=None)  # there is none in it

    change_environment(
        home, name, is_fit=lambda prefix, record: "", build=build, say=lambda text: None
    ).release()
    return find_stored(home, name)


def make_small_conda(home: Path, name: str) -> StoredEnvironment:
    """Make an environment whose activation takes a script of a package's and a variable of the user's."""
    scripts = {
        "etc/conda/activate.d/licence.sh": 'export LICENCE="$CONDA_PREFIX/licence"\n',
        "etc/conda/deactivate.d/licence.sh": "unset LICENCE\n",
        "etc/conda/activate.d/licence.fish": "set -gx LICENCE $CONDA_PREFIX/licence\n",
        "etc/conda/deactivate.d/licence.fish": "set -e LICENCE\n",
        "etc/conda/activate.d/licence.csh": 'setenv LICENCE "$CONDA_PREFIX:q/licence"\n',
        "etc/conda/deactivate.d/licence.csh": "unsetenv LICENCE\n",
        "conda-meta/state": '{"env_vars": {"LEVEL": "of $the user\'s"}}',
    }
    return make_small(home, name, backend="conda", files=scripts)
