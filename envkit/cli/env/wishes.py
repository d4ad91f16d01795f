"""From the words of a command line, and the files they name, to what an environment is to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.utils import canonicalize_name

from envkit.api import UsageError
from envkit.environments.spec_words import absolute_package, parse_requirement, spell_requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from envkit.cli.env.options import Asked
    from envkit.environments.files.request import FileRequest, Place
    from envkit.environments.lockfile.records import LockFile
    from envkit.environments.records import EnvSpec, WheelPackage
    from envkit.machine import Platform

# In an error, a list of more is not read.
_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an environment is to be, and what the user is to know of it.

    ``wheels`` are the exact files that a pylock names, ``lock`` all of it where that is locked. ``files`` are
    those that were read, ``places`` where they ask for packages; ``files_of_here`` chose for this machine.
    """

    spec: EnvSpec
    notes: tuple[str, ...] = ()
    wheels: tuple[WheelPackage, ...] = ()
    lock: LockFile | None = None
    files: tuple[Path, ...] = ()
    files_of_here: tuple[Path, ...] = ()
    places: tuple[Place, ...] = ()


def add_wishes(
    spec: EnvSpec,
    asked: Asked,
    *,
    without: Sequence[str] = (),
    may_choose_backend: bool = False,
    package_index: str | None = None,
) -> Wish:
    """Return the spec with what was asked for added, and what the user is to know of the files.

    A package takes the place of one of the same name; ``without`` are names of packages and tasks that go.
    With ``may_choose_backend`` a file that needs the backend conda gets it; ``package_index`` is
    envkit's own setting, which a file may name as well. Raises: UsageError, ConfigError with the file and line.
    """
    backend = asked.backend or spec.backend
    is_open = may_choose_backend and asked.backend is None and backend == "venv"
    files = _read_files(asked, backend=None if is_open else backend, package_index=package_index)
    notes = [note for _, request in files for note in request.notes]
    base_packages = [each for _, request in files for each in request.base_packages]
    if is_open and base_packages:
        backend = "conda"
        notes.append(f"the backend is conda: {files[0][0].name} asks for conda packages")
    folder = Path.cwd()
    packages = [absolute_package(text, folder=folder) for text in asked.packages]
    packages += [text for _, request in files for text in request.packages]
    constraints = [text for _, request in files for text in request.constraints]
    channels = [*asked.channels, *(channel for _, request in files for channel in request.channels)]
    spec = _without(spec, without)
    wished = msgspec.structs.replace(
        spec,
        backend=backend,
        tasks=_joined(spec.tasks, asked.tasks),
        python=_one_python(spec, asked, files),
        torch=spec.torch if asked.torch is None else asked.torch,
        torch_from=asked.torch_from or spec.torch_from,
        packages=_replaced(spec.packages, packages, name_of=_package_name),
        base_packages=_replaced(spec.base_packages, base_packages, name_of=_base_name),
        channels=_joined(channels, spec.channels),
        constraints=_replaced(spec.constraints, constraints, name_of=_package_name),
    )
    wheels = tuple(wheel for _, request in files for wheel in request.wheels)
    return Wish(
        spec=wished,
        notes=tuple(notes),
        wheels=wheels,
        files=asked.files,
        files_of_here=tuple(file for file, request in files if request.is_of_here),
        places=tuple(place for _, request in files for place in request.places),
    )


def check_machine(wish: Wish, platform: Platform, *, here: Platform) -> None:
    """Check that what files chose for the machine ``here`` is right for another. Raises: UsageError."""
    if not wish.files_of_here:
        return
    from envkit.environments.this_machine import describe_kind
    from envkit.torchbuild import wheel_tags

    why = ""
    if (describe_kind(here), here.libc) != (describe_kind(platform), platform.libc):
        why = ", ".join(filter(None, ["that is " + describe_kind(platform), platform.libc]))
    else:
        platforms = {"any", *(tag.platform for tag in wheel_tags(platform, python="3.12"))}
        names = (unquote(urlsplit(wheel.url).path.rpartition("/")[2]) for wheel in wish.wheels)
        why = next((f"{name} is not for it" for name in names if not _has_platform(name, platforms)), "")
    if why:
        files = ", ".join(map(str, wish.files_of_here))
        raise UsageError(
            f"{files}: what is in it was chosen for this machine, and is asked for on another: {why}",
            hint="Run this command on the other machine, or name the packages in a requirements.txt: "
            "--file requirements.txt",
        )


def _has_platform(name: str, platforms: Collection[str]) -> bool:
    """Tell whether a file is for one of the platforms, as all are that are no wheels."""
    return not name.endswith(".whl") or any(
        each in platforms for each in name.removesuffix(".whl").rpartition("-")[2].split(".")
    )


def _read_files(
    asked: Asked, *, backend: str | None, package_index: str | None
) -> list[tuple[Path, FileRequest]]:
    if not asked.files:
        return []
    from envkit.environments.files.read import read_environment_file

    return [
        (
            file,
            read_environment_file(
                file, backend=backend, python=asked.python or "", package_index=package_index
            ),
        )
        for file in asked.files
    ]


