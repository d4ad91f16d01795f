"""pip's configuration in uv's words: variables for the child process, so that no password is in a list of
processes, and the few flags that have no variable.

Source: ``uv pip install --help`` and the settings reference of uv 0.13.9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from envkit.api import EnvError
from envkit.environments.uv_configuration import read_uv_configuration
from envkit.machine.certificate_stores import CERTIFICATE_STORES
from envkit.masking import mask_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.pip_configuration import PipConfiguration

# uv's own defaults, needed to know how long it may rightly be silent.
_UV_TIMEOUT = 30.0
_UV_RETRIES = 3
# These would make uv, or what it starts to build a package, act on another project, another Python, another
# torch or another folder than the one decided on. uv's settings files are read apart, see ``uv_configuration``.
_LEFT_OUT = (
    "UV_CONFIG_FILE",
    "UV_NO_CONFIG",
    "UV_OVERRIDE",
    "UV_EXCLUDE",
    "UV_RESOLUTION",
    "UV_PYTHON",
    "UV_PROJECT",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "UV_SYSTEM_PYTHON",
    "UV_TORCH_BACKEND",
    "UV_REQUIRE_HASHES",
    "UV_NO_VERIFY_HASHES",
    "UV_SHOW_RESOLUTION",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_REQUIREMENT",
    "PIP_EDITABLE",
    "PIP_NO_DEPS",
    "PIP_DRY_RUN",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONEXECUTABLE",
    "__PYVENV_LAUNCHER__",
    "RUST_LOG",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
)


@dataclass(frozen=True)
class UvSettings:
    """How the uv process is started: its whole environment, and flags for ``uv pip install``.

    ``silence`` is how long, in seconds, it may rightly do nothing at all; ``configuration`` is what its
    ``uv.toml`` begins with.
    """

    environ: Mapping[str, str] = field(repr=False)
    arguments: tuple[str, ...]
    silence: float
    configuration: str = field(default="", repr=False)


def without_misleading(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that would make uv do something else than it is told."""
    return {name: text for name, text in environ.items() if name not in _LEFT_OUT}


def uv_settings(
    configuration: PipConfiguration,
    *,
    environ: Mapping[str, str],
    extra_indexes: Sequence[str] = (),
    root: Path = Path("/"),
) -> UvSettings:
    """Translate pip's configuration for uv; what the user set in ``UV_*`` stays where pip says nothing.

    ``extra_indexes`` are asked besides. Raises: EnvError for a certificate or constraints file not there,
    ConfigError for a settings file of uv's that cannot be read.
    """
    variables = without_misleading(environ)
    variables |= {"NO_COLOR": "1", "UV_NO_WRAP": "1", "UV_NO_PROGRESS": "1"}
    variables.setdefault("UV_PYTHON_DOWNLOADS", "never")
    # pip's meaning of several indexes: the best version of all of them.
    variables.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    _set_indexes(variables, configuration, extra_indexes)
    _set_certificates(variables, configuration, root)
    _set_connection(variables, configuration)
    _set_versions(variables, configuration)
    return UvSettings(
        environ=variables,
        arguments=tuple(_arguments(configuration)),
        silence=_silence(variables),
        configuration=read_uv_configuration(environ, root=root),
    )


def _set_indexes(variables: dict[str, str], configuration: PipConfiguration, extra: Sequence[str]) -> None:
    # pip passes over a folder of find-links that is not there, where uv gives up.
    links = [place for place in configuration.find_links if _is_there(place)]
    if links:
        variables["UV_FIND_LINKS"] = ",".join(place.replace(",", "%2C") for place in links)
    if configuration.no_index:
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
            variables.pop(name, None)
        return
    index = configuration.index_url
    if index and (not _is_there(index) or any(letter.isspace() for letter in index)):
        raise EnvError(
            f"the package index {mask_address(_path_of(index))!r} is neither an address nor a folder that is there",
            hint=f"It is from {configuration.sources['index_url']}; an address begins with https://",
        )
    if configuration.index_url:
        variables["UV_DEFAULT_INDEX"] = configuration.index_url
        variables.pop("UV_INDEX_URL", None)
    others = [
        address for address in configuration.extra_index_urls if _is_there(address)
    ]  # as with find-links
    if others:
        variables["UV_INDEX"] = " ".join(others)
        variables.pop("UV_EXTRA_INDEX_URL", None)
    if extra:
        variables["UV_INDEX"] = " ".join(filter(None, [variables.get("UV_INDEX"), *extra]))


