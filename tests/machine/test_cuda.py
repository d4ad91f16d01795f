from __future__ import annotations

import pytest

from envkit.api.facts import Cuda, CudaToolkit, LibraryFolder
from envkit.machine.cuda import read_cuda
from envkit.machine.files import Files

JSON = '{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}, "nvcc": {"version": "12.4.131"}}'


def test_cuda_on_a_machine_without_any_is_empty(make_root):
    environ = {"PATH": "/usr/bin:relative::", "LD_LIBRARY_PATH": "/opt/lib", "CUDA_HOME": "/gone"}
    assert read_cuda(Files(make_root({"/usr/bin/gcc": ""})), environ=environ) == Cuda()


def test_cuda_toolkit_behind_links_is_told_once_by_the_first_way(make_root):
    root = make_root({"/usr/local/cuda-12.4/version.json": JSON, "/usr/local/cuda-12.4/bin/nvcc": ""})
    (root / "usr/local/cuda").symlink_to("cuda-12.4")
    environ = {"PATH": "/usr/bin:/usr/local/cuda/bin", "CUDA_HOME": "/usr/local/cuda/"}
    toolkit = CudaToolkit(path="/usr/local/cuda-12.4", version="12.4.1", found_by="PATH")
    assert read_cuda(Files(root), environ=environ).toolkits == (toolkit,)


@pytest.mark.parametrize("variable", ["CUDA_HOME", "CUDA_PATH"])
def test_cuda_toolkits_come_in_the_order_that_builds_find_them(make_root, variable):
    root = make_root(
        {
            "/opt/nvidia/cuda/version.txt": "CUDA Version 10.2.89\n",
            "/usr/local/cuda-11.8/bin/nvcc": "",
            "/usr/local/cuda-13.0/version.json": '{"cuda": {"version": "13.0.0"}}',
            "/usr/local/cuda-12/lib64/libcudart.so.12": "",
        }
    )
    (root / "usr/local/cuda").symlink_to("cuda-13.0")
    found = read_cuda(Files(root), environ={variable: "/opt/nvidia/cuda"}).toolkits
    assert [(each.version, each.found_by) for each in found] == [
        ("10.2.89", variable),
        ("13.0.0", "/usr/local/cuda"),
        ("11.8", "/usr/local/cuda-11.8"),
    ]


@pytest.mark.parametrize(
    ("files", "version", "notes"),
    [
        ({"/version.json": JSON}, "12.4.1", []),
        ({"/version.txt": "CUDA Version 10.2.89\n"}, "10.2.89", []),
        ({"/include/cuda.h": "/* x */\n#define CUDA_VERSION 12060\n"}, "12.6", []),
        ({"/targets/sbsa-linux/include/cuda.h": "#define CUDA_VERSION 13020\n"}, "13.2", []),
        ({"/version.json": "{", "/version.txt": "CUDA Version 11.7\n"}, "11.7", ["/opt/cuda/version.json"]),
        ({"/version.json": "[" * 10_000}, None, ["/opt/cuda/version.json"]),
        ({"/version.json": '{"cuda": {"version": 12}}'}, None, ["/opt/cuda/version.json"]),
        ({"/version.json": '{"cuda": {"version": "new"}}'}, None, []),
        ({"/version.txt": "?"}, None, []),
    ],
)
def test_cuda_version_is_read_from_what_is_there(make_root, files, version, notes):
    root = make_root({"/opt/cuda/bin/nvcc": ""} | {f"/opt/cuda{path}": text for path, text in files.items()})
    seen = Files(root)
    (toolkit,) = read_cuda(seen, environ={}).toolkits
    assert toolkit.version == version
    assert [each.what for each in seen.unread] == notes


def test_cuda_compiler_that_is_a_script_is_followed(make_root):
    root = make_root(
        {
            "/usr/bin/nvcc": '#!/bin/sh\nexec "/opt/cuda-12.1/bin/nvcc" "$@"\n',
            "/opt/cuda-12.1/bin/nvcc": "",
            "/usr/local/bin/nvcc": "#!/bin/sh\nexec $CUDA/bin/nvcc\n",
        }
    )
    found = read_cuda(Files(root), environ={"PATH": "/usr/bin"}).toolkits
    assert found == (CudaToolkit(path="/opt/cuda-12.1", version="12.1", found_by="PATH"),)
    (lonely,) = read_cuda(Files(root), environ={"PATH": "/usr/local/bin"}).toolkits
    assert (lonely.path, lonely.version) == ("/usr/local", None)


def test_cuda_library_folders_hold_what_torch_brings_itself(make_root):
    names = (
        "libcudart.so.12",
        "libcudart.so.12.4.127",
        "libcudart.so.11.0",
        "libcudart.so",
        "libcudnn.so.9",
        "libcublas.so.12",
        "libcublasLt.so.12",
        "libnccl.so.2",
        "libnvrtc.so.11.2",
        "libcufft.so.11",
        "libcudartX.so.12",
    )
    files = {f"/opt/libs/{name}": "" for name in names} | {"/opt/other/libfoo.so.1": ""}
    environ = {"LD_LIBRARY_PATH": "/opt/other:/opt/libs:/opt/none:/opt/libs/"}
    found = read_cuda(Files(make_root(files)), environ=environ).library_folders
    assert found == (
        LibraryFolder(
            path="/opt/libs",
            libraries=(
                "libcublas.so.12",
                "libcublasLt.so.12",
                "libcudart.so.11.0",
                "libcudart.so.12",
                "libcudnn.so.9",
                "libnccl.so.2",
                "libnvrtc.so.11.2",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("folder", "file", "is_told"),
    [
        ("/usr/local/nvidia/lib64", "libcuda.so.580.65.06", False),
        ("/usr/local/cuda/compat", "libcuda.so.535.54.03", True),
        ("/usr/local/cuda/lib64/stubs", "libcuda.so", True),
        ("/usr/lib/wsl/lib", "libcuda.so.1.1", False),
        ("/opt/shim", "libcuda.so", False),
    ],
    ids=["the driver's own", "another driver's", "a stub", "WSL", "unknown"],
)
def test_cuda_driver_library_is_told_where_it_is_not_the_drivers_own(make_root, folder, file, is_told):
    root = make_root({f"{folder}/{file}": "", "/sys/module/nvidia/version": "580.65.06\n"})
    (root / folder.lstrip("/") / "libcuda.so.1").symlink_to(file)
    found = read_cuda(Files(root), environ={"LD_LIBRARY_PATH": folder}).library_folders
    assert [each.libraries for each in found] == ([("libcuda.so.1",)] if is_told else [])
