"""The ctypes calls, against a library of our own that answers as NVML does."""

from __future__ import annotations

import os
import subprocess

import pytest
from required import require_program

from envkit.machine import Gpu, run_process
from envkit.machine.files import Files
from envkit.machine.nvidia import read_nvidia

pytestmark = pytest.mark.slow

LIBRARY = r"""
#include <stdio.h>
#include <stdlib.h>
typedef struct { unsigned long long total, free, used; } memory;
static int fault(const char *name) { const char *at = getenv(name); return at ? atoi(at) : 0; }
int nvmlInit_v2(void) { return fault("FAULT_INIT"); }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return fault("FAULT_COUNT"); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = (void *)(0x7f0000000000 + index);
  return index == 2 ? 4 : 0;
}
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "580.65.06"); return 0; }
int nvmlSystemGetNVMLVersion(char *text, unsigned size) { snprintf(text, size, "13.580.65"); return 0; }
int nvmlSystemGetCudaDriverVersion(int *version) { *version = 13020; return fault("FAULT_CUDA"); }
int nvmlDeviceGetMigMode(void *device, unsigned *now, unsigned *later) {
  *now = 1; *later = 0; return (long)device & 0xff ? 3 : fault("FAULT_MIG");
}
int nvmlDeviceGetComputeMode(void *device, int *mode) { *mode = fault("COMPUTE_MODE"); return 0; }
int nvmlDeviceGetName(void *device, char *text, unsigned size) {
  snprintf(text, size, "NVIDIA H200 %d", (int)((long)device & 0xff)); return 0;
}
int nvmlDeviceGetUUID(void *device, char *text, unsigned size) {
  snprintf(text, size, "GPU-%d", (int)((long)device & 0xff)); return 0;
}
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
  *major = (long)device & 0xff ? 12 : 9; *minor = (long)device & 0xff; return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, memory *info) {
  if ((long)device & 0xff) return 3;
  info->total = 150754820096ull; info->free = 1; info->used = 2; return 0;
}
"""


OLD_LIBRARY = r"""
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { return index == 2 ? 4 : 0; }
"""


def build(folder, source, name="libnvidia-ml.so.1"):
    compiler = require_program("programs", "cc", "gcc")
    (folder / "nvml.c").write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / name, folder / "nvml.c"], check=True)
    return folder


@pytest.fixture(scope="module")
def library_dir(tmp_path_factory):
    return build(tmp_path_factory.mktemp("nvml"), LIBRARY)


def read(make_root, **environ):
    files = Files(make_root({"/sys/module/nvidia/version": "580.65.06\n"}))
    nvidia = read_nvidia(files, environ={"PATH": os.devnull, **environ}, run_process=run_process)
    return nvidia, [each.why for each in files.unread if each.what == "NVML"]


def test_nvml_answers_with_every_gpu_it_may_show(make_root, library_dir):
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(library_dir))
    assert nvidia.gpus == (
        Gpu(
            index=0,
            name="NVIDIA H200 0",
            compute_capability="9.0",
            memory=150754820096,
            uuid="GPU-0",
            mig=True,
            compute_mode="default",
        ),
        Gpu(
            index=1,
            name="NVIDIA H200 1",
            compute_capability="12.1",
            uuid="GPU-1",
            mig=False,
            compute_mode="default",
        ),
    )
    assert nvidia.cuda_version == "13.2"
    assert why == ["GPU 2: no permission"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"FAULT_INIT": "9"}, "the driver is not loaded"),
        ({"FAULT_INIT": "18"}, "restart the machine"),
        ({"FAULT_INIT": "77"}, "NVML error 77"),
        ({"FAULT_COUNT": "999"}, "an unknown error"),
    ],
)
def test_nvml_that_fails_says_why(make_root, library_dir, fault, said):
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(library_dir), **fault)
    assert said in why[0]
    assert nvidia.driver_version == "580.65.06"


def test_nvml_that_is_missing_says_why(make_root):
    _, why = read(make_root)
    assert len(why) == 1
    assert why[0].count("libnvidia-ml.so.1") == 1


def test_nvml_that_cannot_be_loaded_says_why(make_root, tmp_path):
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    _, why = read(make_root, LD_LIBRARY_PATH=str(tmp_path))
    assert str(tmp_path) in why[0]
    assert "No such file" not in why[0]


@pytest.mark.parametrize(
    ("number", "mode"),
    [("0", "default"), ("1", "exclusive"), ("2", "prohibited"), ("3", "exclusive"), ("9", None)],
)
def test_nvml_compute_mode_is_named(make_root, library_dir, number, mode):
    nvidia, _ = read(make_root, LD_LIBRARY_PATH=str(library_dir), COMPUTE_MODE=number)
    assert [gpu.compute_mode for gpu in nvidia.gpus] == [mode, mode]


def test_nvml_without_an_answer_to_mig_and_cuda_leaves_them_unknown(make_root, library_dir):
    nvidia, _ = read(make_root, LD_LIBRARY_PATH=str(library_dir), FAULT_MIG="999", FAULT_CUDA="12")
    assert (nvidia.gpus[0].mig, nvidia.cuda_version) == (None, None)
    assert nvidia.gpus[0].compute_capability == "9.0"


def test_nvml_names_its_version_even_where_the_kernel_half_is_another(make_root, tmp_path):
    build(tmp_path, LIBRARY.replace("13.580.65", "13.590.10"), "libnvidia-ml.so.590.10.01")
    (tmp_path / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.590.10.01")
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(tmp_path), FAULT_INIT="18")
    assert (nvidia.driver_version, nvidia.library_version) == ("580.65.06", "590.10.01")
    assert nvidia.library_file == str((tmp_path / "libnvidia-ml.so.590.10.01").resolve())
    assert "version mismatch" in why[0]


def test_nvml_version_is_the_modules_where_its_file_does_not_name_one(make_root, library_dir):
    nvidia, _ = read(make_root, LD_LIBRARY_PATH=str(library_dir))
    assert (nvidia.library_version, nvidia.driver_version) == ("580.65.06", "580.65.06")


def test_nvml_of_an_old_driver_that_lacks_functions_still_shows_gpus(make_root, tmp_path):
    build(tmp_path, OLD_LIBRARY)
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(tmp_path))
    assert nvidia.gpus == (Gpu(index=0, name="NVIDIA GPU"), Gpu(index=1, name="NVIDIA GPU"))
    assert why == ["GPU 2: no permission"]


def test_nvml_that_is_another_library_says_so(make_root, tmp_path):
    build(tmp_path, "int zlibVersion(void) { return 0; }\n")
    _, why = read(make_root, LD_LIBRARY_PATH=str(tmp_path))
    assert why == ["the library lacks a function"]


def test_nvml_that_crashes_leaves_the_rest(make_root, tmp_path):
    build(tmp_path, "#include <stdlib.h>\nint nvmlInit_v2(void) { abort(); }\n")
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(tmp_path))
    assert nvidia.driver_version == "580.65.06"
    assert why == ["its process ended with status -6: no message"]
