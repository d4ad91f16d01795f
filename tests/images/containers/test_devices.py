"""Which GPUs a container gets, and that a run never falls to the CPU unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import ImageError
from envkit.api.facts import Cpu, Gpu, Interpreter, Memory, Nvidia, Platform
from envkit.images.containers.devices import EngineDevices, GpuChoice, choose_gpus, read_engine_devices
from envkit.images.layout import DRIVER_LABEL, TORCH_LABEL, VARIANT_LABEL
from envkit.machine import MachineFacts

if TYPE_CHECKING:
    from pathlib import Path

CUDA = {TORCH_LABEL: "2.13.0+cu126", VARIANT_LABEL: "cu126", DRIVER_LABEL: "525.60.13"}
CPU = {TORCH_LABEL: "2.13.0+cpu", VARIANT_LABEL: "cpu"}
NO_TORCH: dict[str, str] = {}
RUNTIME, CDI, NOTHING = EngineDevices(has_runtime=True), EngineDevices(has_cdi=True), EngineDevices()
BOTH = EngineDevices(has_runtime=True, has_cdi=True)
HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}


def machine(*, driver: str | None = "535.104.05", gpus: int = 1, is_wsl: bool = False) -> MachineFacts:
    found = tuple(Gpu(index=n, name="NVIDIA A10", compute_capability="8.6") for n in range(gpus))
    return MachineFacts(
        taken_at="2026-11-22T15:00:00+00:00",
        python=Interpreter(
            path="/usr/bin/python3", version="3.11.2", implementation="cpython", is_64bit=True
        ),
        platform=Platform(system="linux", machine="x86_64", kernel="6.1", is_wsl=is_wsl),
        cpu=Cpu(),
        memory=Memory(),
        nvidia=Nvidia(driver_version=driver, gpus=found),
    )


WITH_GPU, WITHOUT = machine(), machine(driver=None, gpus=0)


def choose(
    asked: str | None,
    labels: dict[str, str],
    facts: MachineFacts,
    engine: EngineDevices,
    environ: dict[str, str] | None = None,
) -> GpuChoice:
    return choose_gpus(
        asked, reference="ner:1", labels=labels, facts=facts, engine=engine, environ=environ or {}
    )


@pytest.mark.parametrize(
    ("asked", "labels", "facts", "engine", "environ", "expected"),
    [
        ("cpu", CUDA, WITH_GPU, NOTHING, {}, GpuChoice(way="none")),
        ("auto", CUDA, WITHOUT, RUNTIME, {}, GpuChoice(way="none")),
        ("auto", CPU, WITHOUT, NOTHING, {}, GpuChoice(way="none")),
        ("auto", NO_TORCH, WITH_GPU, NOTHING, {}, GpuChoice(way="none")),
        ("auto", CPU, WITH_GPU, NOTHING, HIDDEN, GpuChoice(way="none")),
        ("auto", CUDA, WITH_GPU, RUNTIME, {}, GpuChoice(way="device-request", device="cuda")),
        ("auto", CUDA, WITH_GPU, CDI, {}, GpuChoice(way="cdi", device="cuda")),
        ("auto", CUDA, WITH_GPU, BOTH, {}, GpuChoice(way="device-request", device="cuda")),
        ("cuda:1", CUDA, machine(gpus=2), RUNTIME, {}, GpuChoice(way="device-request")),
        (None, CUDA, WITH_GPU, RUNTIME, {}, GpuChoice(way="device-request")),
        ("cuda", CUDA, WITH_GPU, EngineDevices(has_cdi=True, is_podman=True), {}, GpuChoice(way="cdi")),
        ("cuda", CUDA, machine(driver="528.33", is_wsl=True), RUNTIME, {}, GpuChoice(way="device-request")),
    ],
)
def test_choose_gpus_where_all_fits_gives_them_by_the_way_there_is(
    asked: str | None, labels: Any, facts: MachineFacts, engine: Any, environ: Any, expected: GpuChoice
) -> None:
    assert choose(asked, labels, facts, engine, environ) == expected


@pytest.mark.parametrize(
    ("asked", "labels", "facts", "engine", "words", "hint"),
    [
        ("cuda", CUDA, WITHOUT, RUNTIME, "no NVIDIA GPU", "envkit doctor"),
        ("cuda", CPU, WITH_GPU, RUNTIME, "holds torch 2.13.0+cpu, built for cpu alone", "envkit build"),
        ("cuda", NO_TORCH, WITH_GPU, RUNTIME, "holds no torch", "envkit build"),
        ("auto", CPU, WITH_GPU, RUNTIME, "holds torch 2.13.0+cpu", "--device cpu"),
        ("auto", CUDA, WITH_GPU, NOTHING, "cannot give them", "nvidia-ctk runtime configure"),
        (
            "auto",
            CUDA,
            WITH_GPU,
            EngineDevices(is_podman=True),
            "cannot give them",
            "nvidia-ctk cdi generate",
        ),
        (
            "auto",
            CUDA,
            machine(driver="470.57.02"),
            RUNTIME,
            "525.60.13 or newer, here is 470.57.02",
            "driver",
        ),
        ("mps", CUDA, WITHOUT, RUNTIME, "the device mps", "--device cpu"),
    ],
)
def test_choose_gpus_where_a_gpu_cannot_be_used_never_takes_the_cpu_instead(
    asked: str, labels: Any, facts: MachineFacts, engine: EngineDevices, words: str, hint: str
) -> None:
    with pytest.raises(ImageError) as refused:
        choose(asked, labels, facts, engine)

    assert words in refused.value.message
    assert hint in (refused.value.hint or "")
    assert "--device cpu" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("info", "has_hook", "expected"),
    [
        ({}, False, NOTHING),
        ({"Runtimes": {"runc": {}}, "CDISpecDirs": None}, False, NOTHING),
        ({"Runtimes": {"runc": {}, "nvidia": {}}}, False, RUNTIME),
        ({"Runtimes": {"runc": {}}}, True, RUNTIME),
        ({"CDISpecDirs": ["/etc/cdi", "/var/run/cdi"]}, False, CDI),
        ({"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}, False, CDI),
        ({"CDISpecDirs": ["/var/run/cdi"], "DiscoveredDevices": []}, False, NOTHING),
    ],
)
def test_read_engine_devices_finds_each_way_to_hand_out_gpus(
    tmp_path: Path, info: dict[str, Any], has_hook: bool, expected: EngineDevices
) -> None:
    (tmp_path / "etc" / "cdi").mkdir(parents=True)
    (tmp_path / "etc" / "cdi" / "nvidia.yaml").write_text("cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n")

    found = read_engine_devices(
        info, root=tmp_path, find_program=lambda name: f"/usr/bin/{name}" if has_hook else None
    )

    assert found == expected


def test_read_engine_devices_of_podman_needs_a_specification_file(tmp_path: Path) -> None:
    def find(name: str) -> str:
        return f"/usr/bin/{name}"

    found = read_engine_devices({}, is_podman=True, root=tmp_path, find_program=find)

    assert found == EngineDevices(is_podman=True)
