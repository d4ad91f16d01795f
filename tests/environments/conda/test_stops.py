"""Hard stops, several at once, two file systems: what is made is whole, or is not there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from conda_prefixes import Made, context, install

from envkit.environments.flock import lock_exclusively, try_lock

KILLED = """
import sys, pathlib, msgspec
from envkit.api import BackendContext, Base
from envkit.environments.conda.backend import CondaBackend
from envkit.environments.flock import lock_exclusively

class Told:
    def step(self, text): print(text, flush=True)

base = msgspec.json.decode(sys.argv[1], type=Base)
at = msgspec.json.decode(sys.argv[2], type=BackendContext, dec_hook=lambda kind, text: kind(text))
prefix = pathlib.Path(sys.argv[3])
with lock_exclusively(pathlib.Path(sys.argv[4])) as lock:
    CondaBackend().install(
        base, prefix, requested=(), context=at, progress=Told(), inherited=[lock.fileno()]
    )
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("wait", [0.0, 0.3, 0.7, 1.1])
def test_install_killed_stops_writing_at_once_and_the_next_succeeds(
    sent: signal.Signals, wait: float, made: Made, tmp_path: Path
) -> None:
    old, base = made.at, made.base
    at, prefix, lock_file = context(tmp_path, *old.channels), tmp_path / "env", tmp_path / "lock"
    arguments = [
        msgspec.json.encode(base).decode(),
        msgspec.json.encode(at, enc_hook=str).decode(),
        str(prefix),
        str(lock_file),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None and process.stdout.readline()
    time.sleep(wait)

    process.send_signal(sent)
    process.wait(10)
    process.stdout.close()

    ended = time.monotonic()
    while (lock := try_lock(lock_file, shared=False)) is None:
        assert time.monotonic() - ended < 5, "somebody still writes"
        time.sleep(0.02)
    lock.release()
    there = _names(prefix)
    time.sleep(0.2)
    assert _names(prefix) == there
    shutil.rmtree(prefix, ignore_errors=True)
    with lock_exclusively(lock_file):
        install(base, prefix, at)
    assert subprocess.check_output([prefix / "bin/say-hello"], text=True).strip() == "hello from hello"


def _names(folder: Path) -> set[str]:
    return {str(file) for file in folder.rglob("*")}


@pytest.mark.slow
def test_install_several_at_once_share_a_cache(made: Made, tmp_path: Path) -> None:
    old, base = made.at, made.base
    at = context(tmp_path, *old.channels)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: install(base, tmp_path / f"env{number}", at), range(4)))

    for number in range(4):
        assert (tmp_path / f"env{number}/bin/say-hello").is_file()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/shm is Linux's")
def test_install_cache_on_another_file_system_copies(made: Made, tmp_path: Path) -> None:
    old, base = made.at, made.base
    cache_dir = Path("/dev/shm") / f"envkit-test-{os.getpid()}"
    try:
        at = context(tmp_path, *old.channels, cache_dir=cache_dir)
        install(base, tmp_path / "env", at)
        shutil.rmtree(cache_dir)
        assert (
            subprocess.check_output([tmp_path / "env/bin/say-hello"], text=True).strip() == "hello from hello"
        )
    finally:
        shutil.rmtree(cache_dir, ignore_errors=True)
