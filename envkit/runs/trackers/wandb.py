"""Weights & Biases: a run of the same name, sent as it goes or kept in ``<run>/wandb`` to be sent later.

``WANDB_MODE``, ``WANDB_PROJECT``, ``WANDB_ENTITY``, ``WANDB_BASE_URL`` and the like mean what they always do.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from typing import TYPE_CHECKING, Literal

import msgspec
import wandb

from envkit.api.events import Choice
from envkit.runs.trackers.points import PointReader, hyperparameters, interval_values
from envkit.worker.folder import write_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.api.events import AnyEvent
    from envkit.api.records import RunRequest
    from envkit.runs.trackers.kinds import OpenedBy
    from envkit.worker.folder import RunFolder

_INIT_SECONDS = 30.0
_WRITE_SECONDS = 5.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """``wandb/envkit.json``: by which id the run is known there, and up to which step it is kept offline."""

    id: str
    offline_step: int = -1


def open(opened_by: OpenedBy) -> WandbTracker:
    """Begin the run there, or go on with it. Where it can be sent to nobody, it is kept offline."""
    folder = opened_by.folder
    request = folder.read_request()
    kept_file = folder.path / "wandb" / "envkit.json"
    kept = _read_kept(kept_file, request)
    try:
        run = _init(opened_by, request, run_id=kept.id)
    except wandb.Error as error:  # no key, a wrong one, no network, a run that was deleted there
        wandb.teardown()  # its service holds the id for the run that did not begin
        run = _init(opened_by, request, run_id=kept.id, mode="offline")
        reason = str(error).splitlines()[0].rstrip(".")
        opened_by.say(f"Weights & Biases: {reason}. The run is kept offline instead")
    if run.disabled:
        opened_by.say("Weights & Biases is disabled (WANDB_MODE): nothing is kept")
    elif not run.offline:
        opened_by.say(f"Weights & Biases: {run.url}")
    return WandbTracker(folder, run=run, kept=kept, kept_file=kept_file, say=opened_by.say)


class WandbTracker:
    """A run of Weights & Biases: history by step, the options as its configuration."""

    def __init__(
        self, folder: RunFolder, *, run: wandb.Run, kept: Kept, kept_file: Path, say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._run = run
        self._kept = kept
        self._kept_file = kept_file
        self._say = say
        self._points = PointReader()
        # History only grows there. What it has of an earlier worker stays, what that one missed is added.
        self._known = kept.offline_step if run.offline else run.step if run.resumed else 0
        self._step = max(0, self._known)
        self._written = 0.0

    def event(self, event: AnyEvent) -> None:
        """Add what the event says to the history, unless that has the step already."""
        if isinstance(event, Choice):
            self._run.config.update({event.name: event.value}, allow_val_change=True)
        point = self._points.after(event)
        if point is None or point.step < self._known:
            return
        self._step = max(self._step, point.step)
        self._run.log({**point.values, "_timestamp": point.time}, step=self._step)
        if time.monotonic() - self._written >= _WRITE_SECONDS:
            self._write_kept()

    def close(self) -> None:
        """Make the final metrics and their intervals the run's summary, and send or write what is left."""
        result = self._folder.read_result()
        if result is not None:
            self._run.summary.update({**result.metrics, **interval_values(result.intervals)})
        exit_code = 0 if result is not None and result.status == "finished" else 1
        sync_dir = self._run.settings.sync_dir
        is_kept = self._run.offline and not self._run.disabled
        self._run.finish(exit_code=exit_code)
        self._write_kept()
        if is_kept:
            self._say(f"Weights & Biases: the run is kept offline. To send it: wandb sync {sync_dir}")

    def _write_kept(self) -> None:
        self._written = time.monotonic()
        if not self._run.disabled:
            step = self._step if self._run.offline else self._kept.offline_step
            self._kept_file.parent.mkdir(exist_ok=True)
            write_record(self._kept_file, Kept(id=self._kept.id, offline_step=step))


def _init(
    opened_by: OpenedBy, request: RunRequest, *, run_id: str, mode: Literal["offline"] | None = None
) -> wandb.Run:
    """Begin or go on with the run. Raises: wandb.Error where that cannot be."""
    settings = wandb.Settings(
        console="off",  # what this process prints says nothing of the run
        silent=True,
        init_timeout=float(os.environ.get("WANDB_INIT_TIMEOUT") or _INIT_SECONDS),
        finish_timeout=opened_by.patience or 0.0,  # 0: as long as it takes
        finish_timeout_raises=True,
        x_disable_stats=True,  # they would be this process's, not the worker's
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        disable_git=True,
        disable_code=True,
    )
    return wandb.init(
        project=os.environ.get("WANDB_PROJECT") or f"envkit-{request.task}",
        id=run_id,
        name=request.id,
        dir=opened_by.folder.path,
        config=hyperparameters(request),
        resume="allow",
        allow_val_change=True,  # a run that is resumed with --force may have other options
        mode=mode,
        settings=settings,
    )


def _read_kept(file: Path, request: RunRequest) -> Kept:
    """Return what an earlier tracker noted, or a new id: one that was deleted there can never be used again."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        name = re.sub(r"[^\w.-]", "-", request.id)
        return Kept(id=f"{name}-{secrets.token_hex(3)}")
