"""The Docker or Podman engine: found, connected to, asked for images."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from envkit.api import ImageError
from envkit.docker_endpoint import (
    Endpoint,
    TlsFiles,
    broken_configuration,
    docker_config_dir,
    find_endpoint,
)
from envkit.images.engine.base_probe import probe_image
from envkit.images.engine.disk import EngineDisk, engine_disk
from envkit.images.engine.failures import (
    explain_connection,
    explain_engine_error,
    explain_transfer,
    is_of_engine,
)
from envkit.images.engine.references import check_image, split_reference
from envkit.images.engine.transfer import follow_transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from docker import DockerClient
    from docker.tls import TLSConfig

    from envkit.images.engine.transfer import TransferProgress
    from envkit.images.records import ImageBase

# An engine that hashes a large layer may say nothing for a while; a connection that is refused is told at once.
_ANSWER_SECONDS = 120
_FIRST_ANSWER_SECONDS = 20
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine that answers.

    ``platform`` is what it runs by itself, ``linux/amd64``. ``is_local`` tells that it sees this machine's
    files; ``id`` and ``version`` are its own words; ``disk`` is where it keeps images. ``client_variables`` lead
    docker's command line to it.
    """

    client: DockerClient = field(repr=False)
    endpoint: str
    is_local: bool
    kind: Literal["docker", "podman"]
    is_rootless: bool
    version: str
    platform: str
    id: str
    disk: EngineDisk = field(default_factory=EngineDisk)
    client_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def is_staying(self, *, seconds: float = 2.0, sleep: Callable[[float], None] = time.sleep) -> bool:
        """Tell whether it goes on answering: one that was told to end does so for a moment."""
        for _ in range(int(seconds / _LOOK_SECONDS)):
            if not self.is_alive():
                return False
            sleep(_LOOK_SECONDS)
        return True

    def is_alive(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self.client.ping())
        except Exception as error:
            if not is_of_engine(error):
                raise
            return False

    def require_local(self, what: str) -> None:
        """Refuse what needs this machine's files or devices. Raises: ImageError for an engine elsewhere."""
        if not self.is_local:
            raise ImageError(
                f"{what} needs an engine on this machine, and {self.endpoint} is on another one",
                hint="Use the engine here: DOCKER_HOST=unix:///var/run/docker.sock (or: docker context use default)",
            )

    def has_image(self, reference: str) -> bool:
        """Tell whether the engine holds an image, by name or id. Raises: ImageError."""
        return self.find_image(reference) is not None

    def image_id(self, reference: str) -> str:
        """Return an image's id, ``sha256:…``. Raises: ImageError where it is missing."""
        found = self.find_image(reference)
        if found is None:
            raise ImageError(
                f"the image {reference} is not on this engine ({self.endpoint})",
                hint=f"Fetch it: docker pull {reference}. What is there: envkit image list",
            )
        return found

    def find_image(self, reference: str) -> str | None:
        """Return an image's id, None where the engine has none of that name. Raises: UsageError, ImageError."""
        from docker.errors import ImageNotFound, NotFound

        check_image(reference)
        with self.explained(f"look for the image {reference}"):
            try:
                image_id = self.client.images.get(reference).id
            except (ImageNotFound, NotFound):
                return None
        return image_id or None

    def discard(self, image_id: str) -> None:
        """Remove an image that nobody has named; one that something else uses stays. Raises: ImageError."""
        from docker.errors import APIError

        with self.explained(f"remove the image {image_id}"), contextlib.suppress(APIError):
            self.client.images.remove(image_id)

    def remove_containers(self, ids: Iterable[str]) -> None:
        """Remove containers, those that still run as well; what is gone already, or an engine, is no fault."""
        for container_id in ids:
            try:
                self.client.api.remove_container(container_id, force=True, v=True)
            except Exception as error:
                if not is_of_engine(error):
                    raise

    def pull(self, reference: str, progress: TransferProgress, *, platform: str = "") -> str:
        """Fetch an image from its registry and return its id. Raises: ImageError that names what failed."""
        from docker.errors import APIError

        repository, tag = split_reference(reference)
        progress.say(f"pull {reference}")
        with self.explained(f"pull {reference}"), self.without_limit() as client:
            try:
                events = client.api.pull(
                    repository, tag=tag, stream=True, decode=True, platform=platform or None
                )
                error = follow_transfer(events, what="pulled", on_bytes=progress.bytes).error
            except APIError as refusal:  # before it sent anything
                error = str(refusal.explanation or refusal)
        if error:
            raise explain_transfer(error, verb="pull", reference=reference, disk=self.disk)
        return self.image_id(reference)

    def probe_base(self, reference: str, platform: str = "", *, interpreter: str = "python3") -> ImageBase:
        """Run a base image's Python, without a network, and return what it is.

        Raises: ImageError where the image is missing, has no Python, or one without venv.
        """
        image_id = self.image_id(reference)
        with self.explained(f"look into {reference}"):
            return probe_image(
                self.client,
                reference=reference,
                image_id=image_id,
                platform=platform,
                interpreter=interpreter,
            )

    @contextlib.contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """Turn what the engine's client raises into an ImageError that says what was being done."""
        try:
            yield
        except Exception as error:
            if not is_of_engine(error):
                raise
            raise explain_engine_error(error, doing=doing, endpoint=self.endpoint, disk=self.disk) from error

    @contextlib.contextmanager
    def without_limit(self) -> Iterator[DockerClient]:
        """Lend a client of the same engine that waits for as long as a step may say nothing."""
        client = _open_client(find_endpoint(self.environ), environ=self.environ, timeout=None)
        try:
            yield client
        finally:
            client.close()


