"""`requirements.txt` as pip's documentation describes it."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from envkit.api import UsageError
from envkit.environments.files.read import read_environment_file
from envkit.environments.files.request import FileRequest
from envkit.environments.files.requirement_lines import join_lines
from envkit.environments.files.requirements_file import read_lines

if TYPE_CHECKING:
    from collections.abc import Callable

A, B = "a" * 64, "b" * 64


def read(file: Path, environ: dict[str, str]) -> FileRequest:
    return read_environment_file(file, backend="venv", environ=environ)


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("six\n", ("six",)),
        ("six>=1 # why\n", ("six>=1",)),
        ("\ufeffsix\r\nattrs\r\n", ("six", "attrs")),
        ("six \\\n  >=1,\\\n  <2\n", ("six<2,>=1",)),
        ("six \\\n# a comment ends it\n>=1", ("six", ">=1")),
        ("six;python_version>'3'", ('six; python_version > "3"',)),
        ("six[a,b] == 1.*", ("six[a,b]==1.*",)),
        ("six\nsix\n", ("six",)),
        (
            "git+https://host.example/a@v1#egg=Thing_X",
            ("thing-x @ git+https://host.example/a@v1#egg=Thing_X",),
        ),
        ("https://host.example/y-2.0.tar.gz", ("y @ https://host.example/y-2.0.tar.gz",)),
        ("https://host.example/archive", ("https://host.example/archive",)),
        ("y @ https://${TOKEN}@host.example/y.zip", ("y @ https://${TOKEN}@host.example/y.zip",)),
        ("git+ssh://git@host.example/a#egg=a", ("a @ git+ssh://git@host.example/a#egg=a",)),
    ],
)
def test_requirements_file_gives_its_lines(
    write: Callable[[str, str], Path], environ: dict[str, str], text: str, packages: tuple[str, ...]
) -> None:
    file = write("requirements.txt", text)
    if ">=1" in packages:  # what follows the comment is a line of its own, and none that can be obeyed
        with pytest.raises(UsageError, match=r"requirements\.txt:3: '>=1' is no requirement"):
            read(file, environ)
        return
    assert read(file, environ) == FileRequest(packages=packages)


@pytest.mark.parametrize("text", ["", "# only a comment\n\n"])
def test_requirements_file_without_a_package_says_so(
    write: Callable[[str, str], Path], environ: dict[str, str], text: str
) -> None:
    file = write("requirements.txt", text)
    note = f"{file} asks for nothing: there is no package in it"
    assert read(file, environ) == FileRequest(notes=(note,))


def test_requirements_file_follows_the_files_it_names_from_their_own_folders(
    write: Callable[[str, str], Path], environ: dict[str, str], tmp_path: Path
) -> None:
    write("deep/more.txt", "-r ../requirements.txt\n--requirement=last.txt\n-c pins.txt\n./pkg[x]\n")
    write("deep/last.txt", "attrs\n")
    write("deep/pins.txt", f"six==1.0 --hash=sha256:{A}\nwheel<1\n")
    write("deep/pkg/pyproject.toml", '[project]\nname = "My.Pkg"\n')
    file = write("requirements.txt", "six\n-rdeep/more.txt\n-e ./deep/pkg[dev]\n")
    requested = read(file, environ)
    assert requested.packages == (
        "six",
        "attrs",
        f"my-pkg[x] @ file://{tmp_path}/deep/pkg",
        f"-e {tmp_path}/deep/pkg[dev]",
    )
    assert requested.constraints == (f"six==1.0 --hash=sha256:{A}", "wheel<1")


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("./pkg; python_version>'3'", 'my-pkg @ {pkg} ; python_version > "3"'),
        ("pkg/inner", "{pkg}/inner"),
        ("pkg/inner ;python_version<'3'", "{pkg}/inner ; python_version<'3'"),
        ("./pkg[a] ; python_version > '3'", 'my-pkg[a] @ {pkg} ; python_version > "3"'),
        ("{pkg}; python_version>'3'", 'my-pkg @ {pkg} ; python_version > "3"'),
        ("file:pkg/inner#egg=Inner", "inner @ {pkg}/inner#egg=Inner"),
        ("-e file:./pkg#egg=my-pkg", "-e {folder}/pkg"),
        ("-e file:./#egg=inner[a]&subdirectory=x", "-e {folder}/x"),
        ("-e 'pkg/inner'", "-e {folder}/pkg/inner"),
        ("-e my-pkg[a] @ {pkg}", "-e {folder}/pkg[a]"),
    ],
)
def test_requirements_file_takes_every_way_to_write_a_folder(
    write: Callable[[str, str], Path], environ: dict[str, str], tmp_path: Path, line: str, package: str
) -> None:
    write("pkg/pyproject.toml", '[project]\nname = "My.Pkg"\n')
    write("pkg/inner/setup.py", "")
    names = {"pkg": (tmp_path / "pkg").as_uri(), "folder": str(tmp_path)}
    requested = read(write("requirements.txt", line.format(**names)), environ)
    assert requested.packages == (package.format(**names),)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        (
            "-e git+https://host.example/a@c0ffee#egg=A&subdirectory=s",
            "a @ git+https://host.example/a@c0ffee#egg=A&subdirectory=s",
        ),
        ("--editable=git+ssh://git@host.example/a", "git+ssh://git@host.example/a"),
        (
            "-e a[x] @ git+https://host.example/a ; python_version > '3'",
            'a[x] @ git+https://host.example/a ; python_version > "3"',
        ),
    ],
)
def test_requirements_file_with_an_editable_repository_takes_it_as_it_is(
    write: Callable[[str, str], Path], environ: dict[str, str], line: str, package: str
) -> None:
    file = write("requirements.txt", f"six\n{line}\n")
    requested = read(file, environ)
    assert requested.packages == ("six", package)
    assert requested.notes[0].startswith(f"{file}:2: -e is passed over")


def test_requirements_file_keeps_every_hash_as_a_constraint(
    write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    text = f"--require-hashes\nsix==1.0 \\\n  --hash=sha256:{A} \\\n  --hash sha256:{B}\n"
    text += f"https://host.example/y-2.0-py3-none-any.whl ; python_version>'3' --hash=sha256:{A}\n"
    requested = read(write("requirements.txt", text), environ)
    assert requested.packages == (
        "six==1.0",
        f'y @ https://host.example/y-2.0-py3-none-any.whl#sha256={A} ; python_version > "3"',
    )
    assert requested.constraints == (f"six==1.0 --hash=sha256:{A} --hash=sha256:{B}",)


def test_requirements_file_replaces_variables_that_are_set(
    write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    file = write("requirements.txt", "six==${SIX}\n-r ${MORE}.txt\n")
    write("m.txt", "attrs\n")
    assert read(file, {**environ, "SIX": "1.2", "MORE": "m"}).packages == ("six==1.2", "attrs")


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("six\n==1", ":2:", "is no requirement", "Expected a name"),
        ("six=1.17.0", ":1:", "is no requirement", "Did you mean six==1.17.0?"),
        ("six[a] = 1.*", ":1:", "is no requirement", "Did you mean six[a]==1.*?"),
        ("-r gone.txt", ":1:", "there is no file", "folder of the file"),
        ("-r https://host.example/r.txt", ":1:", "is not followed", "Fetch it"),
        ("six\n./nowhere[x] ; python_version>'3'", ":2:", "there is no ", "folder of the file"),
        ("-e nowhere", ":1:", "there is no ", "folder of the file"),
        ("./" + "a" * 300, ":1:", "there is no ", "folder of the file"),
        ("a/" + "a" * 300, ":1:", "is no requirement", "Expected a name"),
        ("-e file:./nowhere#egg=a", ":1:", "there is no ", "folder of the file"),
        ("-e https://host.example/a-1.0.zip", ":1:", "is no folder", "Take -e out"),
        ("six==1 --hash=md5:00", ":1:", "is no hash", "sha256"),
        ("six==1 --global-option=x", ":1:", "--global-option", "only --hash"),
        (f"--require-hashes\nsix==1 --hash=sha256:{A}\nattrs==1", ":3:", "has no --hash", "--require-hashes"),
        ("https://me:word@host.example/a-1.0.zip", ":1:", "holds a password", "netrc"),
        ("a @ https://token@host.example/a-1.0.zip", ":1:", "holds a password", "netrc"),
        ("-e git+https://token@host.example/a", ":1:", "holds a password", "netrc"),
        ("--index-url https://me:word@host.example/simple", ":1:", "--index-url", "mirrors.package-index"),
        ("-i https://host.example/simple", ":1:", "--index-url", "mirrors.package-index"),
        ("--extra-index-url=https://host.example/simple", ":1:", "--extra-index-url", "pip config set"),
        ("-f ./wheels", ":1:", "--find-links", "global.find-links"),
        ("--pre", ":1:", "--pre", "global.pre"),
        ("--no-index", ":1:", "--no-index", "global.no-index"),
        ("--strange", ":1:", "the option --strange", "Take the line out"),
        ("-c c.txt", "c.txt:1:", "needs a name", "NAME @ "),
        ("@EXPLICIT\nhttps://host.example/a.conda", ":1:", "conda's list", "environment.yml"),
    ],
)
def test_requirements_file_names_the_line_that_it_cannot_take(
    write: Callable[[str, str], Path], environ: dict[str, str], text: str, place: str, message: str, hint: str
) -> None:
    write("c.txt", "./folder\n")
    write("folder/setup.py", "")
    with pytest.raises(UsageError) as caught:
        read(write("requirements.txt", text), environ)
    assert place in caught.value.message
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "word" not in caught.value.message.replace("password", "")
    assert "token@" not in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://download.pytorch.org/whl/cu126",
        "--index-url https://mirror.example/torch/cpu/",
        "-f https://download.pytorch.org/whl/torch_stable.html",
        "-f https://download.pytorch.org/whl/cu118/torch_stable.html",
    ],
)
def test_requirements_file_with_torchs_index_notes_that_envkit_finds_torch(
    write: Callable[[str, str], Path], environ: dict[str, str], line: str
) -> None:
    requested = read(write("requirements.txt", f"{line}\ntorch\n"), environ)
    assert requested.packages == ("torch",)
    assert "envkit finds the torch that fits" in requested.notes[0]


def test_requirements_file_with_nightly_builds_is_refused(
    write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="--extra-index-url"):
        read(write("r.txt", "--extra-index-url https://download.pytorch.org/whl/nightly/cu126"), environ)


def test_requirements_file_may_repeat_what_pip_is_told_anyway(
    write: Callable[[str, str], Path], environ: dict[str, str], tmp_path: Path
) -> None:
    told = {"PIP_INDEX_URL": "https://host.example/simple", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    file = write("requirements.txt", "-i https://host.example/simple\n-f ./wheels\nsix\n")
    assert read(file, {**environ, **told}) == FileRequest(packages=("six",))


def test_requirements_file_that_is_not_utf8_is_named_with_its_line(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_bytes(b"six\n# caf\xe9\n")
    with pytest.raises(UsageError, match=r"requirements\.txt:2: is not UTF-8 text"):
        read(file, environ)


names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
versions = st.lists(st.integers(0, 99), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
operators = st.sampled_from(["==", ">=", "<=", "!=", ">", "<", "~="])
ranges = st.tuples(operators, versions).map(
    lambda pair: pair[0] + pair[1] + (".0" if pair[0] == "~=" else "")
)
requirements = st.tuples(names, ranges, st.sampled_from(["", '; python_version > "3"'])).map("".join)
comments = st.text(string.ascii_letters + " #", max_size=9).map(lambda text: f"  # {text}")


@given(st.lists(st.tuples(requirements, comments | st.just(""), st.booleans()), max_size=6))
def test_requirements_in_any_layout_mean_the_same(lines: list[tuple[str, str, bool]]) -> None:
    text = []
    for requirement, comment, is_split in lines:
        cut = len(requirement) // 2 if is_split and ";" not in requirement else 0
        text += [requirement[:cut] + "\\"] if cut else []
        text.append(requirement[cut:] + comment)
    found = read_lines(join_lines(text, file=Path("r.txt")), environ={})
    expected = dict.fromkeys(str(Requirement(requirement)) for requirement, _, _ in lines)
    assert found.packages == tuple(expected)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        read_lines(
            join_lines(text.splitlines(), file=Path("r.txt")), environ={"PIP_CONFIG_FILE": "/dev/null"}
        )
    except UsageError as error:
        assert error.message.startswith("r.txt:")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "-i https://mirror.example/simple/\nsix\n"),
        (
            "environment.yml",
            "dependencies:\n  - pip:\n    - --index-url https://mirror.example/simple\n    - six\n",
        ),
    ],
)
def test_index_that_is_the_package_index_set_for_envkit_is_taken(
    write: Callable[[str, str], Path], environ: dict[str, str], name: str, text: str
) -> None:
    file, index = write(name, text), "https://mirror.example/simple"
    asked = read_environment_file(file, backend="conda", environ=environ, package_index=index)
    assert asked.packages == ("six",)
    with pytest.raises(UsageError, match="--index-url"):
        read_environment_file(file, backend="conda", environ=environ, package_index="https://other.example")
