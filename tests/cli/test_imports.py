"""Which modules each command may import: the reason that envkit answers at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Third-party packages and rooms of envkit, and nothing heavier, ever: a new name here is a decision.
LIGHT = {"click", "envkit.cli"}
TYPED = LIGHT | {"envkit.api", "msgspec", "pluggy", "typing_extensions"}  # the last where msgspec finds it
LISTS = TYPED | {"envkit.registry"}
SHOWS = LISTS | {"rich", "pygments", "markdown_it"}
HOST = SHOWS | {
    "envkit.config",
    "envkit.environments",
    "envkit.machine",
    "envkit.masking",
    "envkit.models",
    "envkit.option_values",
    "envkit.runs",
    "envkit.templates",
    "envkit.torchbuild",
    "envkit.worker",
    "packaging",
    "platformdirs",
    "uv",
}
PLUGINS = {"envkit_classification", "envkit_ner", "envkit_qa", "envkit_sentiment"}
ALLOWED = {
    "--help": LIGHT,
    "--version": LIGHT,
    "run --help": LISTS | {"envkit.config", "envkit.option_values", "platformdirs"},
    "plugin list": SHOWS | PLUGINS,
    "plugin list --json": LISTS | PLUGINS,
    "runs list": SHOWS | {"envkit.runs", "envkit.worker"},  # the run folder's layout is the worker's
    "predict --help": TYPED | {"envkit.worker"},  # the request's record
    "evaluate --help": TYPED,
    "runs track --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "runs clean --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "runs compare --help": SHOWS | {"envkit.runs", "envkit.worker"},
    "report --help": TYPED | {"envkit.runs", "envkit.worker"},
    "run ner --track wandb --help": LISTS
    | {"envkit.config", "envkit.option_values", "envkit_ner", "platformdirs"},
    "data --help": LISTS | {"envkit.config", "envkit.option_values", "platformdirs"},
    "data check ner --help": LISTS | {"envkit.config", "envkit.option_values", "envkit_ner", "platformdirs"},
    "data split --help": LISTS | {"envkit.config", "envkit.option_values", "platformdirs"},
    "facts": TYPED | {"envkit.config", "envkit.machine", "envkit.option_values", "platformdirs"},
    "doctor": HOST,
    "env list": HOST,
}

PROBE = """
import sys
before = set(sys.modules)
from envkit.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
# click and rich ask for these only if they happen to be there already
loaded = {name for name in set(sys.modules) - before if not name.startswith("_")}
print("\\n" + " ".join(sorted(loaded)), file=sys.stderr)
"""


def imported(words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words.split()], capture_output=True, text=True, check=True
    )
    found = set()
    for name in done.stderr.splitlines()[-1].split():
        root, _, rest = name.partition(".")
        if root == "envkit" and rest:
            found.add(f"envkit.{rest.partition('.')[0]}")
        elif root not in sys.stdlib_module_names and root != "envkit":
            found.add(root)
    return found


@pytest.mark.parametrize("words", ALLOWED)
def test_command_imports_no_more_than_it_may(words: str) -> None:
    assert imported(words) <= ALLOWED[words]


@pytest.mark.parametrize("words", ALLOWED)
def test_command_never_imports_what_is_slow(words: str) -> None:
    assert not imported(words) & {"torch", "transformers", "docker", "numpy", "tensorboard", "wandb"}
