"""Which address a channel's name stands for, and how its password is kept out of records and screens.

Source: conda's documentation, "Managing channels" and "Settings: channel_alias, custom_channels".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.environments.conda.jobs import ChannelSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.environments.conda.condarc import Condarc

DEFAULT_ALIAS = "https://conda.anaconda.org"
DEFAULT_CHANNELS = ("conda-forge",)
# What conda calls `defaults` where nothing else is configured.
_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_TOKEN = re.compile(r"(?<=[^/:])/t/[^/\s]+")
_SUBDIR = re.compile(r"/(noarch|(linux|osx|win|emscripten|wasi|zos|freebsd)-[a-z0-9]+)/?$")


def plain_url(url: str) -> str:
    """Return an address without user, password and token."""
    return _TOKEN.sub("", _USER.sub("", url))


def channel_sources(
    names: Iterable[str], *, condarc: Condarc, alias: str | None, folder: Path
) -> tuple[ChannelSource, ...]:
    """Return the channels that these names stand for, each once, the first the most wanted.

    ``alias`` goes before that of ``.condarc``; relative paths are taken from ``folder``.
    """
    found: dict[str, ChannelSource] = {}
    for name in names:
        for each in _expand(name, condarc):
            source = _source(each, condarc, alias=alias, folder=folder)
            found.setdefault(source.url, source)
    return tuple(found.values())


def mask_channels(text: str, sources: Sequence[ChannelSource] = ()) -> str:
    """Return a text, such as an error's, with the passwords and tokens in addresses taken out.

    Addresses of mirrors are shown as those of their channels.
    """
    for source in sources:
        for mirror in source.mirrors:
            text = text.replace(mirror, source.url.rstrip("/"))
    return plain_url(text)


def _expand(name: str, condarc: Condarc) -> Sequence[str]:
    if name in condarc.custom_multichannels:
        return condarc.custom_multichannels[name]
    if name == "defaults":
        return condarc.default_channels or _DEFAULTS
    return (name,)


def _source(name: str, condarc: Condarc, *, alias: str | None, folder: Path) -> ChannelSource:
    url = _SUBDIR.sub("", _address(name, condarc, alias=alias, folder=folder).rstrip("/"))
    plain = plain_url(url)
    mirrors = condarc.mirrored_channels.get(name, ())
    if not mirrors and plain != url:
        mirrors = (url,)
    return ChannelSource(
        name=plain_url(name), url=f"{plain}/", mirrors=tuple(place.rstrip("/") for place in mirrors)
    )


def _address(name: str, condarc: Condarc, *, alias: str | None, folder: Path) -> str:
    if "://" in name:
        return name
    if name.startswith(("/", "./", "../", "~")) or name in (".", ".."):
        return Path(folder, Path(name).expanduser()).resolve().as_uri()
    parts = name.split("/")
    for length in range(len(parts), 0, -1):  # the longest name that is a channel of its own
        place = condarc.custom_channels.get("/".join(parts[:length]))
        if place is not None:
            place = place if "://" in place else Path(folder, place).as_uri()
            return f"{place.rstrip('/')}/{name}"
    return f"{(alias or condarc.channel_alias or DEFAULT_ALIAS).rstrip('/')}/{name}"
