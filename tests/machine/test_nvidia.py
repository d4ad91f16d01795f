from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from envkit.machine import Gpu, ProcessOutput, run_process
from envkit.machine.files import Files
from envkit.machine.nvidia import read_nvidia

OPEN_MODULE = """NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs@host)
GCC version:  gcc version 13.3.0 (Ubuntu)
"""
CLOSED_MODULE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024\n"
PCI = "/sys/bus/pci/devices"


def pci_gpu(address: str, vendor: str = "0x10de", kind: str = "0x030200") -> dict[str, str]:
    return {f"{PCI}/{address}/vendor": vendor + "\n", f"{PCI}/{address}/class": kind + "\n"}


class Processes:
    """Answers for programs by a word in their command; none is started."""

    def __init__(self, **answers: ProcessOutput | OSError) -> None:
        self.answers = answers
        self.environs: list[dict[str, str]] = []
        self.cmds: list[list[str]] = []

    def __call__(self, cmd, *, environ, timeout):
        self.cmds.append(list(cmd))
        self.environs.append(dict(environ))
        word = "nvml" if cmd[0] == sys.executable else "smi"
        answer = self.answers[word]
        if isinstance(answer, OSError):
            raise answer
        return answer


def done(out: str = "", *, status: int | None = 0, err: str = "") -> ProcessOutput:
    return ProcessOutput(status=status, out=out, err=err)


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    "files",
    [
        {},
        pci_gpu("0000:00:02.0", vendor="0x8086", kind="0x030000"),
        pci_gpu("0000:01:00.1", kind="0x040300"),
        {"/dev/dxg": ""},
        {"/dev/kfd": "", "/dev/dri/renderD128": "", "/dev/nvram": "", "/dev/nvidia-caps/nvidia-cap1": ""},
        {"/usr/lib64/libcuda.so.1": "", "/usr/local/cuda/version.json": "{}"},
    ],
    ids=["nothing", "another vendor", "NVIDIA sound", "WSL without NVIDIA", "AMD", "toolkit alone"],
)
def test_nvidia_without_a_sign_starts_no_process(make_root, files):
    processes = Processes()
    seen = Files(make_root(files))
    nvidia = read_nvidia(seen, environ={}, run_process=processes)
    assert (nvidia.driver_version, nvidia.gpus, nvidia.pci_devices) == (None, (), ())
    assert processes.cmds == []
    assert seen.unread == ()


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({"/sys/module/nvidia/version": "580.65.06\n"}, "580.65.06", "/sys/module/nvidia/version"),
        ({"/proc/driver/nvidia/version": OPEN_MODULE}, "580.65.06", "/proc/driver/nvidia/version"),
        ({"/proc/driver/nvidia/version": CLOSED_MODULE}, "470.256.02", "/proc/driver/nvidia/version"),
        ({"/proc/driver/nvidia/version": "NVRM version: ?\n"}, "550.1", "NVML"),
        (pci_gpu("0000:01:00.0"), "550.1", "NVML"),
        ({"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": ""}, "550.1", "NVML"),
    ],
)
def test_nvidia_driver_is_read_with_its_source(make_root, files, version, source):
    gpu = {"index": 0, "name": "A100", "compute_capability": "8.0", "memory": 1, "uuid": "GPU-1"}
    answer = done(json.dumps({"driver_version": "550.1", "gpus": [gpu], "errors": []}))
    nvidia = read_nvidia(Files(make_root(files)), environ={}, run_process=Processes(nvml=answer))
    assert (nvidia.driver_version, nvidia.driver_source) == (version, source)
    assert nvidia.gpus == (Gpu(**gpu),)


def test_nvidia_hidden_gpus_are_asked_for_all_the_same(make_root):
    processes = Processes(nvml=done(json.dumps({"gpus": [{"index": 0, "name": "A100"}]})))
    environ = {"CUDA_VISIBLE_DEVICES": "", "LD_LIBRARY_PATH": "/usr/lib"}
    read_nvidia(Files(make_root(pci_gpu("0000:01:00.0"))), environ=environ, run_process=processes)
    assert processes.environs == [{"LD_LIBRARY_PATH": "/usr/lib"}]
    assert processes.cmds[0][:3] == [sys.executable, "-I", "-S"]


