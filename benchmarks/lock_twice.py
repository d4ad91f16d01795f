"""Lock a task's environment, make it twice, and compare all that came of it, file by file.

    python benchmarks/lock_twice.py [--task ner]

The lock has to be the same to the byte when it is made again, both environments the same to the last file of every
package, and a lock with one digit of a hash changed has to be refused. Takes torch; ends with an error where one
of these does not hold.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# An installer's notes of where and when it took a wheel: envkit's own are made anew each time.
_NOTES = (".dist-info/direct_url.json", ".dist-info/uv_cache.json")


def main() -> None:
    """Lock, make, compare; print a line a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", default="ner")
    task = parser.parse_args().task
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lock = folder / "envkit.lock"
        envkit(folder, "lock", "--task", task)
        first = lock.read_bytes()
        lock.unlink()
        envkit(folder, "lock", "--task", task)
        check(lock.read_bytes() == first, "the lock made anew is the same to the byte")
        envkit(folder, "lock", "--check")
        for each in ("one", "two"):
            envkit(folder, "env", "create", each, "--locked")
        one, two = (hashes(folder / "home/envs" / each) for each in ("one", "two"))
        check(one == two, f"both environments hold the same {len(one)} files, by their hashes")
        envkit(folder, "env", "remove", "one", "two", "--yes")
        lock.write_bytes(with_other_hash(first))
        refused = envkit(folder, "env", "create", "one", "--locked", status=2)
        check("by hand" in refused, "a lock with another hash in it is refused")


def envkit(folder: Path, *words: str, status: int = 0) -> str:
    """Run a command in the folder and return what it said. Raises: SystemExit if it ends otherwise."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        cwd=folder,
        env={**os.environ, "ENVKIT_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{time.monotonic() - began:6.1f} s  envkit {' '.join(words)}")
    if done.returncode != status:
        raise SystemExit(f"status {done.returncode}:\n{done.stderr}")
    return done.stderr


def hashes(prefix: Path) -> dict[str, str]:
    """Return the hash of every file of every package, but for scripts, which name their own environment."""
    found = {}
    for record in prefix.glob("lib/python*/site-packages/*.dist-info/RECORD"):
        with record.open(newline="") as file:
            rows = [row for row in csv.reader(file) if row[1]]
        found |= {
            row[0]: row[1] for row in rows if not row[0].startswith("../") and not row[0].endswith(_NOTES)
        }
    return found


def with_other_hash(lock: bytes) -> bytes:
    """Return the lock with the first digit of its last hash changed."""
    at = lock.rindex(b'sha256 = "') + len(b'sha256 = "')
    return lock[:at] + (b"0" if lock[at : at + 1] != b"0" else b"1") + lock[at + 1 :]


def check(holds: bool, what: str) -> None:
    """Say what holds. Raises: SystemExit if it does not."""
    if not holds:
        raise SystemExit(f"it is not so that {what}")
    print(f"          {what}")


if __name__ == "__main__":
    main()
