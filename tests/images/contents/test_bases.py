"""What is known of a base image from its name, and the machine that an image is."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from images.planned import HERE, make_base

from envkit.api.facts import Gpu, Nvidia
from envkit.images.contents.bases import default_base, image_facts, known_base

GPU = Gpu(index=0, name="NVIDIA A100", compute_capability="8.0")
WITH_GPU = msgspec.structs.replace(
    HERE,
    nvidia=Nvidia(driver_version="560.35.03", gpus=(GPU,)),
    platform=msgspec.structs.replace(HERE.platform, machine="x86_64", is_wsl=True),
)


@pytest.mark.parametrize(
    ("reference", "python", "glibc"),
    [
        ("python:3.12", "3.12", "2.36"),
        ("python:3.12-slim", "3.12", "2.36"),
        ("python:3.12-slim-bookworm", "3.12", "2.36"),
        ("python:3.11.9-bullseye", "3.11.9", "2.31"),
        ("python:3.13-slim-trixie", "3.13", "2.41"),
        ("docker.io/library/python:3.12", "3.12", "2.36"),
        (f"python:3.12-slim@sha256:{'a' * 64}", "3.12", "2.36"),
    ],
)
def test_base_with_an_official_name_is_known(reference: str, python: str, glibc: str) -> None:
    base = known_base(reference, machine="amd64")
    assert base is not None
    assert (base.reference, base.python, base.interpreter) == (reference, python, "/usr/local/bin/python3")
    platform = base.platform
    assert (platform.machine, platform.libc, platform.libc_version) == ("x86_64", "glibc", glibc)


@pytest.mark.parametrize(
    "reference",
    [
        "debian:12",
        "python",
        "python:3",
        "python:latest",
        "python:3.12-alpine",
        "me/python:3.12",
        "python:3.12\n",
    ]
    + ["python:3.12-slim-buster", "registry.example/python:3.12", "python:3.12-slim-bookworm-x"],
)
def test_base_with_another_name_is_not_known(reference: str) -> None:
    assert known_base(reference, machine="x86_64") is None


def test_default_base_is_known_for_every_python() -> None:
    assert default_base("3.11") == "python:3.11-slim-bookworm"
    assert default_base("3.11.2") == "python:3.11-slim-bookworm"
    assert known_base(default_base("3.14"), machine="arm64") is not None


def test_facts_of_an_image_are_its_base_with_the_gpus_here() -> None:
    facts = image_facts(make_base(), here=WITH_GPU, facts=None)
    assert facts.platform.libc_version == "2.36"
    assert facts.platform.is_wsl
    assert facts.nvidia == WITH_GPU.nvidia
    assert facts.python.path == "/usr/local/bin/python3"
    assert facts.python.version.startswith("3.12.")
    assert facts.interpreters == ()


def test_facts_of_another_machine_go_before_those_here() -> None:
    there = msgspec.structs.replace(WITH_GPU, nvidia=Nvidia())
    assert image_facts(make_base(), here=WITH_GPU, facts=there).nvidia == Nvidia()


def test_image_for_other_processors_sees_no_gpu() -> None:
    facts = image_facts(make_base(machine="arm64"), here=WITH_GPU, facts=None)
    assert facts.platform.machine == "aarch64"
    assert facts.nvidia == Nvidia()


def test_python_that_was_probed_is_kept_to_the_patch() -> None:
    base = replace(make_base(), python="3.11.2")
    assert image_facts(base, here=HERE, facts=None).python.version == "3.11.2"
