from __future__ import annotations

import pytest

from envkit.machine.cpu import parse_core_list, read_linux_cpu, read_macos_cpu
from envkit.machine.files import Files
from envkit.machine.sysctl import Sysctl

X86 = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8480+
flags\t\t: fpu sse avx2 avx512f avx512_bf16 amx_bf16 amx_tile

processor\t: 1
model name\t: something else
flags\t\t: fpu
"""
ARM = """processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd sve bf16
CPU implementer\t: 0x41
"""


def topology(core: int, siblings: str) -> dict[str, str]:
    return {f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list": siblings + "\n"}


def test_cpu_x86_reads_first_processor_and_allowed_cores(make_root):
    root = make_root(
        {
            "/proc/cpuinfo": X86,
            "/proc/self/status": "Name:\tpython\nCpus_allowed:\t13\nCpus_allowed_list:\t0-1,4\n",
            **topology(0, "0,4"),
            **topology(1, "1,5"),
            **topology(4, "0,4"),
        }
    )
    files = Files(root)
    cpu = read_linux_cpu(files, quota=1.5)
    assert cpu.model == "Intel(R) Xeon(R) Platinum 8480+"
    assert cpu.features == ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    assert (cpu.logical_cores, cpu.physical_cores, cpu.quota) == (3, 2, 1.5)
    assert files.unread == ()


def test_cpu_arm_reads_its_features(make_root):
    cpu = read_linux_cpu(Files(make_root({"/proc/cpuinfo": ARM})), quota=None)
    assert cpu.model is None
    assert cpu.features == ("sve", "bf16")


def test_cpu_unreadable_is_noted(make_root):
    files = Files(make_root({"/proc/self/status": "Cpus_allowed_list:\tall of them\n"}))
    cpu = read_linux_cpu(files, quota=None)
    assert (cpu.model, cpu.logical_cores, cpu.physical_cores) == (None, None, None)
    assert {each.what for each in files.unread} == {"processor", "cores"}


def test_cpu_topology_missing_is_noted(make_root):
    files = Files(make_root({"/proc/cpuinfo": X86, "/proc/self/status": "Cpus_allowed_list:\t0\n"}))
    assert read_linux_cpu(files, quota=None).physical_cores is None
    assert [each.what for each in files.unread] == ["physical cores"]


def test_cpu_macos_reads_sysctl():
    values = {"machdep.cpu.brand_string": "Apple M3", "hw.physicalcpu": "8", "hw.logicalcpu": "8"}
    cpu = read_macos_cpu(Sysctl(values))
    assert (cpu.model, cpu.physical_cores, cpu.logical_cores) == ("Apple M3", 8, 8)


@pytest.mark.parametrize(
    ("text", "cores"), [("0", [0]), ("0-3\n", [0, 1, 2, 3]), ("1,4-5,9", [1, 4, 5, 9]), ("7-7", [7])]
)
def test_core_list_parses_to_its_cores(text, cores):
    assert parse_core_list(text) == cores
