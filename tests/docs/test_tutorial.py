"""The tutorial, done as it says: what needs no torch and no network alone, and all of its commands."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docs.followed import Block, Reader, change, is_shown, read_blocks, read_commands
from echo import wait_until
from small_servers import refusing_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
# What needs no torch, no network and no installation.
QUICK = ("envkit plugin new", "ls ", "python scripts/", "head ")


def quick_environ(bin_dir: Path) -> dict[str, str]:
    """Return variables by which ``envkit`` and ``python`` are those of this interpreter."""
    bin_dir.mkdir()
    write_script(bin_dir / "envkit", Path(sys.executable))
    (bin_dir / "python").symlink_to(sys.executable)
    return {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"}


def write_script(file: Path, python: Path) -> None:
    """Write the command ``envkit`` as installers do."""
    file.write_text(f"#!{python}\nfrom envkit.cli import main\nmain()\n")
    file.chmod(0o755)


@pytest.mark.slow
def test_listings_of_the_tutorial_are_what_its_commands_make(tmp_path: Path) -> None:
    reader = Reader(
        folder=tmp_path,
        environ=quick_environ(tmp_path / "bin"),
        runs=lambda words: words.startswith(QUICK),
    )
    reader.follow(read_blocks(PAGE))
    assert [words.split()[0] for words in reader.done] == ["envkit", "ls", "python", "head"]
    # The package that it ends with passes its own tests, those without torch.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=reader.folder,
        env={**os.environ, "PYTHONPATH": str(reader.folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.torch
def test_tutorial_is_done_from_its_first_command_to_its_last(tmp_path: Path) -> None:
    blocks = list(read_blocks(PAGE))
    others = PAGE.read_text(encoding="utf-8").splitlines().index("## Others use it")
    with package_index(tmp_path / "index") as address:
        author = Reader(folder=tmp_path, environ={**environ_of(tmp_path / "author"), **uploading_to(address)})
        author.follow(block for block in blocks if block.line < others)
        folder = tmp_path / "others-work"
        folder.mkdir()
        user = Reader(folder=folder, environ=environ_of(tmp_path / "other") | installing_from(address))
        user.follow(block for block in blocks if block.line > others)
    assert "python -m twine upload dist/*" in author.done
    assert [words.split()[1] for words in user.done] == ["plugin", "run"]


def environ_of(folder: Path) -> dict[str, str]:
    """Make a venv with envkit and what this interpreter has besides, and return the variables to work in it."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    here = sysconfig.get_path("purelib")
    (site / "this_interpreter.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    write_script(folder / "bin" / "envkit", folder / "bin" / "python")
    left_out = ("PYTHONPATH", "PYTHONHOME", "PIP_CONSTRAINT", "ENVKIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **kept,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(folder),
        "ENVKIT_HOME": str(folder.with_suffix(".home")),
        "XDG_CONFIG_HOME": str(folder.with_suffix(".config")),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


def uploading_to(address: str) -> dict[str, str]:
    return {"TWINE_REPOSITORY_URL": address, "TWINE_USERNAME": "ada", "TWINE_PASSWORD": "ada"}


def installing_from(address: str) -> dict[str, str]:
    return {"PIP_EXTRA_INDEX_URL": f"{address}simple/", "PIP_TRUSTED_HOST": "127.0.0.1"}


@contextlib.contextmanager
def package_index(folder: Path) -> Iterator[str]:
    """Serve an empty index that anybody may upload to, and yield its address."""
    packages, python = folder / "packages", folder / "venv" / "bin" / "python"
    packages.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    environ = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    install = [python, "-m", "pip", "install", "--quiet", "pypiserver"]
    subprocess.run(install, check=True, env=environ)
    port = refusing_port()
    words = [
        "run",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-a",
        ".",
        "-P",
        ".",
        "--disable-fallback",
        str(packages),
    ]
    server = subprocess.Popen([python, "-m", "pypiserver", *words], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_until(lambda: is_answering(address))
        yield address
    finally:
        server.terminate()
        server.wait()


def is_answering(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def test_tutorial_shows_every_file_under_its_name() -> None:
    blocks = [block for block in read_blocks(PAGE) if block.language != "console"]
    assert blocks
    assert all(block.title for block in blocks), [block.line for block in blocks if not block.title]


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        (["Made it: 22 files"], ["Made it: 23 files"], True),
        (["Made it: 22 files"], ["Made it: 22 folders"], False),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["..."], [], True),
        (["a b..."], ["a b c"], True),
        (["a b..."], ["a c"], False),
        (["a"], ["a", "b"], False),
        ([], ["a"], False),
        (["run   runs/20260101-090000-mood-81be"], ["run  runs/20270202-080000-mood-0c0c"], True),
    ],
)
def test_shown_lines_are_those_printed_but_for_numbers(
    shown: list[str], printed: list[str], expected: bool
) -> None:
    assert is_shown(shown, printed) is expected


def test_change_that_does_not_fit_is_refused_with_its_place() -> None:
    assert change("a\nb\nc\n", " a\n-b\n+B\n", "page:1") == "a\nB\nc\n"
    with pytest.raises(AssertionError, match=re.escape("page:1: this stands there 0 times")):
        change("a\nc\n", "-b\n+B\n", "page:1")


def test_commands_are_read_with_what_they_print() -> None:
    (one, two) = read_commands(Block(language="console", title="", text="$ a b\nx\ny\n$ c\n", line=1))
    assert (one.words, one.shown, two.shown) == ("a b", ("x", "y"), ())
