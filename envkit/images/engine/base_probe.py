"""Ask a base image's own Python what it is."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from envkit.api import ImageError
from envkit.api.facts import Platform
from envkit.images.records import ImageBase

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

PROBE_LABEL = "envkit.probe"
_LIMIT_SECONDS = 120  # an image of another processor runs in an emulator
_NOT_STARTED = (126, 127)
_STALE = timedelta(minutes=15)  # far longer than a probe takes
# Docker 20.10 to 28, and those whose store keeps an image's platforms apart.
_OTHER_PLATFORM = re.compile(
    r"does not (?:match|provide) the specified platform(?:.*actual: (?P<actual>[\w/]+))?", re.IGNORECASE
)
_NOT_RUNNING = ["created", "exited"]  # podman refuses docker's rare "dead"

# Runs on whatever Python 3 is there, so it says nothing newer than 3.6 would understand.
_SCRIPT = """
import json, os, platform, sys
name, version, known = None, None, {}
try:
    with open("/etc/os-release") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            known[key] = value.strip("'\\"")
except OSError:
    pass
try:
    import ensurepip, venv
    lacks = ""
except ImportError as error:
    lacks = str(error.name)
libc, libc_version = platform.libc_ver()
if not libc and os.path.isdir("/lib") and any(name.startswith("ld-musl") for name in os.listdir("/lib")):
    libc = "musl"
print("envkit:" + json.dumps({
    "python": platform.python_version(), "interpreter": sys.executable, "lacks": lacks,
    "system": platform.system().lower(), "machine": platform.machine(), "kernel": platform.release(),
    "os_name": known.get("ID"), "os_version": known.get("VERSION_ID"),
    "libc": libc or None, "libc_version": libc_version or None,
}))
"""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    python: str
    interpreter: str
    lacks: str
    system: str
    machine: str
    kernel: str
    os_name: str | None
    os_version: str | None
    libc: str | None
    libc_version: str | None


def probe_image(
    client: DockerClient, *, reference: str, image_id: str, platform: str, interpreter: str
) -> ImageBase:
    """Run the script in a container that is gone afterwards, however it ends, and has no network.

    Raises: ImageError for an image without a Python that can make environments; docker's own errors.
    """
    from docker.errors import APIError

    remove_stale_probes(client)
    try:
        container = client.containers.create(
            image_id,
            ["-I", "-c", _SCRIPT],
            entrypoint=[interpreter],
            labels={PROBE_LABEL: "base"},
            network_mode="none",
            user="0",
            platform=platform or None,
            healthcheck={"test": ["NONE"]},
        )
    except APIError as error:
        if other := _OTHER_PLATFORM.search(str(error.explanation)):
            raise _wrong_platform(reference, platform, actual=other["actual"] or "") from error
        raise
    try:
        try:
            container.start()
        except APIError as error:
            raise _why_not_started(str(error.explanation), reference, platform, interpreter) from error
        status = _wait(container, reference)
        said = container.logs().decode("utf-8", "replace")
    finally:
        with contextlib.suppress(APIError):  # the engine removed it itself
            container.remove(force=True, v=True)
    if status in _NOT_STARTED or "exec format error" in said:
        raise _why_not_started(said, reference, platform, interpreter)
    return _base_of(said, reference=reference, image_id=image_id, status=status)


def remove_stale_probes(client: DockerClient, *, now: datetime | None = None) -> None:
    """Remove containers that probes left which were killed; those of probes that may still go on stay."""
    from docker.errors import APIError

    before = (now or datetime.now(UTC)) - _STALE
    filters: dict[str, str | list[str] | bool] = {"label": f"{PROBE_LABEL}=base", "status": _NOT_RUNNING}
    # One that is removed by somebody else meanwhile is no fault.
    for container in client.containers.list(all=True, filters=filters, ignore_removed=True):
        created = str(container.attrs.get("Created", ""))[: len("2026-01-01T00:00:00")]
        with contextlib.suppress(APIError, ValueError):  # ValueError: no time, so nothing is known of its age
            if datetime.fromisoformat(created).replace(tzinfo=UTC) < before:
                container.remove(v=True)


def _wait(container: Container, reference: str) -> int:
    from requests.exceptions import ConnectionError as NoAnswer
    from requests.exceptions import Timeout

    try:
        return int(container.wait(timeout=_LIMIT_SECONDS)["StatusCode"])
    except Timeout as error:
        raise _silent(reference) from error
    except NoAnswer as error:
        if "timed out" in str(error).lower():
            raise _silent(reference) from error
        raise


def _base_of(said: str, *, reference: str, image_id: str, status: int) -> ImageBase:
    for line in said.splitlines():
        if line.startswith("envkit:"):
            answer = msgspec.json.decode(line.removeprefix("envkit:"), type=_Answer)
            break
    else:
        raise ImageError(
            f"the Python of {reference} does not run (exit {status}): {said.strip()[-500:] or 'it says nothing'}",
            hint="Choose another base image: --base-image python:3.11-slim-bookworm",
        )
    if answer.lacks:
        raise ImageError(
            f"Python {answer.python} of {reference} makes no environments: it has no module {answer.lacks}",
            hint="Add it to that image (Debian: apt-get install python3-venv), or choose another one: "
            "--base-image python:3.11-slim-bookworm",
        )
    return ImageBase(
        reference=reference,
        python=answer.python,
        interpreter=answer.interpreter,
        platform=Platform(
            system=answer.system,
            machine=answer.machine,
            kernel=answer.kernel,
            os_name=answer.os_name,
            os_version=answer.os_version,
            libc=answer.libc,
            libc_version=answer.libc_version,
            is_container=True,
        ),
        id=image_id,
    )


def _why_not_started(said: str, reference: str, platform: str, interpreter: str) -> ImageError:
    words = said.lower()
    if "exec format error" in words:
        return ImageError(
            f"{reference} is for another processor: this machine cannot run {platform or 'its programs'}",
            hint="Choose the platform of this machine, or let it run others: "
            "docker run --privileged --rm tonistiigi/binfmt --install all",
        )
    if "no such file" in words or "not found" in words:
        return ImageError(
            f"{reference} has no {interpreter}",
            hint="Choose a base image with Python: --base-image python:3.11-slim-bookworm",
        )
    return ImageError(
        f"a container of {reference} does not start: {said.strip()[-500:]}",
        hint="Choose another base image: --base-image python:3.11-slim-bookworm",
    )


def _wrong_platform(reference: str, platform: str, *, actual: str) -> ImageError:
    return ImageError(
        f"{reference} on this engine is {f'for {actual}, not' if actual else 'not'} for {platform}",
        hint=f"Build for its own platform: leave --platform out. Or fetch it for the other: docker pull --platform "
        f"{platform} {reference}",
    )


def _silent(reference: str) -> ImageError:
    return ImageError(
        f"the Python of {reference} did not answer within {_LIMIT_SECONDS} seconds",
        hint="Try again when the machine is less busy, or choose another base image",
    )
