"""Variables that a plugin's code leaves changed are told from those that a library sets when it is imported."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from envkit.testing import CHECKS, Trials
from envkit.testing.environ_watch import EnvironWatch

if TYPE_CHECKING:
    from pathlib import Path

SETS = "import os\ndef act(name, value):\n    {}\n"
WAYS = {
    "sets": "os.environ[name] = value",
    "sets the default": "os.environ.setdefault(name, value)",
    "updates": "os.environ.update({name: value})",
    "puts": "os.environ |= {name: value}",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a package of the tests' own, and forget afterwards what it sets."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("LEFT_BEHIND", "BROUGHT_BY_A_LIBRARY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder = tmp_path / "watched_plugin"
    folder.mkdir()
    return folder


def load(folder: Path, name: str, body: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    (folder / "__init__.py").touch()
    (folder / f"{name}.py").write_text(body)
    for module in (folder.name, f"{folder.name}.{name}"):
        monkeypatch.delitem(importlib.sys.modules, module, raising=False)  # type: ignore[attr-defined]
    importlib.invalidate_caches()
    return importlib.import_module(f"{folder.name}.{name}")


def test_variable_that_a_plugin_of_one_file_leaves_is_told_from_one_of_what_lies_beside_it(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = SETS.format(WAYS["sets"])
    for name in ("plugin_of_one_file", "library_of_one_file"):
        (package.parent / f"{name}.py").write_text(body)
        monkeypatch.delitem(sys.modules, name, raising=False)
    plugin, library = map(importlib.import_module, ("plugin_of_one_file", "library_of_one_file"))
    watched = EnvironWatch("plugin_of_one_file")
    with watched.watch():
        plugin.act("LEFT_BEHIND", "x")
        library.act("BROUGHT_BY_A_LIBRARY", "x")
    assert (watched.own, watched.others) == ({"LEFT_BEHIND"}, {"BROUGHT_BY_A_LIBRARY"})


@pytest.mark.parametrize("way", WAYS)
def test_variable_that_the_plugin_leaves_is_its_own(
    package: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    module = load(package, "plugin", SETS.format(WAYS[way]), monkeypatch)
    watched = EnvironWatch(module.__name__)

    with watched.watch():
        module.act("LEFT_BEHIND", "1")

    assert (watched.own, watched.others) == ({"LEFT_BEHIND"}, set())


def test_variable_that_a_library_sets_once_is_no_fault_of_the_plugins(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = package.with_name("some_library")
    library.mkdir()
    (library / "__init__.py").write_text("import os\nos.environ['BROUGHT_BY_A_LIBRARY'] = '1'\n")
    module = load(package, "plugin", "def act():\n    import some_library\n", monkeypatch)
    watched = EnvironWatch(module.__name__)

    with watched.watch():
        module.act()
    assert (watched.own, watched.others) == (set(), {"BROUGHT_BY_A_LIBRARY"})
    with watched.watch():
        module.act()
    assert (watched.own, watched.others) == (set(), set())


def test_variable_that_is_put_back_is_not_told(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "import os\ndef act():\n    os.environ['LEFT_BEHIND'] = '1'\n    del os.environ['LEFT_BEHIND']\n"
    module = load(package, "plugin", body, monkeypatch)
    watched = EnvironWatch(module.__name__)

    with watched.watch():
        module.act()

    assert (watched.own, watched.others) == (set(), set())


@pytest.mark.torch
@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("train.load", "a run leaves LEFT_BEHIND"),
        ("predictor.load_saved_model", "predicting leaves LEFT_BEHIND"),
    ],
)
def test_task_that_leaves_a_variable_breaks_its_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str, said: str
) -> None:
    from envkit_ner.contract import CONTRACT

    monkeypatch.setenv("LEFT_BEHIND", "")
    check = next(check for check in CHECKS if check.name == "environ")
    module, name = owner.split(".")
    place = importlib.import_module(f"envkit_ner.{module}")
    kept = getattr(place, name)
    count = iter(range(1, 100))

    def spoiled(*given: Any, **named: Any) -> Any:
        os.environ["LEFT_BEHIND"] = str(next(count))
        return kept(*given, **named)

    monkeypatch.setattr(place, name, spoiled)
    with pytest.raises(AssertionError, match=said):
        check.run(Trials(CONTRACT, tmp_path))
