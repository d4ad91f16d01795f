"""The package that `envkit plugin new` makes is sound, whatever it is called and whatever its author types."""

from __future__ import annotations

import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from authoring.packages import install, read_project, run
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from envkit.api import EnvkitError, UsageError
from envkit.authoring.names import LONGEST_NAME, PluginNames
from envkit.authoring.skeleton import (
    LICENCES,
    Metadata,
    escape_markdown,
    make_plugin,
    one_line,
    quote_toml,
    render_file,
    render_skeleton,
)

NAMES = PluginNames("mood")
LONG = "abcdefghij-klmnopqrst-uvwxyz"
# With what ends a string, a line, a comment or a block in one of the languages of the package.
TEXTS = st.text(
    st.sampled_from("a\"'\\\n\r\t\x7f\x00#*_`<>&[]()|~$-+=1.:!{}%äß漢\U0001f600\u2028\x85 "), max_size=30
) | st.text(max_size=30)


def metadata(**changed: str) -> Metadata:
    told = {"summary": "Tell moods", "author": "Ada", "licence": "MIT", "python": ">=3.11"} | changed
    return Metadata(**told, dependencies=["envkit-ml"], extras={"train": ["envkit-ml[finetune]"]})


def make(folder: Path, name: str = "mood", **told: str) -> Path:
    return make_plugin(name, folder, **{"summary": "Tell moods", "author": "Ada", **told}).folder


def test_made_package_says_what_was_asked(tmp_path: Path) -> None:
    made = make_plugin(
        "envkit-mood",
        tmp_path / "here",
        summary="Tell moods",
        author="Ada",
        licence="BSD-3-Clause",
        python=">=3.12",
    )

    assert sorted(made.files) == sorted(
        file.relative_to(made.folder) for file in made.folder.rglob("*") if file.is_file()
    )
    project = read_project(made.folder)["project"]
    assert project["name"] == "envkit-mood"
    assert project["entry-points"] == {"envkit.tasks": {"mood": "envkit_mood.plugin"}}
    assert project["authors"] == [{"name": "Ada"}]
    assert (project["license"], project["requires-python"]) == ("BSD-3-Clause", ">=3.12")
    assert 'python-version: "3.12"' in (made.folder / ".github/workflows/ci.yml").read_text()
    assert "Copyright (c) Ada" in (made.folder / "LICENSE").read_text()


def test_empty_summary_and_author_have_defaults(tmp_path: Path) -> None:
    project = read_project(make(tmp_path / "made", summary=" \n", author=""))["project"]

    assert project["description"] == "The task mood"
    assert project["authors"] == [{"name": "The authors of envkit-mood"}]


@pytest.mark.parametrize("licence", LICENCES)
def test_each_licence_has_its_text(licence: str) -> None:
    text = render_skeleton(NAMES, metadata(licence=licence))[Path("LICENSE")].decode()

    assert licence.split("-")[0] in text
    assert len(text.splitlines()) > 15


REFUSED = [
    ({"licence": "WTFPL"}, "no text of the licence 'WTFPL'"),
    ({"python": "3.11"}, "no range of Pythons"),
    ({"python": ">=3.9"}, "envkit runs on Python 3.11"),
    ({"python": "<3"}, "envkit runs on Python 3.11"),
    ({"name": "json"}, "is taken"),
]


@pytest.mark.parametrize(("told", "said"), REFUSED)
def test_refused_values_leave_no_folder(tmp_path: Path, told: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        make(tmp_path / "made", **told)

    assert raised.value.hint
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(EnvkitError, match="cannot be written"):
        make(tmp_path / "file" / "made")


@settings(max_examples=25)
@given(TEXTS, TEXTS)
@example("\udce9", "a\udce9b")
@example('"""\n[project]', "'''\nname = 1")
@example("1) a", "# x")
@example("<!-- a", "&amp; <b>")
def test_any_summary_and_author_stay_text(summary: str, author: str) -> None:
    summary, author = one_line(summary) or "x", one_line(author) or "y"
    told = metadata(summary=summary, author=author)

    project = tomllib.loads(render_file("pyproject.toml", NAMES, told).decode())["project"]
    assert (project["description"], project["authors"]) == (summary, [{"name": author}])
    readme = MarkdownIt().parse(render_file("README.md", NAMES, told).decode())
    title, told_in_readme, *_ = (token for token in readme if token.type == "inline" and token.level == 1)
    assert readme[5].type == "paragraph_close" and readme[6].type == "fence"
    assert title.content == "envkit-mood"
    assert {child.type for child in told_in_readme.children or ()} <= {"text", "text_special"}
    assert "".join(child.content for child in told_in_readme.children or ()) == summary
    assert f"Copyright (c) {author}\n" in render_file("LICENSE.MIT", NAMES, told).decode()


def test_summary_and_author_are_in_no_code() -> None:
    told = metadata(summary='"""', author="'''; import os")
    plain, odd = render_skeleton(NAMES, metadata()), render_skeleton(NAMES, told)

    assert plain.keys() == odd.keys()
    changed = {str(file) for file in plain if plain[file] != odd[file]}
    assert changed == {"LICENSE", "README.md", "pyproject.toml"}


@given(st.text())
def test_text_of_one_line_is_itself_again(text: str) -> None:
    line = one_line(text)

    assert one_line(line) == line
    assert len(line.splitlines()) <= 1
    assert tomllib.loads(f"text = {quote_toml(line)}")["text"] == line


def test_files_of_tools_can_be_read_by_them() -> None:
    files = render_skeleton(NAMES, metadata())

    tox = ConfigParser()
    tox.read_string(files[Path("tox.ini")].decode())
    assert {f"testenv:{name}" for name in tox["tox"]["env_list"].split(", ")} <= set(tox.sections())
    (job,) = yaml.safe_load(files[Path(".github/workflows/ci.yml")])["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == "python -m tox"


def test_usual_sentence_has_no_backslash_in_markdown() -> None:
    usual = "Find names in text: persons, places - whatever your tags say (or don't)."

    assert escape_markdown(usual) == usual


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "mood", "text-pairs", LONG])
def test_made_package_is_clean_and_formatted_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert len(LONG) == LONGEST_NAME
    folder = make(tmp_path / "made", name)

    run("ruff", "check", "--no-cache", ".", folder=folder)
    run("ruff", "format", "--no-cache", "--check", ".", folder=folder)


@pytest.mark.slow
def test_made_package_has_strict_types(tmp_path: Path) -> None:
    run("mypy", "--cache-dir", str(tmp_path / "cache"), folder=make(tmp_path / "made"))


@pytest.mark.slow
@pytest.mark.torch
def test_made_package_passes_its_own_tests_and_runs_on_its_sample(tmp_path: Path) -> None:
    folder = make(tmp_path / "made")
    environ = install(folder, tmp_path / "site") | {"ENVKIT_HOME": str(tmp_path / "home")}

    run("pytest", "-q", "-p", "no:cacheprovider", "-m", "torch or not torch", folder=folder, environ=environ)
    out = run("envkit", "run", "mood", "--env", "current", "--json", folder=tmp_path, environ=environ)

    assert '"test/accuracy": 1.0' in out
    (run_dir,) = (tmp_path / "runs").glob("*-mood-*")
    told = run("envkit", "predict", str(run_dir), "Snow and ice", folder=tmp_path, environ=environ)
    assert '"label":"weather"' in told
