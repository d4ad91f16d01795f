"""What programs print while standard output is kept goes where errors go."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from envkit.registry.output_kept import output_kept

if TYPE_CHECKING:
    import pytest

PROGRAM = """
import os, sys
from envkit.registry.output_kept import output_kept
print("before")
with output_kept():
    print("ours")
    os.system("echo theirs")
    kept = sys.stdout
    print("ours again")
kept.write("of a thread that is late\\n")
kept.flush()
print("after")
"""


def test_output_kept_has_envkits_own_words_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with output_kept():
        sys.stdout.write("ours\n")
        os.write(1, b"theirs\n")
    os.write(1, b"later\n")

    assert capfd.readouterr() == ("ours\nlater\n", "theirs\n")


def test_output_kept_of_a_process_is_whole_and_in_order() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["before", "ours", "ours again", "of a thread that is late", "after"]
    assert done.stderr == "theirs\n"
