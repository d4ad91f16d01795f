"""A library in the place of Weights & Biases that does what a library at its worst does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """
import os, sys, time

class Error(Exception):
    pass

class Settings:
    def __init__(self, **values):
        self.sync_dir = "."

class Run:
    offline, disabled, resumed, settings, summary = True, False, False, Settings(), {{}}

    def log(self, row, step):
        {log}

    def finish(self, exit_code):
        {finish}

def teardown():
    pass

def init(**arguments):
    {init}
    return Run()
"""


def fake_library(
    folder: Path, *, init: str = "pass", log: str = "pass", finish: str = "pass"
) -> dict[str, str]:
    """Return variables under which the library of a tracker is one that does this."""
    (folder / "wandb-9.9.dist-info").mkdir(parents=True)
    (folder / "wandb-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: wandb\nVersion: 9.9\n"
    )
    (folder / "wandb.py").write_text(LIBRARY.format(init=init, log=log, finish=finish))
    return {"PYTHONPATH": str(folder)}
