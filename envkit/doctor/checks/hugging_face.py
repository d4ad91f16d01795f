"""Checks of how models are fetched. A machine without any of these settings is well."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from envkit.api.checks import Check, Finding
from envkit.mirrors import HUB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api.checks import CheckContext
    from envkit.doctor.surroundings import Surroundings

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
# Windows' disks in WSL: without metadata, every file there seems open to everybody.
_WSL_MOUNT = re.compile(r"/mnt/[a-z]/")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of the model hub's settings."""
    return (
        Check(
            id="hub.offline",
            summary="Models may be fetched from the hub",
            needs=("hugging_face", "variables"),
            run=_check_offline,
        ),
        Check(
            id="hub.mirror",
            summary="Models come from the usual hub",
            needs=("hugging_face",),
            run=_check_mirror,
        ),
        Check(
            id="hub.token-file",
            summary="No token of the hub is open to others",
            needs=("hugging_face", "platform"),
            run=_check_token_file,
        ),
    )


def _check_offline(context: CheckContext) -> Iterator[Finding]:
    hub = context.facts.hugging_face
    if not hub.is_offline:
        return
    named = [f"{name}={context.facts.variable(name)}" for name in _OFFLINE if context.facts.variable(name)]
    yield Finding(
        severity="info",
        summary="Models are taken from the cache alone: the hub is switched off",
        evidence=(*named, f"cache: {hub.cache_dir}"),
        fix=f"To fetch one: unset {' '.join(_OFFLINE)}. envkit's default model needs no hub",
    )


def _check_mirror(context: CheckContext) -> Iterator[Finding]:
    hub = context.facts.hugging_face
    if hub.endpoint is None or hub.endpoint.rstrip("/") == HUB:
        return
    yield Finding(
        severity="info",
        summary=f"Models come from {hub.endpoint}",
        evidence=(f"HF_ENDPOINT={hub.endpoint}",),
        fix="To ask whether it answers: envkit doctor --network --only network.model-hub",
    )


def _check_token_file(context: CheckContext) -> Iterator[Finding]:
    facts = context.facts
    hub = facts.hugging_face
    if hub.token_file is None or not hub.token_file_mode:
        return
    try:
        mode = int(hub.token_file_mode, 8)
    except ValueError:
        return
    if facts.platform.is_wsl and _WSL_MOUNT.match(hub.token_file):
        return
    if not mode & 0o077:
        return
    yield Finding(
        severity="warn",
        summary="Others on this machine may read the hub's token",
        evidence=(f"{hub.token_file} has the mode {hub.token_file_mode}",),
        fix=f"chmod 600 -- {shlex.quote(hub.token_file)}",
        safe_fix=("chmod", "600", "--", hub.token_file),
    )
