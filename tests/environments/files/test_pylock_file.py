"""`pylock.toml`: what PEP 751 says is to be installed here, and what is said where it is nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from envkit.api import UsageError
from envkit.environments.files.read import read_environment_file
from envkit.environments.records import WheelPackage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "3.12" if HERE != "3.12" else "3.13"
D = "d" * 64
HEAD = 'lock-version = "1.0"\ncreated-by = "hand"\n'
HASHES = f'hashes = {{sha256 = "{D}"}}'


def package(name: str, source: str, *, version: str | None = "1.0", more: str = "") -> str:
    lines = [
        "[[packages]]",
        f'name = "{name}"',
        *([f'version = "{version}"'] if version else []),
        more,
        source,
    ]
    return "\n".join(line for line in lines if line) + "\n"


def wheels(*files: str) -> str:
    entries = [f'{{url = "https://i.example/{file}", {HASHES}}}' for file in files]
    return f"wheels = [{', '.join(entries)}]"


SDIST = f'sdist = {{url = "https://i.example/a-1.0.tar.gz", size = 7, {HASHES}}}'
PURE = wheels("a-1.0-py3-none-any.whl")


def read(file: Path, *, python: str = "", choices: str = "") -> tuple[WheelPackage, ...]:
    named = file.with_name(file.name + choices)
    return read_environment_file(named, backend="venv", python=python, environ={}).wheels


def names(found: tuple[WheelPackage, ...]) -> list[str]:
    return [wheel.url.rsplit("/", 1)[-1] for wheel in found]


def test_pylock_gives_exact_files_and_the_pins_that_outlive_it(write: Callable[[str, str], Path]) -> None:
    file = write("pylock.toml", HEAD + package("a", SDIST + "\n" + PURE))
    requested = read_environment_file(file, backend="venv", environ={})
    assert requested.wheels == (
        WheelPackage(
            name="a",
            version="1.0",
            url="https://i.example/a-1.0-py3-none-any.whl",
            sha256=D,
            source="index",
        ),
    )
    assert requested.python == HERE
    assert requested.packages == ("a==1.0",)
    assert requested.constraints == (f"a==1.0 --hash=sha256:{D}",)


@pytest.mark.parametrize(
    ("source", "chosen"),
    [
        (SDIST, "a-1.0.tar.gz"),
        (SDIST + "\n" + wheels("a-1.0-cp27-none-win32.whl"), "a-1.0.tar.gz"),
        (
            wheels("a-1.0-py3-none-any.whl", f"a-1.0-cp{HERE.replace('.', '')}-none-any.whl"),
            f"a-1.0-cp{HERE.replace('.', '')}-none-any.whl",
        ),
    ],
)
def test_pylock_chooses_the_file_that_fits_best(
    write: Callable[[str, str], Path], source: str, chosen: str
) -> None:
    assert names(read(write("pylock.toml", HEAD + package("a", source)))) == [chosen]


def test_pylock_markers_are_those_of_the_python_asked_for(write: Callable[[str, str], Path]) -> None:
    text = HEAD + package("a", PURE, more=f"marker = \"python_version == '{OTHER}'\"")
    text += package("b", wheels(f"b-1.0-cp{OTHER.replace('.', '')}-none-any.whl", "b-1.0-py3-none-any.whl"))
    file = write("pylock.toml", text)
    assert names(read(file)) == ["b-1.0-py3-none-any.whl"]
    assert names(read(file, python=OTHER)) == [
        "a-1.0-py3-none-any.whl",
        f"b-1.0-cp{OTHER.replace('.', '')}-none-any.whl",
    ]


def test_pylock_for_another_python_asks_for_that_one(write: Callable[[str, str], Path]) -> None:
    file = write("pylock.toml", HEAD + f'requires-python = "=={OTHER}.*"\n' + package("a", PURE))
    assert read_environment_file(file, backend="venv", environ={}).python == OTHER


def test_pylock_takes_extras_and_groups_that_are_named(write: Callable[[str, str], Path]) -> None:
    text = HEAD + 'extras = ["x"]\ndependency-groups = ["dev", "base"]\ndefault-groups = ["base"]\n'
    text += package("a", PURE, more="marker = \"'x' in extras\"")
    text += package("b", wheels("b-1.0-py3-none-any.whl"), more="marker = \"'dev' in dependency_groups\"")
    text += package("c", wheels("c-1.0-py3-none-any.whl"), more="marker = \"'base' in dependency_groups\"")
    file = write("pylock.toml", text)
    assert [wheel.name for wheel in read(file)] == ["c"]
    assert [wheel.name for wheel in read(file, choices="[x]")] == ["a", "c"]
    assert [wheel.name for wheel in read(file, choices="[dev]")] == ["b", "c"]


@pytest.mark.parametrize(
    ("source", "url", "requirement"),
    [
        (
            'vcs = {type = "git", url = "https://g.example/a", commit-id = "c0ffee"}',
            "git+https://g.example/a@c0ffee",
            "a @ git+https://g.example/a@c0ffee",
        ),
        (
            f'archive = {{url = "https://i.example/a.zip", subdirectory = "s", {HASHES}}}',
            "https://i.example/a.zip#subdirectory=s",
            f"a @ https://i.example/a.zip#subdirectory=s&sha256={D}",
        ),
        ('directory = {path = "sub/a", editable = true}', "file://{tmp}/sub/a", "a @ file://{tmp}/sub/a"),
    ],
)
def test_pylock_sources_without_an_index_are_taken_from_where_they_are(
    write: Callable[[str, str], Path], tmp_path: Path, source: str, url: str, requirement: str
) -> None:
    file = write("pylock.toml", HEAD + package("a", source, version=None))
    requested = read_environment_file(file, backend="venv", environ={})
    assert [(wheel.source, wheel.url) for wheel in requested.wheels] == [
        ("direct", url.replace("{tmp}", str(tmp_path)))
    ]
    assert requested.packages == (requirement.replace("{tmp}", str(tmp_path)),)
    assert requested.constraints == ()
    assert bool(requested.notes) == ("editable" in source)


def test_pylock_paths_are_taken_from_its_folder(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    source = f'wheels = [{{path = "w/a-1.0-py3-none-any.whl", {HASHES}}}]'
    assert read(write("pylock.toml", HEAD + package("a", source)))[0].url == (
        f"file://{tmp_path}/w/a-1.0-py3-none-any.whl"
    )


def test_pylock_password_stays_out_of_the_request(write: Callable[[str, str], Path]) -> None:
    text = HEAD + package("a", PURE.replace("https://", "https://me:word@"))
    requested = read_environment_file(write("pylock.toml", text), backend="venv", environ={})
    assert requested.wheels[0].url == "https://i.example/a-1.0-py3-none-any.whl"
    assert "password in the address of a is left out" in requested.notes[0]


def test_pylock_of_an_exported_environment_names_its_tasks(write: Callable[[str, str], Path]) -> None:
    text = HEAD + package("a", PURE) + '[tool.envkit]\ntasks = ["ner", "qa"]\n'
    requested = read_environment_file(write("pylock.toml", text), backend="venv", environ={})
    assert "--task ner --task qa" in requested.notes[0]


@pytest.mark.parametrize(
    ("text", "python", "place", "message"),
    [
        ("lock-version = ", "", ":1:", "no TOML"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "", ":1:", "expected lock-version 1.x"),
        (HEAD, "", "", "no valid pylock: Missing required value in 'packages'"),
        (HEAD + package("a", PURE) + package("B", PURE), "", ":7:", "not normalized"),
        (HEAD + package("a", ""), "", ":3:", "no valid pylock"),
        (
            HEAD + f'requires-python = "=={HERE}.*"\n' + package("a", PURE),
            OTHER,
            ":3:",
            f"for Python =={HERE}.*",
        ),
        (
            HEAD + "environments = [\"sys_platform == 'beos'\"]\n" + package("a", PURE),
            "",
            ":3:",
            'sys_platform == "beos"',
        ),
        (HEAD + package("a", wheels("a-1.0-cp27-none-win32.whl")), "", ":3:", "no wheel found"),
        (HEAD + package("a", PURE) * 2, "", "", "multiple packages with the name 'a'"),
        (HEAD + package("a", PURE.replace("sha256", "sha512")), "", ":3:", "a has no sha256, only sha512"),
    ],
)
def test_pylock_names_the_line_that_does_not_fit(
    write: Callable[[str, str], Path], text: str, python: str, place: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(write("pylock.toml", text), python=python)
    assert f"pylock.toml{place}" in caught.value.message
    assert message.lower() in caught.value.message.lower()


EXTRA = 'extras = ["x", "y"]\n'
IN_X = "marker = \"'x' in extras\""
ELSEWHERE = "marker = \"sys_platform == 'none such'\""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            EXTRA + package("a", PURE, more=IN_X),
            "its one package is not asked for; there are x, y: --file '{}[x]'",
        ),
        (
            package("a", PURE, more=ELSEWHERE) + package("b", PURE.replace("a-1", "b-1"), more=ELSEWHERE),
            "none of its 2 packages is for this machine",
        ),
        ("packages = []\n", "asks for nothing: there is no package in it"),
    ],
)
def test_pylock_of_which_nothing_is_taken_says_why(
    write: Callable[[str, str], Path], text: str, said: str
) -> None:
    file = write("pylock.toml", HEAD + text)
    (note,) = read_environment_file(file, backend="venv", environ={}).notes
    assert note.startswith(str(file)) and note.endswith(said.format(file))
