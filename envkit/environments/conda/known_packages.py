"""What a channel says of a package, kept beside the cache between solving and installing.

A lock names packages by address and hash; what else ``conda-meta`` holds (dependencies above all) is found
here, or else in the package itself.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattler import PackageRecord, RepoDataRecord
    from rattler.networking.client import Client

    from envkit.environments.conda.jobs import Package


class HashDiffers(Exception):
    """Say of a package that it is not the one that was asked for."""


def remember(record: RepoDataRecord, *, cache_dir: Path) -> None:
    """Keep what the channel says, under the package's hash; one without a hash is not kept."""
    if record.sha256 is None:
        return
    file = _file(record.sha256.hex(), cache_dir)
    if file.exists():
        return
    import tempfile  # mostly all is known

    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as draft:
            draft.write(record.to_json())
        Path(draft.name).replace(file)


async def recall(package: Package, *, cache_dir: Path, client: Client) -> RepoDataRecord:
    """Return the whole record of a package, reading its archive where nothing is kept.

    Raises: HashDiffers, and rattler's errors where the archive cannot be had.
    """
    from rattler import PackageRecord, RepoDataRecord

    record = None
    if package.sha256:
        file = _file(package.sha256, cache_dir)
        with contextlib.suppress(OSError, ValueError):  # not there, or cut off by a full disk
            md5 = json.loads(file.read_bytes()).get("md5")
            record = PackageRecord.from_index_json(file, package.size, package.sha256, md5)
    if record is None:
        record = await _read_archive(package, client=client, cache_dir=cache_dir)
    channel_url, _, file_name = package.url.rpartition("/")
    return RepoDataRecord(record, file_name, package.url, f"{channel_url.rpartition('/')[0]}/")


async def _read_archive(package: Package, *, client: Client, cache_dir: Path) -> PackageRecord:
    import tempfile

    from rattler import PackageRecord
    from rattler.package_streaming import download_and_extract

    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        sha256, md5 = await download_and_extract(client, package.url, Path(folder, "package"))
        if package.sha256 and sha256.hex() != package.sha256:
            raise HashDiffers(f"{package.url} has the sha256 {sha256.hex()}, not {package.sha256}")
        index = Path(folder, "package", "info", "index.json")
        return PackageRecord.from_index_json(index, package.size, sha256.hex(), md5.hex())


def _file(sha256: str, cache_dir: Path) -> Path:
    return cache_dir / "packages-of-channels" / f"{sha256}.json"