def _set_certificates(variables: dict[str, str], configuration: PipConfiguration, root: Path) -> None:
    bundle = configuration.cert
    if bundle is not None:
        _check_there(bundle, configuration.sources["cert"], "certificates")
    elif "SSL_CERT_FILE" not in variables:
        # pip downloads with requests, which reads these two.
        named = variables.get("REQUESTS_CA_BUNDLE") or variables.get("CURL_CA_BUNDLE")
        bundle = Path(named) if named and Path(named).exists() else None
    if bundle is not None:
        variables["SSL_CERT_DIR" if bundle.is_dir() else "SSL_CERT_FILE"] = str(bundle)
    elif "UV_NATIVE_TLS" not in variables and _has_certificate_store(root):
        # pip trusts the system's certificates since 24.2, uv its own list only: a company's would be missing.
        variables.setdefault("UV_SYSTEM_CERTS", "true")
    if configuration.client_cert is not None:
        _check_there(configuration.client_cert, configuration.sources["client_cert"], "client certificate")
        variables["SSL_CLIENT_CERT"] = str(configuration.client_cert)


def _set_connection(variables: dict[str, str], configuration: PipConfiguration) -> None:
    if configuration.proxy:
        proxy = configuration.proxy if "://" in configuration.proxy else f"http://{configuration.proxy}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            variables[name] = proxy
            variables.pop(name.lower(), None)
    if configuration.trusted_hosts:
        variables["UV_INSECURE_HOST"] = " ".join(configuration.trusted_hosts)
    if configuration.timeout:
        variables["UV_HTTP_TIMEOUT"] = str(math.ceil(configuration.timeout))
    if configuration.retries is not None:
        variables["UV_HTTP_RETRIES"] = str(configuration.retries)
    if configuration.keyring_provider == "subprocess":
        variables["UV_KEYRING_PROVIDER"] = "subprocess"
    if configuration.no_cache:
        variables["UV_NO_CACHE"] = "true"


def _set_versions(variables: dict[str, str], configuration: PipConfiguration) -> None:
    for place in configuration.constraints:
        if place.startswith("file://"):
            _check_there(Path(_path_of(place)), configuration.sources["constraints"], "constraints")
    if configuration.constraints:
        variables["UV_CONSTRAINT"] = " ".join(configuration.constraints)
    if configuration.prereleases:
        variables["UV_PRERELEASE"] = "allow"
    if configuration.exclude_newer:
        variables["UV_EXCLUDE_NEWER"] = configuration.exclude_newer


def _arguments(configuration: PipConfiguration) -> list[str]:
    arguments = ["--no-index"] if configuration.no_index else []
    for flag, names in (
        ("--only-binary", configuration.only_binary),
        ("--no-binary", configuration.no_binary),
    ):
        for name in names:
            arguments += [flag, name]
    return arguments


def _silence(variables: Mapping[str, str]) -> float:
    """Return how long uv may wait for a server that says nothing, each of its retries included."""
    try:
        timeout = float(variables.get("UV_HTTP_TIMEOUT") or _UV_TIMEOUT)
        retries = int(variables.get("UV_HTTP_RETRIES") or _UV_RETRIES)
    except ValueError:  # uv itself says what is wrong with them
        timeout, retries = _UV_TIMEOUT, _UV_RETRIES
    return timeout * (retries + 1) + 60.0


def _has_certificate_store(root: Path) -> bool:
    return any((root / place).is_file() for place in CERTIFICATE_STORES)


def _is_there(place: str) -> bool:
    """Tell whether a folder is there; of an address on the network only its server knows."""
    is_remote = "://" in place and not place.startswith("file://")
    return is_remote or Path(_path_of(place)).exists()


def _path_of(address: str) -> str:
    return unquote(address.removeprefix("file://"))


def _check_there(path: Path, source: str, what: str) -> None:
    if not path.exists():
        raise EnvError(
            f"there is no {path}, the {what} file that {source} names",
            hint="Mend the setting, seen with: pip config list",
        )
