"""From the words of ``envkit build`` to what is asked of an image."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import ImageError, UsageError
from envkit.cli.env.surroundings import read_facts_file
from envkit.environments.lockfile.read import read_lock
from envkit.environments.requirements import minor_version
from envkit.environments.spec_words import read_torch
from envkit.images.contents.bases import default_base, known_base
from envkit.images.contents.network import check_ca_bundle
from envkit.images.contents.of_run import python_of_run
from envkit.images.engine.references import check_reference
from envkit.images.inspection.secret_patterns import is_secret_variable
from envkit.images.labels import git_revision
from envkit.images.layout import DEFAULT_USER_ID
from envkit.images.plan import ImageRequest, check_request
from envkit.images.rendering.quoting import check_build_arg
from envkit.images.rendering.templates import load_template
from envkit.masking import mask_secrets
from envkit.runs.folder import find_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.cli.progress import RunScreen
    from envkit.environments.lockfile.records import LockFile
    from envkit.images.building.builders import WantedBuilder
    from envkit.images.engine.engine import Engine
    from envkit.images.records import ImageBase
    from envkit.machine import MachineFacts
    from envkit.worker.folder import RunFolder

_USER = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")
_PLATFORMS = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class BuildWish:
    """The words of one command line."""

    template: str
    tasks: tuple[str, ...]
    lock_file: Path | None
    run_dir: Path | None
    tags: tuple[str, ...]
    base_image: str | None
    platform: str | None
    python: str | None
    torch: str | None
    facts_file: Path | None
    user: str | None
    ca_bundle: Path | None
    build_args: tuple[str, ...]
    builder: WantedBuilder
    no_cache: bool
    push: bool
    is_print: bool
    dry_run: bool
    context_dir: Path | None
    as_json: bool

    @property
    def is_built(self) -> bool:
        """Tell whether an engine is to build it."""
        return not (self.is_print or self.dry_run or self.context_dir is not None)


def check_words(wish: BuildWish) -> None:
    """Check what can be checked before anything is looked at. Raises: UsageError."""
    ways = {
        "--print": wish.is_print,
        "--dry-run": wish.dry_run,
        "--context": wish.context_dir is not None,
        "--push": wish.push,
    }
    given = [flag for flag, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(given)} do not go together", hint=f"Leave out {' or '.join(given[1:])}"
        )
    if wish.push and not wish.tags:
        raise UsageError(
            "--push needs the name that the registry is to know it by",
            hint=f"Add: --tag REGISTRY/NAME:TAG to: envkit build {wish.template}",
        )
    if wish.platform is not None and wish.platform not in _PLATFORMS:
        raise UsageError(
            f"--platform: {wish.platform!r} is none that envkit builds for",
            hint=f"One of: {', '.join(_PLATFORMS)}",
        )
    folder = wish.context_dir
    if folder is not None and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            f"--context: {folder} is not empty, and nothing in it is replaced",
            hint=f"Name a new folder, or remove this one: rm -r {shlex.quote(str(folder))}",
        )
    for tag in wish.tags:
        check_reference(tag, option="--tag")
        if "@" in tag:
            raise UsageError(
                f"--tag: {tag!r} has a digest, which an image gets from what is in it",
                hint=f"Leave the digest out: --tag {tag.partition('@')[0]}",
            )
    if wish.base_image is not None:
        check_reference(wish.base_image, option="--base-image", example="python:3.11-slim-bookworm")
        if wish.python is not None:
            raise UsageError(
                "--python and --base-image do not go together: a base image has its own Python",
                hint="Leave --python out, or name an image of that Python: --base-image python:3.12-slim-bookworm",
            )
    read_torch(wish.torch or "")
    if wish.ca_bundle is not None:
        check_ca_bundle(wish.ca_bundle)


def read_request(
    wish: BuildWish, *, here: MachineFacts, engine: Engine | None, view: RunScreen
) -> ImageRequest:
    """Return what is asked for; a base image that is not here is fetched where it is to be built on.

    Raises: UsageError, ConfigError for a lock or facts, ImageError for a base image.
    """
    user_id, group_id = _read_user(wish.user)
    lock = None if wish.lock_file is None else read_lock(wish.lock_file)
    run = None if wish.run_dir is None else find_run(str(wish.run_dir))
    template = load_template(wish.template)
    check_request(template, tasks=wish.tasks, lock=lock, run=run, torch=wish.torch or "")
    build_args = _read_build_args(wish.build_args, environ=os.environ)
    facts = None if wish.facts_file is None else read_facts_file(wish.facts_file)
    return ImageRequest(
        template=template,
        base=_find_base(wish, lock=lock, run=run, here=here, engine=engine, view=view),
        tasks=wish.tasks,
        lock=lock,
        run=run,
        facts=facts,
        torch=wish.torch or "",
        user_id=user_id,
        group_id=group_id,
        ca_bundle=wish.ca_bundle,
        build_args=build_args,
        revision=git_revision(Path.cwd()),
    )


def _read_user(text: str | None) -> tuple[int, int]:
    if text is None:
        return DEFAULT_USER_ID, DEFAULT_USER_ID
    found = _USER.fullmatch(text)
    if found is None:
        raise UsageError(f"--user: {text!r} is no user's number", hint="As in --user 1000 or --user 1000:100")
    if int(found[1]) == 0:
        raise UsageError("--user: an image of envkit's does not run as root", hint="As in --user 1000")
    return int(found[1]), int(found[2] or found[1])


def _read_build_args(words: Sequence[str], *, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the build arguments; of a name alone the value is the variable's, as docker has it."""
    given: dict[str, str] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            if name not in environ:
                raise UsageError(
                    f"--build-arg: {name!r} has no value, and no variable is called so",
                    hint=f"As in --build-arg {name}=VALUE",
                )
            value = environ[name]
        check_build_arg(name, value)
        if is_secret_variable(name, value) or mask_secrets(value) != value:
            raise UsageError(
                f"--build-arg: {name} looks like a secret, and build arguments stay in the image's history",
                hint="Passwords for package indexes belong into ~/.netrc or pip's configuration, from where "
                "they are handed to the build as secrets",
            )
        given[name] = value
    return given


