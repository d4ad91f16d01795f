"""Which modules each command may import: the reason that envkit answers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Third-party packages and rooms of envkit, and nothing heavier, ever: a new name here is a decision.
LIGHT = {"click", "envkit.cli"}
TYPED = LIGHT | {"envkit.api", "msgspec", "pluggy", "typing_extensions"}  # the last where msgspec finds it
LISTS = TYPED | {"envkit.config_files", "envkit.registry"}
SCREEN = {"rich", "pygments", "markdown_it"}
SHOWS = LISTS | SCREEN
CONFIG = {
    "envkit.config",
    "envkit.config_files",
    "envkit.masking",
    "envkit.mirrors",
    "envkit.option_fields",
    "envkit.option_values",
    "platformdirs",
}
FACTS = {"envkit.docker_endpoint", "envkit.machine", "envkit.models", "envkit.pip_configuration", "uv"}
# What no task is asked of looks at nothing that is installed: neither at tasks nor at other backends.
ENVIRONMENTS = (
    TYPED
    | CONFIG
    | {
        "envkit.environments",
        "envkit.machine",
        "envkit.pip_configuration",
        "envkit.torchbuild",
        "packaging",
        "uv",
    }
)
HOST = (
    SHOWS
    | CONFIG
    | {
        "envkit.claims",
        "envkit.environments",
        "envkit.machine",
        "envkit.models",
        "envkit.pip_configuration",
        "envkit.runs",
        "envkit.templates",
        "envkit.torchbuild",
        "envkit.worker",
        "packaging",
        "uv",
    }
)
PLUGINS = {"envkit_classification", "envkit_ner", "envkit_qa", "envkit_sentiment"}
ALLOWED = {
    "--help": LIGHT,
    "--version": LIGHT,
    "run --help": LISTS | CONFIG,
    "plugin new --help": TYPED,
    # Plugins are loaded in a process of their own.
    "plugin list": SHOWS | {"envkit.authoring", "envkit.doctor", "packaging"},
    "plugin list --json": LISTS | {"envkit.authoring", "envkit.doctor", "packaging"},
    "plugin info ner": SHOWS | {"envkit.authoring", "envkit.doctor", "envkit.masking", "packaging"},
    "plugin install --help": LIGHT,
    "plugin remove --help": LIGHT,
    "plugin check --help": LIGHT,
    "runs list": SHOWS | {"envkit.runs", "envkit.worker"},  # the run folder's layout is the worker's
    "predict --help": TYPED | {"envkit.worker"},  # the request's record
    "evaluate --help": TYPED,
    "runs track --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "runs clean --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "runs compare --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "report --help": TYPED | {"envkit.runs", "envkit.worker"},
    "run ner --track wandb --help": LISTS | CONFIG | {"envkit_ner"},
    "data --help": LISTS | CONFIG,
    "data check ner --help": LISTS | CONFIG | {"envkit_ner"},
    "data split --help": LISTS | CONFIG,
    "facts": TYPED | CONFIG | FACTS,
    "doctor": HOST | FACTS | {"envkit.doctor"},
    "doctor --help": LIGHT,
    "torch": HOST,
    "torch --help": LIGHT,
    "explain --help": TYPED | {"envkit.explain"},
    "env --help": LIGHT,
    "env create --help": LIGHT,
    "env sync --help": LIGHT,
    "env create of-no-task --dry-run --json": ENVIRONMENTS,
    "env list": ENVIRONMENTS | SCREEN,
    "env remove --help": ENVIRONMENTS | {"envkit.registry"},
    "build --help": LIGHT,
    "image --help": LIGHT,
    "image list --help": TYPED,
    "image show --help": TYPED,
    "image check --help": TYPED | {"envkit.images"},
    "image remove --help": TYPED,
    "config show": HOST | PLUGINS,
    "config path": LISTS | CONFIG,
    "config set --help": LISTS | CONFIG,
}

SLOW = {"torch", "transformers", "docker", "numpy", "tensorboard", "wandb"}

# What every command starts with is imported once; the rest each one imports in a process of its own.
PROBE = """
import json, os, sys
before = set(sys.modules)
from envkit.cli import main
answers = os.dup(1)
nothing = os.open(os.devnull, os.O_RDWR)
os.dup2(nothing, 1)
while words := sys.stdin.readline().split():
    if process := os.fork():
        _, status = os.waitpid(process, 0)
        if status:
            os.write(answers, b"null\\n")
        continue
    os.dup2(nothing, 0)
    try:
        main(words)
    except SystemExit as end:
        assert not end.code, end.code
    # click and rich ask for these only if they happen to be there already
    loaded = sorted(name for name in set(sys.modules) - before if not name.startswith("_"))
    with open(answers, "w") as file:
        file.write(json.dumps(loaded) + "\\n")
    break
"""


@pytest.fixture(scope="module")
def imported() -> Iterator[Callable[[str], set[str]]]:
    """Return what tells the packages, and the rooms of envkit, that a command imports."""

    def ask(words: str) -> set[str]:
        assert asked.stdin is not None and asked.stdout is not None
        asked.stdin.write(words + "\n")
        asked.stdin.flush()
        names = json.loads(asked.stdout.readline())
        assert names is not None, f"envkit {words} failed"
        found = set()
        for name in names:
            root, _, rest = name.partition(".")
            if root == "envkit" and rest:
                found.add(f"envkit.{rest.partition('.')[0]}")
            elif root not in sys.stdlib_module_names and root != "envkit":
                found.add(root)
        return found

    with subprocess.Popen(
        [sys.executable, "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asked:
        yield ask
        assert asked.stdin is not None
        asked.stdin.close()


@pytest.mark.slow
@pytest.mark.parametrize("words", ALLOWED)
def test_command_imports_no_more_than_it_may_and_nothing_slow(
    words: str, imported: Callable[[str], set[str]]
) -> None:
    found = imported(words)

    assert found <= ALLOWED[words]
    assert not found & SLOW  # whatever the table may come to allow
