"""Push an image to its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import ImageError
from envkit.images.engine.failures import explain_transfer
from envkit.images.engine.references import registry_of, split_reference
from envkit.images.engine.transfer import follow_transfer

if TYPE_CHECKING:
    from envkit.images.engine.engine import Engine
    from envkit.images.engine.transfer import TransferProgress


def push_image(engine: Engine, tag: str, progress: TransferProgress, *, image_id: str) -> str:
    """Push an image by one of its tags and return its digest there, ``sha256:…``.

    Who pushes is known from docker's own configuration (``docker login``).
    Raises: ImageError where the tag has gone to another image than ``image_id``, and where the registry does not
    answer, asks for a password or refuses.
    """
    repository, name = split_reference(tag)
    if engine.image_id(tag) != image_id:  # an engine pushes names, whatever image they have by then
        raise ImageError(
            f"{tag} was not pushed: another build has given that name to its image since",
            hint="Build under a name that no other build gives, and push that: --tag REGISTRY/NAME:TAG --push",
        )
    progress.say(f"push {tag} to {registry_of(tag)}")
    with engine.explained(f"push {tag}"), engine.without_limit() as client:
        events = client.api.push(repository, tag=name, stream=True, decode=True)
        transfer = follow_transfer(events, what="pushed", on_bytes=progress.bytes)
    if transfer.error:
        raise explain_transfer(transfer.error, verb="push", reference=tag, disk=engine.disk)
    return transfer.digest
