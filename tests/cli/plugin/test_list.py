"""`envkit plugin list`: every plugin with its state, whatever it does when it is loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from authoring.small_plugins import CHECKS, lay_out, write_plugin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDTH = 80


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., str]:
    """Install plugins, by name and code, into one folder for PYTHONPATH."""

    def install(**plugins: str) -> str:
        for name, code in plugins.items():
            wheel = write_plugin(tmp_path, f"envkit-{name}", code=code)
            lay_out(wheel, tmp_path / "site")
        return str(tmp_path / "site")

    return install


def entries(printed: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(printed)["data"]}


@pytest.mark.slow
def test_list_as_json_says_what_each_gives_and_how_it_fares(
    envkit_here: Callable[..., Any], site: Callable[..., str]
) -> None:
    path = site(good=CHECKS, bad="raise ValueError('no luck')\n", gone="import os\nos._exit(1)\n")

    done = envkit_here("plugin", "list", "--json", PYTHONPATH=path)

    found = entries(done.stdout)
    good, bad, gone = (found[f"envkit-{name}"] for name in ("good", "bad", "gone"))
    assert done.returncode == 0
    assert (good["state"], good["gives"], good["hooks"]) == ("ok", ["check"], ["envkit_checks"])
    assert good["milliseconds"] > 0
    assert (bad["state"], gone["state"]) == ("broken", "broken")
    assert bad["traceback"].rstrip().endswith("ValueError: no luck")
    assert "envkit-ml" not in {each["plugin"] for each in found.values()}


@pytest.mark.slow
def test_list_on_the_screen_fits_and_shows_tracebacks_when_asked(
    envkit_here: Callable[..., Any], site: Callable[..., str]
) -> None:
    path = site(good=CHECKS, bad="raise ValueError('no luck')\n")

    plain = envkit_here("plugin", "list", PYTHONPATH=path).stdout
    verbose = envkit_here("plugin", "list", "-v", PYTHONPATH=path).stdout

    rows = plain.split("\n\n")[0].splitlines()
    assert max(map(len, rows)) <= WIDTH
    assert [row.split()[0] for row in rows if "envkit-good" in row] == ["envkit-good"]
    assert "Traceback" not in plain
    assert "Traceback (most recent call last)" in verbose
    assert "HOOKS" in verbose


def test_disabled_plugin_is_listed_and_not_loaded(
    envkit_here: Callable[..., Any], site: Callable[..., str], tmp_path: Path
) -> None:
    path = site(slow=f"open({str(tmp_path / 'loaded')!r}, 'w').close()\n")

    done = envkit_here("plugin", "list", "--json", PYTHONPATH=path, ENVKIT_DISABLE_PLUGINS="envkit-slow")

    found = entries(done.stdout)["envkit-slow"]
    assert (found["state"], found["milliseconds"]) == ("disabled", None)
    assert not (tmp_path / "loaded").exists()


def test_what_an_import_does_besides_is_shown_by_v_alone(
    envkit_here: Callable[..., Any], site: Callable[..., str]
) -> None:
    path = site(loud=f"print('hello')\n{CHECKS}")

    plain = envkit_here("plugin", "list", PYTHONPATH=path).stdout
    verbose = " ".join(envkit_here("plugin", "list", "-v", PYTHONPATH=path).stdout.split())

    assert "hello" not in plain
    assert "prints 'hello'" in verbose


def test_plugin_that_imports_torch_is_named_and_its_author_told(
    envkit_here: Callable[..., Any], site: Callable[..., str], tmp_path: Path
) -> None:
    path = site(heavy=f"import torch\n{CHECKS}", mine=f"import torch\n{CHECKS}")
    (tmp_path / "site/torch.py").write_text("", encoding="utf-8")
    (info,) = (tmp_path / "site").glob("envkit_mine*.dist-info")
    origin = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")

    done = envkit_here("plugin", "list", PYTHONPATH=path)

    assert "imports torch" in done.stdout
    said = " ".join(done.stdout.split())
    assert "tell its author" in said.partition("'envkit-heavy' imports")[2].partition("the extension")[0]
    assert f"mend it in {tmp_path}" in said.partition("'envkit-mine' imports")[2]
