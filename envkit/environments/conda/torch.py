"""torch as conda packages it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.torchbuild import TorchBuild


def torch_spec(build: TorchBuild) -> str:
    """Return the spec of conda-forge's ``pytorch`` that is this build: version, and variant in the build's name.

    Builds are named ``cuda126_mkl_py312_…`` and ``cpu_generic_py312_…``; on Apple silicon the latter has MPS.
    Source: conda-forge/pytorch-cpu-feedstock, recipe/meta.yaml (``string:`` of its outputs).
    """
    version = build.version.partition("+")[0]
    return f"pytorch =={version} {_build_string(build.variant)}"


def _build_string(variant: str) -> str:
    if variant.startswith("cu") and variant[2:].isdigit():
        return f"cuda{variant[2:]}*"
    return "cpu_*"
