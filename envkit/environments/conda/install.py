"""Fetch and link packages with rattler. Runs in the process that uses rattler."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.environments.conda.history import write_history
from envkit.environments.conda.jobs import Answer, Bytes, Failed, Installed, InstallJob, Step
from envkit.environments.conda.known_packages import HashDiffers, recall

if TYPE_CHECKING:
    from collections.abc import Callable

    from rattler.networking.client import Client

    from envkit.environments.conda.jobs import Package

_SHOWN_EVERY = 0.1  # seconds


async def install_packages(
    job: InstallJob, *, client: Client, say: Callable[[Answer], None]
) -> Installed | Failed:
    """Make the prefix: packages, link scripts, history. Raises: rattler's errors."""
    from rattler import Subdir, install

    cache_dir, packages_dir, prefix = Path(job.cache_dir), Path(job.packages_dir), Path(job.prefix)
    if job.network.is_offline:
        missing = [
            package
            for package in job.packages
            if urlsplit(package.url).scheme != "file" and not _is_unpacked(package, packages_dir)
        ]
        if missing:
            return Failed("Offline", f"{missing[0].url} and {len(missing) - 1} more")
    unchecked = [package for package in job.packages if not _is_unpacked(package, packages_dir)]
    await asyncio.gather(*(asyncio.to_thread(_check_file, package) for package in unchecked))
    records = [await recall(package, cache_dir=cache_dir, client=client) for package in job.packages]
    await install(
        records,
        prefix,
        cache_dir=packages_dir,
        platform=Subdir(job.subdir),
        execute_link_scripts=True,
        client=client,
        reporter=_Reporter(job.packages, say),
    )
    write_history(prefix, job.packages, requested=job.requested, subdir=job.subdir)
    return Installed()


def _check_file(package: Package) -> None:
    """Check the hash of an archive on this machine, which rattler takes as it is. Raises: HashDiffers."""
    parts = urlsplit(package.url)
    if parts.scheme != "file" or not package.sha256:
        return
    import hashlib  # mostly all is unpacked

    with contextlib.suppress(FileNotFoundError), Path(unquote(parts.path)).open("rb") as archive:
        sha256 = hashlib.file_digest(archive, "sha256").hexdigest()
        if sha256 != package.sha256:
            raise HashDiffers(f"{package.url} has the sha256 {sha256}, not {package.sha256}")


def _is_unpacked(package: Package, packages_dir: Path) -> bool:
    """Tell whether the cache holds the package of this hash.

    rattler notes the hash beside what it unpacked, after eight bytes that count its changes.
    """
    name = f"{package.name}-{package.version}-{package.build}"
    try:
        noted = (packages_dir / f"{name}.lock").read_bytes()[8:]
    except OSError:
        return False
    is_complete = (packages_dir / name / "info" / "index.json").is_file()
    return is_complete and (not package.sha256 or noted.hex() == package.sha256)


class _Reporter:
    """Turn rattler's callbacks, which come from its threads, into steps and bytes."""

    def __init__(self, packages: tuple[Package, ...], say: Callable[[Answer], None]) -> None:
        self._say = say
        self._total = sum(package.size or 0 for package in packages) or None
        self._count = len(packages)
        self._got: dict[int, int] = {}
        self._linked = 0
        self._next = 0
        self._shown = 0.0

    def _token(self) -> int:
        self._next += 1
        return self._next

    def on_transaction_start(self, total_operations: int) -> None:
        self._count = total_operations

    def on_transaction_operation_start(self, operation: int) -> None: ...

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        return self._token()

    def on_validate_start(self, cache_entry: int) -> int:
        return self._token()

    def on_validate_complete(self, validate_idx: int) -> None: ...

    def on_download_start(self, cache_entry: int) -> int:
        return self._token()

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        self._got[download_idx] = progress
        now = time.monotonic()
        if now - self._shown > _SHOWN_EVERY:
            self._shown = now
            self._say(Bytes(sum(self._got.values()), self._total, "packages"))

    def on_download_completed(self, download_idx: int) -> None: ...

    def on_populate_cache_complete(self, cache_entry: int) -> None: ...

    def on_unlink_start(self, operation: int, package_name: str) -> int:
        return self._token()

    def on_unlink_complete(self, index: int) -> None: ...

    def on_link_start(self, operation: int, package_name: str) -> int:
        self._linked += 1
        self._say(Step(f"installing {package_name} ({self._linked} of {self._count} packages)"))
        return self._token()

    def on_link_complete(self, index: int) -> None: ...

    def on_transaction_operation_complete(self, operation: int) -> None: ...

    def on_transaction_complete(self) -> None: ...

    def on_post_link_start(self, package_name: str, script_path: str) -> int:
        self._say(Step(f"running what {package_name} does once it is installed"))
        return self._token()

    def on_post_link_complete(self, index: int, success: bool) -> None: ...

    def on_pre_unlink_start(self, package_name: str, script_path: str) -> int:
        return self._token()

    def on_pre_unlink_complete(self, index: int, success: bool) -> None: ...
