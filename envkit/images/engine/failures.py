"""What an engine that does not answer, or refuses, means for the user.

Sources: the messages of Docker 20.10 and docker-py 7.1, each provoked in the tests.
"""

from __future__ import annotations

import errno
import re
import sys
from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.engine.disk import explain_full_disk
from envkit.images.engine.references import registry_of
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.docker_endpoint import Endpoint
    from envkit.images.engine.disk import EngineDisk

_START = (
    "Start it: open Docker Desktop"
    if sys.platform == "darwin"
    else "Start it: sudo systemctl start docker (Podman: systemctl --user start podman.socket)"
)
_NO_ANSWER = (errno.ECONNREFUSED, errno.ENOENT, errno.ECONNRESET, errno.EPIPE)
_DEAD = re.compile(
    r"connection (?:aborted|refused|reset|broken)|remote end closed|\beof\b|broken pipe|ended prematurely",
    re.IGNORECASE,
)


def is_of_engine(error: BaseException) -> bool:
    """Tell whether docker's client, or the connection under it, raised an error."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    return isinstance(error, DockerException | RequestException | HTTPError | OSError)


def explain_connection(error: BaseException, *, endpoint: Endpoint) -> ImageError:
    """Return the error for an engine that could not be connected to."""
    where = f"{mask_secrets(endpoint.address)} ({endpoint.source})"
    socket, number = endpoint.socket, _number_of(error)
    words = " ".join(str(each) for each in _chain(error)).lower()
    if number in (errno.EACCES, errno.EPERM) or "permission denied" in words:
        return ImageError(
            f"no permission to use Docker: this user may not open {where}",
            hint="Join the group and log in anew: sudo usermod -aG docker $USER. "
            "Or run an engine of your own: dockerd-rootless-setuptool.sh install",
        )
    if "paramiko" in words:
        from envkit.owner import install_command  # for an error alone

        return ImageError(
            f"an engine behind ssh needs a package that is not installed: {where}",
            hint=f"Install it: {install_command('docker[ssh]')}",
        )
    if "certificate" in words or "ssl" in words or "tls" in words:
        return ImageError(
            f"no trusted connection to the engine at {where}: {_last_words(error)}",
            hint="Check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH (or of the docker context)",
        )
    if (
        "not supported" in words
        and "api version" in words
        or "too old" in words
        or "no longer supported" in words
    ):
        return ImageError(
            f"the engine at {where} is too old: {_last_words(error)}", hint="Install Docker 20.10 or newer"
        )
    if socket is not None and not socket.exists():
        return ImageError(
            f"no Docker daemon is running: there is no {where}", hint=f"{_START}. {_elsewhere()}"
        )
    if socket is not None and number in _NO_ANSWER:
        return ImageError(
            f"the Docker daemon is not running: nobody answers at {where}", hint=f"{_START}. {_elsewhere()}"
        )
    return ImageError(
        f"the engine at {where} does not answer: {_last_words(error)}",
        hint=f"Check that address, or use the engine here: DOCKER_HOST=unix:///var/run/docker.sock. {_START}",
    )


def explain_engine_error(
    error: BaseException, *, doing: str, endpoint: str, disk: EngineDisk | None = None
) -> ImageError:
    """Return the error for an engine that fails, or dies, while it is asked something."""
    from docker.errors import APIError

    words = str(error.explanation or error) if isinstance(error, APIError) else _last_words(error)
    if full := explain_full_disk(words, doing=doing, disk=disk):
        return full
    if not isinstance(error, APIError) and (
        _number_of(error) in _NO_ANSWER or any(_DEAD.search(str(each)) for each in _chain(error))
    ):
        return daemon_stopped(doing=doing, endpoint=endpoint)
    return ImageError(
        f"the engine could not {doing}: {mask_secrets(words).strip()}",
        hint="Its log says more: journalctl -u docker (podman: -u podman)",
    )


def daemon_stopped(*, doing: str, endpoint: str) -> ImageError:
    """Return the error for an engine that went away."""
    return ImageError(
        f"the Docker daemon stopped (could not {doing}): {mask_secrets(endpoint)} does not answer any more",
        hint=f"{_START}. Then try again: finished steps are kept",
    )


def explain_transfer(error: str, *, verb: str, reference: str, disk: EngineDisk | None = None) -> ImageError:
    """Return the error for a pull or a push that the registry or the way to it ended."""
    said, words = mask_secrets(error).strip(), error.lower()
    registry = registry_of(reference)
    if full := explain_full_disk(said, doing=f"{verb} {reference}", disk=disk):
        return full
    if "no basic auth credentials" in words or "authentication required" in words or "unauthorized" in words:
        return ImageError(
            f"{registry} asks for a user name and password to {verb} {reference}",
            hint=f"Log in: docker login {registry}",
        )
    if any(sign in words for sign in ("denied", "forbidden", "405 response", "method not allowed")):
        return ImageError(
            f"{registry} refuses to {verb} {reference}: {said}",
            hint=f"Log in as who may (docker login {registry}), and check the name: --tag {registry}/OWNER/NAME:TAG",
        )
    if "http response to https client" in words:
        return ImageError(
            f"{registry} does not speak TLS: {said}",
            hint=f'Let the engine trust it: "insecure-registries": ["{registry}"] in /etc/docker/daemon.json',
        )
    if "certificate" in words:
        return ImageError(
            f"the certificate of {registry} is not trusted by the engine: {said}",
            hint=f"Put its certificate into /etc/docker/certs.d/{registry}/ca.crt",
        )
    if is_unreachable(words):
        return ImageError(
            f"the registry {registry} does not answer: could not {verb} {reference}: {said}",
            hint="Check its name and the network; behind a proxy the engine needs its own: "
            "docs.docker.com/engine/daemon/proxy",
        )
    if "not found" in words or "does not exist" in words or "manifest unknown" in words:
        return ImageError(
            f"the image is not there: could not {verb} {reference}: {said}",
            hint=f"Check the name; a private one needs: docker login {registry}",
        )
    return ImageError(
        f"could not {verb} {reference}: {said}", hint="Try again: layers that arrived are not sent twice"
    )


def is_unreachable(words: str) -> bool:
    """Tell from an engine's words, in small letters, that what it asked over the network did not answer."""
    return any(
        sign in words
        for sign in (
            "no such host",
            "connection refused",
            "i/o timeout",
            "timeout exceeded",
            "network is unreachable",
            "no route to host",
            "server misbehaving",
            "tls handshake timeout",
            "temporary failure in name resolution",
        )
    )


def _elsewhere() -> str:
    return "One elsewhere is named by DOCKER_HOST"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was raised from or wraps, each once."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _number_of(error: BaseException) -> int | None:
    numbers = (each.errno for each in _chain(error) if isinstance(each, OSError))
    return next((number for number in numbers if isinstance(number, int)), None)


def _last_words(error: BaseException) -> str:
    *_, last = _chain(error)
    return mask_secrets(str(last) or type(last).__name__)
