"""``envkit doctor`` against ``python -c "import click, rich.console"``, by turns, caches warm.

``python benchmarks/doctor_speed.py [--repeats 9]``: medians of whole processes. Docker's engine answers in its own
time: DOCKER_HOST names a socket that is not there, unless ``--docker`` is given. The bar: at most 3.5 times.
"""

from __future__ import annotations

import argparse
import os
import pty
import statistics
import subprocess
import sys
import threading
import time

BAR = 3.5
BASE = [sys.executable, "-c", "import click, rich.console"]
DOCTOR = [sys.executable, "-m", "envkit", "doctor"]
WITHOUT_ENGINE = "unix:///nowhere/docker.sock"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--docker", action="store_true", help="wait for Docker's answer too")
    parser.add_argument("--terminal", action="store_true", help="give the doctor a terminal to write to")
    given = parser.parse_args()
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if not given.docker:
        environ["DOCKER_HOST"] = WITHOUT_ENGINE
    run = in_terminal if given.terminal else in_pipe
    for cmd in (BASE, DOCTOR):  # fills the caches
        run(cmd, environ)
    base, doctor = [], []
    for _ in range(given.repeats):
        base.append(in_pipe(BASE, environ))
        doctor.append(run(DOCTOR, environ))
    least, ours = statistics.median(base), statistics.median(doctor)
    pairs = ", ".join(f"{one / other:.2f}" for one, other in zip(doctor, base, strict=True))
    print(f"doctor {ours * 1000:.0f} ms, click and rich {least * 1000:.0f} ms: {ours / least:.2f} times")
    print(f"bar {BAR}; pairs {pairs}; fastest {min(doctor) * 1000:.0f} and {min(base) * 1000:.0f} ms")


def in_pipe(cmd: list[str], environ: dict[str, str]) -> float:
    """Return the seconds of a process whose output nobody looks at."""
    start = time.perf_counter()
    done = subprocess.run(cmd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 1), done
    return time.perf_counter() - start


def in_terminal(cmd: list[str], environ: dict[str, str]) -> float:
    """Return the seconds of a process that writes to a terminal."""
    ours, its = pty.openpty()
    reader = threading.Thread(target=drain, args=[ours], daemon=True)
    reader.start()
    start = time.perf_counter()
    done = subprocess.run(cmd, env=environ, stdin=its, stdout=its, stderr=its, check=False)
    seconds = time.perf_counter() - start
    os.close(its)
    assert done.returncode in (0, 1), done
    return seconds


def drain(terminal: int) -> None:
    """Read until the terminal is closed."""
    try:
        while os.read(terminal, 1 << 16):
            continue
    except OSError:
        return


if __name__ == "__main__":
    main()
