"""The settings that say where packages and models come from, and the sentence that points to them.

Standard library only: the worker, which has no configuration, names them in its errors too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

MirrorKind = Literal["package-index", "torch-index", "channels", "channel-alias", "model-hub"]

MIRRORS_TABLE = "mirrors"
# Field of the settings for each key of the table.
MIRROR_FIELDS: dict[MirrorKind, str] = {
    "package-index": "package_index",
    "torch-index": "torch_index",
    "channels": "channels",
    "channel-alias": "channel_alias",
    "model-hub": "model_hub",
}
HUB = "https://huggingface.co"
TORCH_INDEX = "https://download.pytorch.org/whl"


def mirror_variable(kind: MirrorKind) -> str:
    """Return the variable of a mirror: ``ENVKIT_TORCH_INDEX``."""
    return f"ENVKIT_{MIRROR_FIELDS[kind].upper()}"


def hub_environ(model_hub: str | None, *, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a process that asks the model hub: HF_ENDPOINT is the setting, if there is one."""
    return {**environ, **({"HF_ENDPOINT": model_hub} if model_hub else {})}


def mirror_hint(kind: MirrorKind) -> str:
    """Return the sentence that every error about a host of this kind ends with."""
    value = "URL_OR_NAME" if kind == "channels" else "URL"
    return f"Name a mirror: envkit config set {MIRRORS_TABLE}.{kind} {value} (or {mirror_variable(kind)}={value})"
