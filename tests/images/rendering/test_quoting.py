"""What is quoted comes back as it was: by a reader of Dockerfiles written for these tests, and from real builders."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from docker_engine import TEST_LABELS
from hypothesis import example, given
from hypothesis import strategies as st

from envkit.api import UsageError
from envkit.images.building.builders import choose_builder
from envkit.images.engine.references import check_reference
from envkit.images.rendering.quoting import (
    FILTERS,
    Unquotable,
    check_build_arg,
    exec_form,
    field,
    label_name,
    paths,
    reference,
    shell,
    shell_words,
    variable,
    word,
)

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.engine.engine import Engine

NASTY = {
    "quotes": """a "b" 'c' `d`""",
    "command": "$(touch /tmp/owned) `id` ; id && id | id > x",
    "variables": "$HOME ${HOME} ${HOME:-x} \\$HOME $$ $",
    "backslash-at-end": "a\\",
    "two-backslashes-at-end": "a\\\\",
    "escapes": '\\n \\t \\\\ \\" \\$ \\x',
    "continued": "a \\ b\\  ",
    "comment": "# no comment #",
    "equals": "a=b c=d",
    "blanks": "  a \t b  ",
    "empty": "",
    "unicode": "Zoë 東京 🐍 e\u0301 \u202e",
    "lines-to-others": "a\u2028b\x85c\x0bd\x0ce",
    "return": "a\rb\r",
    "heredoc": "<<EOF",
    "json": '["a", "b"]',
    "template": "{{ image.base }} {% raw %}",
    "flag": "--from=x",
}
TEXT = st.text(st.characters(blacklist_characters="\n\0", blacklist_categories=("Cs",)), max_size=40)
ANY_TEXT = st.text(max_size=40)


def logical_lines(dockerfile: str) -> list[str]:
    """Return the instructions, with lines that end in a backslash joined to the next, as builders do."""
    found, begun = [], ""
    for line in dockerfile.split("\n"):
        line = line.removesuffix("\r")
        if not begun and line.lstrip().startswith("#"):
            continue
        stripped = line.rstrip(" \t")
        if stripped.endswith("\\"):
            begun += stripped[:-1]
            continue
        if begun + line:
            found.append(begun + line)
        begun = ""
    return [*found, begun] if begun else found


def split_words(rest: str) -> list[str]:
    """Return the words of ENV or LABEL, still quoted: blanks part them, save within quotes."""
    words, current, quote, at = [], "", "", 0
    while at < len(rest):
        char = rest[at]
        if char == "\\" and at + 1 < len(rest):
            current += rest[at : at + 2]
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char.isspace():
            words, current = ([*words, current] if current else words), ""
            at += 1
            continue
        current += char
        at += 1
    return [*words, current] if current else words


def unquote(quoted: str, *, variables: dict[str, str]) -> str:
    """Return what a word means: quotes taken off, variables replaced."""
    text, quote, at = "", "", 0
    while at < len(quoted):
        char = quoted[at]
        following = quoted[at + 1 : at + 2]
        if quote != "'" and char == "\\" and following and (not quote or following in '"\\$'):
            text += following
            at += 2
        elif quote != "'" and char == "$":
            name = quoted[at + 1 :].lstrip("{")
            end = next((n for n, each in enumerate(name) if not (each.isalnum() or each == "_")), len(name))
            braces = len(quoted[at + 1 :]) - len(name)
            text += variables.get(name[:end], "")
            at += 1 + braces + end + braces
        elif char == quote:
            quote = ""
            at += 1
        elif not quote and char in "'\"":
            quote = char
            at += 1
        else:
            text += char
            at += 1
    assert not quote, f"{quoted} does not end"
    return text


def read_pairs(instruction: str) -> dict[str, str]:
    pairs = [each.split("=", 1) for each in split_words(instruction.split(None, 1)[1])]
    return {
        unquote(key, variables={}): unquote(value, variables={"HOME": "EXPANDED"}) for key, value in pairs
    }


def dockerfile_of(values: dict[str, str]) -> str:
    labels = " \\\n      ".join(f"of.{key}={word(text)}" for key, text in values.items())
    variables = "".join(f"ENV V_{key.replace('-', '_')}={word(text)}\n" for key, text in values.items())
    return f"FROM scratch\n{variables}LABEL {labels}\n"


@given(st.lists(TEXT, min_size=1, max_size=4))
@example(["a\\", "b"])
@example(["$HOME", "\\$HOME"])
def test_word_any_text_is_read_back_and_ends_where_it_ends(texts: list[str]) -> None:
    values = {f"k{number}": text for number, text in enumerate(texts)}

    first, *variables, labels = logical_lines(dockerfile_of(values))

    assert first == "FROM scratch"
    assert read_pairs(labels) == {f"of.{key}": text for key, text in values.items()}
    assert [read_pairs(line) for line in variables] == [{f"V_{key}": text} for key, text in values.items()]


@given(st.lists(TEXT.filter(lambda text: not set(text) & set("*?[")), min_size=2, max_size=4))
def test_paths_any_names_are_read_back(names: list[str]) -> None:
    [line] = logical_lines(f"COPY {paths(names)}\n")

    assert [unquote(each, variables={"HOME": "EXPANDED"}) for each in json.loads(line[5:])] == names


@given(st.lists(ANY_TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
def test_exec_form_any_command_is_read_back_newlines_too(command: list[str]) -> None:
    [line] = logical_lines(f"ENTRYPOINT {exec_form(command)}\n")

    assert json.loads(line.removeprefix("ENTRYPOINT ")) == command


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_shell_words_any_command_is_read_back(command: list[str]) -> None:
    [line] = logical_lines(f"RUN {shell_words(command)} \\\n && {shell(command[0])}\n")

    assert shlex.split(line) == ["RUN", *command, "&&", command[0]]


@given(ANY_TEXT, st.sampled_from(sorted(set(FILTERS) - {"exec_form", "paths", "shell_words"})))
def test_any_filter_any_text_stays_on_its_line_or_is_refused(text: str, name: str) -> None:
    try:
        quoted = FILTERS[name](text)
    except Unquotable:
        return

    assert "\n" not in quoted
    assert logical_lines(f"X {quoted}\nY") == [f"X {quoted}", "Y"]


@pytest.mark.parametrize(
    ("filter_name", "value", "says"),
    [
        ("word", "a\nb", "newline"),
        ("word", "a\0b", "NUL"),
        ("word", "\ud800", "no Unicode"),
        ("word", None, "NoneType"),
        ("word", True, "bool"),
        ("shell", "a\nRUN id", "newline"),
        ("paths", ["a*", "b"], "wildcard"),
        ("paths", "ab", "expected several"),
        ("exec_form", "sh -c id", "expected several"),
        ("exec_form", ["a\0"], "NUL"),
        ("shell_words", ["a", "b\n"], "newline"),
        ("variable", "A B", "no name of a variable"),
        ("variable", "A=1", "no name of a variable"),
        ("variable", "A\n", "newline"),
        ("variable", "1A", "no name of a variable"),
        ("label_name", "a b", "no name of a label"),
        ("label_name", 'a"', "no name of a label"),
        ("field", "a,target=/etc", "cannot stand in a flag"),
    ],
)
def test_any_filter_what_cannot_be_written_is_refused(filter_name: str, value: object, says: str) -> None:
    with pytest.raises(Unquotable, match=says):
        FILTERS[filter_name](value)


@pytest.mark.parametrize(
    "text",
    [
        "python",
        "python:3.11-slim-bookworm",
        "registry.example.org:5000/team/sub_name/py__thon:1.0_A",
        "localhost/x",
        "LOCALHOST:80/x",
        "[::1]:5000/x",
        "a.b-c---d",
        f"python:3@sha256:{'a' * 64}",
        f"sha256:{'a' * 64}",
        f"x:{'a' * 128}",
    ],
)
def test_reference_as_registries_have_it_is_taken(text: str) -> None:
    assert reference(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Python",
        "python:3.11 AS x",
        "python\nRUN id",
        "$BASE",
        "${BASE}",
        "--platform=x",
        "python:",
        "python:-x",
        f"x:{'a' * 129}",
        "a..b",
        "a___b",
        "/x",
        "x/",
        "-a/x",
        "example.org:port/x",
        "x@sha256:abc",
        "a" * 64,
        "a" * 256,
        "pythön",
        'python"',
        "#x",
    ],
)
def test_reference_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Unquotable):
        reference(text)
    with pytest.raises(UsageError, match="^--base-image: "):
        check_reference(text, option="--base-image")


@pytest.mark.parametrize(("name", "value"), [("A B", "x"), ("", "x"), ("A", "\0"), ("A\nRUN id", "x")])
def test_check_build_arg_what_no_builder_takes_names_the_option(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="^--build-arg: "):
        check_build_arg(name, value)


def test_check_build_arg_any_value_but_nul_is_taken() -> None:
    check_build_arg("_A1", "\n".join(NASTY.values()))


@pytest.mark.parametrize(
    ("given_", "wanted"), [("/root/.netrc", "/root/.netrc"), ("client-cert", "client-cert")]
)
def test_field_plain_value_is_as_it_was(given_: str, wanted: str) -> None:
    assert (field(given_), variable("A_1"), label_name("org.x.y-z")) == (wanted, "A_1", "org.x.y-z")


def context_of(dockerfile: str) -> io.BytesIO:
    content = dockerfile.encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def build(dockerfile: str, how: str, *, engine: Engine, folder: Path) -> Any:
    """Build with the client's BuildKit, or with the classic builder as docker-py knows it; return the image."""
    if how == "classic":
        image, _ = engine.client.images.build(
            fileobj=context_of(dockerfile), custom_context=True, rm=True, forcerm=True, labels=TEST_LABELS
        )
        return image
    binary = choose_builder(engine, wanted="buildkit").binary
    (folder / "Dockerfile").write_bytes(dockerfile.encode())
    flags = [f"--label={key}={text}" for key, text in TEST_LABELS.items()]
    done = subprocess.run(
        [str(binary), "build", *flags, "--iidfile", folder / "id", folder],
        env={**os.environ, **engine.client_variables, "DOCKER_BUILDKIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return engine.client.images.get((folder / "id").read_text())


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("how", ["buildkit", "classic"])
def test_word_nasty_values_come_back_from_the_engine(how: str, docker_engine: Engine, tmp_path: Path) -> None:
    config = build(dockerfile_of(NASTY), how, engine=docker_engine, folder=tmp_path).attrs["Config"]

    variables = dict(each.split("=", 1) for each in config["Env"] if each.startswith("V_"))
    assert {key: text for key, text in config["Labels"].items() if key.startswith("of.")} == {
        f"of.{key}": text for key, text in NASTY.items()
    }
    assert variables == {f"V_{key.replace('-', '_')}": text for key, text in NASTY.items()}


TELL = """
import json, os, sys
said = {name: open('/said/' + name, newline='', encoding='utf-8').read() for name in os.listdir('/said')}
print(json.dumps([sys.argv[1:], said, sorted(os.listdir('/copied')), os.getcwd()]))
"""


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("how", ["buildkit", "classic"])
def test_shell_paths_and_exec_form_nasty_values_mean_themselves_in_a_container(
    how: str, docker_engine: Engine, base_image: str, tmp_path: Path
) -> None:
    names = sorted(text for text in NASTY.values() if text and not set(text) & set("/*?["))
    # A line is what one of them ends with, unless the next goes on with it.
    steps = " \\\n && ".join(
        f"printf %s {shell(text)} \\\n      > /said/{shell(key)}" for key, text in NASTY.items()
    )
    copies = "".join(f"COPY {paths(['Dockerfile', f'/copied/{name}'])}\n" for name in names)
    command = ["python3", "-I", "-X", "utf8", "-c", TELL, *NASTY.values(), "of\ntwo lines"]
    work_dir = "/$HOME/a \"b\" 'c' \\"
    dockerfile = (
        f"FROM {reference(base_image)}\nRUN mkdir /said \\\n && {steps}\n{copies}"
        f"WORKDIR {word(work_dir)}\nENTRYPOINT {exec_form(command)}\n"
    )

    image = build(dockerfile, how, engine=docker_engine, folder=tmp_path)
    told = docker_engine.client.containers.run(
        image.id, remove=True, labels=TEST_LABELS, network_mode="none", environment={"HOME": "/elsewhere"}
    )

    assert json.loads(told) == [[*NASTY.values(), "of\ntwo lines"], NASTY, names, work_dir]
