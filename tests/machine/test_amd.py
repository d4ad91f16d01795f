from __future__ import annotations

import pytest

from envkit.api.facts import Amd, AmdGpu
from envkit.machine.amd import gfx_name, read_amd
from envkit.machine.files import Files

NODES = "/sys/class/kfd/kfd/topology/nodes"
PCI = "/sys/bus/pci/devices"
PRODUCTS = (
    "# List of AMDGPU IDs\n1.0.0\n744C,\tC8,\tAMD Radeon RX 7900 XTX\n744C,\tCC,\tAMD Radeon RX 7900 XT\n"
)
PROCESSOR = {f"{NODES}/0/properties": "cpu_cores_count 16\nsimd_count 0\ngfx_target_version 0\n"}


def node(index: int, version: int, place: int = 768, **more: int) -> dict[str, str]:
    values = {"simd_count": 192, "gfx_target_version": version, "location_id": place, "domain": 0} | more
    return {f"{NODES}/{index}/properties": "".join(f"{key} {value}\n" for key, value in values.items())}


def device(address: str = "0000:03:00.0", **files: str) -> dict[str, str]:
    named = {"vendor": "0x1002", "class": "0x030000", "device": "0x744c", "revision": "0xc8"} | files
    return {f"{PCI}/{address}/{name}": f"{text}\n" for name, text in named.items()}


def read(make_root, files, **environ):
    return read_amd(Files(make_root(files)), environ=environ)


def test_amd_on_a_machine_without_any_is_empty(make_root):
    assert read(make_root, PROCESSOR | {"/sys/module/amdgpu/version": "6.12\n"}) == Amd()


def test_amd_gpu_is_read_with_name_target_and_memory(make_root):
    files = {
        **PROCESSOR,
        **node(1, 110000),
        **device(mem_info_vram_total="25753026560"),
        "/usr/share/libdrm/amdgpu.ids": PRODUCTS,
        "/sys/module/amdgpu/version": "6.12.12\n",
        "/opt/rocm/.info/version": "6.4.1-83\n",
        "/dev/kfd": "",
        "/dev/dri/renderD128": "",
        "/sys/class/drm/renderD128/device/vendor": "0x1002\n",
    }
    found = read(make_root, files)
    gpu = AmdGpu(name="AMD Radeon RX 7900 XTX", target="gfx1100", memory=25753026560)
    assert found.gpus == (gpu,)
    assert (found.driver_version, found.rocm_version) == ("6.12.12", "6.4.1")
    assert [each.path for each in found.devices] == ["/dev/kfd", "/dev/dri/renderD128"]


def test_amd_gpus_come_in_the_order_of_their_nodes(make_root):
    files = PROCESSOR
    for index in (2, 10, 1):
        files = files | node(index, 90402, place=index << 8)
    assert [gpu.name for gpu in read(make_root, files).gpus] == ["AMD GPU gfx942"] * 3
    named = {f"{PCI}/0000:0{place}:00.0/product_name": f"MI300X {place}\n" for place in ("1", "2", "a")}
    assert [gpu.name for gpu in read(make_root, files | named).gpus] == ["MI300X 1", "MI300X 2", "MI300X a"]


@pytest.mark.parametrize(
    ("version", "cores", "is_integrated"),
    [
        (110000, 0, False),
        (110003, 0, True),
        (110501, 0, True),
        (90012, 8, True),
        (90000, 8, True),
        (90402, 24, False),
        (120001, 0, False),
    ],
    ids=["RX 7900", "Phoenix", "Strix Halo", "Renoir", "with a processor", "MI300A", "RX 9070"],
)
def test_amd_gpu_that_is_part_of_a_processor_is_told(make_root, version, cores, is_integrated):
    (gpu,) = read(make_root, node(1, version, cpu_cores_count=cores)).gpus
    assert gpu.is_integrated is is_integrated


def test_amd_gpu_that_the_compute_driver_does_not_know_has_no_target(make_root):
    found = read(make_root, device() | device("0000:0c:00.0", vendor="0x1022"))
    assert found.gpus == (AmdGpu(name="AMD GPU at 0000:03:00.0"),)
    assert found.devices == ()


def test_amd_memory_is_counted_by_banks_where_the_bus_does_not_tell(make_root):
    banks = {
        f"{NODES}/1/mem_banks/0/properties": "heap_type 1\nsize_in_bytes 1000\n",
        f"{NODES}/1/mem_banks/1/properties": "heap_type 0\nsize_in_bytes 70000\n",
    }
    assert read(make_root, node(1, 90010) | banks).gpus[0].memory == 1000


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (90000, "gfx900"),
        (90006, "gfx906"),
        (90010, "gfx90a"),
        (90012, "gfx90c"),
        (90402, "gfx942"),
        (90500, "gfx950"),
        (100300, "gfx1030"),
        (110001, "gfx1101"),
        (120001, "gfx1201"),
        (0, None),
        (7, None),
        (99999, None),
        (10**9, None),
    ],
)
def test_amd_target_is_named_as_the_compiler_does(version, name):
    assert gfx_name(version) == name


@pytest.mark.parametrize(
    ("files", "environ", "version"),
    [
        ({}, {}, None),
        ({"/opt/rocm/.info/version": "?"}, {}, None),
        (
            {"/opt/rocm-6.2.0/.info/version": "6.2.0-66\n", "/opt/rocm-7.0/.info/version": "7.0.1\n"},
            {},
            "7.0.1",
        ),
        (
            {"/opt/rocm-6.9.0/.info/version": "6.9.0\n", "/opt/rocm-6.10.0/.info/version": "6.10.0\n"},
            {},
            "6.10.0",
        ),
        ({"/sw/.info/version": "5.7.1\n", "/opt/rocm/.info/version": "6.4\n"}, {"ROCM_PATH": "/sw"}, "5.7.1"),
        ({"/opt/rocm/.info/version": "6.4\n"}, {"ROCM_PATH": "sw", "ROCM_HOME": ""}, "6.4"),
    ],
)
def test_amd_rocm_version_is_that_of_the_folder_in_use(make_root, files, environ, version):
    assert read(make_root, files, **environ).rocm_version == version
