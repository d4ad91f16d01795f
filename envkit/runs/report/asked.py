"""What the user asked for, and the commands that ask for the same again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.config import flag_of
from envkit.masking import mask_secrets
from envkit.runs.report.excerpts import cut, visible
from envkit.runs.report.records import Asked, Fact, Reproduce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.records import DataRecord, MetricsRecord, RunRequest

_VALUE_LENGTH = 400
_MOST_FILES = 30


def show_asked(request: RunRequest, *, home: Path | None) -> Asked:
    """Return what was asked; files below ``home``, the folder in which the run was started, are named from there."""
    chosen = {
        name: value for name, value in request.options.items() if request.sources.get(name) != "default"
    }
    return Asked(
        command=run_command(request.task, chosen, home=home),
        options=[
            Fact(
                name=flag_of(name),
                value=visible(cut(option_text(value, home=home), _VALUE_LENGTH)),
                note=visible(cut(_source_text(request.sources.get(name, ""), home=home), _VALUE_LENGTH)),
            )
            for name, value in chosen.items()
        ],
        left_at_default=len(request.options) - len(chosen),
    )


def show_reproduce(request: RunRequest, metrics: MetricsRecord | None, *, home: Path | None) -> Reproduce:
    """Return how to run it again: as it was asked, with the seed said, and which versions it had."""
    chosen = {
        name: value
        for name, value in request.options.items()
        if request.sources.get(name) != "default" or name == "seed"
    }
    versions = {"envkit": request.envkit, request.plugin.distribution: request.plugin.version}
    packages = {**versions, **(metrics.packages if metrics else {})}
    packages.pop("envkit-ml", None)  # envkit, as its distribution is called
    files = [] if metrics is None else metrics.data[:_MOST_FILES]
    seed = request.options.get("seed")
    return Reproduce(
        command=run_command(request.task, chosen, home=home),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        seed=seed if isinstance(seed, int) else None,
        packages=[
            *([Fact(name="Python", value=metrics.python)] if metrics else []),
            *(Fact(name=name, value=version) for name, version in packages.items()),
        ],
        files=files,
        check_files=_check_files(files, home=home),
    )


def run_command(task: str, options: Mapping[str, Any], *, home: Path | None) -> str:
    """Return the command with these options, quoted for a shell, a line where it is long."""
    words = [f"envkit run {shlex.quote(task)}"]
    for name, value in options.items():
        if isinstance(value, bool):
            words.append(flag_of(name) if value else f"--no-{flag_of(name)[2:]}")
        elif value is not None:
            words.append(f"{flag_of(name)} {shlex.quote(option_text(value, home=home))}")
    line = " ".join(words)
    return visible(line if len(line) <= 90 else " \\\n  ".join(words))


def option_text(value: Any, *, home: Path | None) -> str:
    """Return an option's value as it can be typed after its flag."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return near_path(mask_secrets(str(value)), home=home)


def near_path(text: str, *, home: Path | None) -> str:
    """Return a path below ``home`` as it is typed there, and any other text as it is."""
    if home is None or not text.startswith("/") or not Path(text).is_relative_to(home):
        return text
    return str(Path(text).relative_to(home))


def home_of(run_dir: Path) -> Path | None:
    """Return the folder in which the run was started, None where its folder does not tell."""
    return run_dir.parent.parent if run_dir.parent.name == "runs" else None


def _source_text(source: str, *, home: Path | None) -> str:
    if source.startswith("--"):
        return "the command line"
    return f"the variable {source}" if source.startswith("ENVKIT_") else near_path(source, home=home)


def _check_files(files: Sequence[DataRecord], *, home: Path | None) -> str:
    if not files:
        return ""
    lines = [f"{file.sha256}  {near_path(file.path, home=home)}" for file in files]
    return visible("\n".join(["sha256sum --check - <<'END'", *lines, "END"]))
