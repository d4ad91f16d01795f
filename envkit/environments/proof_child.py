"""Prove an environment, from inside: its own Python runs this file by path, with nothing of envkit imported.

The argument is JSON: ``torch`` (whether it is to be there), ``tasks`` (names of entry points). The answer is
one line of JSON on standard output; all that anything prints meanwhile goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
import traceback
from importlib.metadata import entry_points
from typing import Any

_GROUP = "envkit.tasks"


def main() -> int:
    """Answer what works, or which step failed."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.argv[1])
    answer: dict[str, Any] = {"python": platform.python_version(), "torch": None, "devices": [], "tasks": []}
    doing = "Python starts"
    try:
        if request["torch"]:
            doing = "torch is imported"
            torch = importlib.import_module("torch")  # by name: this file lies among those of the host
            answer["torch"] = str(torch.__version__)
            for device in _devices(torch):
                doing = f"torch computes on {device}"
                began = time.perf_counter()
                _step(torch, device)
                answer["devices"].append([device, round(time.perf_counter() - began, 4)])
        for name in request["tasks"]:
            doing = f"the plugin of the task {name} is imported"
            _load(name)
            answer["tasks"].append(name)
    except BaseException as error:  # noqa: BLE001  # SystemExit too: whatever ends it is the answer
        traceback.print_exc()
        answer["failed"] = doing
        answer["error"] = f"{type(error).__name__}: {error}".strip()
    # A line of its own, whatever else wrote there before this file began.
    answers.write(f"\n{json.dumps(answer)}\n")
    answers.flush()
    return 1 if "failed" in answer else 0


def _devices(torch: Any) -> list[str]:
    devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        devices.append("mps")
    return devices


def _step(torch: Any, device: str) -> None:
    """Take a forward and a backward step of a small network, and look at what came of it."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.GELU(), torch.nn.Linear(32, 4)).to(device)
    loss = torch.nn.functional.cross_entropy(
        network(torch.randn(8, 16, device=device)), torch.arange(8, device=device) % 4
    )
    loss.backward()
    for gradient in (parameter.grad for parameter in network.parameters()):
        if not torch.isfinite(gradient).all() or not gradient.abs().sum().item() > 0:
            raise ArithmeticError(f"the gradients on {device} are {gradient.flatten()[:3].tolist()}, …")


def _load(name: str) -> None:
    found = [each for each in entry_points(group=_GROUP) if each.name == name]
    if not found:
        raise LookupError(f"no distribution here has an entry point {name!r} in {_GROUP!r}")
    found[0].load()


if __name__ == "__main__":
    sys.exit(main())
