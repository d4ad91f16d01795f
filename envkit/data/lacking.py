"""How a package that is lacking comes into the running interpreter."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec


def install_command(package: str, *, python: str = sys.executable, has_pip: bool | None = None) -> str:
    """Return the command that installs a package into an interpreter, by default the running one.

    Environments that envkit makes have no pip of their own: uv, which made them, then installs.
    """
    has_pip = find_spec("pip") is not None if has_pip is None else has_pip
    installer = [python, "-m", "pip", "install"] if has_pip else ["uv", "pip", "install", "--python", python]
    return shlex.join([*installer, package])
