from __future__ import annotations

import pytest

from envkit.api.facts import Intel, IntelGpu
from envkit.machine.files import Files
from envkit.machine.intel import read_intel


def device(number: str, address: str = "0000:03:00.0", kind: str = "0x030000") -> dict[str, str]:
    folder = f"/sys/bus/pci/devices/{address}"
    return {f"{folder}/vendor": "0x8086\n", f"{folder}/class": f"{kind}\n", f"{folder}/device": f"{number}\n"}


@pytest.mark.parametrize(
    ("number", "address", "name", "is_integrated"),
    [
        ("0x56a0", "0000:03:00.0", "Intel Arc A-series", False),
        ("0x5690", "0000:03:00.0", "Intel Arc A-series", False),
        ("0xe20b", "0000:04:00.0", "Intel Arc B-series", False),
        ("0x0bd5", "0000:29:00.0", "Intel Data Center GPU Max (Ponte Vecchio)", False),
        ("0x56c0", "0000:29:00.0", "Intel Data Center GPU Flex", False),
        ("0x4905", "0000:03:00.0", "Intel Iris Xe MAX (DG1)", False),
        ("0x7d55", "0000:00:02.0", "Intel Arc Graphics (Meteor Lake or Arrow Lake)", True),
        ("0x64a0", "0000:00:02.0", "Intel Arc Graphics (Lunar Lake)", True),
        ("0xb080", "0000:00:02.0", "Intel Arc Graphics (Panther Lake)", True),
        ("0x46a6", "0000:00:02.0", "Intel integrated graphics", True),
        ("0x3e92", "0000:00:02.0", "Intel integrated graphics", True),
        ("0xfff0", "0000:05:00.0", "Intel GPU", False),
    ],
)
def test_intel_gpu_is_named_by_its_number(make_root, number, address, name, is_integrated):
    (gpu,) = read_intel(Files(make_root(device(number, address)))).gpus
    assert gpu == IntelGpu(name=name, pci_id=number, is_integrated=is_integrated)


def test_intel_devices_that_are_no_gpus_are_passed_over(make_root):
    root = make_root(device("0x1533", kind="0x020000") | {"/usr/lib64/libze_loader.so.1": ""})
    assert read_intel(Files(root)) == Intel()


def test_intel_gpu_with_a_number_of_nonsense_is_seen(make_root):
    (gpu,) = read_intel(Files(make_root(device("arc")))).gpus
    assert gpu == IntelGpu(name="Intel GPU")


@pytest.mark.parametrize("folder", ["/usr/lib/x86_64-linux-gnu", "/usr/lib64"])
def test_intel_loader_and_render_nodes_are_told(make_root, folder):
    files = {
        **device("0x56a0"),
        f"{folder}/libze_loader.so.1": "",
        "/dev/dri/renderD128": "",
        "/sys/class/drm/renderD128/device/vendor": "0x8086\n",
    }
    found = read_intel(Files(make_root(files)))
    assert found.has_level_zero
    assert [each.path for each in found.devices] == ["/dev/dri/renderD128"]


def test_intel_gpu_without_the_loader_says_so(make_root):
    assert not read_intel(Files(make_root(device("0x56a0")))).has_level_zero
