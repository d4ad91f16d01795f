"""Room for an environment."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envkit.api import EnvError
from envkit.environments.disk_space import check_disk_space, estimate_size, uv_cache_dir
from envkit.torchbuild import TorchBuild


def build(variant: str) -> TorchBuild:
    return TorchBuild(
        version="2.13.0", variant=variant, source="torch index", location="", python="3.11", reason=""
    )


def test_estimate_grows_with_what_torch_carries() -> None:
    assert estimate_size(None) < estimate_size(build("cpu")) < estimate_size(build("cu126"))
    assert estimate_size(build("mps")) == estimate_size(build("cpu"))


def test_estimate_is_what_the_build_takes_where_that_is_known() -> None:
    known = msgspec.structs.replace(build("cu126"), disk=5_000_000_000)
    assert 5_000_000_000 < estimate_size(known) < 6_000_000_000


@pytest.mark.parametrize(
    ("full", "setting"), [("home", "ENVKIT_HOME=DIR"), ("cache", "UV_CACHE_DIR=DIR"), (None, "")]
)
def test_disk_without_room_is_named_with_the_setting_that_moves_it(
    tmp_path: Path, full: str | None, setting: str
) -> None:
    for name in ("home", "cache"):
        (tmp_path / name).mkdir()

    def free_bytes(folder: Path) -> int:
        return 5_000_000 if folder.name == full else 10**12

    def check() -> None:
        check_disk_space(
            tmp_path / "home" / "not" / "yet",
            needed=1_200_000_000,
            environ={"UV_CACHE_DIR": str(tmp_path / "cache" / "uv")},
            free_bytes=free_bytes,
        )

    if full is None:
        check()
        return
    with pytest.raises(EnvError, match=r"has 5 MB free, and the environment needs about 1\.2 GB") as caught:
        check()
    assert str(tmp_path / full) in caught.value.message
    assert setting in str(caught.value.hint)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"UV_CACHE_DIR": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/uv"),
        ({"HOME": "/h"}, "/h/.cache/uv"),
    ],
)
def test_uv_cache_is_where_uv_keeps_it(environ: dict[str, str], expected: str) -> None:
    assert uv_cache_dir(environ) == Path(expected)
