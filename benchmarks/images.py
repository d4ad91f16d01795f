"""Build images of the task `ner` and compare them with each other and with environments of the same lock.

    python benchmarks/images.py --base-image IMAGE [--only twice rebuild size training predict] [--repeats 5]

IMAGE is one with Python 3 and venv that the engine holds. ``twice``: two builds from scratch have the same files.
``rebuild``: after one line of the plugin changed. ``size``: against the base and the environment on disk.
``training``: in a container and in an environment of the same lock, by turns: weights and time. ``predict``: from the
start to the first answer, inside and outside, and the size. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from envkit.environments.uv import find_uv
from envkit.images.layout import ENV_PREFIX, IMAGE_LOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TASK_IMAGE, PREDICT_IMAGE = "envkit-bar-task", "envkit-bar-predict"
REBUILD_SECONDS, SIZE_SHARE, TIME_SHARE, START_RATIO = 10.0, 0.05, 0.10, 1.3
TRAINING = ("--max-steps", "40", "--precision", "float32", "--seed", "0", "--eval-every", "1000000")


@dataclass(frozen=True)
class Bench:
    """Where it is done: the base image, a scratch folder, and what was made in it so far."""

    base: str
    folder: Path
    repeats: int
    client: Any

    @property
    def lock(self) -> Path:
        """Return the lock that the task image was built from, locked first if it is not there."""
        file = self.folder / "envkit.lock"
        if not file.exists():
            envkit("build", "--task", "ner", *self.common(TASK_IMAGE))
            file.write_bytes(self.read(TASK_IMAGE, IMAGE_LOCK))
        return file

    def common(self, tag: str) -> tuple[str, ...]:
        """Return what every build is told."""
        return "--base-image", self.base, "--tag", tag

    def read(self, image: str, path: str) -> bytes:
        """Return a file of an image."""
        return subprocess.run(
            ["docker", "run", "--rm", "--entrypoint", "cat", image, path], capture_output=True, check=True
        ).stdout

    def environment(self) -> Path:
        """Return the prefix of an environment of the same lock."""
        home = Path(os.environ["ENVKIT_HOME"])
        if not (home / "envs" / "bar").exists():
            envkit("env", "create", "bar", "--locked", str(self.lock))
        return home / "envs" / "bar"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-image", required=True)
    parser.add_argument("--only", nargs="+", choices=BARS, default=list(BARS))
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["ENVKIT_HOME"] = str(folder / "home")
        os.chdir(folder)
        bench = Bench(given.base_image, folder, given.repeats, docker.from_env(timeout=600))
        for name in given.only:
            BARS[name](bench)


def twice(bench: Bench) -> None:
    """Two builds without any cache."""
    found = []
    for name in ("envkit-bar-one", "envkit-bar-two"):
        envkit("build", "--task", "ner", "--no-cache", *bench.common(name))
        found.append((tree(bench, name), bench.read(name, IMAGE_LOCK)))
    (one, one_lock), (two, two_lock) = found
    differing = sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))
    print(
        f"twice: {len(one):,} files, {len(differing)} differ {differing[:5]}; lock equal: {one_lock == two_lock}"
    )
    for name in ("envkit-bar-one", "envkit-bar-two"):
        bench.client.images.remove(name, force=True)


def rebuild(bench: Bench) -> None:
    """A changed line in the plugin's code."""
    envkit("build", "--task", "ner", *bench.common(TASK_IMAGE))
    seconds = []
    for number in range(bench.repeats):
        site = changed_plugin(bench.folder / f"changed-{number}")
        began = time.perf_counter()
        done = envkit(
            *("build", "--task", "ner", "--json"),
            *bench.common("envkit-bar-changed"),
            environ={"PYTHONPATH": str(site)},
        )
        seconds.append(time.perf_counter() - began)
        steps = json.loads(done)["data"]["steps"]
        again = [step["title"][:40] for step in steps if not step["is_cached"]]
    bench.client.images.remove("envkit-bar-changed", force=True)
    installs = [title for title in again if "uv venv" in title or "warm" in title]
    print(
        f"rebuild: {statistics.median(seconds):.1f} s (bar {REBUILD_SECONDS:.0f}); torch again: {installs or 'no'}"
    )


def size(bench: Bench) -> None:
    """The image against its base and the environment on disk."""
    prefix = bench.environment()
    envkit("run", "ner", "--env", "bar", *TRAINING, "--run-dir", str(bench.folder / "for-bytecode"))
    environment = sum(file.lstat().st_size for file in prefix.resolve().rglob("*") if not file.is_dir())
    image, base = (bench.client.images.get(name).attrs["Size"] for name in (TASK_IMAGE, bench.base))
    share = image / (base + environment) - 1
    print(
        f"size: image {image / 1e6:,.0f} MB, base {base / 1e6:,.0f} MB, environment {environment / 1e6:,.0f} MB: "
        f"{share:+.1%} (bar {SIZE_SHARE:.0%})"
    )


