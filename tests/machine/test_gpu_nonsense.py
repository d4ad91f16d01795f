"""Whatever bytes the kernel's files hold, and whatever lies where a file should, the probes end and say something."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from envkit.api.facts import Amd, Cuda, Intel, Nvidia
from envkit.machine.amd import read_amd
from envkit.machine.cuda import read_cuda
from envkit.machine.files import Files
from envkit.machine.intel import read_intel
from envkit.machine.nvidia import read_nvidia
from envkit.machine.process import ProcessOutput

DEVICE = "/sys/bus/pci/devices/0000:03:00.0"
NODE = "/sys/class/kfd/kfd/topology/nodes/1"
PATHS = (
    f"{DEVICE}/vendor",
    f"{DEVICE}/class",
    f"{DEVICE}/device",
    f"{DEVICE}/revision",
    f"{DEVICE}/product_name",
    f"{DEVICE}/mem_info_vram_total",
    f"{NODE}/properties",
    f"{NODE}/mem_banks/0/properties",
    "/usr/share/libdrm/amdgpu.ids",
    "/opt/rocm/.info/version",
    "/sys/module/nvidia/version",
    "/sys/module/amdgpu/version",
    "/proc/driver/nvidia/version",
    "/proc/driver/nvidia/gpus/0/information",
    "/proc/modules",
    "/proc/sys/kernel/osrelease",
    "/dev/nvidia0",
    "/dev/dxg",
    "/dev/kfd",
    "/dev/dri/renderD128",
    "/sys/class/drm/renderD128/device/vendor",
    "/etc/passwd",
    "/etc/group",
    "/usr/lib64/libcuda.so.1",
    "/usr/lib64/libze_loader.so.1",
    "/usr/lib/wsl/lib/libcuda.so.1",
    "/usr/local/cuda/version.json",
    "/usr/local/cuda/version.txt",
    "/usr/local/cuda/include/cuda.h",
    "/usr/local/cuda/bin/nvcc",
    "/usr/local/cuda/lib64/libcudart.so.12",
    "/usr/local/cuda/lib64/libcuda.so.1",
)
ENVIRON = {"PATH": "/usr/local/cuda/bin", "LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "CUDA_HOME": "/usr"}
# Bytes, and texts close enough to the true ones to get further in.
CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"0x10de\n", b"0x1002\n", b"0x8086\n", b"0x030000\n", b"0x56a0\n", b"535.54.03\n"]),
    st.from_regex(rb"gfx_target_version [0-9]{1,30}\nlocation_id [0-9]{1,30}\n", fullmatch=True),
    st.from_regex(rb'\{"cuda": ?[\[{"0-9a-z:}\]]*\}', fullmatch=True),
    st.none(),  # a folder
)


def lay_out(root: Path, contents: dict[str, bytes | None]) -> None:
    for path, content in contents.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.mkdir() if content is None else file.write_bytes(content)


@given(contents=st.dictionaries(st.sampled_from(PATHS), CONTENTS), out=st.text(max_size=100))
def test_gpu_probes_read_any_bytes_without_error(contents, out):
    def talk_nonsense(cmd, *, environ, timeout):
        return ProcessOutput(status=0, out=out, err="")

    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder), contents)
        files = Files(Path(folder))
        read = {
            Nvidia: read_nvidia(files, environ=ENVIRON, run_process=talk_nonsense),
            Amd: read_amd(files, environ=ENVIRON),
            Intel: read_intel(files),
            Cuda: read_cuda(files, environ=ENVIRON),
        }
    for kind, value in read.items():
        assert msgspec.json.decode(msgspec.json.encode(value), type=kind) == value