def test_nvidia_nvml_failing_falls_back_to_nvidia_smi(make_root, tmp_path):
    smi = program(tmp_path / "bin", "nvidia-smi", "exit 1")
    processes = Processes(
        nvml=done(json.dumps({"errors": ["the library is not found"]})),
        smi=done(
            "0, NVIDIA GeForce RTX 3090, 8.6, 24576, 535.129.03, GPU-a1, [N/A], Exclusive_Process\n"
            "1, NVIDIA A100-SXM4-80GB, 8.0, 81920, 535.129.03, GPU-b2, Enabled, Default\n"
            "2, Tesla K80, [N/A], [Not Supported], 535.129.03, [N/A], [N/A], [Unknown Error]\n"
        ),
    )
    files = Files(make_root({"/proc/driver/nvidia/version": OPEN_MODULE}))
    nvidia = read_nvidia(files, environ={"PATH": str(smi.parent)}, run_process=processes)
    assert processes.cmds[1][0] == str(smi)
    assert nvidia.gpus == (
        Gpu(
            index=0,
            name="NVIDIA GeForce RTX 3090",
            compute_capability="8.6",
            memory=24576 << 20,
            uuid="GPU-a1",
            mig=False,
            compute_mode="exclusive",
        ),
        Gpu(
            index=1,
            name="NVIDIA A100-SXM4-80GB",
            compute_capability="8.0",
            memory=81920 << 20,
            uuid="GPU-b2",
            mig=True,
            compute_mode="default",
        ),
        Gpu(index=2, name="Tesla K80", mig=False),
    )
    assert [(each.what, each.why) for each in files.unread] == [("NVML", "the library is not found")]


@pytest.mark.parametrize(
    ("nvml", "smi", "why"),
    [
        (done(status=None), done(status=None), ["NVML", "nvidia-smi"]),
        (OSError(13, "Permission denied"), OSError(8, "Exec format error"), ["NVML", "nvidia-smi"]),
        (done("", status=-11, err="Traceback\nboom"), done("oops", status=9), ["NVML", "nvidia-smi"]),
        (done("[]"), done("0, A100\n"), ["NVML", "nvidia-smi"]),
        (done("[" * 100_000), done("\0, " * 8), ["NVML", "nvidia-smi"]),
        (done("{}"), done(""), ["nvidia-smi"]),
    ],
    ids=[
        "both hang",
        "neither starts",
        "both fail",
        "both talk nonsense",
        "endless JSON",
        "both say nothing",
    ],
)
def test_nvidia_silent_driver_leaves_names_and_reasons(make_root, tmp_path, nvml, smi, why):
    folder = program(tmp_path / "bin", "nvidia-smi", "").parent
    gpu = "/proc/driver/nvidia/gpus/0000:01:00.0/information"
    files = Files(
        make_root(
            {
                "/proc/driver/nvidia/version": OPEN_MODULE,
                gpu: "Model: \t\t NVIDIA A100-SXM4\nGPU UUID: \t GPU-1\n",
            }
        )
    )
    nvidia = read_nvidia(files, environ={"PATH": str(folder)}, run_process=Processes(nvml=nvml, smi=smi))
    assert nvidia.driver_version == "580.65.06"
    assert nvidia.gpus == (Gpu(index=0, name="NVIDIA A100-SXM4", uuid="GPU-1"),)
    assert [each.what for each in files.unread] == why


