"""The folder of a run, which host and worker share: its files, its lock, records written whole."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from envkit.api import EnvkitError, UsageError
from envkit.api.records import RunRequest, RunResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RecordT = TypeVar("RecordT", RunRequest, RunResult)

# Whoever looks whether the lock is held holds it, shared, for an instant: a worker tries again.
_LOCK_TRIES = 20
_LOCK_PAUSE = 0.05  # seconds


@dataclass(frozen=True)
class RunFolder:
    """A run's folder. ``path`` is absolute."""

    path: Path

    @property
    def request_file(self) -> Path:
        """Return where the host wrote what was asked."""
        return self.path / "request.json"

    @property
    def events_file(self) -> Path:
        """Return where the worker says what happens."""
        return self.path / "events.jsonl"

    @property
    def result_file(self) -> Path:
        """Return where the end of the run is recorded."""
        return self.path / "result.json"

    @property
    def metrics_file(self) -> Path:
        """Return where the evaluations stand, and what they came of."""
        return self.path / "metrics.json"

    @property
    def log_file(self) -> Path:
        """Return where everything goes that is printed in the worker."""
        return self.path / "worker.log"

    @property
    def lock_file(self) -> Path:
        """Return the file that a worker locks while it lives."""
        return self.path / "lock"

    @property
    def predictions_dir(self) -> Path:
        """Return the folder of what was predicted for the rows that the model was scored on."""
        return self.path / "predictions"

    @property
    def data_file(self) -> Path:
        """Return where it stands what a look over the data has found."""
        return self.path / "data.json"

    @property
    def machine_file(self) -> Path:
        """Return where the host wrote what is known of the machine."""
        return self.path / "machine.json"

    @property
    def model_dir(self) -> Path:
        """Return the folder of the model."""
        return self.path / "model"

    def read_request(self) -> RunRequest:
        """Return what was asked. Raises: EnvkitError where the record is missing or damaged."""
        return _read(self.request_file, RunRequest)

    def read_result(self) -> RunResult | None:
        """Return how the run ended, None while it has not. Raises: EnvkitError for a damaged record."""
        return _read(self.result_file, RunResult) if self.result_file.exists() else None

    def write_request(self, request: RunRequest) -> None:
        """Record what was asked. Raises: OSError."""
        write_record(self.request_file, request)

    def write_result(self, result: RunResult) -> None:
        """Record how the run ended. Raises: OSError."""
        write_record(self.result_file, result)

    def refuse_finished(self) -> None:
        """Raises: UsageError where an earlier worker finished the run, EnvkitError for a damaged record."""
        earlier = self.read_result()
        if earlier is not None and earlier.status == "finished":
            raise UsageError(f"the run in {self.path} is finished", hint="Start another with: envkit run")

    def take_end(self) -> RecordedEnd:
        """Forget how an earlier worker ended here, and return it. Raises: UsageError, EnvkitError, OSError."""
        self.refuse_finished()
        # The metrics stay until there are others: a run that is killed again while it loads has no better ones.
        files = [file for file in (self.result_file,) if file.exists()]
        end = RecordedEnd(tuple((file, file.read_bytes()) for file in files))
        for file in files:
            file.unlink()
        return end

    def lock(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the run for this process until it ends. Raises: UsageError where another one has it."""
        try:
            lock = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UsageError(
                f"the run in {self.path} cannot be taken: {self.lock_file.name}: {error.strerror}",
                hint=f"See whose it is: ls -l {self.path}",
            ) from error
        # A lock belongs to the open file, which a fork shares: one child that stays would hold the run.
        os.register_at_fork(after_in_child=lambda: os.close(lock))
        for attempt in range(_LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == _LOCK_TRIES - 1:
                    raise self.taken_error() from None
                sleep(_LOCK_PAUSE)
        self._remove_drafts()
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)

    def _remove_drafts(self) -> None:
        """Remove the records that a killed writer has left half-written."""
        for folder in (self.path, self.model_dir):
            for draft in folder.glob(".*.json.*"):
                draft.unlink(missing_ok=True)

    def taken_error(self) -> UsageError:
        """Return the error for whoever wants the run while another worker has it."""
        owner = self.lock_file.read_text(encoding="ascii", errors="replace").strip()
        process = f" (process {owner})" if owner else ""
        return UsageError(
            f"another worker{process} is at work in {self.path}",
            hint="Wait for it, or start another run in another folder with --run-dir",
        )

    def is_locked(self) -> bool:
        """Tell whether a worker is at work here."""
        try:
            lock = os.open(self.lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False


@dataclass(frozen=True)
class RecordedEnd:
    """The records of how a worker ended, as they were in the run's folder."""

    files: tuple[tuple[Path, bytes], ...]

    def put_back(self) -> None:
        """Record it again. Raises: OSError."""
        for file, content in reversed(self.files):  # the result last: it says that all is there
            _write_whole(file, content)


def write_record(file: Path, record: Any) -> None:
    """Write the record as JSON so that a reader finds all of it or none, even after a power cut.

    Raises: OSError.
    """
    _write_whole(file, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def _write_whole(file: Path, content: bytes) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path, type: type[RecordT]) -> RecordT:
    try:
        return msgspec.json.decode(file.read_bytes(), type=type)
    except FileNotFoundError:
        raise UsageError(f"{file.parent} is no run folder: it has no {file.name}") from None
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(f"{file}: cannot be read: {error}") from error
