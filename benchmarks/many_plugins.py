"""Time `envkit --help` and `envkit run --help` with many plugins installed and with none, by turns.

``python benchmarks/many_plugins.py [--plugins 50] [--repeats 21]``: medians of whole processes. Each plugin is a
distribution as an installer leaves it, with a README of 4 kB in its metadata and a module that writes a file when it
is imported: no file may be there at the end. The bar: 1.2 times none.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAR = 1.2
COMMANDS = (("--help",), ("run", "--help"))
README = "\n".join(["## What it does", "", "It marks what the text is about, word by word.", ""] * 60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plugins", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=21)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        site, empty = Path(scratch) / "site", Path(scratch) / "empty"
        empty.mkdir()
        for number in range(given.plugins):
            install(site, number)
        print(f"{given.plugins} plugins, medians of {given.repeats}, in ms:")
        for words in COMMANDS:
            ratio, text = compare(words, site=site, empty=empty, repeats=given.repeats)
            print(f"envkit {' '.join(words)}: {text}{'' if ratio <= BAR else ', above the bar'}")
        imported = [file.name for file in site.glob("*.imported")]
        print(f"plugins imported: {len(imported)}")


def install(site: Path, number: int) -> None:
    """Write one plugin into a folder, as an installer would."""
    name, version = f"envkit_many{number:02}", "1.2.3"
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_text(
        f"from pathlib import Path\nPath(__file__).with_name('{name}.imported').touch()\n", encoding="utf-8"
    )
    project = f"envkit-many{number:02}"
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {project}\nVersion: {version}\n"
        f"Summary: Mark many things in text, number {number}\n"
        f"Project-URL: Issues, https://example.org/{project}/issues\nRequires-Python: >=3.11\n"
        f"Requires-Dist: envkit-ml\nProvides-Extra: train\nRequires-Dist: envkit-ml[finetune]; extra == 'train'\n"
        f"Description-Content-Type: text/markdown\n\n{README}\n",
        encoding="utf-8",
    )
    (info / "entry_points.txt").write_text(f"[envkit.tasks]\nmany{number:02} = {name}\n", encoding="utf-8")
    (info / "RECORD").write_text("", encoding="utf-8")


def compare(words: tuple[str, ...], *, site: Path, empty: Path, repeats: int) -> tuple[float, str]:
    """Return how many times as long it takes with the plugins as without, and that in words."""
    seconds(words, site)  # bytecode and the file cache are warm from here on
    with_plugins, without = [], []
    for _ in range(repeats):
        with_plugins.append(seconds(words, site))
        without.append(seconds(words, empty))
    many, none = statistics.median(with_plugins), statistics.median(without)
    return many / none, f"{many * 1000:.0f} with, {none * 1000:.0f} without: {many / none:.2f} times"


def seconds(words: tuple[str, ...], folder: Path) -> float:
    """Return how long one command takes with this folder on the path."""
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        env=environ,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
