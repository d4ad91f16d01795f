"""What the solver takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from envkit.masking import mask_secrets

TORCH_INDEX = "https://download.pytorch.org/whl"

Source = Literal["find-links", "torch index", "package index"]


@dataclass(frozen=True, kw_only=True)
class LocalWheel:
    """A torch wheel that lies in a folder of find-links; ``location`` is that folder."""

    version: str
    location: str
    filename: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A build that came near, why it was not chosen, and what would make it fit, if anything can.

    ``unlock`` is what to do, ``needs`` the same as conditions (``driver >= 580``).
    """

    version: str
    variant: str
    why: str
    unlock: str | None = None
    needs: str | None = None

    @property
    def way(self) -> str | None:
        """Return ``driver >= 580 -> torch 2.15+cu132``, None where nothing helps."""
        return (
            None if self.needs is None else f"{self.needs} -> torch {short_name(self.version, self.variant)}"
        )


class TorchBuild(msgspec.Struct, frozen=True, kw_only=True):
    """The torch that fits a machine: ``version`` is what to pin, ``reason`` one sentence.

    ``variant`` is ``cpu``, ``mps``, ``xpu``, CUDA's as in ``cu126``, ROCm's as in ``rocm7.2``, or the name that
    somebody gave a build of their own (``own`` where none did). ``location`` is the folder of find-links or
    the torch index's folder of this variant, and empty for the package index.

    ``download`` and ``disk`` are bytes of torch and all that it brings along, None where nobody knows;
    ``is_size_estimate`` tells that they were not measured on this very build. ``endings`` say what newer releases
    of torch no longer serve of this machine. ``is_beyond_table`` tells that driver, GPU or torch are newer than what
    envkit's table was written with, ``is_proven`` that envkit itself ran such a build on such a system.
    ``notes`` are sentences.
    """

    version: str
    variant: str
    source: Source
    location: str
    python: str
    reason: str
    rejected: tuple[Rejected, ...] = ()
    download: int | None = None
    disk: int | None = None
    is_size_estimate: bool = True
    endings: tuple[str, ...] = ()
    is_beyond_table: bool = False
    is_proven: bool = False
    notes: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """Return the pin, as an installer reads it.

        ``==2.15.0`` would also mean ``2.15.0+cpu``, wherever an installer finds one; ``===`` does not.
        """
        return f"torch{'==' if '+' in self.version else '==='}{self.version}"


def short_name(version: str, variant: str) -> str:
    """Return how people name a build: ``2.15+cu132``, ``2.14.1+cu126``."""
    public, _, local = version.partition("+")
    return f"{public.removesuffix('.0') if public.count('.') > 1 else public}+{local or variant}"


def masked(build: TorchBuild) -> TorchBuild:
    """Return the build with passwords in its location masked, for screens and records."""
    return msgspec.structs.replace(
        build, location=mask_secrets(build.location), reason=mask_secrets(build.reason)
    )
