"""Follow a pull or a push: bytes of all layers together, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Words of the engine: `Layer already exists` (push), `Already exists` (pull), `Mounted from NAME` (push).
_NEEDS_NONE = ("already exists", "mounted from")
_MOVES = ("downloading", "pushing")


class TransferProgress(Protocol):
    """Hear of an image that is pulled or pushed."""

    def say(self, text: str) -> None:
        """Tell the user something that stays on the screen."""

    def bytes(self, done: int, total: int | None, what: str) -> None:
        """Show how many bytes of ``what`` are over, of how many if that is known."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How it ended: ``error`` is the engine's word, empty for success; ``digest`` that of what was pushed."""

    error: str = ""
    digest: str = ""
    reused: int = 0


def follow_transfer(
    events: Iterable[Mapping[str, Any]], *, what: str, on_bytes: Callable[[int, int | None, str], None]
) -> Transfer:
    """Read the engine's events to their end."""
    done: dict[str, int] = {}
    sizes: dict[str, int] = {}
    error, digest = "", ""
    reused: set[str] = set()
    for event in events:
        if event.get("error"):
            error = str(event["error"])
            continue
        aux = event.get("aux")
        if isinstance(aux, dict) and aux.get("Digest"):
            digest = str(aux["Digest"])
        layer, status = str(event.get("id", "")), str(event.get("status", "")).lower()
        if status.startswith(_MOVES):
            detail = event.get("progressDetail") or {}
            done[layer] = int(detail.get("current") or done.get(layer, 0))
            # A push may say a total that it then exceeds: sparse layers grow in their archive.
            sizes[layer] = max(int(detail.get("total") or 0), done[layer], sizes.get(layer, 0))
            on_bytes(sum(done.values()), sum(sizes.values()) or None, what)
        elif any(words in status for words in _NEEDS_NONE):
            reused.add(layer)
        elif layer in sizes and status in ("pushed", "download complete", "pull complete"):
            done[layer] = sizes[layer]
            on_bytes(sum(done.values()), sum(sizes.values()) or None, what)
    return Transfer(error=error, digest=digest, reused=len(reused))
