"""The labels of an image: what is in it, for people, registries and ``envkit run``."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from envkit import __version__
from envkit.images.layout import (
    BASE_LABEL,
    DESCRIPTION_LABEL,
    DRIVER_LABEL,
    ENVKIT_LABEL,
    LOCK_LABEL,
    PLUGINS_LABEL,
    PYTHON_LABEL,
    REVISION_LABEL,
    RUN_LABEL,
    TASKS_LABEL,
    TEMPLATE_LABEL,
    TITLE_LABEL,
    TORCH_LABEL,
    VARIANT_LABEL,
    VERSION_LABEL,
)
from envkit.torchbuild import load_table
from envkit.torchbuild.fit import oldest_driver

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.api import ImageTemplate
    from envkit.images.records import Contents, ImageBase

_DIGEST_LENGTH = 12  # enough to tell two contents of one version apart
_GIT_SECONDS = 5.0


def make_labels(
    template: ImageTemplate, *, base: ImageBase, contents: Contents, revision: str = ""
) -> dict[str, str]:
    """Return all labels in the order in which they are written; none of them holds a time or a path."""
    tasks = ", ".join(contents.tasks)
    torch = contents.torch
    labels = {
        TITLE_LABEL: f"envkit {' '.join([*contents.tasks, template.name])}",
        DESCRIPTION_LABEL: template.summary,
        VERSION_LABEL: _version(contents),
        REVISION_LABEL: revision,
        BASE_LABEL: base.reference,
        TEMPLATE_LABEL: template.name,
        ENVKIT_LABEL: __version__,
        TASKS_LABEL: tasks.replace(", ", ","),
        PLUGINS_LABEL: ",".join(
            f"{each.name} {each.version} {each.digest[:_DIGEST_LENGTH]}".rstrip() for each in contents.plugins
        ),
        LOCK_LABEL: contents.lock_sha256,
        PYTHON_LABEL: contents.python,
        TORCH_LABEL: torch.version if torch is not None else "",
        VARIANT_LABEL: torch.variant if torch is not None else "",
        DRIVER_LABEL: (oldest_driver(torch.variant, table=load_table()) or "") if torch is not None else "",
        RUN_LABEL: contents.run_id,
    }
    return {name: text for name, text in labels.items() if text}


def _version(contents: Contents) -> str:
    """Return the version of the one plugin in it; of several, envkit's own."""
    versions = {each.version for each in contents.plugins if each.name.replace("_", "-") != "envkit-ml"}
    return versions.pop() if len(versions) == 1 else __version__


def git_revision(folder: Path) -> str:
    """Return the commit that is checked out there, marked where files differ from it; empty without git."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *words],
                capture_output=True,
                text=True,
                timeout=_GIT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if not commit:
        return ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed or changed is None else commit
