"""What an image is made of and for, before anything is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envkit.images.layout import DEFAULT_USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import Distribution
    from pathlib import Path

    from envkit.api.facts import Platform
    from envkit.api.images import ImageTemplate
    from envkit.environments.records import HostPackage, WheelPackage
    from envkit.torchbuild import TorchBuild

ImageMode = Literal["buildkit", "classic"]


@dataclass(frozen=True, kw_only=True)
class ImageBase:
    """The image that another begins from.

    ``python`` is its full version as far as it is known, ``interpreter`` its path in the image. ``id`` is the
    engine's own (``sha256:…``), empty where nobody looked; then all of this is known from its name.
    """

    reference: str
    python: str
    interpreter: str
    platform: Platform
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into an image: a lock, and just those files that it names.

    ``lock_text`` is the content of the lock in the image, ``lock_sha256`` that of this text. ``packages`` are
    the third parties' wheels, each with an address that this machine reaches (``file:`` for what lies on it)
    and a sha256; ``uv`` is the wheel of what installs them. ``hosts`` are envkit and the plugins as they are
    installed here. ``model_dir`` is the model of a run, ``run_id`` that run. ``notes`` are for the user.
    """

    lock_text: str
    lock_sha256: str
    python: str
    torch: TorchBuild | None
    tasks: tuple[str, ...]
    packages: tuple[WheelPackage, ...]
    uv: WheelPackage
    hosts: tuple[Distribution, ...]
    plugins: tuple[HostPackage, ...]
    model_dir: Path | None = None
    run_id: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BuildSecret:
    """What a build may read and no layer keeps: ``content`` is mounted while a step runs."""

    id: str
    content: bytes = field(repr=False)
    target: str


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """An image, decided: what remains is to render, to write the context and to build.

    ``labels`` are all of them, in the order in which they are written. ``ca_bundle`` holds the certificates to
    be trusted besides the base's own. ``build_args`` are the user's; ``proxies`` are ``http_proxy`` and its
    like, handed to the builder and kept in no layer.
    """

    template: ImageTemplate
    base: ImageBase
    contents: Contents
    labels: Mapping[str, str]
    user_id: int = DEFAULT_USER_ID
    group_id: int = DEFAULT_USER_ID
    ca_bundle: Path | None = None
    secrets: tuple[BuildSecret, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
