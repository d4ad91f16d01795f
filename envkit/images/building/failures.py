"""What the end of a build means for the user: which step failed, why, and what mends it.

Sources: messages of Docker 20.10 (BuildKit and classic), pip 23 and uv 0.9, each provoked in the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.engine.disk import explain_full_disk
from envkit.images.engine.failures import daemon_stopped, explain_transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.images.building.output import BuildFailure
    from envkit.images.engine.disk import EngineDisk

_LONGEST_STEP = 200
_SHOWN_LINES = 12
_OF_BASE = re.compile(
    r"(?:load metadata for|^FROM) (?:--\S+ )*(?:docker\.io/library/)?([^\s]+)", re.IGNORECASE
)
# What a build ends with when the engine is taken from under it: it, or its killed step, may speak last.
_DAEMON_GONE = re.compile(
    r"did not provide an image ID|error reading from server|transport is closing|graceful_stop"
    r"|cannot connect to the docker daemon|connection (?:refused|reset|error)|Unavailable desc = |\bEOF\b"
    r"|(?:exit|non-zero) code: 137",
    re.IGNORECASE,
)
_NO_ID = "server did not provide an image ID"
_CLIENT = re.compile(
    r"buildx component is missing|unknown flag: --|unknown shorthand flag|is not a docker command"
    r"|unknown command: docker|buildkit not supported by daemon|no builder .* found"
    r"|client version .* is too (?:old|new)|the --mount option requires BuildKit"
    r"|unknown flag: mount|could not find a builder",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class _Cause:
    """A cause that a step's own words tell: what is wrong and what to do."""

    sign: re.Pattern[str]
    message: str
    hint: str


def _cause(sign: str, message: str, hint: str) -> _Cause:
    return _Cause(sign=re.compile(sign, re.IGNORECASE), message=message, hint=hint)


# The first that fits counts. What is said of a step is looked for in its last lines and in the builder's word.
_CAUSES: tuple[_Cause, ...] = (
    _cause(
        r"do not match the hashes|hash mismatch for|hashes? .*mismatch",
        "a package is not the one that the lock names: its sha256 differs",
        "The index, or something on the way, serves another file. If you trust it, lock anew: envkit lock",
    ),
    _cause(
        r"certificate_verify_failed|invalid peer certificate|self[- ]signed certificate|unknownissuer"
        r"|certificate verify failed",
        "a server's certificate is not trusted in the image",
        "Name the certificates of your network: --ca-bundle /path/to/certificates.pem",
    ),
    _cause(
        r"401 (?:client error|unauthorized)|lack of valid authentication|407 proxy auth",
        "a package index asks for a user name and password",
        "Put them into ~/.netrc or pip's index-url on this machine; they are mounted while packages are "
        "installed and stay in no layer",
    ),
    _cause(
        r"404 not found|http error 404|status client error \(404",
        "a package is no longer at its address",
        "Lock anew: envkit lock. Or name an index that has it: pip config set global.index-url ADDRESS",
    ),
    _cause(
        r"temporary failure in name resolution|name or service not known|dns error"
        r"|failed to establish a new connection|error sending request for url|failed to fetch"
        r"|could not resolve host|network is unreachable|connecttimeout|operation timed out|from versions: none",
        "a package index is not reached from inside the image",
        "Behind a proxy set HTTPS_PROXY; an index on this machine needs an address other than localhost; a mirror "
        "is named by pip's index-url",
    ),
    _cause(
        r"exec format error",
        "the image is for another processor, and this machine cannot run its programs",
        "Leave --platform out, or let the engine run others: "
        "docker run --privileged --rm tonistiigi/binfmt --install all",
    ),
    _cause(
        r"no matching distribution found|no solution found|has no wheels? with a matching|is not a supported wheel",
        "a package of the lock does not fit the base image",
        "Choose a base image with the lock's Python and C library: --base-image python:3.11-slim-bookworm",
    ),
    _cause(
        r"exit code: 137|returned a non-zero code: 137|out of memory|cannot allocate memory",
        "the step was killed (exit 137), as it is where memory runs out",
        "Give the engine more memory, or end what else uses it: docker stats",
    ),
    _cause(
        r"secret \S+: not found|secret not found|secret required",
        "a build secret is missing",
        "Hand it in: the client that builds must be able to (docker buildx version)",
    ),
    _cause(
        r"no such file or directory.*(?:python|/opt/uv)|(?:python3?|/usr/bin/python3|\S*/python3): not found",
        "the base image has no Python where it is looked for",
        "Choose one with Python: --base-image python:3.11-slim-bookworm",
    ),
)


