"""What a check is, and how a set of them is run."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar
from unittest import SkipTest

from envkit.registry import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TrialsT = TypeVar("TrialsT")


class NotChecked(SkipTest):
    """Say that a promise could not have been broken in what was tried, and why; pytest skips the test."""


@dataclass(frozen=True)
class Check(Generic[TrialsT]):
    """A promise, and the function that raises AssertionError where it is not kept, NotChecked where none can tell."""

    name: str
    promise: str
    run: Callable[[TrialsT], None]

    def __str__(self) -> str:
        """Return its name, by which a parametrized test is called."""
        return self.name


def run_checks(checks: Iterable[Check[TrialsT]], trials: TrialsT, *, of: str) -> None:
    """Run them all.

    Raises: AssertionError with every promise that ``of`` does not keep; else NotChecked with those of which none can tell.
    """
    broken, unchecked = [], []
    for check in checks:
        try:
            check.run(trials)
        except NotChecked as error:
            unchecked.append(f"{check.name}: {check.promise}; not checked, {error}")
        except AssertionError as error:
            broken.append(f"{check.name}: {check.promise}; but {error}")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the other promises are still of interest
            broken.append(f"{check.name}: {check.promise}; but {describe(error)}")
    if broken:
        raise AssertionError(f"{of} does not keep:\n" + "\n".join(broken))
    if unchecked:
        raise NotChecked(f"not all could be checked of {of}:\n" + "\n".join(unchecked))


@contextlib.contextmanager
def fresh_folder(folder: Path | None) -> Iterator[Path]:
    """Give a new folder below this one, or where there is none one that is gone afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp(prefix="checked-", dir=folder))
        return
    with tempfile.TemporaryDirectory(prefix="envkit-check-") as made:
        yield Path(made)
