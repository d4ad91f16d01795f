"""What a plugin costs its author: the lines beyond the scaffold, and the seconds to a package that is checked.

``python benchmarks/plugin_author.py [lines|time]``; without a word, both.

Lines: the scaffold is made anew under the name of ``tests/thirdparty/envkit-relation`` and compared with it, file by
file of its Python code. Counted are lines that are added or changed and neither blank nor a comment (docstrings and
imports count); tests, and what writes the sample data, do not. The bar: at most 150.

Time: ``envkit plugin new`` to a green ``envkit plugin check``, without an edit, caches warm: the median of whole
scripts, each in a folder of its own, where a run's environment has been made before. The bar: at most 90 s.
"""

from __future__ import annotations

import argparse
import difflib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from envkit.authoring.names import PluginNames
from envkit.authoring.skeleton import Metadata, render_skeleton

PLUGIN = Path(__file__).parents[1] / "tests" / "thirdparty" / "envkit-relation"
LINES_BAR, SECONDS_BAR = 150, 90.0
NAME = "timed-by-envkit"


@dataclass(frozen=True)
class FileCount:
    """How many lines of a file count, of those that its author added or changed, and how many of the scaffold are gone."""

    name: str
    written: int
    gone: int


def main() -> None:
    """Count, measure and print; end with 1 where a bar is not kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["lines", "time"])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    kept = [
        measure(given.repeats) if what == "time" else count()
        for what in ("lines", "time")
        if given.what in (None, what)
    ]
    if not all(kept):
        raise SystemExit(1)


def count() -> bool:
    """Print the lines of each file, and tell whether the bar is kept."""
    files = count_lines(PLUGIN)
    total = sum(each.written for each in files)
    print(f"{'file of ' + PLUGIN.name:<40} {'written':>8} {'gone':>8}")
    for each in files:
        print(f"{each.name:<40} {each.written:>8} {each.gone:>8}")
    print(f"{'all':<40} {total:>8} {sum(each.gone for each in files):>8}   (bar: {LINES_BAR})")
    return total <= LINES_BAR


def count_lines(plugin: Path) -> list[FileCount]:
    """Count the lines of a package's code that its scaffold does not have."""
    names = PluginNames(plugin.name.removeprefix("envkit-"))
    metadata = Metadata(summary="", author="", licence="Apache-2.0", python=">=3.11", dependencies=())
    scaffold = {place: text for place, text in render_skeleton(names, metadata).items() if _is_code(place)}
    ours = {
        file.relative_to(plugin): file.read_bytes()
        for file in plugin.rglob("*.py")
        if _is_code(file.relative_to(plugin))
    }
    return [
        _compare(place, scaffold.get(place, b""), ours.get(place, b""))
        for place in sorted({*scaffold, *ours})
    ]


def _is_code(place: Path) -> bool:
    return place.suffix == ".py" and place.parts[0] == "src"


def _compare(place: Path, before: bytes, after: bytes) -> FileCount:
    old, new = before.decode().splitlines(), after.decode().splitlines()
    written = gone = 0
    for kind, from_old, to_old, from_new, to_new in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            gone += sum(map(_counts, old[from_old:to_old]))
            written += sum(map(_counts, new[from_new:to_new]))
    return FileCount(place.as_posix(), written, gone)


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def measure(repeats: int) -> bool:
    """Print the seconds of each command, and tell whether the bar is kept."""
    print(f"{'run':<12} {'plugin new':>12} {'plugin check':>14} {'both':>8}")
    with tempfile.TemporaryDirectory(prefix="envkit-author-") as folder:
        home = Path(folder) / "home"
        both = []
        for number in range(repeats + 1):
            place = Path(folder) / str(number)
            place.mkdir()
            new = _seconds(["plugin", "new", NAME, "--yes"], place, home)
            check = _seconds(["plugin", "check", f"envkit-{NAME}"], place, home)
            label = str(number) if number else "cold"
            print(f"{label:<12} {new:>11.1f}s {check:>13.1f}s {new + check:>7.1f}s", flush=True)
            if number:
                both.append(new + check)
    median = statistics.median(both)
    print(f"{'median':<12} {'':>12} {'':>14} {median:>7.1f}s   (bar: {SECONDS_BAR:.0f})")
    return median <= SECONDS_BAR


def _seconds(words: list[str], folder: Path, home: Path) -> float:
    """Return the seconds of one command of envkit. Raises: SystemExit where it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        cwd=folder,
        env={**os.environ, "ENVKIT_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"envkit {' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
