"""A small whole plugin as a wheel, to be spoiled in one place: nothing in it needs torch."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Files = dict[str, str]
INFO = "envkit_tally-0.1.0.dist-info"
METADATA = f"{INFO}/METADATA"
ENTRY_POINTS = f"{INFO}/entry_points.txt"
PLUGIN = "envkit_tally/plugin.py"
CONTRACT = "envkit_tally/contract.py"

_METADATA_TEXT = """\
Metadata-Version: 2.4
Name: envkit-tally
Version: 0.1.0
Summary: Count words
License-Expression: MIT
License-File: LICENSE
Requires-Python: >=3.11
Requires-Dist: envkit-ml>=0.1,<0.2
Provides-Extra: train
Requires-Dist: iniconfig>=2; extra == 'train'
Project-URL: Issues, https://example.org/envkit-tally/issues
Description-Content-Type: text/markdown

# envkit-tally
"""
_PLUGIN_TEXT = '''\
"""The task ``tally``."""

from __future__ import annotations

from typing import Annotated, Literal

from envkit.api import Meta, Options, Result, Task, hookimpl

api_version = "1.0"


class TallyOptions(Options, frozen=True, kw_only=True):
    """The options of ``envkit run tally``."""

    order: Annotated[Literal["up", "down"], Meta("Which way to count.")] = "up"
    limit: Annotated[int, Meta("Where to stop.", ge=1)] = 10


@hookimpl
def envkit_task() -> Task:
    return Task(options=TallyOptions, headline="count")


@hookimpl
def envkit_read(request):
    return request.options.train.read_text().split()


@hookimpl
def envkit_finetune(run):
    from envkit_tally.loop import finetune

    return finetune(run)


@hookimpl
def envkit_corpus(request):
    from envkit.api import Corpus

    return Corpus(splits={})


@hookimpl
def envkit_predictor(request):
    raise NotImplementedError
'''
_LOOP_TEXT = '''\
"""The loop of the task."""

from envkit.api import Result


def finetune(run):
    (run.model_dir / "count.txt").write_text(f"{len(run.data)} {run.seed}")
    return Result(metrics={"dev/count": 1.0})
'''
_CONTRACT_TEXT = '''\
"""What the task is checked with."""

from pathlib import Path

from envkit.testing import Contract

FOLDER = Path(__file__).parent


def score_gold(file):
    return {"gold/count": 1.0}


CONTRACT = Contract(
    task="tally",
    files={"train": FOLDER / "sample.txt", "dev": FOLDER / "sample.txt"},
    score_gold=score_gold,
    model=FOLDER,
)
'''


def good_files() -> Files:
    """Return the files of the wheel by their paths in it, with nothing wrong."""
    return {
        "envkit_tally/__init__.py": '"""Count words."""\n',
        "envkit_tally/py.typed": "",
        "envkit_tally/sample.txt": "one two three\n",
        "envkit_tally/loop.py": _LOOP_TEXT,
        PLUGIN: _PLUGIN_TEXT,
        CONTRACT: _CONTRACT_TEXT,
        METADATA: _METADATA_TEXT,
        ENTRY_POINTS: "[envkit.tasks]\ntally = envkit_tally.plugin\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{INFO}/licenses/LICENSE": "Do what you like.\n",
    }


def replaced(file: str, old: str, new: str) -> Callable[[Files], Files]:
    """Return what puts one text in the place of another in a file."""

    def change(files: Files) -> Files:
        assert old in files[file], (old, file)
        return {**files, file: files[file].replace(old, new)}

    return change


def without(*names: str) -> Callable[[Files], Files]:
    """Return what takes files out."""
    return lambda files: {name: text for name, text in files.items() if name not in names}


def write_plugin(folder: Path, change: Callable[[Files], Files] = dict) -> Path:
    """Write the wheel, changed, into the folder and return its path."""
    files = change(good_files())
    rows = [f"{name},{_hash(text)},{len(text.encode())}\n" for name, text in files.items()]
    wheel = folder / "envkit_tally-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{INFO}/RECORD": "".join([*rows, f"{INFO}/RECORD,,\n"])}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return wheel


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