def explain_build_failure(
    failure: BuildFailure,
    *,
    status: int,
    base: str,
    endpoint: str,
    platform: str = "",
    disk: EngineDisk | None = None,
    is_alive: Callable[[], bool] = lambda: True,
) -> ImageError:
    """Return the error for a build that ended; ``is_alive`` asks the engine, where it may be gone.

    ``base`` is the image that the build begins from, ``status`` the client's exit status, ``disk`` the engine's.
    """
    said = "\n".join((*failure.lines, failure.error))
    doing = f"build ({shorten(failure.step) or 'its first step'})"
    if full := explain_full_disk(said, doing=doing, disk=disk):
        return full
    # A program inside may say EOF as well: only an engine that is gone makes it the engine's.
    if (_DAEMON_GONE.search(said) or not failure.error) and not is_alive():
        return daemon_stopped(doing="finish the build", endpoint=endpoint)
    if _NO_ID in failure.error:  # it was back before it was asked
        return daemon_stopped(doing="finish the build", endpoint=endpoint)
    if _CLIENT.search(failure.error):
        return _client_failed(failure)
    if mismatch := _wrong_platform(said, base=base, platform=platform):
        return mismatch
    if missing := _missing_base(failure, base=base):
        return missing
    for cause in _CAUSES:
        if cause.sign.search(said):
            return ImageError(_told(cause.message, failure), hint=cause.hint)
    if not failure.step:
        return ImageError(
            f"the image could not be built (exit {status}): {failure.error or 'the builder says nothing'}",
            hint="See what is built: add --print, or --context DIR to get all of it",
        )
    return ImageError(
        _told(f"a step of the build failed{_exit_of(failure.error)}", failure),
        hint="Try it by hand: --context DIR writes all that is built; --no-cache builds anew",
    )


def is_of_client(failure: BuildFailure) -> bool:
    """Tell whether the client, and not the build, is what failed."""
    return _CLIENT.search(failure.error) is not None


def shorten(step: str) -> str:
    """Return an instruction for a line of the screen."""
    return step if len(step) <= _LONGEST_STEP else f"{step[: _LONGEST_STEP - 1]}…"


def _told(message: str, failure: BuildFailure) -> str:
    """Return a message with the step and its last lines."""
    shown = [line for line in failure.lines if line.strip()][-_SHOWN_LINES:]
    # The builder's word repeats the command; it is worth a line where the step itself said nothing.
    shown = shown or [failure.error]
    return "\n  ".join([f"{message}: {shorten(failure.step)}", *shown])


def _exit_of(error: str) -> str:
    found = re.search(r"(?:exit code|non-zero code): (\d+)", error)
    return f" (exit {found[1]})" if found else ""


def _client_failed(failure: BuildFailure) -> ImageError:
    return ImageError(
        f"docker's client could not build: {failure.error}",
        hint="Try again: another way to build is looked for. What the best one needs: "
        "the package docker-buildx (or docker-buildx-plugin)",
    )


def _missing_base(failure: BuildFailure, *, base: str) -> ImageError | None:
    found = _OF_BASE.search(failure.step)
    denied = re.search(r"pull access denied|manifest (?:for .* )?(?:unknown|not found)", failure.error)
    if found is None and denied is None:
        return None
    missing = found[1] if found else base
    cause = explain_transfer(failure.error, verb="pull", reference=missing)
    return ImageError(
        f"the base image {missing} is not on this engine: {cause.message}",
        hint=f"{cause.hint}. Or begin from one that is here (docker image ls): --base-image NAME",
    )


def _wrong_platform(said: str, *, base: str, platform: str) -> ImageError | None:
    if not re.search(
        r"no match for platform|does not match the specified platform|no matching manifest", said
    ):
        return None
    return ImageError(
        f"the base image {base} does not exist for {platform or 'this platform'}",
        hint="Choose another one (--base-image NAME) or another --platform: docker buildx imagetools inspect "
        f"{base}",
    )
