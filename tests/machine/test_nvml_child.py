"""The ctypes calls, against a library of our own that answers as NVML does."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

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


@pytest.fixture(scope="module")
def library_dir(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    (folder / "nvml.c").write_text(LIBRARY)
    target = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", target, folder / "nvml.c"], check=True)
    return folder


def read(make_root, **environ):
    files = Files(make_root({"/sys/module/nvidia/version": "580.65.06\n"}))
    nvidia = read_nvidia(files, environ={"PATH": os.devnull, **environ}, run_process=run_process)
    return nvidia, [each.why for each in files.unread if each.what == "NVML"]


def test_nvml_answers_with_every_gpu_it_may_show(make_root, library_dir):
    nvidia, why = read(make_root, LD_LIBRARY_PATH=str(library_dir))
    assert nvidia.gpus == (
        Gpu(index=0, name="NVIDIA H200 0", compute_capability="9.0", memory=150754820096, uuid="GPU-0"),
        Gpu(index=1, name="NVIDIA H200 1", compute_capability="12.1", memory=None, uuid="GPU-1"),
    )
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
    assert "libnvidia-ml.so.1" in why[0]
