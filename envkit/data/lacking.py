"""How a package that is lacking comes into the running interpreter."""

from __future__ import annotations

from envkit import owner


def install_command(package: str) -> str:
    """Return the command that installs a package into the environment of the running interpreter.

    It is that of whatever made the environment: pip, uv, uv tool, pipx, pixi, or envkit itself.
    """
    return owner.install_command(package)