def spec_differences(there: EnvSpec, asked: EnvSpec) -> list[str]:
    """Return in words how what was asked for differs from what is there, empty where it does not."""
    words = []
    for title, old, new in (
        ("backend", there.backend, asked.backend),
        ("Python", there.python, asked.python),
        ("torch", there.torch, asked.torch),
        ("torch from", there.torch_from, asked.torch_from),
    ):
        if new and old != new:
            words.append(f"{title}: {old or 'any'} is there, {new} was asked for")
    for title, old_ones, new_ones in _lists(there, asked):
        there_too, asked_too = ({spell_requirement(each) for each in ones} for ones in (old_ones, new_ones))
        lacking = [each for each in new_ones if spell_requirement(each) not in there_too]
        beyond = [each for each in old_ones if spell_requirement(each) not in asked_too]
        words += [f"{title}: lacks {_listed(lacking)}"] if lacking else []
        words += [f"{title}: has {_listed(beyond)} as well"] if beyond else []
    if not words and set(there.constraints) != set(asked.constraints):
        words.append("pins: the versions that the files allow differ")
    return words


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more


def words_of(spec: EnvSpec, *, than: EnvSpec, wish: Wish | None = None) -> list[str]:
    """Return the options by which a spec differs from another.

    What came from the files of a ``wish`` is said by them; what only a file can say, and none is known, by
    ``--file FILE``.
    """
    files = () if wish is None else wish.files
    named = {canonicalize_name(place.name) for place in (() if wish is None else wish.places)}
    words = []
    for option, new, old in (
        ("--backend", spec.backend, than.backend),
        ("--python", spec.python, than.python),
        ("--torch", spec.torch, than.torch),
        ("--torch-from", spec.torch_from, than.torch_from),
    ):
        words += [option, new] if new and new != old else []
    asked = [text for text in spec.packages if _package_name(text) not in named]
    for option, new_ones, old_ones in (
        ("--task", spec.tasks, than.tasks),
        ("--with", asked, than.packages),
        ("--channel", spec.channels, than.channels),
    ):
        words += [word for each in new_ones if each not in old_ones for word in (option, each)]
    pins = {text.partition(" --hash")[0] for text in set(spec.constraints) - set(than.constraints)}
    if files:
        words += [word for file in files for word in ("--file", str(file))]
    elif set(spec.base_packages) - set(than.base_packages) or pins - set(spec.packages):
        words += ["--file", "FILE"]
    names = {_package_name(text) for text in spec.packages} | {
        _base_name(text) for text in spec.base_packages
    }
    there = [*map(_package_name, than.packages), *map(_base_name, than.base_packages)]
    gone = [name for name in there if name not in names]
    gone += [task for task in than.tasks if task not in spec.tasks]
    return words + [word for name in gone for word in ("--without", name)]


def _lists(there: EnvSpec, asked: EnvSpec) -> Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    yield "tasks", there.tasks, asked.tasks
    yield "packages", there.packages, asked.packages
    yield "conda packages", there.base_packages, asked.base_packages
    yield "channels", there.channels if asked.channels else (), asked.channels


def _one_python(spec: EnvSpec, asked: Asked, files: Sequence[tuple[Path, FileRequest]]) -> str:
    if asked.python is not None:
        return asked.python
    stated = {request.python: file for file, request in files if request.python}
    if len(stated) > 1:
        (first, one), (second, other), *_ = stated.items()
        raise UsageError(
            f"{one} asks for Python {first}, and {other} for Python {second}",
            hint=f"Say which: --python {first}",
        )
    return next(iter(stated), spec.python)


def _without(spec: EnvSpec, names: Sequence[str]) -> EnvSpec:
    """Return the spec without these packages and tasks. Raises: UsageError for one it does not have."""
    gone = {canonicalize_name(name) for name in names}
    has = {_package_name(text) for text in spec.packages} | {_base_name(text) for text in spec.base_packages}
    has |= set(spec.tasks)
    for name in names:
        if canonicalize_name(name) not in has and name not in has:
            known = ", ".join(sorted(has)) or "nothing"
            raise UsageError(
                f"{name} was not asked for by name, so it cannot be left out",
                hint=f"Asked for: {known}. What others need comes and goes with them",
            )
    kept = [text for text in spec.packages if _package_name(text) not in gone]
    return msgspec.structs.replace(
        spec,
        packages=tuple(kept),
        base_packages=tuple(text for text in spec.base_packages if _base_name(text) not in gone),
        tasks=tuple(task for task in spec.tasks if task not in names),
        constraints=tuple(text for text in spec.constraints if _package_name(text) not in gone),
    )


def _joined(first: Iterable[str], then: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*first, *then]))


def _replaced(old: Sequence[str], new: Sequence[str], *, name_of: Callable[[str], str]) -> tuple[str, ...]:
    names = {name_of(text) for text in new}
    return _joined((text for text in old if name_of(text) not in names), new)


def _package_name(text: str) -> str:
    """Return the name under which a requirement is replaced: for a path or an address, all of it."""
    requirement = parse_requirement(text.partition(" --hash")[0])
    return str(canonicalize_name(requirement.name)) if requirement is not None else text


def _base_name(text: str) -> str:
    """Return the name in what conda calls a match: ``channel::name 1.2.*``."""
    words = text.rpartition("::")[2]
    end = next((n for n, letter in enumerate(words) if letter in " =<>!~[,;"), len(words))
    return words[:end].lower()
