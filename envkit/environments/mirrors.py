"""The mirrors that count here: envkit's own, and where it is told of none, those of pip, conda and the model hub."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

import msgspec

from envkit.api import EnvkitError
from envkit.masking import mask_address
from envkit.mirrors import HUB, mirror_hint
from envkit.pip_configuration import read_pip_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.config.shown import ShownValue
    from envkit.environments.conda.condarc import Condarc

__all__ = ["mirror_hint", "mirrors_elsewhere"]

_DEFAULT = "default"
_UNREAD = "cannot be read"
# uv's own variables, which count where pip is told of no index; the first beats the second.
_UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")


def mirrors_elsewhere(
    mirrors: Sequence[ShownValue], *, environ: Mapping[str, str] = os.environ
) -> tuple[ShownValue, ...]:
    """Return envkit's mirrors, those that it is not told of filled in from the tools' own settings.

    Passwords are masked. A setting of pip's or conda's that cannot be read says so in its place.
    """
    return tuple(_filled(mirror, environ) for mirror in mirrors)


def _filled(mirror: ShownValue, environ: Mapping[str, str]) -> ShownValue:
    if mirror.source != _DEFAULT or mirror.key == "mirrors.torch-index":
        return mirror
    value, source = _ASK[mirror.key.rpartition(".")[2]](environ)
    return msgspec.structs.replace(mirror, value=value, source=source)


def _package_index(environ: Mapping[str, str]) -> tuple[str, str]:
    try:
        pip = read_pip_configuration(environ=environ)
    except EnvkitError as error:
        return _UNREAD, error.message
    if pip.no_index:
        return "none: find-links only", pip.sources["no_index"]
    if pip.index_url:
        return mask_address(pip.index_url), pip.sources["index_url"]
    for variable in _UV_VARIABLES:
        if environ.get(variable):
            return mask_address(environ[variable]), variable
    return "the Python Package Index", _DEFAULT


def _model_hub(environ: Mapping[str, str]) -> tuple[str, str]:
    if environ.get("HF_ENDPOINT"):
        return mask_address(environ["HF_ENDPOINT"]), "HF_ENDPOINT"
    return HUB, _DEFAULT


def _channels(environ: Mapping[str, str]) -> tuple[str | list[str], str]:
    from envkit.environments.conda.channels import DEFAULT_CHANNELS

    condarc = _condarc(environ)
    if isinstance(condarc, str):
        return _UNREAD, condarc
    if condarc.channels:
        return [mask_address(channel) for channel in condarc.channels], _said_by("channels", condarc, environ)
    return list(DEFAULT_CHANNELS), _DEFAULT


def _channel_alias(environ: Mapping[str, str]) -> tuple[str, str]:
    from envkit.environments.conda.channels import DEFAULT_ALIAS

    condarc = _condarc(environ)
    if isinstance(condarc, str):
        return _UNREAD, condarc
    if condarc.channel_alias:
        return mask_address(condarc.channel_alias), _said_by("channel_alias", condarc, environ)
    return DEFAULT_ALIAS, _DEFAULT


def _condarc(environ: Mapping[str, str]) -> Condarc | str:
    """Return conda's settings, or why they cannot be read."""
    from envkit.environments.conda.condarc import read_condarc

    try:
        return read_condarc(environ)
    except EnvkitError as error:
        return error.message
    except ModuleNotFoundError as error:
        from envkit.owner import install_command  # for an error alone

        return f".condarc needs {error.name}: {install_command('envkit-ml[conda]')}"


def _said_by(name: str, condarc: Condarc, environ: Mapping[str, str]) -> str:
    """Return the variable or files that say this; conda puts the lists of several together."""
    variable = f"CONDA_{name.upper()}"
    sources = [variable] if environ.get(variable) else []
    for file in condarc.files:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if re.search(rf"^['\"]?{name}\b", file.read_text(encoding="utf-8"), re.MULTILINE):
                sources.append(str(file))
    is_list = name == "channels"
    return ", ".join(sources if is_list else sources[:1]) or "conda's settings"


_ASK = {
    "package-index": _package_index,
    "channels": _channels,
    "channel-alias": _channel_alias,
    "model-hub": _model_hub,
}