def connect(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that DOCKER_HOST, the docker context or the usual sockets lead to.

    Raises: ImageError that says whether none runs, nobody may speak to it, it is not reached, or its configuration
    is broken.
    """
    endpoint = find_endpoint(environ)
    try:
        client = _open_client(endpoint, environ=environ, timeout=_FIRST_ANSWER_SECONDS)
        version, info = client.version(), client.info()
        client.api.timeout = _ANSWER_SECONDS
    except Exception as error:
        if not is_of_engine(error):
            raise
        raise explain_connection(error, endpoint=endpoint) from error
    components = [str(part.get("Name", "")) for part in version.get("Components") or []]
    is_podman = any("podman" in name.lower() for name in components)
    system, machine = str(version.get("Os", "linux")), str(version.get("Arch", ""))
    return Engine(
        client=client,
        endpoint=endpoint.address,
        is_local=endpoint.socket is not None,
        kind="podman" if is_podman else "docker",
        is_rootless=any("rootless" in option for option in info.get("SecurityOptions") or []),
        version=str(version.get("Version", "")),
        platform=f"{system}/{machine}",
        id=str(info.get("ID", "")),
        disk=engine_disk(info, version=version, has_socket=endpoint.socket is not None, is_podman=is_podman),
        client_variables=_client_variables(endpoint),
        environ=environ,
    )


def _client_variables(endpoint: Endpoint) -> dict[str, str]:
    """Return what makes the docker command use podman's socket; what it finds by itself is left to it."""
    return {"DOCKER_HOST": endpoint.address} if endpoint.source == "podman's socket" else {}


def _open_client(endpoint: Endpoint, *, environ: Mapping[str, str], timeout: int | None) -> DockerClient:
    from docker import DockerClient
    from docker.errors import InvalidConfigFile
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    config_file = docker_config_dir(environ) / "config.json"
    tls = _tls_config(endpoint.tls) or False
    try:
        client = DockerClient(
            base_url=endpoint.address,
            version="auto",
            timeout=timeout,  # type: ignore[arg-type]  # None: for as long as it takes; the stubs know no such word
            tls=tls,
            use_ssh_client=endpoint.address.startswith("ssh://"),
            credstore_env=dict(environ),
        )
        if config_file.is_file():
            client.api.reload_config(str(config_file))
    except (AttributeError, TypeError, ValueError, KeyError, InvalidConfigFile) as error:
        # The client takes the file for what it should be, and stumbles over what else stands in it.
        if isinstance(error, RequestException | HTTPError | OSError) or not config_file.is_file():
            raise
        raise broken_configuration(config_file, "it holds something else than docker writes there") from error
    return client


def _tls_config(tls: TlsFiles | None) -> TLSConfig | None:
    if tls is None:
        return None
    from docker.tls import TLSConfig

    pair = None
    if tls.certificate is not None and tls.key is not None:
        pair = (str(tls.certificate), str(tls.key))
    return TLSConfig(
        client_cert=pair,
        ca_cert=None if tls.ca is None else str(tls.ca),
        verify=tls.is_verified,
    )
