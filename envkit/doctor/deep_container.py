"""Start a container from an image that is here already, with the GPUs of this machine where it has any."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from envkit.api import EnvkitError
from envkit.api.checks import Finding
from envkit.torchbuild.fit import usable_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from docker.models.images import Image

    from envkit.api.checks import CheckContext
    from envkit.images.engine.engine import Engine

PROBE_LABEL = "envkit.probe"
_MOST_IMAGES = 3
_LAST_LINES = 4
_FIRST_ANSWER_SECONDS = 5


def start_container(context: CheckContext, *, environ: Mapping[str, str], timeout: float) -> Finding:
    """Return whether a container starts; nothing is fetched, and nothing of it stays."""
    if context.is_elsewhere:
        return Finding(severity="skip", summary="no container can be started on another machine")
    if context.facts.docker.state == "absent":
        return Finding(severity="skip", summary="there is no Docker here; envkit needs it for images alone")
    # With them comes docker, which no other check needs.
    from envkit.images.containers.devices import read_engine_devices
    from envkit.images.engine.engine import connect

    try:
        engine = connect(environ)
    except EnvkitError as error:
        return Finding(severity="error", summary=error.message, fix=error.hint)
    with contextlib.closing(engine.client):
        if not engine.is_local:
            return Finding(severity="skip", summary=f"the engine {engine.endpoint} is on another machine")
        engine.client.api.timeout = max(int(timeout) - _FIRST_ANSWER_SECONDS, 1)
        has_gpus = bool(usable_gpus(context.facts))
        with engine.explained("look at its images"):
            images = _choose_images(engine.client.images.list(), wants_gpu=has_gpus)
            devices = read_engine_devices(engine.client.info(), is_podman=engine.kind == "podman")
        if not images:
            return Finding(
                severity="skip",
                summary="no image is here to start a container from",
                fix="docker pull debian:stable-slim",
            )
        requests = _gpu_requests(devices.has_runtime and not devices.is_podman) if has_gpus else []
        return _try_images(engine, images, requests=requests)


def _choose_images(images: Sequence[Image], *, wants_gpu: bool) -> list[Image]:
    """Return those to try: envkit's own first, where there are GPUs those for CUDA, then the smallest."""

    def order(image: Image) -> tuple[bool, bool, int]:
        labels = image.labels or {}
        is_ours = any(label.startswith("envkit.") for label in labels)
        is_for_cuda = any("cuda" in f"{key}={value}".lower() for key, value in labels.items())
        return wants_gpu and not is_for_cuda, not is_ours, int(image.attrs.get("Size", 0))

    named = [image for image in images if image.tags and image.attrs.get("Size", 0)]
    return sorted(named, key=order)[:_MOST_IMAGES]


def _gpu_requests(has_runtime: bool) -> list[Any]:
    from docker.types import DeviceRequest

    if has_runtime:
        return [DeviceRequest(driver="nvidia", count=-1, capabilities=[["gpu", "utility"]])]
    return [DeviceRequest(driver="cdi", device_ids=["nvidia.com/gpu=all"])]


def _try_images(engine: Engine, images: Sequence[Image], *, requests: list[Any]) -> Finding:
    from docker.errors import APIError

    # `true` is in all images but those made from nothing; the GPU runtime brings nvidia-smi along.
    command = ["nvidia-smi", "-L"] if requests else ["true"]
    said = ""
    for image in images:
        container = None
        try:
            container = engine.client.containers.create(
                image.id or "",
                command[1:],
                entrypoint=command[:1],
                labels={PROBE_LABEL: "doctor"},
                network_mode="none",
                read_only=True,
                user="0",
                healthcheck={"test": ["NONE"]},
                device_requests=requests,
            )
            container.start()
            status = int(container.wait()["StatusCode"])
            words = container.logs().decode("utf-8", "replace")
        except APIError as error:
            said = str(error.explanation or error)
            if "executable file not found" in said or "no such file" in said.lower():
                continue  # an image without `true`: nothing is said of the engine by that
            return _not_started(said, image, has_gpus=bool(requests))
        except Exception as error:
            from envkit.images.engine.failures import is_of_engine

            if not is_of_engine(error):
                raise
            return _not_started(f"the engine gave no answer: {error}", image, has_gpus=bool(requests))
        finally:
            if container is not None:
                engine.remove_containers([str(container.id)])
        if status != 0:
            return _not_started(words or f"it ended with {status}", image, has_gpus=bool(requests))
        gpus = f" and sees {len(words.splitlines())} GPUs" if requests else ""
        return Finding(
            severity="ok",
            summary=f"a container starts{gpus}",
            evidence=(f"image {image.tags[0]}", *words.splitlines()[:_LAST_LINES]),
        )
    return Finding(
        severity="skip",
        summary="no image here has a program that a container can be tried with",
        evidence=(said,),
        fix="docker pull debian:stable-slim",
    )


def _not_started(said: str, image: Image, *, has_gpus: bool) -> Finding:
    lines = [line for line in said.splitlines() if line.strip()]
    fix = "envkit explain names what is known of these words: docker run … 2>&1 | envkit explain"
    if has_gpus:
        fix = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
    return Finding(
        severity="error",
        summary="a container does not start" + (" with the GPUs of this machine" if has_gpus else ""),
        evidence=(f"image {image.tags[0]}", *lines[-_LAST_LINES:]),
        fix=fix,
    )
