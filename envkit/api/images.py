"""Templates of Docker images, and what they are rendered with. Extensions hand theirs in with ``envkit_templates``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec


class ImageTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of image.

    ``file`` is a Jinja2 template of a Dockerfile, which may extend envkit's own ``base.Dockerfile`` and is rendered with
    one ImageValues named ``image``; ``files`` are put into the build context as ``files/NAME``. ``purpose``
    decides what comes with a task's plugin: what training needs, or what predicting needs. With ``is_of_run`` it is
    built from a run that has a model, which the image holds. ``packages`` are requirements besides. ``port`` is
    what its container listens on, 0 for none.
    """

    name: str
    summary: str
    file: Path
    files: tuple[Path, ...] = ()
    purpose: Literal["train", "predict"] = "train"
    is_of_run: bool = False
    packages: tuple[str, ...] = ()
    port: int = 0


class ImageValues(msgspec.Struct, frozen=True, kw_only=True):
    """What a template is rendered with; more fields may come.

    ``template`` is its own name, ``base`` the reference of the image to begin from, ``interpreter`` its Python, and
    ``env_python`` that of the environment in ``prefix``. ``is_buildkit`` tells whether
    steps may mount caches and secrets. ``files`` are the names in the context's folder ``files``. ``secrets``
    has the path that each secret is mounted at, by id. ``build_args`` are names alone.
    """

    template: str
    base: str
    interpreter: str
    env_python: str
    is_buildkit: bool
    prefix: str
    home: str
    work_dir: str
    model_dir: str
    user: str
    user_id: int
    group_id: int
    port: int
    tasks: tuple[str, ...]
    python: str
    torch: str = ""
    variant: str = ""
    has_ca: bool = False
    has_local_wheels: bool = False
    has_model: bool = False
    files: tuple[str, ...] = ()
    secrets: Mapping[str, str] = {}
    build_args: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
