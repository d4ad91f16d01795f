from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from envkit.machine import Gpu, ProcessOutput, nvidia_smi, run_process
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
    ],
    ids=["nothing", "another vendor", "NVIDIA sound", "WSL without NVIDIA"],
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
            "0, NVIDIA GeForce RTX 3090, 8.6, 24576, 535.129.03\n"
            "1, Tesla K80, [N/A], [Not Supported], 535.129.03\n"
        ),
    )
    files = Files(make_root({"/proc/driver/nvidia/version": OPEN_MODULE}))
    nvidia = read_nvidia(files, environ={"PATH": str(smi.parent)}, run_process=processes)
    assert processes.cmds[1][0] == str(smi)
    assert nvidia.gpus == (
        Gpu(index=0, name="NVIDIA GeForce RTX 3090", compute_capability="8.6", memory=24576 << 20),
        Gpu(index=1, name="Tesla K80"),
    )
    assert [(each.what, each.why) for each in files.unread] == [("NVML", "the library is not found")]


@pytest.mark.parametrize(
    ("nvml", "smi", "why"),
    [
        (done(status=None), done(status=None), ["NVML", "nvidia-smi"]),
        (OSError(13, "Permission denied"), OSError(8, "Exec format error"), ["NVML", "nvidia-smi"]),
        (done("", status=-11, err="Traceback\nboom"), done("oops", status=9), ["NVML", "nvidia-smi"]),
        (done("[]"), done("0, A100\n"), ["NVML", "nvidia-smi"]),
        (done("{}"), done(""), ["nvidia-smi"]),
    ],
    ids=["both hang", "neither starts", "both fail", "both talk nonsense", "both say nothing"],
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


def test_nvidia_smi_that_hangs_is_killed_with_its_children(make_root, tmp_path, monkeypatch):
    pid_file = tmp_path / "pid"
    folder = program(tmp_path / "bin", "nvidia-smi", f"sleep 60 & echo $! > {pid_file}\nwait").parent
    monkeypatch.setattr(nvidia_smi, "TIMEOUT_SECONDS", 0.5)
    files = Files(make_root({"/sys/module/nvidia/version": "580.65.06\n"}))
    environ = {"PATH": os.pathsep.join((str(folder), os.environ["PATH"]))}
    start = time.monotonic()
    nvidia = read_nvidia(files, environ=environ, run_process=run_process)
    assert time.monotonic() - start < 4
    assert nvidia.gpus == ()
    assert ("nvidia-smi", "did not answer in 0.5 s") in [(each.what, each.why) for each in files.unread]
    state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    assert not state.exists() or " Z " in state.read_text()
