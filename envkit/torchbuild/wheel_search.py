"""Find the torch wheels that pip's configuration leads to, where a file or a folder may never answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from envkit.api import EnvkitError
from envkit.machine.time_limit import ANSWER_SECONDS, call_each, call_in_time
from envkit.masking import mask_address
from envkit.pip_configuration import read_pip_configuration
from envkit.torchbuild.wheels import local_wheels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.torchbuild.records import LocalWheel


@dataclass(frozen=True, kw_only=True)
class WheelSearch:
    """What was found. ``silent`` says of each file or folder that gave no answer what it is, and why.

    ``error`` is what is wrong with pip's configuration, which then names no folder.
    """

    wheels: tuple[LocalWheel, ...] = ()
    silent: tuple[str, ...] = ()
    error: Exception | None = None


def search_wheels(
    *,
    environ: Mapping[str, str] = os.environ,
    package_index: str | None = None,
    seconds: float = ANSWER_SECONDS,
) -> WheelSearch:
    """Look into the folders of find-links; each, and pip's files before them, gets ``seconds``."""
    try:
        configuration = call_in_time(
            lambda: read_pip_configuration(environ=environ, package_index=package_index), seconds=seconds
        )
    except TimeoutError as error:
        named = environ.get("PIP_CONFIG_FILE") or environ.get("HOME") or "the system's"
        return WheelSearch(silent=(f"pip's configuration files ({named}): {error}",))
    except (EnvkitError, OSError, ValueError) as error:  # the last two: a closed folder, a null byte
        return WheelSearch(error=error)
    folders = configuration.find_links
    found: list[LocalWheel] = []
    silent = []
    answers = call_each([partial(local_wheels, [folder]) for folder in folders], seconds=seconds)
    for folder, answer in zip(folders, answers, strict=True):
        if isinstance(answer, TimeoutError):
            silent.append(f"the find-links {mask_address(folder)}: {answer}")
        elif isinstance(answer, list):
            found += [wheel for wheel in answer if wheel not in found]
    return WheelSearch(wheels=tuple(found), silent=tuple(silent))
