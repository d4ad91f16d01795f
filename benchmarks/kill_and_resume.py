"""Kill a run with SIGKILL at random steps and resume it each time: does it end with the weights of an unbroken one?

    python benchmarks/kill_and_resume.py [--kills 20] [--train train.conll] [--model FOLDER]

Both runs are real: `envkit run ner` and `envkit runs resume` in the running interpreter, on the CPU in float32.
The worker is killed at a random moment of a random step, so also while it evaluates or writes a checkpoint.
Exits with 1 where a weight differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENVKIT = [sys.executable, "-m", "envkit"]


def main() -> int:
    """Do both runs and compare."""
    given = parse()
    random.seed(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        straight, broken = Path(folder, "straight"), Path(folder, "broken")
        began = time.monotonic()
        subprocess.run(command(given, straight), check=True, **silent())
        seconds = time.monotonic() - began
        steps = last_step(straight)
        print(f"unbroken: {steps} steps in {seconds:.0f} s")
        targets = sorted(random.choices(range(1, steps), k=given.kills))
        places = [
            kill_at(target, given, broken, is_first=number == 0) for number, target in enumerate(targets)
        ]
        subprocess.run([*ENVKIT, "runs", "resume", str(broken)], check=True, **silent())
        print(f"broken: killed {given.kills} times, after steps {', '.join(map(str, places))}")
        print(f"resumed from: {', '.join(map(str, beginnings(broken)))}")
        first, second = weights_hash(straight), weights_hash(broken)
        print(
            f"weights, unbroken {first[:16]}, broken {second[:16]}: {'equal' if first == second else 'DIFFERENT'}"
        )
        return int(first != second)


def kill_at(target: int, given: argparse.Namespace, run_dir: Path, *, is_first: bool) -> int:
    """Start or resume the run, kill its worker some way into the step after ``target``, return where it was."""
    start = command(given, run_dir) if is_first else [*ENVKIT, "runs", "resume", str(run_dir)]
    before = len(read_events(run_dir))
    host = subprocess.Popen(start, **silent())
    moment = random.random()
    while host.poll() is None:
        events = read_events(run_dir)[before:]
        reached = [event["step"] for event in events if event["event"] == "step"]
        if reached and reached[-1] >= target:
            times = [event["time"] for event in events if event["event"] == "step"][-2:]
            time.sleep(moment * max(0.0, times[-1] - times[0]))
            os.kill(next(event["pid"] for event in events if event["event"] == "hello"), signal.SIGKILL)
            host.wait()
            return last_step(run_dir)
        time.sleep(0.01)
    raise SystemExit(f"the run ended before step {target}: {host.returncode}")


def command(given: argparse.Namespace, run_dir: Path) -> list[str]:
    """Return the command of a run."""
    options = ["--run-dir", str(run_dir), "--env", "current", "--device", "cpu", "--precision", "float32"]
    options += ["--checkpoint-every", "3", "--epochs", "2"]
    for name in ("train", "model"):
        if getattr(given, name) is not None:
            options += [f"--{name}", str(getattr(given, name))]
    return [*ENVKIT, "run", "ner", *options]


def silent() -> dict[str, int]:
    """Return the options of a process that says nothing."""
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def read_events(run_dir: Path) -> list[dict[str, object]]:
    """Return the whole lines of the run's events."""
    file = run_dir / "events.jsonl"
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def last_step(run_dir: Path) -> int:
    """Return the last step that the run has reported."""
    return next((event["step"] for event in reversed(read_events(run_dir)) if event["event"] == "step"), 0)


def beginnings(run_dir: Path) -> list[int]:
    """Return the steps that the run was resumed from."""
    hellos = [event for event in read_events(run_dir) if event["event"] == "hello"]
    return [hello["from_step"] for hello in hellos[1:]]


def weights_hash(run_dir: Path) -> str:
    """Return the hash of the model that the run has left."""
    return hashlib.sha256((run_dir / "model" / "model.safetensors").read_bytes()).hexdigest()


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--model", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
