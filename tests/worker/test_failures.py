"""Each error that ends a run says whose turn it is."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from echo import echo_request, install_source

from envkit.api import DataError, MachineError, PluginError
from envkit.registry import find_task
from envkit.worker.failures import hint_for_memory, is_out_of_memory, record_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.api.records import ErrorRecord


class OutOfMemoryError(RuntimeError):
    """Named as torch's own, which cannot be imported here."""


@pytest.fixture
def failure_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ErrorRecord]:
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    entry = find_task("echo")

    def record(error: BaseException, *, in_plugin: bool = True) -> ErrorRecord:
        return record_failure(
            error, entry=entry if in_plugin else None, request=echo_request(), run_dir=Path("/runs/one")
        )

    return record


@pytest.mark.parametrize(
    ("error", "exit_code", "message", "hint"),
    [
        (DataError("no rows", file="a.txt", line=3, hint="Add some"), 2, "a.txt:3: no rows", "Add some"),
        (MachineError("no such GPU", hint="Use --device cpu"), 4, "no such GPU", "Use --device cpu"),
        (MemoryError(), 1, "too small", "--batch-size 4"),
        (OutOfMemoryError("CUDA out of memory.\nlong\ntable"), 1, "CUDA out of memory.", "--batch-size 4"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "too small", "--batch-size 4"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/runs/one/x"),
            1,
            "/runs/one/x",
            "df -h /runs/one",
        ),
        (ValueError("bad shape"), 5, "envkit-echo 0.1.0 failed: ValueError: bad shape", "example.org"),
        (FileNotFoundError(2, "No such file", "x"), 5, "FileNotFoundError", "example.org"),
        (SystemExit(3), 5, "tried to end the process (exit code 3)", "example.org"),
        (KeyboardInterrupt(), 5, "KeyboardInterrupt", "example.org"),
    ],
)
def test_failure_in_the_plugin_says_what_is_wrong_and_what_to_do(
    failure_of: Callable[..., ErrorRecord], error: BaseException, exit_code: int, message: str, hint: str
) -> None:
    record = failure_of(error)

    assert record.exit_code == exit_code
    assert message in record.message
    assert "\n" not in record.message
    assert hint in (record.hint or "")
    assert (record.traceback is not None) == (exit_code == 5)


def test_failure_outside_the_plugin_is_a_bug_of_the_workers_own(
    failure_of: Callable[..., ErrorRecord],
) -> None:
    record = failure_of(ValueError("bad"), in_plugin=False)

    assert record.exit_code == 1
    assert record.message == "the worker failed: ValueError: bad"
    assert "ValueError: bad" in (record.traceback or "")


def test_plugin_that_cannot_be_loaded_keeps_the_traceback_of_why(
    failure_of: Callable[..., ErrorRecord],
) -> None:
    error = PluginError("the plugin cannot be loaded")
    error.__cause__ = ImportError("no module named dreams")

    assert "no module named dreams" in (failure_of(error).traceback or "")


def test_data_error_raised_from_another_has_no_traceback(failure_of: Callable[..., ErrorRecord]) -> None:
    error = DataError("not UTF-8")
    error.__cause__ = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    assert failure_of(error).traceback is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OutOfMemoryError(), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("batch_size", "hint"), [(16, "--batch-size 8"), (3, "--batch-size 1"), (1, "--model")]
)
def test_hint_for_memory_halves_the_batch_while_it_can(batch_size: int, hint: str) -> None:
    assert hint in hint_for_memory(echo_request(batch_size=batch_size))
