"""Push an image to its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.images.engine.failures import explain_transfer
from envkit.images.engine.references import registry_of, split_reference
from envkit.images.engine.transfer import follow_transfer

if TYPE_CHECKING:
    from envkit.images.engine.engine import Engine
    from envkit.images.engine.transfer import TransferProgress


def push_image(engine: Engine, tag: str, progress: TransferProgress) -> str:
    """Push the image of a tag and return its digest there, ``sha256:…``.

    Who pushes is known from docker's own configuration (``docker login``).
    Raises: ImageError where the registry does not answer, asks for a password or refuses.
    """
    repository, name = split_reference(tag)
    engine.image_id(tag)
    progress.say(f"push {tag} to {registry_of(tag)}")
    with engine.explained(f"push {tag}"), engine.without_limit() as client:
        events = client.api.push(repository, tag=name, stream=True, decode=True)
        transfer = follow_transfer(events, what="pushed", on_bytes=progress.bytes)
    if transfer.error:
        raise explain_transfer(transfer.error, verb="push", reference=tag)
    return transfer.digest
