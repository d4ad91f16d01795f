"""Ask the package index that pip is configured for: pages of files, and what lies in their wheels.

Source: PEP 691 and 700 (pages in JSON, sizes). What a wheel holds is read from its end with range requests, so
that half a gigabyte need not be fetched for two kilobytes.
"""

from __future__ import annotations

import io
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import msgspec
from packaging.metadata import parse_email
from packaging.requirements import Requirement

from envkit.api import EnvError
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.pip_configuration import PipConfiguration

_PAGE = "application/vnd.pypi.simple.v1+json"
_TIMEOUT = 60.0
_CHUNK = 262_144


class IndexFile(msgspec.Struct, frozen=True, rename="kebab"):
    """A file of a page, as PEP 691 names its fields; ``yanked`` may be the reason."""

    filename: str
    url: str
    size: int | None = None
    yanked: bool | str = False
    requires_python: str | None = None


class _Page(msgspec.Struct):
    files: tuple[IndexFile, ...]


class WheelContent(msgspec.Struct, frozen=True):
    """What a wheel holds: its metadata, and its bytes when unpacked."""

    metadata: bytes
    unpacked: int

    def requirements(self) -> list[Requirement]:
        """Return what the package asks for."""
        return [Requirement(text) for text in parse_email(self.metadata)[0].get("requires_dist", [])]


class PackageIndex:
    """The index that pip installs from here, with pip's certificate, proxy and time limit."""

    def __init__(
        self, configuration: PipConfiguration, *, default_index: Callable[[], str] | None = None
    ) -> None:
        self._configuration = configuration
        self._default_index = default_index or pip_default_index
        self._pages: dict[str, tuple[IndexFile, ...]] = {}
        self._contents: dict[str, WheelContent] = {}

    @cached_property
    def address(self) -> str:
        """Return the index's address, without a slash at its end. Raises: EnvError."""
        if self._configuration.no_index:
            raise EnvError(
                "pip is told to use no index (no-index)", hint="Unset PIP_NO_INDEX, or name an index"
            )
        return (self._configuration.index_url or self._default_index()).rstrip("/")

    def files(self, name: str) -> tuple[IndexFile, ...]:
        """Return the files of a package that nobody took back. Raises: EnvError."""
        if name not in self._pages:
            url = f"{self.address}/{name}/"
            body = self._get(url, {"Accept": _PAGE})
            try:
                page = msgspec.json.decode(body, type=_Page)
            except msgspec.DecodeError as error:
                raise EnvError(
                    f"{mask_secrets(url)}: expected a page in JSON (PEP 691): {error}",
                    hint="Name an index that has such pages: PIP_INDEX_URL=URL",
                ) from error
            self._pages[name] = tuple(
                msgspec.structs.replace(file, url=urljoin(url, file.url))
                for file in page.files
                if file.yanked is False
            )
        return self._pages[name]

    def content(self, file: IndexFile) -> WheelContent:
        """Return what a wheel holds, most of it unread. Raises: EnvError."""
        if file.filename not in self._contents:
            reader = io.BufferedReader(_RangeReader(file, self._get), _CHUNK)
            try:
                with zipfile.ZipFile(reader) as wheel:
                    names = [
                        name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
                    ]
                    metadata = wheel.read(names[0])
                    unpacked = sum(entry.file_size for entry in wheel.infolist())
            except (zipfile.BadZipFile, IndexError) as error:
                raise EnvError(f"{file.filename} is no wheel: {error}") from error
            self._contents[file.filename] = WheelContent(metadata, unpacked)
        return self._contents[file.filename]

    def _get(self, url: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(url, headers={"User-Agent": "envkit", **headers})
        try:
            with self._opener.open(request, timeout=self._configuration.timeout or _TIMEOUT) as answer:
                content: bytes = answer.read()
                return content
        except (OSError, urllib.error.URLError) as error:
            raise EnvError(
                f"{mask_secrets(url)}: {getattr(error, 'reason', None) or error}",
                hint="pip config list shows what index, certificate and proxy pip is told",
            ) from error

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        configuration = self._configuration
        context = ssl.create_default_context(cafile=str(configuration.cert) if configuration.cert else None)
        if configuration.client_cert:
            context.load_cert_chain(configuration.client_cert)
        if urlsplit(self.address).hostname in {
            each.partition(":")[0] for each in configuration.trusted_hosts
        }:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if configuration.proxy:
            proxies = {"http": configuration.proxy, "https": configuration.proxy}
            handlers.append(urllib.request.ProxyHandler(proxies))
        return urllib.request.build_opener(*handlers)


class _RangeReader(io.RawIOBase):
    """A file behind an address, of which only what is read is fetched."""

    def __init__(self, file: IndexFile, get: Callable[[str, dict[str, str]], bytes]) -> None:
        if file.size is None:
            raise EnvError(f"{file.filename}: the index does not tell its size (PEP 700)")
        self._url, self._size, self._get, self._at = file.url, file.size, get, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, which typing cannot yet say on 3.11
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        part = self._get(self._url, {"Range": f"bytes={self._at}-{end - 1}"})
        if len(part) != end - self._at:
            raise EnvError(f"{mask_secrets(self._url)}: the index gives no parts of files (range requests)")
        view[: len(part)] = part
        self._at = end
        return len(part)


def pip_default_index() -> str:
    """Return the index that pip takes where it is told none: its own help names it. Raises: EnvError."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True, check=False
    )
    text = " ".join(done.stdout.split())
    found = re.search(r"--index-url <url>.*?\(default (\S+?)\)", text)
    if found is None:
        raise EnvError("pip does not say which index it takes", hint="Name it: PIP_INDEX_URL=URL")
    return found[1]
