"""The command that adds a package to an interpreter."""

from __future__ import annotations

import pytest

from envkit.data.lacking import install_command


@pytest.mark.parametrize(
    ("has_pip", "expected"),
    [
        (True, "'/my envs/bin/python' -m pip install pyarrow"),
        (False, "uv pip install --python '/my envs/bin/python' pyarrow"),
    ],
)
def test_install_command_names_the_interpreter_that_lacks_the_package(has_pip: bool, expected: str) -> None:
    assert install_command("pyarrow", python="/my envs/bin/python", has_pip=has_pip) == expected