def test_nvidia_gpu_without_driver_is_seen_as_such(make_root):
    files = Files(make_root(pci_gpu("0000:01:00.0") | pci_gpu("0000:02:00.0")))
    nvml = done(json.dumps({"errors": ["libnvidia-ml.so.1: cannot open shared object file"]}))
    nvidia = read_nvidia(files, environ={"PATH": ""}, run_process=Processes(nvml=nvml))
    assert nvidia.driver_version is None
    assert nvidia.pci_devices == ("0000:01:00.0", "0000:02:00.0")
    assert [gpu.compute_capability for gpu in nvidia.gpus] == [None, None]
    assert {each.what for each in files.unread} == {"NVML", "nvidia-smi", "NVIDIA driver"}


def test_nvidia_driver_that_shows_fewer_gpus_than_the_bus_is_noted(make_root):
    files = Files(make_root(pci_gpu("0000:01:00.0") | pci_gpu("0000:02:00.0")))
    nvml = done(json.dumps({"driver_version": "580.1", "gpus": [{"index": 0, "name": "A100"}]}))
    nvidia = read_nvidia(files, environ={}, run_process=Processes(nvml=nvml))
    assert len(nvidia.gpus) == 1
    assert [each.what for each in files.unread] == ["NVIDIA GPUs"]


LIBRARIES = "/usr/lib/x86_64-linux-gnu"
KERNEL = {"/sys/module/nvidia/version": "535.129.03\n"}


def library_files(version: str, folder: str = LIBRARIES) -> dict[str, str]:
    return {f"{folder}/libnvidia-ml.so.{version}": "", f"{folder}/libcuda.so.{version}": ""}


def link_libraries(root: Path, version: str, folder: str = LIBRARIES) -> Path:
    for name in ("libnvidia-ml.so", "libcuda.so"):
        (root / folder.lstrip("/") / f"{name}.1").symlink_to(f"{name}.{version}")
    return root


@pytest.mark.parametrize(
    ("nvml", "version", "file"),
    [
        (done(status=None), "550.54.14", f"{LIBRARIES}/libnvidia-ml.so.550.54.14"),
        (
            done(json.dumps({"library_version": "560.35", "library_file": "/opt/libnvidia-ml.so.560.35.03"})),
            "560.35.03",
            "/opt/libnvidia-ml.so.560.35.03",
        ),
    ],
    ids=["NVML hangs: by the usual folders", "NVML says which file it is"],
)
def test_nvidia_library_of_another_version_than_the_module_is_told(make_root, nvml, version, file):
    root = link_libraries(make_root(KERNEL | library_files("550.54.14")), "550.54.14")
    nvidia = read_nvidia(Files(root), environ={"PATH": ""}, run_process=Processes(nvml=nvml))
    assert (nvidia.driver_version, nvidia.library_version) == ("535.129.03", version)
    assert nvidia.library_file == file


@pytest.mark.parametrize(
    ("said", "version"),
    [("535.129", "535.129.03"), ("535.12", "535.12"), ("550.54", "550.54"), (None, None)],
)
def test_nvidia_library_without_a_version_in_its_name_is_judged_by_what_nvml_says(make_root, said, version):
    answer = {"library_version": said, "library_file": "/nix/store/x/libnvidia-ml.so.1"}
    processes = Processes(nvml=done(json.dumps(answer)))
    nvidia = read_nvidia(Files(make_root(KERNEL)), environ={"PATH": ""}, run_process=processes)
    assert (nvidia.library_version, nvidia.library_file) == (version, "/nix/store/x/libnvidia-ml.so.1")


def test_nvidia_cuda_version_and_modes_are_the_drivers_own(make_root):
    gpu = {"index": 0, "name": "H100", "mig": True, "compute_mode": "prohibited"}
    processes = Processes(nvml=done(json.dumps({"cuda_version": "13.0", "gpus": [gpu]})))
    nvidia = read_nvidia(Files(make_root(KERNEL)), environ={}, run_process=processes)
    assert nvidia.cuda_version == "13.0"
    assert (nvidia.gpus[0].mig, nvidia.gpus[0].compute_mode) == (True, "prohibited")