def training(bench: Bench) -> None:
    """The same run inside and outside, by turns."""
    bench.environment()
    seconds: dict[str, list[float]] = {"bar": [], f"docker:{TASK_IMAGE}": []}
    weights = set()
    for number in range(bench.repeats + 1):
        for place, found in seconds.items():
            run = bench.folder / f"run-{number}-{place.partition(':')[0]}"
            began = time.perf_counter()
            envkit("run", "ner", "--env", place, *TRAINING, "--run-dir", str(run))
            if number:  # the first of each compiles and fills caches
                found.append(time.perf_counter() - began)
            weights.add(hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest())
    outside, inside = (statistics.median(found) for found in seconds.values())
    print(
        f"training: weights {'equal' if len(weights) == 1 else 'DIFFER'}; outside {outside:.1f} s, "
        f"inside {inside:.1f} s: {inside / outside - 1:+.1%} (bar {TIME_SHARE:.0%})"
    )


def predict(bench: Bench) -> None:
    """From the start to the first answer, and how large the image is."""
    run = bench.folder / "to-predict"
    envkit("run", "ner", "--env", f"docker:{TASK_IMAGE}", *TRAINING, "--run-dir", str(run))
    envkit("build", "predict", "--from-run", str(run), *bench.common(PREDICT_IMAGE))
    python = bench.environment() / "bin" / "python"
    serve = [str(python), "-I", "-u", "-m", "envkit.worker.serve", "--model", str(run / "model"), "stdin"]
    sides = {"outside": serve, "inside": ["docker", "run", "--rm", "-i", PREDICT_IMAGE]}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(bench.repeats + 1):
        for side, command in sides.items():
            took = first_answer(command)
            if number:
                seconds[side].append(took)
    outside, inside = (statistics.median(found) for found in seconds.values())
    task, small = (bench.client.images.get(name).attrs["Size"] / 1e6 for name in (TASK_IMAGE, PREDICT_IMAGE))
    print(
        f"predict: outside {outside:.2f} s, inside {inside:.2f} s: {inside / outside:.2f} times (bar {START_RATIO})"
    )
    print(f"predict: {small:,.0f} MB, task {task:,.0f} MB: {'smaller' if small < task else 'NOT SMALLER'}")


BARS: Mapping[str, Callable[[Bench], None]] = {
    "twice": twice,
    "rebuild": rebuild,
    "size": size,
    "training": training,
    "predict": predict,
}


def envkit(*words: str, environ: Mapping[str, str] | None = None) -> str:
    """Run envkit, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "envkit", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **(environ or {})},
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"envkit {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def first_answer(command: list[str]) -> float:
    """Return the seconds until a process that is asked one thing has answered."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("Angela Merkel met Emmanuel Macron in Paris.\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    took = time.perf_counter() - began
    process.stdin.close()
    process.wait()
    if not answer:
        raise SystemExit(f"{' '.join(command)} gave no answer")
    return took


def tree(bench: Bench, image: str) -> dict[str, tuple[object, ...]]:
    """Return kind, mode, owner and content of every path, bytecode and times left out."""
    container = bench.client.containers.create(image)
    file = bench.folder / "export.tar"
    try:
        with file.open("wb") as out:
            for chunk in container.export():
                out.write(chunk)
    finally:
        container.remove()
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(file) as archive:
        for member in archive:
            if "__pycache__" in member.name:
                continue
            content = archive.extractfile(member) if member.isfile() else None
            digest = hashlib.file_digest(content, "sha256").hexdigest() if content is not None else ""
            found[member.name] = (
                *(member.type, member.mode, member.uid, member.gid, member.linkname),
                digest,
            )
    file.unlink()
    assert any(path.startswith(ENV_PREFIX.lstrip("/")) for path in found)
    return found


def changed_plugin(folder: Path) -> Path:
    """Return a folder for PYTHONPATH with the plugin installed, one line of its code as no engine has seen it."""
    source = folder / "source"
    original = Path(__file__).parents[1] / "plugins" / distribution("envkit-ner").metadata["Name"]
    shutil.copytree(original, source, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    train = source / "src" / "envkit_ner" / "train.py"
    line = f"# change {uuid.uuid4().hex}\n"
    train.write_text(train.read_text(encoding="utf-8") + line, encoding="utf-8")
    site = folder / "site"
    subprocess.run(
        [str(find_uv()), "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(source)],
        check=True,
    )
    return site


if __name__ == "__main__":
    main()
