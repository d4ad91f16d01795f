"""What rattler's errors mean for the user: what failed, where, and which setting mends it.

Source: messages of py-rattler 0.28.0, each provoked in the tests.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envkit.api import EnvError
from envkit.environments.conda.channels import mask_channels
from envkit.environments.mirrors import mirror_hint
from envkit.environments.missing_packages import MissingPackages
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from envkit.environments.conda.jobs import ChannelSource, Failed

_ADDRESS = re.compile(r"(?:https?|file)://[^\s`)'\",]+")
_PATH = re.compile(r"['`](/[^'`]+)['`]")
_FULL = re.compile(r"\bto '?(/[^:'\n]+)|['`](/[^'`]+)['`]")
_STATUS = re.compile(r"\b([45]\d\d) ?(Unauthorized|Forbidden|Not Found|[A-Z][A-Za-z ]+)?")
_FETCHED = re.compile(r"failed to fetch (\S+)")
_LAST_LINES = 12


def explain_failure(
    failed: Failed,
    *,
    channels: Sequence[ChannelSource],
    cache_dir: Path,
    home_dir: Path,
    proxies: Mapping[str, str] | None = None,
) -> EnvError:
    """Return the error for what rattler said, passwords masked."""
    said = mask_channels(failed.message, channels).strip()
    words = said.lower()
    names = " and ".join(channel.name for channel in channels) or "the channels"
    if failed.kind == "SolverError":
        if failed.missing:
            return _missing(failed, names)
        return _unsolvable(said.removeprefix("Cannot solve the request because of: "), names)
    if failed.kind == "InvalidMatchSpecError":
        return EnvError(
            f"this is no conda package: {said}", hint="Write it as numpy, 'numpy 1.26.*' or 'numpy>=1.26'"
        )
    if failed.kind == "Offline" or "no usable repodata cache" in words:
        return EnvError(
            f"conda's settings say offline, and the cache lacks what is needed: {said}",
            hint="Allow the network: offline: false in .condarc (or CONDA_OFFLINE=false)",
        )
    if failed.kind == "HashDiffers" or "hash mismatch" in words:
        return _not_the_package(_last(said))
    if "os error 28" in words or "os error 122" in words or "no space left" in words:
        path = _path(said, _FULL) or str(cache_dir)
        return EnvError(
            f"the disk is full: no space left to write {path}",
            hint=f"Free some space, or move to a larger disk: ENVKIT_HOME=DIR (now {home_dir})",
        )
    if "permission denied" in words or "read-only file system" in words:
        path = _path(said, _PATH) or str(cache_dir)
        why = "the file system is read-only" if "read-only" in words else "permission denied"
        return EnvError(
            f"cannot write {path}: {why}",
            hint=f"Mend its permissions, or keep packages elsewhere: ENVKIT_HOME=DIR (now {home_dir})",
        )
    if (package := _FETCHED.search(said)) and "io error" in words and "os error" not in words:
        return _not_the_package(f"{package[1]}: {_last(said)}")
    return _of_the_network(said, words, proxies or {}) or EnvError(
        f"the conda environment could not be made ({failed.kind}): {_indented(_tail(said))}",
        hint="A second try starts anew; envkit doctor shows what this machine has",
    )


def _not_the_package(what: str) -> EnvError:
    return EnvError(
        f"a package is not what its channel says it is: {what}",
        hint="It was damaged or changed on its way. Try again; if it stays, tell whoever keeps the channel",
    )


def _missing(failed: Failed, names: str) -> EnvError:
    near = f"Did you mean {' or '.join(failed.near)}? " if failed.near else "Is the name right? "
    return MissingPackages(
        f"there is no package {failed.missing} in {names}",
        hint=f"{near}Another channel may have it: --channel CHANNEL. {mirror_hint('channels')}",
        names=[failed.missing],
    )


def _unsolvable(said: str, names: str) -> EnvError:
    hint = f"Ask for less, or for other versions. {mirror_hint('channels')}"
    if missing := re.search(r"(__\w+)[^\n]*for which no candidates were found", said):
        variable = f"CONDA_OVERRIDE_{missing[1].strip('_').upper()}=VERSION"
        hint = (
            f"{missing[1]} stands for what a machine has. If the environment is for another one: --for facts.json, "
            f"or {variable}"
        )
    return EnvError(f"no packages of {names} meet all that is asked: {_indented(said.strip())}", hint=hint)


def _of_the_network(said: str, words: str, proxies: Mapping[str, str]) -> EnvError | None:
    address = _ADDRESS.search(said)
    if address is None:
        return None
    place = _shown(address[0])
    status = _STATUS.search(said.replace(address[0], ""))
    if "could not find subdir" in words or "no such file or directory" in words and place.startswith("file:"):
        return EnvError(f"there is no channel at {place.rstrip('/')}", hint=mirror_hint("channels"))
    if status and status[1] in ("401", "403"):
        what = "asks for a user name and password" if status[1] == "401" else "refuses access"
        return EnvError(
            f"{place} {what} ({status[1]})",
            hint="Put the credentials into the channel's address, https://USER:PASSWORD@host/… or "
            f"https://host/t/TOKEN/…. {mirror_hint('channels')}",
        )
    if "certificate" in words or "invalid peer" in words:
        return EnvError(
            f"the certificate of {place} is not trusted: {_last(said)}",
            hint="Name the certificates of your network: ssl_verify: /path/to/certificates.pem in .condarc "
            "(or SSL_CERT_FILE)",
        )
    proxy = proxies.get(urlsplit(place).scheme)
    if "tunnel" in words or proxy and "(connect)" in words:
        return EnvError(
            f"the proxy {mask_secrets(proxy or '')} on the way to {place} does not answer: {_last(said)}",
            hint="Name the right one: proxy_servers in .condarc (or HTTPS_PROXY), or unset it",
        )
    if status:
        return EnvError(f"{place} answers with an error: {status[0].strip()}", hint=mirror_hint("channels"))
    if "dns error" in words or "failed to lookup address" in words:
        return EnvError(f"{place} cannot be found: its name is not known here", hint=mirror_hint("channels"))
    if "timed out" in words:
        return EnvError(f"{place} does not answer in time", hint=mirror_hint("channels"))
    if "error sending request" in words or "connect" in words:
        return EnvError(f"{place} cannot be reached: {_last(said)}", hint=mirror_hint("channels"))
    return None


def describe_death(status: int, said: str) -> EnvError:
    """Return the error for a process that ended without an answer: its exit status and what it printed."""
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        why = ": the system may have run out of memory" if -status == signal.SIGKILL else ""
        return EnvError(
            f"what installs conda packages was killed by {name}{why}",
            hint="Try again: what is half made is removed and made anew",
        )
    if "No module named 'rattler'" in said:
        from envkit.owner import install_command  # for an error alone

        return EnvError(
            "py-rattler, which makes conda environments, is not installed",
            hint=f"Install it: {install_command('envkit-ml[conda]')}",
        )
    return EnvError(
        f"what installs conda packages ended (exit {status}); its last words:\n  "
        f"{_indented(_tail(mask_channels(said)))}",
        hint="Try again: what is half made is removed and made anew",
    )


def _shown(address: str) -> str:
    """Return a server's part of an address; a folder's whole."""
    parts = urlsplit(address)
    return (
        address.rstrip("/.")
        if parts.scheme == "file"
        else f"{parts.scheme}://{parts.netloc}{_channel(parts.path)}"
    )


def _channel(path: str) -> str:
    return re.sub(r"/(noarch|[a-z]+-[a-z0-9]+)/[^/]*$", "", path)


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return re.sub(r"^(Caused by|[0-9]+): ?", "", lines[-1]) if lines else ""


def _path(said: str, pattern: re.Pattern[str]) -> str | None:
    found = pattern.search(said)
    return next(filter(None, found.groups()), None) if found else None


def _tail(said: str) -> str:
    return "\n".join([line for line in said.splitlines() if line.strip()][-_LAST_LINES:])


def _indented(said: str) -> str:
    return said.replace("\n", "\n  ")
