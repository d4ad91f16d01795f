"""All facts at once: whatever hangs, fails or is not there costs its own part alone."""

from __future__ import annotations

import os
import platform
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.api.facts import MachineFacts
from envkit.machine import ProcessOutput
from envkit.machine.parts import IMMEDIATE, PARTS
from envkit.machine.reader import FactsReader, read_all_facts
from envkit.machine.torch_sites import TorchPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What is to be in time has all the time there is; what hangs is waited for as long as a busy machine needs for the rest.
LONG_SECONDS = 20
SHORT_SECONDS = 1.0
PCI = "/sys/bus/pci/devices/0000:01:00.0"
GPU = {f"{PCI}/vendor": "0x10de\n", f"{PCI}/class": "0x030000\n"}


def linux() -> platform.uname_result:
    return platform.uname_result("Linux", "host", "6.1.0", "#1", "x86_64")


def silent(cmd, *, environ, timeout):
    return ProcessOutput(status=1, out="", err="")


def environ_of(tmp_path: Path, **more: str) -> dict[str, str]:
    # No engine of Docker's is there to be asked.
    return {"PATH": "", "HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/no.sock", **more}


@contextmanager
def never_answers() -> Iterator[Callable[..., ProcessOutput]]:
    is_over = threading.Event()

    def wait(cmd, *, environ, timeout):
        is_over.wait()
        return ProcessOutput(status=None, out="", err="")

    try:
        yield wait
    finally:
        is_over.set()


def reader(root: Path, tmp_path: Path, **changes) -> FactsReader:
    arguments = {
        "environ": environ_of(tmp_path),
        "run_process": silent,
        "uname": linux,
        "timeout": LONG_SECONDS,
    }
    return FactsReader(root=root, **(arguments | changes))


def whole(facts: MachineFacts) -> dict[str, str]:
    return {each.part: each.why for each in facts.unread if each.is_whole}


def test_facts_of_this_machine_are_whole_and_survive_json(tmp_path):
    facts = read_all_facts(places={"temporary files": tmp_path}, sites={"": TorchPlace(path=tmp_path)})
    assert whole(facts) == {}
    assert facts.parts == PARTS
    assert facts.cpu.logical_cores
    assert facts.memory.total
    assert facts.limits.open_files
    assert [disk.purpose for disk in facts.disks][:1] == ["temporary files"]
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts


def test_facts_of_an_empty_root_say_what_is_missing_and_raise_nothing(make_root, tmp_path):
    facts = reader(make_root({}), tmp_path).facts()
    assert whole(facts) == {}
    assert {"cpu", "memory", "platform"} <= {each.part for each in facts.unread}


@pytest.mark.parametrize(
    "missing", ["/proc/meminfo", "/proc/cpuinfo", "/proc/self/status", "/proc/self/cgroup"]
)
def test_facts_without_one_file_of_the_kernel_have_all_else(make_root, tmp_path, missing):
    files = {
        "/proc/meminfo": "MemTotal: 2 kB\nMemAvailable: 1 kB\n",
        "/proc/cpuinfo": "model name: Any\n",
        "/proc/self/status": "Cpus_allowed_list: 0\n",
        "/proc/self/cgroup": "0::/\n",
    }
    facts = reader(make_root({k: v for k, v in files.items() if k != missing}), tmp_path).facts()
    assert whole(facts) == {}
    assert (facts.memory.total is None) == (missing == "/proc/meminfo")
    assert (facts.cpu.model is None) == (missing == "/proc/cpuinfo")


def test_facts_with_a_pipe_for_a_file_are_read_at_once(make_root, tmp_path):
    root = make_root(GPU)
    for path in ("proc/meminfo", "proc/cpuinfo", "proc/driver/nvidia/version", "etc/os-release"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / path)
    start = time.monotonic()
    facts = reader(root, tmp_path).facts()
    assert time.monotonic() - start < LONG_SECONDS
    assert whole(facts) == {}
    assert ("/proc/meminfo", "a pipe is no file", "memory") in {
        (each.what, each.why, each.part) for each in facts.unread
    }


