from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.machine import MachineFacts, ProcessOutput, read_facts

FILES = (
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/status",
    "/proc/self/cgroup",
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/gpus/0/information",
    "/sys/module/nvidia/version",
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/memory.max",
    "/etc/os-release",
    "/sys/bus/pci/devices/0/vendor",
)


def linux() -> platform.uname_result:
    return platform.uname_result("Linux", "host", "6.1.0", "#1", "x86_64")


def darwin() -> platform.uname_result:
    return platform.uname_result("Darwin", "host", "23.5.0", "v", "arm64")


def silent(cmd, *, environ, timeout):
    return ProcessOutput(status=1, out="", err="")


def forbidden(cmd, *, environ, timeout):
    raise AssertionError(f"started {cmd}")


def test_facts_of_this_machine_are_read_in_no_time(tmp_path):
    missing = tmp_path / "not" / "yet"
    read_facts()
    start = time.perf_counter()
    facts = read_facts(folders=(missing,))
    seconds = time.perf_counter() - start
    if not facts.nvidia.pci_devices and facts.nvidia.driver_version is None:
        assert seconds < 0.1
    assert facts.python.version == platform.python_version()
    assert facts.cpu.logical_cores
    assert facts.memory.total
    assert facts.memory.total > facts.memory.available > 0
    assert (facts.disks[0].path, facts.disks[0].existing) == (str(missing), str(tmp_path))
    assert facts.disks[0].total >= facts.disks[0].free > 0


def test_facts_survive_json():
    facts = read_facts()
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts


def test_facts_of_an_empty_machine_note_what_is_missing(make_root):
    facts = read_facts(root=make_root({}), environ={}, run_process=forbidden, uname=linux)
    assert {"processor", "cores", "memory", "operating system"} <= {each.what for each in facts.unread}
    assert facts.nvidia.gpus == ()


def test_facts_carry_control_group_limits(make_root):
    root = make_root(
        {
            "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/memory.max": "1073741824\n",
            "/sys/fs/cgroup/cpu.max": "50000 100000\n",
        }
    )
    facts = read_facts(root=root, environ={}, run_process=forbidden, uname=linux)
    assert (facts.memory.limit, facts.cpu.quota) == (1 << 30, 0.5)


def test_facts_of_a_mac_come_from_one_sysctl(make_root):
    cmds = []

    def sysctl(cmd, *, environ, timeout):
        cmds.append(cmd)
        out = "hw.physicalcpu: 8\nhw.logicalcpu: 8\nhw.memsize: 17179869184\nmachdep.cpu.brand_string: Apple M3\n"
        return ProcessOutput(status=1, out=out, err="sysctl: unknown oid 'vm.page_free_count'")

    facts = read_facts(root=make_root({}), environ={}, run_process=sysctl, uname=darwin)
    assert len(cmds) == 1
    assert (facts.cpu.model, facts.cpu.logical_cores, facts.memory.total) == ("Apple M3", 8, 16 << 30)


@pytest.mark.parametrize("error", [None, FileNotFoundError(2, "No such file or directory")])
def test_facts_of_a_mac_without_sysctl_note_it(make_root, error):
    def sysctl(cmd, *, environ, timeout):
        if error:
            raise error
        return ProcessOutput(status=None, out="", err="")

    facts = read_facts(root=make_root({}), environ={}, run_process=sysctl, uname=darwin)
    assert "sysctl" in {each.what for each in facts.unread}


def test_facts_of_windows_are_those_that_python_tells(make_root):
    def windows():
        return platform.uname_result("Windows", "host", "11", "10.0.26100", "AMD64")

    facts = read_facts(root=make_root({}), environ={}, run_process=forbidden, uname=windows)
    assert facts.platform.system == "windows"
    assert facts.unread


def test_facts_are_stamped_with_the_time_they_were_taken(make_root):
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    facts = read_facts(root=make_root({}), environ={}, uname=linux, now=lambda: now)
    assert facts.taken_at == "2026-01-02T03:04:05+00:00"


def test_facts_read_neither_torch_nor_a_process_module():
    code = (
        "import sys; from envkit.machine import read_facts; facts = read_facts(); "
        "assert facts.nvidia.pci_devices or facts.nvidia.driver_version or 'subprocess' not in sys.modules; "
        "assert not {'torch', 'ctypes', 'socket'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(FILES), st.binary(max_size=200)))
def test_facts_of_any_bytes_are_read_without_error(files):
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder, path.lstrip("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        facts = read_facts(root=Path(folder), environ={"PATH": ""}, run_process=silent, uname=linux)
    assert facts.platform.system == "linux"
