"""Put what came in with a row beside what is predicted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

_RENAMED = "input_"


def join_fields(
    given: Mapping[str, Any], told: Mapping[str, Any], *, read: Container[str] = (), gold: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the fields of a prediction: those of its row, unchanged and in front, and what is told of it.

    ``read`` names fields of the row that are told again. Of the fields in ``gold`` the first that is there is
    called ``gold``, behind all others. Any other field of a name that is told of is called ``input_<name>``.
    """
    right = next((name for name in gold if name in given and name not in read), None)
    told = dict(told) if right is None else {**told, "gold": given[right]}
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if name in read or name == right:
            continue
        free = name
        while free in told or free in kept or (free != name and free in given):
            free = _RENAMED + free
        kept[free] = value
    return kept | told