def test_facts_beside_a_driver_that_hangs_come_in_time_and_say_so(make_root, tmp_path):
    def hangs(cmd, *, environ, timeout):
        assert timeout < LONG_SECONDS  # what is known by then is told in the part's own time
        return ProcessOutput(status=None, out="", err="")  # as `run_process` does with what it kills

    facts = reader(make_root(GPU), tmp_path, run_process=hangs).facts()
    assert "nvidia" not in whole(facts)  # the bus has told of it
    assert facts.nvidia.pci_devices == ("0000:01:00.0",)
    assert any("did not answer in" in each.why for each in facts.unread if each.part == "nvidia")


@pytest.mark.slow
def test_facts_beside_a_program_that_cannot_be_killed_come_in_time(make_root, tmp_path):
    with never_answers() as never:
        start = time.monotonic()
        slow = reader(make_root(GPU), tmp_path, run_process=never, timeout=SHORT_SECONDS)
        facts = slow.facts()
        assert time.monotonic() - start < LONG_SECONDS
        assert whole(facts) == {"nvidia": f"no answer in {SHORT_SECONDS:g} s"}
    for thread in threading.enumerate():
        if thread.name == "facts of nvidia":
            thread.join()
    assert slow.facts("nvidia").nvidia == facts.nvidia  # what is late stays so: one story in one report


@pytest.mark.slow
def test_facts_beside_an_nvidia_smi_that_hangs_come_in_time_and_leave_no_process(make_root, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    environ = environ_of(tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin")
    start = time.monotonic()
    hanging = FactsReader(root=make_root(GPU), environ=environ, uname=linux, timeout=2.0)
    facts = hanging.facts()
    assert time.monotonic() - start < LONG_SECONDS
    assert whole(facts) == {}
    assert any(each.what == "nvidia-smi" and "did not answer" in each.why for each in facts.unread)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_facts_of_one_part_do_not_wait_for_another(make_root, tmp_path):
    with never_answers() as never:
        start = time.monotonic()
        facts = reader(make_root(GPU), tmp_path, run_process=never).facts("memory", "limits")
        assert time.monotonic() - start < LONG_SECONDS / 2
    assert facts.parts == (*IMMEDIATE, "memory", "limits")
    assert "nvidia" not in whole(facts)


@pytest.mark.parametrize("error", [RuntimeError("boom https://u:secret@h/"), SystemExit(3), RecursionError()])
def test_facts_of_a_part_that_raises_name_the_error_and_have_all_else(make_root, tmp_path, error):
    def find_sites():
        raise error

    facts = reader(make_root({}), tmp_path, sites=find_sites).facts()
    assert list(whole(facts)) == ["torch_sites"]
    assert type(error).__name__ in whole(facts)["torch_sites"]
    assert "secret" not in whole(facts)["torch_sites"]


def test_facts_where_even_the_platform_cannot_be_told_are_given(make_root, tmp_path):
    def broken():
        raise OSError("no uname")

    facts = reader(make_root({}), tmp_path, uname=broken).facts()
    assert whole(facts) == {"platform": "OSError: no uname"}
    assert facts.platform.system == ""


def test_facts_of_a_part_that_there_is_not_are_an_error_of_the_caller(make_root, tmp_path):
    with pytest.raises(ValueError, match="no part of a machine's facts: gpus"):
        reader(make_root({}), tmp_path).facts("gpus")


def test_facts_of_a_reader_are_taken_once(make_root, tmp_path):
    times = iter(datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9))
    once = reader(make_root({}), tmp_path, now=lambda: next(times))
    once.start()
    once.start()
    assert once.facts("memory").taken_at == once.facts().taken_at == "2026-01-01T00:00:00+00:00"


def test_facts_name_the_network_only_where_it_was_asked(make_root, tmp_path):
    from envkit.machine.network import NetworkPlan

    root = make_root({})
    assert "network" not in reader(root, tmp_path).facts().parts
    asked = reader(root, tmp_path, network=NetworkPlan(addresses={})).facts("network")
    assert "network" in asked.parts


def test_facts_with_names_that_are_no_text_can_be_written(make_root, tmp_path):
    odd = "/x\udcff"  # how Python reads a byte that is no UTF-8
    environ = environ_of(tmp_path, PYTHONPATH=odd, HF_HOME=odd, SSL_CERT_FILE=odd)
    facts = reader(make_root({}), tmp_path, environ=environ, places={"runs": Path(odd)}).facts()
    assert whole(facts) == {}
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts
    assert facts.variable("PYTHONPATH") == "/x\\udcff"
