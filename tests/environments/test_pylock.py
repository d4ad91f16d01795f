"""What uv resolved is read: of each package the one file that fits."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.tags import Tag

from envkit.environments.pylock import Target, public_url, read_resolution, write_preferences

TAGS = (
    Tag("cp311", "cp311", "manylinux_2_17_x86_64"),
    Tag("cp311", "abi3", "manylinux_2_17_x86_64"),
    Tag("py3", "none", "any"),
)
HEAD = 'lock-version = "1.0"\ncreated-by = "uv"\n'


def read(*packages: str, links: tuple[str, ...] = ()) -> list[tuple[str, str, str, int | None, str]]:
    text = HEAD + "".join(f"[[packages]]\n{package}\n" for package in packages)
    target = Target(tags=TAGS, find_links=frozenset(map(Path, links)))
    found = read_resolution(text, target=target, folder=Path("/folder"))
    return [(p.name, p.url, p.sha256, p.size, p.source) for p in found]


def wheels(*names: str, host: str = "https://host.example/") -> str:
    files = ", ".join(
        f'{{ url = "{host}{name}", size = {size}, hashes = {{ sha256 = "{size}" }} }}'
        for size, name in enumerate(names, 1)
    )
    return f'name = "a"\nversion = "1"\nwheels = [{files}]'


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("a-1-py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.whl"), 2),
        (("a-1-cp311-abi3-manylinux_2_17_x86_64.whl", "a-1-py3-none-any.whl"), 1),
        (("a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "a-1-py2.py3-none-any.whl"), 2),
        (("a-1-1-py3-none-any.whl", "a-1-2-py3-none-any.whl"), 2),
        (("a-1.odd.whl", "a-1-py3-none-any.whl"), 2),
        (("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "a-1-py3-none-any.whl"), 1),
    ],
)
def test_wheel_that_fits_best_is_chosen(names: tuple[str, ...], chosen: int) -> None:
    url = f"https://host.example/{names[chosen - 1]}"
    assert read(wheels(*names)) == [("a", url, str(chosen), chosen, "index")]


def test_package_without_a_fitting_wheel_has_its_sdist() -> None:
    text = wheels("a-1-cp312-cp312-win_amd64.whl") + '\nsdist = { url = "https://host.example/a-1.tar.gz" }'
    assert read(text) == [("a", "https://host.example/a-1.tar.gz", "", None, "index")]


def test_sources_are_told_apart_and_sorted_by_name(tmp_path: Path) -> None:
    wheel = tmp_path / "B-1-py3-none-any.whl"
    wheel.write_bytes(b"12345")
    found = read(
        'name = "z"\narchive = { url = "https://me:word@host.example/z.whl", hashes = { sha256 = "9" } }',
        f'name = "B"\nversion = "1"\nwheels = [{{ url = "{wheel.as_uri()}" }}]',
        'name = "c"\narchive = { path = "c-1-py3-none-any.whl" }',
        'name = "d"\nvcs = { type = "git", url = "https://host.example/d.git", commit-id = "abc" }',
        'name = "e"\ndirectory = { path = "../e", editable = true }',
        links=(str(tmp_path),),
    )
    assert found == [
        ("b", wheel.as_uri(), "", 5, "find-links"),
        ("c", "file:///folder/c-1-py3-none-any.whl", "", None, "direct"),
        ("d", "git+https://host.example/d.git@abc", "", None, "direct"),
        ("e", "file:///folder/../e", "", None, "direct"),
        ("z", "https://host.example/z.whl", "9", None, "direct"),
    ]


def test_preferences_are_a_lock_of_versions_alone() -> None:
    written = tomllib.loads(write_preferences({"b": "2", "a": "1"}))
    assert written["packages"] == [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]


@pytest.mark.parametrize("secret", ["me:word@", "token@", ""])
def test_public_url_has_no_user_and_no_password(secret: str) -> None:
    assert public_url(f"https://{secret}host.example:8443/a?b=c#d") == "https://host.example:8443/a?b=c#d"


@pytest.mark.parametrize("query", ["?X-Amz-Signature=hush&X-Amz-Date=1", "?sig=hush", "?private_token=hush"])
def test_wheel_with_a_presigned_address_is_found_by_its_name_and_kept_without_its_pass(query: str) -> None:
    name = "a-1-py3-none-any.whl"
    assert read(wheels(f"{name}{query}")) == [("a", f"https://host.example/{name}", "1", 1, "index")]


def test_wheel_with_a_harmless_query_keeps_it() -> None:
    name = "a-1-py3-none-any.whl?generation=7#egg=a"
    assert read(wheels(name)) == [("a", f"https://host.example/{name}", "1", 1, "index")]


def test_preferences_leave_out_what_uv_could_not_read() -> None:
    versions = {"a": "1.0", "b": "one", "c d": "1", "e": "1+local.2"}
    lock = tomllib.loads(write_preferences(versions))
    assert [(each["name"], each["version"]) for each in lock["packages"]] == [
        ("a", "1.0"),
        ("e", "1+local.2"),
    ]


def test_preferences_of_which_uv_could_read_none_are_a_lock_of_nothing() -> None:
    assert tomllib.loads(write_preferences({"a": ""}))["packages"] == []
