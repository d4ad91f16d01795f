"""What an image is tried with before it gets its name."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from echo import install_source
from echo_model import echo_record, save_echo_model

from envkit.registry import load_task
from envkit.worker.image_proof import NotProved, main, named_modules, prove
from envkit.worker.said_lines import SaidLines

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def echo_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the plugin `echo` be all that is installed, as in an image of its own; return its folder."""
    site = install_source(tmp_path / "site")
    without_packages = [each for each in sys.path if not any(Path(each).glob("*.dist-info"))]
    monkeypatch.setattr(sys, "path", [str(site), *without_packages])
    for name in [name for name in sys.modules if name.startswith("envkit_echo")]:
        monkeypatch.delitem(sys.modules, name)
    return site


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def try_it(said: io.StringIO) -> Callable[..., list[str]]:
    return lambda model_dir=None: prove(model_dir=model_dir, said=SaidLines(said))


def test_proof_of_a_plugin_that_works_names_what_was_tried(try_it: Callable[..., list[str]]) -> None:
    tried = try_it()

    assert tried[0].startswith("Python 3.")
    assert tried[-1] == "echo"
    assert "envkit_echo.loop" in sys.modules
    assert "envkit_echo.predictor" in sys.modules


def test_proof_finds_the_modules_that_hooks_import_late() -> None:
    hooks = ("envkit_finetune", "envkit_predictor")

    assert named_modules(load_task("echo"), hooks) == ["envkit_echo.loop", "envkit_echo.predictor"]


def test_proof_finds_relative_imports_too(echo_alone: Path, try_it: Callable[..., list[str]]) -> None:
    plugin = echo_alone / "envkit_echo" / "plugin.py"
    plugin.write_text(plugin.read_text().replace("from envkit_echo.loop import", "from .loop import"))

    assert "envkit_echo.loop" in named_modules(load_task("echo"), ("envkit_finetune",))


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("loop.py", "import gone", "envkit_echo.loop, of the plugin of echo, loads: ModuleNotFoundError"),
        ("predictor.py", "1 / 0", "envkit_echo.predictor, of the plugin of echo, loads: ZeroDivisionError"),
        (
            "predictor.py",
            "raise SystemExit(3)",
            "envkit_echo.predictor, of the plugin of echo, loads: SystemExit",
        ),
        (
            "plugin.py",
            "import gone",
            "the plugin of echo loads: the plugin envkit-echo 0.1.0 cannot be loaded",
        ),
    ],
)
def test_proof_of_a_plugin_that_is_broken_says_where(
    echo_alone: Path, try_it: Callable[..., list[str]], file: str, line: str, words: str
) -> None:
    broken = echo_alone / "envkit_echo" / file
    broken.write_text(broken.read_text().replace("import annotations\n", f"import annotations\n{line}\n", 1))

    with pytest.raises(NotProved, match="not true that") as raised:
        try_it()
    assert words in str(raised.value)


def test_proof_without_a_plugin_says_so(
    try_it: Callable[..., list[str]], echo_alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(echo_alone)])

    with pytest.raises(NotProved, match="no plugin is installed"):
        try_it()


def test_proof_of_a_model_opens_it_and_needs_nothing_of_training(
    echo_alone: Path, tmp_path: Path, try_it: Callable[..., list[str]]
) -> None:
    (echo_alone / "envkit_echo" / "loop.py").write_text("import gone\n")

    assert try_it(save_echo_model(tmp_path / "model"))[-2:] == ["echo", "the model"]


@pytest.mark.parametrize(("task", "words"), [("gone", "has no plugin for 'gone'"), ("echo", "count.txt")])
def test_proof_of_a_model_that_does_not_open_says_why(
    tmp_path: Path, try_it: Callable[..., list[str]], task: str, words: str
) -> None:
    model = save_echo_model(tmp_path / "model", echo_record(task=task))
    (model / "count.txt").unlink()

    with pytest.raises(NotProved, match="not true that the model in") as raised:
        try_it(model)
    assert words in str(raised.value)


def test_proof_keeps_what_libraries_write_at_home_out_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, str(tmp_path))

    assert main(["--model", str(tmp_path / "none")]) == 0
    assert os.environ["HOME"] != str(tmp_path)
    assert capsys.readouterr().out.startswith("proved: Python")


def test_proof_as_a_process_ends_with_1_where_something_is_wrong(
    tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    model = save_echo_model(tmp_path / "model", echo_record(task="gone"))
    done = subprocess.run(
        [sys.executable, "-m", "envkit.worker.image_proof", "--model", model],
        env=echo_environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: not true that ")


@pytest.mark.torch
def test_proof_of_the_plugins_here_loads_all_that_training_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "envkit.worker.image_proof"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "torch 2." in done.stdout
    assert "ner" in done.stdout
