"""envkit's own settings, as a record."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Annotated

import msgspec

from envkit.api import Meta
from envkit.mirrors import MIRROR_FIELDS, TORCH_INDEX

TrackerName = typing.Literal["tensorboard", "wandb", "none"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What envkit itself can be told: in files, or as ``ENVKIT_<NAME>``.

    ``home`` holds the environments; ``env`` is the default of ``--env``, ``track`` that of ``--track`` (a list,
    or text with commas), ``backend`` that of ``--backend``. The others stand in the table ``[mirrors]`` of a
    file: ``package_index`` beats pip's index-url; ``torch_index`` is the address whose folders ``cpu``,
    ``cu126``, … hold torch's wheels; ``channels`` are conda's, by name or address, and ``channel_alias`` the
    address under which those named by a word stand; ``model_hub`` is the address of the model hub. None and
    an empty tuple stand for what the tools themselves are told (pip, conda, ``HF_ENDPOINT``).
    """

    home: Annotated[Path, Meta("Folder of the environments.")] = Path()
    env: Annotated[str, Meta("Default of --env: auto, current or a name.")] = "auto"
    track: tuple[TrackerName, ...] = ()
    backend: Annotated[str, Meta("What makes environments: venv, conda or an extension's.")] = "venv"
    package_index: Annotated[str, Meta("Index of Python packages.")] | None = None
    torch_index: Annotated[str, Meta("Address whose folders cpu, cu126, … hold torch's wheels.")] = (
        TORCH_INDEX
    )
    channels: tuple[str, ...] = ()
    channel_alias: Annotated[str, Meta("Address under which channels named by a word stand.")] | None = None
    model_hub: Annotated[str, Meta("Address of the model hub.")] | None = None


MIRROR_NAMES = tuple(MIRROR_FIELDS.values())
PLAIN_NAMES = tuple(name for name in Settings.__struct_fields__ if name not in MIRROR_NAMES)
