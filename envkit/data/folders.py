"""Read a folder a class: ``pos/0_9.txt`` is a text with the label ``pos``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.api import DataError
from envkit.data.text import decode_text, read_content

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = ("", ".txt", ".text", ".md")
# Folders of texts without a label beside those of the classes, as in the reviews of IMDB.
UNLABELLED = frozenset({"unsup", "unlabeled", "unlabelled"})
# A folder that holds these holds splits, each with its classes.
_SPLITS = frozenset({"train", "dev", "valid", "validation", "test"})


@dataclass(frozen=True)
class ClassFile:
    """A text, the folder that is its label, and its name: ``pos/0_9.txt``."""

    text: str
    label: str
    name: str


def is_class_folder(folder: Path) -> bool:
    """Tell whether a folder holds folders with text files in them."""
    return folder.is_dir() and any(
        any(map(_is_text, class_dir.iterdir())) for class_dir in _class_dirs(folder)
    )


def read_class_folder(folder: Path, *, encoding: str | None = None) -> list[ClassFile]:
    """Read all text files of all classes, in the order of their names. Raises: DataError."""
    classes = _class_dirs(folder)
    if not classes:
        raise DataError(
            "the folder holds no folders, expected one for each class with text files in it",
            file=folder,
            hint=f"Such as {folder}/positive/1.txt and {folder}/negative/1.txt",
        )
    rows = [
        ClassFile(
            decode_text(read_content(entry), file=entry, encoding=encoding).strip(),
            class_dir.name,
            f"{class_dir.name}/{entry.name}",
        )
        for class_dir in classes
        for entry in sorted(class_dir.iterdir())
        if _is_text(entry)
    ]
    if not rows:
        raise DataError(
            f"the folders {', '.join(each.name for each in classes[:8])} hold no text files",
            file=folder,
            hint="Texts are files that end in .txt or .txt.gz",
        )
    return rows


def _class_dirs(folder: Path) -> list[Path]:
    folders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] not in "._")
    return [entry for entry in folders if entry.name.lower() not in UNLABELLED and entry.name not in _SPLITS]


def unlabelled_folders(folder: Path) -> list[str]:
    """Return the names of the folders beside the classes that hold texts without a label."""
    return sorted(entry.name for entry in folder.iterdir() if entry.name.lower() in UNLABELLED)


def _is_text(entry: Path) -> bool:
    suffix = entry.with_suffix("").suffix if entry.suffix == ".gz" else entry.suffix
    # Names such as 10.1234 have a suffix that is none: 20 Newsgroups writes them without.
    known = suffix.lower() in _SUFFIXES or suffix[1:].isdecimal()
    return known and entry.name[0] not in "._" and entry.is_file()
