"""An installed plugin is copied as the whole package of another task."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from authoring.packages import install, read_project, run
from echo import install_source

from envkit.api import PluginError, UsageError
from envkit.authoring.eject import _without_missing, eject_plugin, needed_by
from envkit.environments.wheels import remake_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGINS_DIR = Path(__file__).parents[2] / "plugins"
TASKS = ["classification", "ner", "qa", "sentiment"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for packages before any other."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    forget(monkeypatch, "envkit_echo")
    return folder


def forget(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Take a package for one that is not imported: another test may have loaded it from elsewhere."""
    for name in [each for each in sys.modules if each.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def from_tree(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return what makes a plugin of the checkout one that is installed from there, and gives its source tree."""

    def install_editable(task: str) -> Path:
        tree, module = PLUGINS_DIR / f"envkit-{task}", f"envkit_{task}"
        with zipfile.ZipFile(remake_wheel(distribution(f"envkit-{task}"), folder=tmp_path)) as wheel:
            metadata = [name for name in wheel.namelist() if ".dist-info/" in name]
            wheel.extractall(site, metadata)
        origin = {"url": tree.as_uri(), "dir_info": {"editable": True}}
        (site / metadata[0]).with_name("direct_url.json").write_text(json.dumps(origin))
        forget(monkeypatch, module)
        monkeypatch.syspath_prepend(tree / "src")
        return tree

    return install_editable


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=[pytest.mark.slow] * (task != "ner")) for task in TASKS]
)
def test_copy_of_a_source_tree_has_all_its_files_and_none_of_its_names(
    tmp_path: Path, from_tree: Callable[[str], Path], task: str
) -> None:
    tree = from_tree(task)

    made = eject_plugin(task, f"my-{task}", tmp_path / "made")

    there = {
        Path(str(file.relative_to(tree)).replace(f"envkit_{task}", f"envkit_my_{task}"))
        for part in ("src", "tests", "scripts", "README.md", "LICENSE")
        for file in [tree / part, *(tree / part).rglob("*")]
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert there <= set(made.files)
    assert {str(file) for file in set(made.files) - there} <= {
        ".github/workflows/ci.yml",
        ".gitignore",
        "pyproject.toml",
        "tests/test_contract.py",
        "tox.ini",
    }
    left = re.compile(rf"\benvkit[-_]{task}\b|\b{task.capitalize()}(Options|Data|Predictor)\b")
    for file in made.files:
        if file.suffix == ".py":
            text = (made.folder / file).read_text(encoding="utf-8")
            ast.parse(text)
            assert not left.search(text), file
    old, new = (read_project(folder)["project"] for folder in (tree, made.folder))
    assert new["entry-points"] == {"envkit.tasks": {f"my-{task}": f"envkit_my_{task}.plugin"}}
    for key in ("description", "authors", "license", "requires-python", "dependencies"):
        assert new[key] == old[key]
    assert new["optional-dependencies"] == old["optional-dependencies"]


def test_copy_says_what_it_was_made_from_and_what_it_is_for(tmp_path: Path) -> None:
    made = eject_plugin("ner", "my-ner", tmp_path / "made", summary="Find\nstars", author='A "B" C')

    project = read_project(made.folder)["project"]
    assert (project["description"], project["authors"]) == ("Find stars", [{"name": 'A "B" C'}])
    readme = (made.folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# envkit-my-ner\n")
    assert "\nenvkit run my-ner --data train.conll\n" in readme
    assert "Made from envkit-ner 0.1.0, which is licensed under Apache-2.0.\n" in readme


def test_copy_of_installed_files_has_package_readme_and_licence(tmp_path: Path, site: Path) -> None:
    with zipfile.ZipFile(remake_wheel(distribution("envkit-ner"), folder=tmp_path)) as wheel:
        wheel.extractall(site)  # where it is installed from its source tree, its metadata alone
    for file in site.glob("*.dist-info/direct_url.json"):
        file.unlink()
    package = PLUGINS_DIR / "envkit-ner" / "src" / "envkit_ner"
    shutil.copytree(package, site / "envkit_ner", dirs_exist_ok=True)

    made = eject_plugin("ner", "my-ner", tmp_path / "made")

    assert {Path("LICENSE"), Path("README.md"), Path("src/envkit_my_ner/train.py")} <= set(made.files)
    assert {str(file) for file in made.files if file.parts[0] == "tests"} <= {
        "tests/test_contract.py",
        "tests/test_task.py",
    }
    assert b'"show", "my-ner"' in (made.folder / "tests/test_task.py").read_bytes()
    assert read_project(made.folder)["project"]["license-files"] == ["LICENSE"]
    assert (made.folder / "src/envkit_my_ner/sample/dev.conll").read_bytes() == (
        site / "envkit_ner/sample/dev.conll"
    ).read_bytes()


def test_readme_of_a_copy_names_no_script_that_was_not_copied() -> None:
    readme = b"# a\n\nUse it.\n\n## Sample data\n\nWritten by `python scripts/make_sample.py`.\n\n## More\n\nText.\n"
    there = {Path("scripts/make_sample.py"): b""}
    assert _without_missing(readme, there) == readme
    assert _without_missing(readme, {}) == b"# a\n\nUse it.\n\n## More\n\nText.\n"


@pytest.mark.slow
def test_copy_of_installed_files_passes_the_fast_tests_that_it_is_given(tmp_path: Path, site: Path) -> None:
    install_source(site)
    made = eject_plugin("echo", "shout", tmp_path / "made")
    environ = install(made.folder, tmp_path / "installed")

    printed = run("pytest", "-q", "-p", "no:cacheprovider", folder=made.folder, environ=environ)

    assert "1 passed" in printed


def test_copy_of_a_plugin_without_a_licence_claims_none(tmp_path: Path, site: Path) -> None:
    install_source(site)

    made = eject_plugin("echo", "shout", tmp_path / "made")

    project = read_project(made.folder)["project"]
    assert "license" not in project
    assert project["license-files"] == []
    assert "class ShoutOptions" in (made.folder / "src/envkit_shout/plugin.py").read_text(encoding="utf-8")


def break_code(site: Path) -> None:
    (site / "envkit_echo" / "loop.py").write_text("def :")


def lose_code(site: Path) -> None:
    (site / "envkit_echo").rename(site / "lost")


def make_one_file(site: Path) -> None:
    lose_code(site)
    (site / "envkit_echo.py").touch()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (break_code, "its code cannot be read"),
        (lose_code, "is not here, not a package"),
        (make_one_file, "is one file, not a package"),
    ],
)
def test_plugin_that_cannot_be_copied_is_named_and_leaves_no_folder(
    tmp_path: Path, site: Path, spoil: object, said: str
) -> None:
    install_source(site)
    assert callable(spoil)
    spoil(site)

    with pytest.raises(PluginError, match=f"envkit-echo 0.1.0 cannot be copied: .*{said}") as raised:
        eject_plugin("echo", "shout", tmp_path / "made")

    assert "https://example.org/envkit-echo/issues" in (raised.value.hint or "")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("task", "name", "said"), [("nerr", "my-ner", "no task 'nerr'"), ("ner", "qa", "is taken")]
)
def test_wrong_names_are_refused(tmp_path: Path, task: str, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        eject_plugin(task, name, tmp_path / "made")

    assert not list(tmp_path.iterdir())


def test_packages_that_tests_need_are_those_they_import() -> None:
    tests = [
        b"import pytest, os, yaml\nfrom hypothesis import given",
        b"def f():\n    import seldom_seen.part",
    ]

    assert needed_by(tests) == ["hypothesis", "pyyaml", "seldom-seen"] or needed_by(tests) == [
        "PyYAML",
        "hypothesis",
        "seldom-seen",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_copy_passes_its_own_fast_tests(tmp_path: Path, from_tree: Callable[[str], Path], task: str) -> None:
    from_tree(task)
    made = eject_plugin(task, f"my-{task}", tmp_path / "made")
    environ = install(made.folder, tmp_path / "site")

    run("pytest", "-q", "-p", "no:cacheprovider", folder=made.folder, environ=environ)


@pytest.mark.slow
@pytest.mark.torch
def test_copy_passes_its_own_torch_tests(tmp_path: Path, from_tree: Callable[[str], Path]) -> None:
    from_tree("classification")
    made = eject_plugin("classification", "my-classes", tmp_path / "made")
    environ = install(made.folder, tmp_path / "site")

    words = ("pytest", "-q", "-p", "no:cacheprovider", "-m", "torch and not slow")
    run(*words, folder=made.folder, environ=environ)


@pytest.mark.slow
def test_copying_imports_no_plugin(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from envkit.authoring.eject import eject_plugin;"
        f"eject_plugin('ner', 'my-ner', Path({str(tmp_path / 'made')!r}));"
        "sys.exit('envkit_ner' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
