"""Machines that are made up are such that the solver and the doctor find nothing strange about them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envkit.api.facts import Docker, MachineFacts
from envkit.testing import fake_facts
from envkit.testing.gpus import GPUS, cuda_of_driver
from envkit.torchbuild import choose_torch_build

RANGE = SpecifierSet(">=2.6,<2.16")

BUILDS: list[tuple[dict[str, Any], str]] = [
    ({}, "cpu"),
    ({"gpu": "NVIDIA A100", "driver": "550.54"}, "cu126"),
    ({"gpu": "A100", "driver": "550.54", "count": 8}, "cu126"),
    ({"gpu": "A100", "driver": None}, "cpu"),
    ({"gpu": "gfx1100"}, "rocm"),
    ({"gpu": "Intel Arc B580"}, "xpu"),
    ({"system": "darwin"}, "mps"),
]


@pytest.mark.parametrize(("machine", "variant"), BUILDS, ids=lambda value: str(value))
def test_fake_facts_of_a_machine_get_the_build_that_fits_it(machine: dict[str, Any], variant: str) -> None:
    build = choose_torch_build(fake_facts(**machine), specifier=RANGE, python="3.12")

    assert build.variant.startswith(variant)


def test_fake_facts_hold_what_they_were_told() -> None:
    facts = fake_facts(
        "8.6",
        driver="535.104.05",
        count=2,
        gpu_memory=10**10,
        memory=10**11,
        machine="aarch64",
        python="3.13",
        is_container=True,
        docker=Docker(state="stopped"),
    )

    assert [gpu.compute_capability for gpu in facts.nvidia.gpus] == ["8.6", "8.6"]
    assert {gpu.memory for gpu in facts.nvidia.gpus} == {10**10}
    assert (facts.nvidia.driver_version, facts.nvidia.cuda_version) == ("535.104.05", "12.2")
    assert (facts.memory.total, facts.platform.machine, facts.python.version) == (10**11, "aarch64", "3.13.0")
    assert facts.platform.is_container
    assert facts.docker.state == "stopped"


@pytest.mark.parametrize("said", ["RTX 4090", "rtx4090", "NVIDIA GeForce RTX 4090", "geforce rtx-4090"])
def test_fake_facts_know_a_gpu_by_what_people_call_it(said: str) -> None:
    (gpu,) = fake_facts(said).nvidia.gpus

    assert (gpu.name, gpu.compute_capability) == ("NVIDIA GeForce RTX 4090", "8.9")


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"gpu": "A1000"}, ValueError, "there is no GPU 'A1000' here; did you mean 'A100'?"),
    ({"gpu": "zzz"}, ValueError, "Expected a compute capability such as '8.6', or one of: K80"),
    ({"gpu": "A100", "driver": "new"}, ValueError, "'new' is no version of a driver"),
    ({"gpu": "A100", "count": 0}, ValueError, "expected 1 or more"),
    ({"gpu": "A100", "system": "darwin"}, ValueError, "a Mac has Apple's own GPU"),
    ({"system": "windows"}, ValueError, "there is no system 'windows' here"),
    ({"ram": 5}, TypeError, "ram"),
]


@pytest.mark.parametrize(("machine", "error", "said"), WRONG, ids=lambda value: str(value)[:30])
def test_fake_facts_of_what_there_is_not_are_refused(
    machine: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        fake_facts(**machine)

    assert said in str(caught.value)


def test_cuda_of_driver_is_that_of_its_branch() -> None:
    found = [cuda_of_driver(each) for each in ("580.95.05", "550.54", "525.60.13", "470.42", "390.1")]

    assert found == ["13.0", "12.4", "12.0", "11.4", None]


@given(
    gpu=st.sampled_from([None, "gfx1100", "Intel Arc", "8.6", *GPUS]),
    driver=st.sampled_from([None, "470.42", "535.1", "590.44"]),
    count=st.integers(1, 8),
    memory=st.integers(10**9, 10**12),
)
def test_fake_facts_of_any_machine_can_be_written_and_read(
    gpu: str | None, driver: str | None, count: int, memory: int
) -> None:
    import msgspec

    facts = fake_facts(gpu, driver=driver, count=count, memory=memory)

    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts


def test_fixture_makes_them_too(fake_facts: Any) -> None:
    assert fake_facts("A100").nvidia.gpus[0].compute_capability == "8.0"
