"""An engine that has a few images and containers: as much of Docker's API as looking at images and removing them needs."""

from __future__ import annotations

import contextlib
import json
import shutil
import socketserver
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from envkit.images.layout import (
    BASE_LABEL,
    LOCK_LABEL,
    TASKS_LABEL,
    TEMPLATE_LABEL,
    TORCH_LABEL,
    VARIANT_LABEL,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE_LAYER = "sha256:ba5e"
BASE_NAME = "python:3.12-slim-bookworm"


@dataclass
class SmallImage:
    """An image of the engine: ``layers`` are digests with their size, the lowest first."""

    id: str
    names: list[str]
    layers: dict[str, int]
    labels: dict[str, str] = field(default_factory=dict)
    created: str = "2020-01-02T03:04:05.123456789Z"
    user: str = "1000:1000"
    archive: bytes = b""

    @property
    def digest(self) -> str:
        """Return the digest that a registry knows it by."""
        return f"sha256:{self.id[-1] * 63}d"

    @property
    def document(self) -> dict[str, Any]:
        """Return what inspecting it answers."""
        return {
            "Id": self.id,
            "RepoTags": self.names,
            "Created": self.created,
            "Size": sum(self.layers.values()),
            "Os": "linux",
            "Architecture": "amd64",
            "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
            "RootFS": {"Layers": list(self.layers)},
            "Config": {
                "User": self.user,
                "Labels": self.labels,
                "Entrypoint": ["/opt/envkit/bin/python", "-m", "envkit.worker.alone"],
                "ExposedPorts": {"8000/tcp": {}},
            },
        }

    @property
    def history(self) -> list[dict[str, Any]]:
        """Return its commands, the newest first, one without a layer on top."""
        made = [
            {"CreatedBy": f"RUN make {name} # buildkit", "Size": size} for name, size in self.layers.items()
        ]
        return [{"CreatedBy": "LABEL a=b", "Size": 0}, *reversed(made)]


@dataclass
class SmallEngine:
    """The engine: images, containers, and the references that were removed, in their order."""

    address: str
    images: list[SmallImage] = field(default_factory=list)
    containers: list[dict[str, Any]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def find(self, reference: str) -> SmallImage | None:
        """Return the image of this name or id, or of the beginning of one."""
        for registry in ("docker.io/", "index.docker.io/"):
            reference = reference.removeprefix(registry).removeprefix("library/")
        name, _, digest = reference.partition("@")
        for image in self.images:
            if digest and digest == image.digest and any(each.startswith(f"{name}:") for each in image.names):
                return image
            if reference in image.names or f"{reference}:latest" in image.names:
                return image
            if image.id == reference or image.id.startswith(f"sha256:{reference}"):
                return image
        return None

    def run(self, image: SmallImage, *, name: str, state: str = "running") -> None:
        """Make a container of an image."""
        self.containers.append(
            {"Id": f"c-{name}", "Names": [f"/{name}"], "ImageID": image.id, "State": state}
        )

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return the status and what is said."""
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["version"]:
                return 200, {"ApiVersion": "1.41", "Version": "20.10.24", "Os": "linux", "Arch": "amd64"}
            case ["info"]:
                return 200, {"ID": "small", "SecurityOptions": []}
            case ["containers", "json"]:
                return 200, self.containers
            case ["images", "json"]:
                wanted = json.loads(query.get("filters", ["{}"])[0]).get("label", [])
                chosen = [each for each in self.images if all(label in each.labels for label in wanted)]
                return 200, [{"Id": each.id} for each in chosen]
            case ["images", *reference, action] if method == "GET":
                return self._of_image("/".join(reference), action)
            case ["images", *reference] if method == "DELETE":
                return self._remove("/".join(reference))
        return 404, {"message": f"no such path: {path}"}

    def _of_image(self, reference: str, action: str) -> tuple[int, Any]:
        image = self.find(reference)
        if image is None:
            return 404, {"message": f"No such image: {reference}"}
        return 200, {"json": image.document, "history": image.history, "get": image.archive}[action]

    def _remove(self, reference: str) -> tuple[int, Any]:
        image = self.find(reference)
        if image is None:
            return 404, {"message": f"No such image: {reference}"}
        self.removed.append(reference)
        if reference in image.names:
            image.names.remove(reference)
        if not image.names:
            self.images.remove(image)
        return 200, [{"Untagged": reference}]


def ours(number: int, *names: str, layers: dict[str, int] | None = None, **changes: Any) -> SmallImage:
    """Return an image of envkit's on the base below, with a layer of its own."""
    labels = {
        TEMPLATE_LABEL: "task",
        TASKS_LABEL: "ner",
        TORCH_LABEL: "2.13.0",
        VARIANT_LABEL: "cu126",
        LOCK_LABEL: "5" * 64,
        BASE_LABEL: BASE_NAME,
    }
    digits = f"{number}" * 64
    own = layers or {f"sha256:own{number}": 1_000_000}
    image_layers = {BASE_LAYER: 50_000_000, **own}
    return SmallImage(f"sha256:{digits}", list(names), image_layers, labels, **changes)


def base() -> SmallImage:
    """Return the image that others begin from, which is not envkit's."""
    return SmallImage(f"sha256:{'b' * 64}", [BASE_NAME], {BASE_LAYER: 50_000_000})


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def serve(*images: SmallImage) -> Iterator[SmallEngine]:
    """Let an engine with these images answer at a socket."""
    # Not pytest's own folders: the path of a socket may have a hundred letters.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    engine = SmallEngine(f"unix://{folder}/docker.sock", list(images))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "local"

        def log_message(self, format: str, *words: Any) -> None:
            return

        def do_GET(self) -> None:
            self.reply()

        def do_DELETE(self) -> None:
            self.reply()

        def reply(self) -> None:
            address = urlsplit(self.path)
            path = address.path.partition("/v1.41")[2] or address.path
            status, said = engine.answer(self.command, path, parse_qs(address.query))
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = _Server(str(folder / "docker.sock"), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shutil.rmtree(folder)
