"""Find the engine that the docker command itself would speak to, and podman's where there is no docker.

Sources: docker/cli, cli/command/cli.go (which context counts) and cli/context/store (where contexts lie);
podman-system-service(1) for its sockets.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from envkit.api import ImageError
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DOCKER_SOCKET = Path("/var/run/docker.sock")
ROOT_PODMAN_SOCKET = Path("/run/podman/podman.sock")
_DEFAULT_CONTEXT = "default"


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """What an engine behind TLS is spoken to with; ``is_verified`` is False where its certificate is not checked."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    is_verified: bool = True


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where an engine listens.

    ``address`` is ``unix:///PATH``, ``tcp://HOST:PORT`` or ``ssh://HOST``; ``source`` says in words why this
    one. ``is_default`` tells that the docker command finds it with no setting at all.
    """

    address: str
    source: str
    tls: TlsFiles | None = None
    is_default: bool = False

    @property
    def socket(self) -> Path | None:
        """Return its socket on this machine, None where it listens elsewhere."""
        scheme, _, rest = self.address.partition("://")
        return Path("/" + rest.lstrip("/")) if scheme == "unix" else None


def find_endpoint(
    environ: Mapping[str, str] = os.environ,
    *,
    docker_socket: Path = DOCKER_SOCKET,
    podman_sockets: Iterable[Path] | None = None,
) -> Endpoint:
    """Return the engine of DOCKER_HOST, of the docker context, of the usual socket, or podman's.

    Raises: ImageError for an address that is none, and a context that is not there or cannot be read.
    """
    if host := environ.get("DOCKER_HOST"):
        return Endpoint(
            address=_address(host, source="DOCKER_HOST"), source="DOCKER_HOST", tls=_tls_of_variables(environ)
        )
    folder = docker_config_dir(environ)
    name, source = environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        config_file = folder / "config.json"
        name, source = _current_context(config_file), f"{config_file}"
    if name and name != _DEFAULT_CONTEXT:
        return _endpoint_of_context(name, source=source, folder=folder)
    if not docker_socket.exists():
        sockets = _podman_sockets(environ) if podman_sockets is None else podman_sockets
        for socket in sockets:
            if _is_socket(socket):
                return Endpoint(address=f"unix://{socket}", source="podman's socket")
    return Endpoint(address=f"unix://{docker_socket}", source="docker's usual socket", is_default=True)


def docker_config_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder of docker's configuration of this user."""
    if named := environ.get("DOCKER_CONFIG"):
        return Path(named)
    return Path(environ.get("HOME") or Path.home()) / ".docker"


def broken_configuration(path: Path, what: str) -> ImageError:
    """Return the error for a file of docker's configuration that cannot be used."""
    return ImageError(
        f"docker's configuration {path} cannot be read: {what}",
        hint="Mend or remove it, or take another folder for it: DOCKER_CONFIG=DIR",
    )


def _address(host: str, *, source: str) -> str:
    # As in docker's own command, a bare host or host:port is TCP.
    address = host if "://" in host else f"tcp://{host}"
    try:
        _ = urlsplit(
            address
        ).port  # read as a number of 16 bits, and the brackets of an IPv6 address are paired
    except ValueError as error:
        raise ImageError(
            f"{source} names no address of an engine: {mask_secrets(host)}",
            hint="Write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST, a port of at most 65535, "
            "an IPv6 address as [::1]",
        ) from error
    return address


def _tls_of_variables(environ: Mapping[str, str]) -> TlsFiles | None:
    """Return what DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH say."""
    is_verified = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not is_verified and not environ.get("DOCKER_TLS"):
        return None
    folder = Path(environ.get("DOCKER_CERT_PATH") or docker_config_dir(environ))
    return _tls_in(folder, is_verified=is_verified)


def _tls_in(folder: Path, *, is_verified: bool) -> TlsFiles:
    ca, certificate, key = (
        path if path.is_file() else None
        for path in (folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    )
    return TlsFiles(ca=ca, certificate=certificate, key=key, is_verified=is_verified)


def _current_context(config_file: Path) -> str:
    if not _is_there(config_file):
        return ""
    read = _read_json(config_file)
    name = read.get("currentContext", "")
    return name if isinstance(name, str) else ""


def _endpoint_of_context(name: str, *, source: str, folder: Path) -> Endpoint:
    from hashlib import sha256  # OpenSSL is slow to load, and only a context needs it

    place = sha256(name.encode()).hexdigest()
    meta_file = folder / "contexts" / "meta" / place / "meta.json"
    if not _is_there(meta_file):
        raise ImageError(
            f"the docker context `{name}` of {source} does not exist",
            hint="See those that do: docker context ls; choose another one: docker context use default",
        )
    endpoint = _docker_endpoint(_read_json(meta_file))
    host = endpoint.get("Host")
    if not isinstance(host, str) or not host:
        raise ImageError(
            f"the docker context `{name}` names no engine: {meta_file}",
            hint="Choose another one: docker context use default",
        )
    tls_dir = folder / "contexts" / "tls" / place / "docker"
    skips = endpoint.get("SkipTLSVerify") is True
    tls = _tls_in(tls_dir, is_verified=not skips) if tls_dir.is_dir() or skips else None
    source = f"the docker context `{name}`"
    return Endpoint(address=_address(host, source=source), source=source, tls=tls)


def _docker_endpoint(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    endpoints = meta.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    return endpoint if isinstance(endpoint, dict) else {}


def _is_there(file: Path) -> bool:
    """Tell whether there is such a file. Raises: ImageError where its folder may not be entered, as after a sudo docker."""
    try:
        return file.is_file()
    except OSError as error:
        raise broken_configuration(file, error.strerror or str(error)) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise broken_configuration(path, str(error)) from error


def _podman_sockets(environ: Mapping[str, str]) -> tuple[Path, ...]:
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return (Path(runtime) / "podman" / "podman.sock", ROOT_PODMAN_SOCKET)


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
