"""The command that adds a package to the running interpreter."""

from __future__ import annotations

from envkit.data.lacking import install_command
from envkit.owner import find_owner


def test_install_command_is_that_of_the_owner_of_the_interpreter() -> None:
    assert install_command("pyarrow") == find_owner().install_text("pyarrow")
