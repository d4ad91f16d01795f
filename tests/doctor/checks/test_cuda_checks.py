from __future__ import annotations

import pytest
from doctor.judging import judge, told
from doctor.machines import cpu_machine, gpu_machine, having, with_torch, with_variables, wsl

from envkit.api.facts import Cuda, CudaToolkit, LibraryFolder

A100, NEWEST = gpu_machine(), "/usr/local/cuda-13.0/lib64"


def with_folder(facts, *libraries, path=NEWEST, rest=""):
    """Put a folder with these libraries on LD_LIBRARY_PATH."""
    folder = LibraryFolder(path=path, libraries=libraries)
    return with_variables(
        having(facts, cuda=Cuda(library_folders=(folder,))), LD_LIBRARY_PATH=f"{path}{rest}"
    )


def with_toolkits(*toolkits):
    """Install CUDA toolkits."""
    return having(A100, cuda=Cuda(toolkits=toolkits))


NEW = CudaToolkit(path="/usr/local/cuda-13.0", version="13.0", found_by="PATH")
OLD = CudaToolkit(path="/usr/local/cuda-11.8", version="11.8", found_by="CUDA_HOME")

# What is wrong, the check that says so, the machine, and what its user reads.
CASES = {
    "a toolkit's libraries": (
        "cuda.library-path",
        with_folder(A100, "libcudart.so.13", "libcublas.so.13", "libcuda.so.1"),
        (
            "warn",
            "LD_LIBRARY_PATH makes torch load other CUDA libraries than its own",
            ("/usr/local/cuda-13.0/lib64 holds libcudart.so.13, libcublas.so.13",),
            "unset LD_LIBRARY_PATH",
        ),
    ),
    "a toolkit's libraries among others": (
        "cuda.library-path",
        with_folder(A100, "libcudart.so.13", rest=":/opt/my libs/lib"),
        (
            "warn",
            "LD_LIBRARY_PATH makes torch load other CUDA libraries than its own",
            ("/usr/local/cuda-13.0/lib64 holds libcudart.so.13",),
            "export LD_LIBRARY_PATH='/opt/my libs/lib'",
        ),
    ),
    "another cuDNN": (
        "cuda.library-path",
        with_folder(A100, "libcudnn.so.9", path="/opt/cudnn/lib"),
        (
            "warn",
            "LD_LIBRARY_PATH makes torch load other CUDA libraries than its own",
            ("/opt/cudnn/lib holds libcudnn.so.9",),
            "unset LD_LIBRARY_PATH",
        ),
    ),
    "another torch's CUDA in an environment": (
        "cuda.library-path",
        with_torch(
            with_folder(A100, "libcudart.so.12", path="/usr/local/cuda-12.6/lib64"),
            "2.8.0+cu126",
            "cu126",
            environment="old",
        ),
        (
            "warn",
            "LD_LIBRARY_PATH makes torch load other CUDA libraries than its own",
            ("/usr/local/cuda-12.6/lib64 holds libcudart.so.12",),
            "unset LD_LIBRARY_PATH",
        ),
    ),
    "several toolkits": (
        "cuda.toolkits",
        with_toolkits(NEW, OLD),
        (
            "info",
            "There are several CUDA toolkits; torch needs none, compiling takes one",
            (
                "CUDA toolkit 13.0 in /usr/local/cuda-13.0, found by PATH",
                "CUDA toolkit 11.8 in /usr/local/cuda-11.8, found by CUDA_HOME",
            ),
            "export CUDA_HOME=/usr/local/cuda-13.0   # the one to compile extensions with",
        ),
    ),
}
# Machines that look a little like those, and that a check has nothing to say about.
WELL = {
    "libraries of a CUDA that no torch here is built for": (
        "cuda.library-path",
        with_folder(A100, "libcudart.so.11.0", path="/usr/local/cuda-11.8/lib64"),
    ),
    "the driver's own library": (
        "cuda.library-path",
        with_folder(wsl(), "libcuda.so.1", path="/usr/lib/wsl/lib"),
    ),
    "libraries where there is no GPU": ("cuda.library-path", with_folder(cpu_machine(), "libcudart.so.13")),
    "no such folder": ("cuda.library-path", A100),
    "one toolkit": ("cuda.toolkits", with_toolkits(NEW)),
    "no toolkit": ("cuda.toolkits", A100),
}


@pytest.mark.parametrize(("check_id", "facts", "expected"), CASES.values(), ids=CASES)
def test_cuda_trouble_is_told_with_its_fix(check_id, facts, expected):
    assert [told(finding) for finding in judge(check_id, facts)] == [expected]


@pytest.mark.parametrize(("check_id", "facts"), WELL.values(), ids=WELL)
def test_cuda_nothing_wrong_is_not_reported(check_id, facts):
    assert judge(check_id, facts) == []
