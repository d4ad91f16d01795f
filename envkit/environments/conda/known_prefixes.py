"""``~/.conda/environments.txt``: the file by which conda and editors find prefixes that lie anywhere.

Source: conda, conda/core/envs_manager.py.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.flock import lock_exclusively

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOCK = ".envkit-environments.lock"


def remember(link: Path, *, environ: Mapping[str, str] = os.environ) -> None:
    """List a prefix, once. Where the file cannot be written it is left as it is, as conda does."""
    _change(link, environ, add=True)


def forget(link: Path, *, environ: Mapping[str, str] = os.environ) -> None:
    """Take a prefix off the list."""
    _change(link, environ, add=False)


def _change(link: Path, environ: Mapping[str, str], *, add: bool) -> None:
    if not environ.get("HOME"):
        return
    file = Path(environ["HOME"], ".conda", "environments.txt")
    if not add and not file.exists():
        return
    with contextlib.suppress(OSError, UnicodeDecodeError, EnvError), _locked(file.parent):
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        kept = [line for line in lines if line.strip() and line.strip() != str(link)]
        wanted = [*kept, str(link)] if add else kept
        if add and str(link) in lines or not add and kept == lines:
            return
        _replace(file, "".join(f"{line}\n" for line in wanted))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with lock_exclusively(folder / _LOCK):
        yield


def _replace(file: Path, text: str) -> None:
    """Write by rename: conda reads without a lock."""
    import tempfile  # for a prefix that is not listed

    target = file.resolve()
    with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False, encoding="utf-8") as draft:
        draft.write(text)
    try:
        with contextlib.suppress(OSError):
            Path(draft.name).chmod(target.stat().st_mode & 0o777)
        Path(draft.name).replace(target)
    except OSError:
        Path(draft.name).unlink(missing_ok=True)
        raise
