"""The doctor ends, whatever a machine does to it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HANGS = """
import time
from envkit.cli.doctor_time import limited

with limited(as_json={as_json}, seconds=0.2):
    print("half", flush=True) if not {as_json} else None
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
def test_limited_work_that_never_ends_is_given_up_with_1(as_json: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS.format(as_json=as_json)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    if as_json:
        assert "did not let the doctor finish" in json.loads(done.stdout)["error"]["message"]
    else:
        assert done.stdout == "half\n" and done.stderr.startswith("error: this machine did not let")
