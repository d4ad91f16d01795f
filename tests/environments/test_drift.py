"""When a spec or a base is another one, and when only the way that it is written differs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from envkit.api import Base, BasePackage
from envkit.environments.drift import is_same_base, is_same_spec
from envkit.environments.records import EnvSpec


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"packages": ("tiny>=1,<2", "b")}, {"packages": ("B", "tiny <2, >=1")}, True),
        ({"packages": ("./b.whl", "a")}, {"packages": ("a", "./b.whl")}, True),
        ({"packages": ("tiny>=1",)}, {"packages": ("tiny>=2",)}, False),
        ({"tasks": ("ner", "qa")}, {"tasks": ("qa", "ner")}, True),
        ({"base_packages": ("a", "b")}, {"base_packages": ("b", "a")}, True),
        ({"channels": ("a", "b")}, {"channels": ("b", "a")}, False),
        ({"python": "3.11"}, {"python": "3.12"}, False),
    ],
)
def test_spec_is_the_same_in_any_order_and_spelling(
    one: dict[str, Any], other: dict[str, Any], is_same: bool
) -> None:
    assert is_same_spec(EnvSpec(**one), EnvSpec(**other)) is is_same


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"channel": "mirror", "url": "https://mirror.example/x.conda", "size": 7}, True),
        ({"build": "h2_1"}, False),
        ({"sha256": "b" * 64}, False),
    ],
)
def test_base_is_the_same_by_its_files_whatever_the_channel_is_called(
    changes: dict[str, Any], is_same: bool
) -> None:
    packages = tuple(
        BasePackage(name=name, version="1", build="h1_0", url=f"https://c.example/{name}", sha256="a" * 64)
        for name in ("python", "zlib")
    )
    was = Base(backend="conda", python="3.12.1", packages=packages)
    changed = msgspec.structs.replace(packages[1], **changes)
    now = Base(backend="conda", python="3.12.1", packages=(changed, packages[0]))
    assert is_same_base(was, now) is is_same
