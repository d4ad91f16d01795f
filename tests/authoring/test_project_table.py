"""What is wrong in a pyproject.toml is told by field and line, whatever a backend would say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envkit.api import EnvError
from envkit.authoring.build_failures import explain_build
from envkit.authoring.project_table import judge_project, near_licence

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
[build-system]
requires = ["hatchling"]

[project]
name = "envkit-mood"
version = "0.1.0"
description = "The task mood"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = ">=3.11"
authors = [{ name = "Ada", email = "ada@example.org" }]
keywords = ["nlp"]
classifiers = ["Typing :: Typed"]
dependencies = ["envkit-ml>=0.1,<0.2"]
urls.Issues = "https://example.org/issues"

[project.optional-dependencies]
train = ["envkit-ml[finetune]>=0.1,<0.2"]

[project.entry-points."envkit.tasks"]
mood = "envkit_mood.plugin"
"""
TRACEBACK = """\
uv could not make the environment (exit 2); its last words:
    File "/cache/lib/python3.11/site-packages/builder.py", line 283, in check
      raise ValueError(message)
  ValueError: Unknown classifier in field `project.classifiers`: Typing :: Typo
  error: Failed to build `/home/ada/mood`
    cause: The build backend returned an error
  hint: Build failures usually indicate a problem with the package or the build environment"""


def write(folder: Path, text: str = GOOD) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    for name in ("README.md", "LICENSE"):
        (folder / name).write_text("text", encoding="utf-8")
    return folder


def test_project_with_nothing_wrong_has_no_finding(tmp_path: Path) -> None:
    assert list(judge_project(write(tmp_path))) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said", "fix"),
    [
        (
            '"Apache-2.0"',
            '"Apache 2"',
            9,
            'license = "Apache 2" in [project], expected an SPDX expression such as "Apache-2.0"',
            'license = "Apache-2.0"',
        ),
        ('"Apache-2.0"', '"MIT License"', 9, 'license = "MIT License"', 'license = "MIT"'),
        ('"Apache-2.0"', '{ file = "COPYING" }', 9, 'license = {"file": "COPYING"}', "license ="),
        ('"envkit-mood"', '"envkit mood"', 5, 'name = "envkit mood"', 'name = "envkit-mood"'),
        ('version = "0.1.0"', 'version = "first"', 6, 'version = "first"', 'version = "0.1.0"'),
        ('version = "0.1.0"\n', "", 4, "[project] has no version", 'version = "0.1.0"'),
        ('version = "0.1.0"', 'version = "1"\ndynamic = ["version"]', 6, "in dynamic too", "not in dynamic"),
        ('"The task mood"', '"The\\ntask"', 7, "text of one line", "description ="),
        ('"README.md"', '"README.rst"', 8, 'readme = "README.rst"', 'readme = "README.md"'),
        ('["LICENSE"]', '["COPYING"]', 10, 'license-files = "COPYING"', "license-files ="),
        ('">=3.11"', '"3.11"', 11, 'requires-python = "3.11"', 'requires-python = ">=3.11"'),
        ("[{ name", "{ name", 12, "tables of name and email", "authors ="),
        ('email = "ada@example.org"', 'email = "ada"', 12, '"email": "ada"', "authors ="),
        ('["nlp"]', '"nlp"', 13, 'keywords = "nlp"', "keywords ="),
        ("ml>=0.1,<0.2", "ml>>0.1", 15, 'dependencies = "envkit-ml>>0.1"', "dependencies ="),
        ("finetune]>=0.1,<0.2", "finetune", 18, 'optional-dependencies = {"train":', "train ="),
        ('"envkit_mood.plugin"', "1", 21, 'entry-points = {"envkit.tasks": {"mood": 1}}', "mood ="),
        ("license =", "licence =", 9, "a field licence, which nobody knows; is license meant?", "license ="),
        ("keywords", "shoe-size", 13, "a field shoe-size, which nobody knows", "[tool.…]"),
        ('version = "0.1.0"', "version =", 6, "cannot be read: Invalid value", "Mend that line"),
    ],
)
def test_project_with_one_fault_names_field_value_line_and_what_is_expected(
    tmp_path: Path, old: str, new: str, line: int, said: str, fix: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    if new.startswith("{ name"):
        text = text.replace('example.org" }]', 'example.org" }')
    (finding,) = judge_project(write(tmp_path, text))
    assert (finding.severity, finding.evidence) == ("error", (f"{tmp_path / 'pyproject.toml'}:{line}",))
    assert said in finding.summary
    assert fix in (finding.fix or "")


def test_build_that_a_field_spoils_tells_the_field_and_no_traceback(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD.replace("Apache-2.0", "Apache 2"))
    (finding,) = explain_build(EnvError(TRACEBACK, hint="Try again"), folder)
    assert finding.summary.startswith('license = "Apache 2"')
    place, told = finding.evidence
    assert place == f"{tmp_path / 'pyproject.toml'}:9"
    assert told == (
        "what the backend says: ValueError: Unknown classifier in field `project.classifiers`: Typing :: Typo"
    )


def test_build_that_only_the_backend_refuses_tells_its_last_words_and_the_line_of_the_field(
    tmp_path: Path,
) -> None:
    (finding,) = explain_build(EnvError(TRACEBACK, hint="Try again"), write(tmp_path))
    assert finding.summary == (
        "its own backend builds no wheel: "
        "ValueError: Unknown classifier in field `project.classifiers`: Typing :: Typo"
    )
    assert finding.evidence == (f"{tmp_path / 'pyproject.toml'}:14",)


def test_build_that_never_began_tells_why_beside_the_fields(tmp_path: Path) -> None:
    error = EnvError("packages.example.org cannot be found", hint="Check the network.")
    found = explain_build(error, write(tmp_path, GOOD.replace("Apache-2.0", "Apache 2")))
    assert found[0].summary == "no wheel could be built: packages.example.org cannot be found"
    assert found[0].fix == "Check the network."
    assert "Apache 2" in found[1].summary


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("GPLv3", "GPL-3.0-only"),
        ("GNU LGPL 2.1", "LGPL-2.1-only"),
        ("BSD 3-Clause", "BSD-3-Clause"),
    ],
)
def test_near_licence_of_usual_names_is_what_programs_read(text: str, meant: str) -> None:
    assert near_licence(text) == meant
