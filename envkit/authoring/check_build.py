"""Build the wheel of a source folder with the backend that it names, as an installer would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from envkit.environments.uv_calls import UvCalls
from envkit.environments.uv_environment import uv_settings
from envkit.environments.uv_failures import Place
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from envkit.config import Settings
    from envkit.environments.progress import Progress


def build_wheel(
    source: Path,
    folder: Path,
    *,
    settings: Settings,
    progress: Progress,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Build the wheel below ``folder`` and return its path; what else is in the source folder is up to its backend.

    Raises: EnvError where it does not build.
    """
    configuration = read_pip_configuration(environ=environ, package_index=settings.package_index)
    dist_dir = folder / "dist"
    dist_dir.mkdir(parents=True)
    uv = UvCalls(
        settings=uv_settings(configuration, environ=environ),
        place=Place(settings.home.absolute(), configuration.sources.get("index_url"), None),
        folder=folder,
        progress=progress,
    )
    index = ["--no-index"] if configuration.no_index else []
    uv("build", "--wheel", *index, "--out-dir", str(dist_dir), str(source))
    return next(dist_dir.glob("*.whl"))
