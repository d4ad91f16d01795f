"""What envkit does not change by itself: environments that an installer, a manifest or the system alone changes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envkit.owner import Owner


def shown_words(texts: Iterable[str]) -> str:
    """Return what was asked for as a command has it: passwords masked, and quoted for a shell."""
    return " ".join(shlex.quote(mask_secrets(text)) for text in texts)


def refuse_foreign(owner: Owner, *, names: Sequence[str], is_removal: bool = False) -> None:
    """Refuse an environment that no installer may change for us; ``names`` are what is to be put in.

    Raises: EnvError with what to do instead.
    """
    words = shown_words(names)
    with_each = " ".join(f"--with {shown_words([name])}" for name in names)
    if owner.kind == "system":
        hint = (
            "Give envkit an environment of its own, with its plugins:\n"
            f"uv tool install envkit-ml {with_each}\n"
            f"or: python3 -m venv ~/envkit && ~/envkit/bin/pip install envkit-ml {words}"
        )
        if is_removal:
            hint = "Remove it with the system's own package manager, or do without it: --disable-plugin NAME"
        raise EnvError(
            f"{owner.title} belongs to the system, which alone changes it ({owner.evidence})", hint=hint
        )
    if owner.kind == "uvx":
        raise EnvError(
            f"{owner.title} is uv's for this one command, and what changes in it is lost",
            hint=f"Name plugins each time: uvx --from envkit-ml {with_each} envkit\n"
            f"or keep them: uv tool install envkit-ml {with_each}",
        )
    if owner.kind == "pixi":
        command = f"pixi remove --pypi {words}" if is_removal else f"pixi add --pypi {words}"
        raise EnvError(
            f"{owner.title} is made from pixi's manifest, which alone changes it",
            hint=f"Change the manifest: {command}",
        )
    if owner.kind == "envkit":
        flags = " ".join(f"{'--without' if is_removal else '--with'} {shown_words([name])}" for name in names)
        raise EnvError(
            f"{owner.title} is made of what it was asked to be, and envkit alone changes that",
            hint=f"Where envkit is installed: envkit env sync {owner.env_name} {flags}",
        )