def _find_base(
    wish: BuildWish,
    *,
    lock: LockFile | None,
    run: RunFolder | None,
    here: MachineFacts,
    engine: Engine | None,
    view: RunScreen,
) -> ImageBase:
    python = minor_version(
        wish.python
        or _locked_python(lock, here)
        or (python_of_run(run) if run is not None else None)
        or here.python.version
    )
    reference = wish.base_image or default_base(python)
    platform = wish.platform or (engine.platform if engine is not None else _platform_of(here))
    if engine is not None:
        if wish.is_built and not engine.has_image(reference):
            engine.pull(reference, view, platform=wish.platform or "")
        if engine.has_image(reference):
            view.step(f"looking into {reference}")
            return engine.probe_base(reference, wish.platform or "")
    known = known_base(reference, machine=_PLATFORMS.get(platform, here.platform.machine))
    if known is None:
        raise ImageError(
            f"nothing is known of the base image {reference}, and no engine here holds it to look into it",
            hint=f"Fetch it: docker pull {reference}. Known by their names: {default_base(python)} and its like",
        )
    return known


def _locked_python(lock: LockFile | None, here: MachineFacts) -> str | None:
    """Return the Python of a lock: the running one where a section is for that, else the first's."""
    if lock is None:
        return None
    versions = [section.python for section in lock.lock.machines]
    running = minor_version(here.python.version)
    return next((each for each in versions if minor_version(each) == running), next(iter(versions), None))


def _platform_of(here: MachineFacts) -> str:
    return f"linux/{_ARCHITECTURES.get(here.platform.machine.lower(), 'amd64')}"
