"""See which batches the modules of torch compute, whoever makes them."""

from __future__ import annotations

import collections
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Shapes = collections.Counter[tuple[int, ...]]


@contextlib.contextmanager
def watch_batches() -> Iterator[Shapes]:
    """Count by shape the tensors that modules are called with until the end of the block; without torch, none is."""
    shapes: Shapes = collections.Counter()
    try:
        import torch
        from torch.nn.modules.module import register_module_forward_pre_hook
    except ModuleNotFoundError:
        yield shapes
        return

    def note(_: torch.nn.Module, given: tuple[Any, ...]) -> None:
        shapes.update(tuple(each.shape) for each in given if isinstance(each, torch.Tensor))

    handle = register_module_forward_pre_hook(note)
    try:
        yield shapes
    finally:
        handle.remove()
