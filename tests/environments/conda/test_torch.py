"""torch as conda-forge names it."""

from __future__ import annotations

import pytest

from envkit.environments.conda.torch import torch_spec
from envkit.torchbuild import TorchBuild


@pytest.mark.parametrize(
    ("version", "variant", "spec"),
    [
        ("2.8.0+cu126", "cu126", "pytorch ==2.8.0 cuda126*"),
        ("2.8.0", "cpu", "pytorch ==2.8.0 cpu_*"),
        ("2.8.0", "mps", "pytorch ==2.8.0 cpu_*"),
    ],
)
def test_torch_spec_of_a_build_names_its_variant(version: str, variant: str, spec: str) -> None:
    build = TorchBuild(
        version=version, variant=variant, source="torch index", location="", python="3.12", reason=""
    )

    assert torch_spec(build) == spec
