"""`envkit build`: what is refused before anything is looked at, and what is printed without an engine."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from echo import SOURCE, build_wheel

from envkit.environments.uv import find_uv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = "python:3.11-slim-bookworm"


@pytest.fixture
def build(
    envkit_here: Any, echo_environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Build where no engine answers, with the task `echo`."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return envkit_here("build", *words, PYTHONPATH=echo_environ["PYTHONPATH"], **environ)

    return run


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ((), "nothing says what is to be in the image", "envkit build task --task ner"),
        (("--task", "echo", "--lock", "a.lock"), "there is no a.lock", "envkit lock"),
        (("--task", "echo", "--print", "--dry-run"), "--print and --dry-run do not go together", "Leave out"),
        (("--task", "echo", "--push"), "--push needs the name", "--tag REGISTRY/NAME:TAG"),
        (("--task", "echo", "--user", "me"), "--user: 'me' is no user's number", "--user 1000"),
        (("--task", "echo", "--user", "0"), "does not run as root", "--user 1000"),
        (("--task", "echo", "--platform", "windows"), "--platform: 'windows'", "linux/amd64"),
        (("--task", "echo", "--tag", "A b"), "--tag", "As in --tag"),
        (("--task", "echo", "--base-image", "x y"), "--base-image", "As in --base-image"),
        (("--task", "echo", "--build-arg", "1A=2"), "--build-arg", "As in --build-arg"),
        (("--task", "echo", "--build-arg", "NOT_SET_HERE"), "has no value", "NOT_SET_HERE=VALUE"),
        (
            ("--task", "echo", "--build-arg", "API_TOKEN=abcdef0123456789"),
            "API_TOKEN looks like a secret",
            ".netrc",
        ),
        (
            ("--task", "echo", "--build-arg", "PLACE=https://me:pass@host/"),
            "PLACE looks like a secret",
            ".netrc",
        ),
        (("predict", "--task", "echo"), "holds the model of a run", "--from-run RUN"),
        (("predit", "--task", "echo"), "there is no template", "predict"),
        (("--from-run", "none"), "there is no run 'none'", None),
        (("--lock", "none.lock", "--torch", "cpu"), "there is no none.lock", None),
        (("--lock", "README.md"), "README.md is no envkit.lock", "envkit lock --task ner"),
        (("--task", "echo", "--for", "README.md"), "no facts of a machine", "envkit facts > facts.json"),
        (("--task", "echo", "--tag", "Team/NER:V1"), "has capitals", "As in --tag team/ner:V1"),
        (("--task", "echo", "--tag", "a@sha256:" + "5" * 64), "has a digest", "--tag a"),
        (
            ("--task", "echo", "--base-image", "python:3.12-slim", "--python", "3.12"),
            "--python and --base-image do not go together",
            "Leave --python out",
        ),
        (("--task", "echo", "--torch", "newest"), "'newest' is neither", "2.8.0"),
        (("--task", "echo", "--ca-bundle", "no.pem"), "there is no file no.pem", "--ca-bundle FILE"),
        (("--task", "echo", "--ca-bundle", "README.md"), "README.md holds no certificate", "openssl x509"),
    ],
)
def test_build_wrong_words_say_what_was_expected(
    build: Any, tmp_path: Path, words: tuple[str, ...], message: str, hint: str | None
) -> None:
    (tmp_path / "README.md").write_text("# Words\n")

    done = build(*words, "--print") if "--push" not in words and "--print" not in words else build(*words)

    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert hint is None or hint in done.stderr.replace("\n", " ")
    assert done.stdout == ""
    assert "abcdef0123456789" not in done.stderr and "pass@" not in done.stderr


def test_build_commands_of_a_hint_stand_on_lines_of_their_own(build: Any) -> None:
    done = build("--print")

    assert done.stderr.splitlines()[-4:] == [
        "hint: One of:",
        "      envkit build task --task ner",
        "      envkit build task --lock envkit.lock",
        "      envkit build task --from-run RUN",
    ]


def test_build_refused_as_json_names_the_command_alone(build: Any) -> None:
    done = build("--task", "echo", "--tag", "A b", "--json")

    assert json.loads(done.stdout)["command"] == "build"


def test_run_in_an_image_of_no_name_is_refused_before_an_engine_is_asked(
    build: Any, envkit_here: Any, echo_environ: dict[str, str]
) -> None:
    for name, message in (("", "there is none"), ("Bad/NAME", "'Bad/NAME' has capitals")):
        done = envkit_here("run", "echo", "--env", f"docker:{name}", PYTHONPATH=echo_environ["PYTHONPATH"])

        assert done.returncode == 2, done.stderr
        assert message in done.stderr and "envkit image list" in done.stderr


def test_build_without_an_engine_names_where_it_looked(build: Any, tmp_path: Path) -> None:
    done = build("--task", "echo")

    assert done.returncode == 7
    assert f"{tmp_path}/none.sock" in done.stderr


def test_build_context_in_a_folder_with_files_is_refused_and_keeps_them(build: Any, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")

    done = build("--task", "echo", "--context", "there")

    assert done.returncode == 2 and "not empty" in done.stderr
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_build_print_of_an_unknown_base_says_how_to_get_it(build: Any) -> None:
    done = build("--task", "echo", "--base-image", "acme/base:1", "--print")

    assert done.returncode == 7
    assert "docker pull acme/base:1" in done.stderr


@pytest.fixture
def installed(build: Any, envkit_here: Any, tmp_path: Path) -> Any:
    """Build with the task `echo` as pip would have installed it."""
    site = tmp_path / "site"
    subprocess.run(
        [find_uv(), "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site]
        + [build_wheel(SOURCE, tmp_path / "dist")],
        check=True,
    )

    def run(*words: str) -> Any:
        return envkit_here("build", *words, PYTHONPATH=str(site))

    return run


@pytest.mark.slow
def test_build_without_an_engine_prints_writes_and_tells_the_same_image(
    installed: Any, tmp_path: Path
) -> None:
    words = ("--task", "echo", "--base-image", PYTHON, "-t", "team/echo:1")

    printed = installed(*words, "--print")
    written = installed(*words, "--context", "out")
    told = installed(*words, "--dry-run", "--json")

    assert printed.returncode == written.returncode == told.returncode == 0, printed.stderr
    assert (tmp_path / "out" / "Dockerfile").read_text() == printed.stdout
    assert f"FROM {PYTHON} AS" in printed.stdout
    assert "docker build -t team/echo:1 out" in written.stdout
    data = json.loads(told.stdout)["data"]
    assert data["tags"] == ["team/echo:1"] and data["tasks"] == ["echo"]
    assert data["labels"]["envkit.lock.sha256"] == data["lock"]
    assert f'envkit.lock.sha256="{data["lock"]}"' in printed.stdout
    assert data["download"] > 0 and data["disk"] > 0


def test_build_of_a_task_that_is_not_there_says_so_before_it_looks_for_the_base(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build("--task", "eco", "--print", "--base-image", "of.nobody/none:1")
    assert done.returncode != 0
    assert "there is no task 'eco'" in done.stderr
    assert "base image" not in done.stderr
