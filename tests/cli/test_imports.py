"""Which modules each command may import: the reason that envkit answers at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Third-party packages and rooms of envkit, and nothing heavier, ever: a new name here is a decision.
LIGHT = {"click", "envkit.cli"}
TYPED = LIGHT | {"envkit.api", "msgspec", "pluggy", "typing_extensions"}  # the last where msgspec finds it
LISTS = TYPED | {"envkit.config_files", "envkit.registry"}
SHOWS = LISTS | {"rich", "pygments", "markdown_it"}
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
    "env list": HOST,
    "env remove --help": HOST,
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
def test_command_imports_no_more_than_it_may_and_nothing_slow(words: str) -> None:
    found = imported(words)

    assert found <= ALLOWED[words]
    assert not found & SLOW  # whatever the table may come to allow
