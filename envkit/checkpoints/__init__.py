"""Checkpoints of a run: written whole, checked by hash, found again; read by the host, the worker and loops.

    checkpoints/step-00000080/   the whole state after 80 optimizer steps, to go on from
    checkpoints/best-00000060/   the trained weights that were best on dev so far
                     manifest.json   what is in the folder and what made it, sealed; written last

What is in the other files is the matter of whoever writes them. Standard library and msgspec only.
"""

from envkit.checkpoints.find import Damage, check_checkpoint, newest_sound
from envkit.checkpoints.layout import (
    Checkpoint,
    FileRecord,
    Kind,
    MadeBy,
    Manifest,
    checkpoint_dir,
    list_checkpoints,
    read_manifest,
)
from envkit.checkpoints.made_by import (
    changed_error,
    describe_data,
    describe_packages,
    describe_run,
    differences,
)
from envkit.checkpoints.remove import discard_after, prune
from envkit.checkpoints.write import hash_file, write_checkpoint

__all__ = [
    "Checkpoint",
    "Damage",
    "FileRecord",
    "Kind",
    "MadeBy",
    "Manifest",
    "changed_error",
    "check_checkpoint",
    "checkpoint_dir",
    "describe_data",
    "describe_packages",
    "describe_run",
    "differences",
    "discard_after",
    "hash_file",
    "list_checkpoints",
    "newest_sound",
    "prune",
    "read_manifest",
    "write_checkpoint",
]
