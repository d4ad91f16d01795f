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
    """A build that came near, why it was not chosen, and what would make it fit, if anything can."""

    version: str
    variant: str
    why: str
    unlock: str | None = None


class TorchBuild(msgspec.Struct, frozen=True, kw_only=True):
    """The torch that fits a machine: ``version`` is what to pin, ``reason`` one sentence.

    ``variant`` is ``cpu``, ``mps`` or CUDA's as in ``cu126``. ``location`` is the folder of find-links or
    the torch index's folder of this variant, and empty for the package index.
    """

    version: str
    variant: str
    source: Source
    location: str
    python: str
    reason: str
    rejected: tuple[Rejected, ...] = ()

    @property
    def requirement(self) -> str:
        """Return the pin, as an installer reads it.

        ``==2.15.0`` would also mean ``2.15.0+cpu``, wherever an installer finds one; ``===`` does not.
        """
        return f"torch{'==' if '+' in self.version else '==='}{self.version}"


def masked(build: TorchBuild) -> TorchBuild:
    """Return the build with passwords in its location masked, for screens and records."""
    return msgspec.structs.replace(
        build, location=mask_secrets(build.location), reason=mask_secrets(build.reason)
    )