@pytest.mark.parametrize(
    ("files", "driver", "has_nouveau"),
    [
        ({"/proc/modules": "nouveau 2433024 1 - Live 0x0\ndrm 1 1 nouveau\n"}, None, True),
        ({"/sys/module/nouveau/refcnt": "1\n"}, None, True),
        ({"/sys/module/nouveau/refcnt": "0\n"} | KERNEL, None, False),
        ({"/sys/module/nouveau/refcnt": "0\n"}, "vfio-pci", False),
        ({}, "nouveau", True),
        ({"/proc/modules": "drm 1 1 nouveau_not\n"}, None, False),
    ],
)
def test_nvidia_gpu_held_by_nouveau_is_told(make_root, files, driver, has_nouveau):
    root = make_root(files | pci_gpu("0000:01:00.0"))
    if driver:
        (root / f"{PCI}/0000:01:00.0/driver".lstrip("/")).symlink_to(f"../../../bus/pci/drivers/{driver}")
    seen = Files(root)
    nvidia = read_nvidia(seen, environ={"PATH": ""}, run_process=Processes(nvml=done("{}")))
    assert nvidia.has_nouveau is has_nouveau
    if driver:
        assert f"{driver} holds it" in next(each.why for each in seen.unread if each.what == "NVIDIA driver")


def test_nvidia_device_files_alone_are_a_sign(make_root):
    files = {"/dev/nvidia0": "", "/dev/nvidiactl": "", "/dev/nvidia-uvm": "", "/dev/nvidia-modeset": ""}
    answer = {"driver_version": "580.65.06", "gpus": [{"index": 0, "name": "H100"}]}
    processes = Processes(nvml=done(json.dumps(answer)))
    nvidia = read_nvidia(Files(make_root(files)), environ={}, run_process=processes)
    assert [each.path for each in nvidia.devices] == ["/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl"]
    assert (nvidia.driver_version, nvidia.driver_source) == ("580.65.06", "NVML")


def test_nvidia_driver_for_linux_inside_wsl_is_told(make_root):
    wsl = {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": ""}
    root = link_libraries(make_root(wsl | library_files("550.54.14")), "550.54.14")
    answer = done(json.dumps({"driver_version": "560.94", "library_version": "560.35", "gpus": []}))
    nvidia = read_nvidia(Files(root), environ={"PATH": ""}, run_process=Processes(nvml=answer))
    assert nvidia.wsl_linux_driver == f"{LIBRARIES}/libcuda.so.550.54.14"
    # Windows's driver and its library for Linux have versions of their own: no mismatch.
    assert (nvidia.driver_version, nvidia.library_version) == ("560.94", None)


def test_nvidia_windows_driver_inside_wsl_is_none_for_linux(make_root):
    files = {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": "", f"{LIBRARIES}/libcuda.so.1.1": ""}
    root = make_root(files)
    (root / LIBRARIES.lstrip("/") / "libcuda.so.1").symlink_to("libcuda.so.1.1")
    processes = Processes(nvml=done("{}"))
    assert read_nvidia(Files(root), environ={"PATH": ""}, run_process=processes).wsl_linux_driver is None


def run_in_a_hurry(cmd, *, environ, timeout):
    """Run a real process, for half a second at the most."""
    return run_process(cmd, environ=environ, timeout=min(timeout, 0.5))


@pytest.mark.slow
def test_nvidia_smi_that_hangs_is_killed_with_its_children(make_root, tmp_path):
    pid_file = tmp_path / "pid"
    folder = program(tmp_path / "bin", "nvidia-smi", f"sleep 60 & echo $! > {pid_file}\nwait").parent
    files = Files(make_root({"/sys/module/nvidia/version": "580.65.06\n"}))
    environ = {"PATH": os.pathsep.join((str(folder), os.environ["PATH"]))}
    start = time.monotonic()
    nvidia = read_nvidia(files, environ=environ, run_process=run_in_a_hurry)
    assert time.monotonic() - start < 4
    assert nvidia.gpus == ()
    assert ("nvidia-smi", "did not answer in 10 s") in [(each.what, each.why) for each in files.unread]
    state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    assert not state.exists() or " Z " in state.read_text()
