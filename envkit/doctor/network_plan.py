"""Which addresses ``--network`` asks: those that envkit would fetch from here, by all settings that count."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.environments.uv import find_uv
from envkit.environments.uv_configuration import read_uv_configuration
from envkit.machine import run_process
from envkit.machine.network import NetworkPlan
from envkit.mirrors import HUB, MIRRORS_TABLE, TORCH_INDEX, mirror_variable
from envkit.pip_configuration import PipConfiguration, read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.config import Settings
    from envkit.machine import RunProcess

_UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_UV_DEFAULT = re.compile(r"--default-index\b.*?by default: <([^>\s]+)>", re.DOTALL)
_CONDA_PROGRAMS = ("conda", "mamba", "micromamba", "pixi")
_SECONDS = 5.0


def plan_network(
    settings: Settings,
    *,
    environ: Mapping[str, str] = os.environ,
    folder: Path | None = None,
    run_process: RunProcess = run_process,
) -> NetworkPlan:
    """Return what is asked: package index, torch's, the model hub, and a channel where conda is set up.

    Settings of pip, uv or conda that cannot be read say nothing here: their own checks tell. ``folder`` is
    where relative paths begin. uv is started to say its default index, where nothing names another.
    """
    try:
        pip = read_pip_configuration(environ=environ, package_index=settings.package_index, folder=folder)
    except EnvkitError:
        pip = PipConfiguration(index_url=settings.package_index)
    addresses: dict[str, str] = {}
    sources: dict[str, str] = {}
    if not pip.no_index:
        index, source = _package_index(pip, environ, run_process)
        if index:
            addresses["package index"], sources["package index"] = index, source
    addresses["torch index"] = settings.torch_index
    if settings.torch_index != TORCH_INDEX:
        sources["torch index"] = f"{MIRRORS_TABLE}.torch-index"
    hub = settings.model_hub or environ.get("HF_ENDPOINT")
    addresses["model hub"] = hub or HUB
    if hub:
        sources["model hub"] = f"{MIRRORS_TABLE}.model-hub" if settings.model_hub else "HF_ENDPOINT"
    if channel := _channel(settings, environ, folder or Path.cwd()):
        addresses["conda channel"] = channel
    return NetworkPlan(
        addresses=addresses,
        extra_indexes=() if pip.no_index else pip.extra_index_urls,
        extra_source=pip.sources.get("extra_index_urls"),
        proxy=pip.proxy,
        certificates=pip.cert,
        certificates_source=pip.sources.get("cert"),
        client_certificate=pip.client_cert,
        trusted_hosts=pip.trusted_hosts,
        sources=sources,
    )


def _package_index(
    pip: PipConfiguration, environ: Mapping[str, str], run_process: RunProcess
) -> tuple[str | None, str]:
    """Return the index and the setting that names it."""
    if pip.index_url:
        return pip.index_url, pip.sources.get("index_url", mirror_variable("package-index"))
    for variable in _UV_VARIABLES:
        if environ.get(variable):
            return environ[variable], variable
    if index := _index_of_uv_files(environ):
        return index, "uv.toml"
    return _default_of_uv(environ, run_process), "uv's default"


def _index_of_uv_files(environ: Mapping[str, str]) -> str | None:
    try:
        said = tomllib.loads(read_uv_configuration(environ))
    except (EnvkitError, ValueError):
        return None
    named = [each.get("url") for each in said.get("index", []) if each.get("default") is True]
    found = next(iter(named), said.get("index-url") or said.get("pip", {}).get("index-url"))
    return found if isinstance(found, str) else None


def _default_of_uv(environ: Mapping[str, str], run_process: RunProcess) -> str | None:
    """Return the index that uv asks where it is told of none, as its help says."""
    try:
        cmd = [str(find_uv()), "help", "--no-pager", "pip", "install"]
        said = run_process(cmd, environ={**environ, "NO_COLOR": "1"}, timeout=_SECONDS)
    except (EnvkitError, OSError):
        return None
    found = _UV_DEFAULT.search(said.out)
    return found[1] if found else None


def _channel(settings: Settings, environ: Mapping[str, str], folder: Path) -> str | None:
    """Return the most wanted channel, None where nothing of conda is set up."""
    path = environ.get("PATH")
    is_wanted = settings.channels or settings.backend == "conda"
    if not is_wanted and not any(shutil.which(program, path=path) for program in _CONDA_PROGRAMS):
        return None
    # Its modules are for this alone.
    from envkit.environments.conda.channels import DEFAULT_CHANNELS, channel_sources
    from envkit.environments.conda.condarc import Condarc, read_condarc

    try:
        condarc = read_condarc(environ)
    except (EnvkitError, ModuleNotFoundError):  # what reads YAML comes with the extra `conda`
        condarc = Condarc()
    names = settings.channels or condarc.channels or DEFAULT_CHANNELS
    sources = channel_sources(names, condarc=condarc, alias=settings.channel_alias, folder=folder)
    if not sources:
        return None
    return (sources[0].mirrors or (sources[0].url,))[0]
