"""What installing and removing plugins share on the screen."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envkit.authoring.calls import Runner
from envkit.cli.env.late_screen import LateScreen
from envkit.cli.env.surroundings import read_settings
from envkit.cli.exits import labelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envkit.authoring.calls import Call
    from envkit.owner import Owner


@contextmanager
def running(owner: Owner, step: str) -> Iterator[Runner]:
    """Give what runs calls for this environment while the screen shows what it does."""
    settings = read_settings()
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder, LateScreen() as view:
        view.step(step)
        yield Runner(
            owner=owner,
            folder=Path(folder),
            progress=view,
            package_index=settings.package_index,
            environ=os.environ,
        )


def tell(label: str, texts: Iterable[str]) -> None:
    """Print lines behind a label, on standard error, as wide as the terminal."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for text in texts:
        click.echo(labelled(f"{label}: ", text, width=width), err=True)


def show_calls(owner: Owner, calls: Iterable[Call]) -> None:
    """Print commands as they can be pasted."""
    for call in calls:
        click.echo(f"$ {call.text(owner)}", err=True)
