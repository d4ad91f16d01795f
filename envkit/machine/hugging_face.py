"""Probe how models are fetched: huggingface_hub's settings. Source: its ``constants.py`` and ``utils/_auth.py`` (1.x)."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from envkit.api.facts import HuggingFace
from envkit.masking import mask_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.machine.files import Files

_TRUE = frozenset({"1", "ON", "YES", "TRUE"})
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})")


def read_hugging_face(files: Files, *, environ: Mapping[str, str]) -> HuggingFace:
    """Return the settings as huggingface_hub reads them; of the token only where it is and who may read it.

    ``endpoint`` is None where nothing names another than the usual one. ``token_file_mode`` is None where the
    mode lets nobody in or out: of what is no regular file of this user, and in a folder closed to all others.
    """
    caches = environ.get("XDG_CACHE_HOME", "~/.cache")
    home = _expand(environ.get("HF_HOME", str(PurePath(caches, "huggingface"))), environ)
    older_cache = environ.get("HUGGINGFACE_HUB_CACHE", str(PurePath(home, "hub")))
    token_file = _expand(environ.get("HF_TOKEN_PATH", str(PurePath(home, "token"))), environ)
    token_source = next((name for name in _TOKENS if environ.get(name)), None)
    if token_source and not environ[token_source].strip():
        token_source = None
    mode = None
    try:
        status = Path(token_file).stat()
        link = Path(token_file).lstat()
        is_closed = _is_in_closed_folder(Path(token_file), below=Path(files.locate("/")))
    except (FileNotFoundError, NotADirectoryError):
        token_file = ""
    except (OSError, ValueError) as error:
        files.note(token_file, str(getattr(error, "strerror", None) or error))
    else:
        is_own = stat.S_ISREG(link.st_mode) and link.st_uid == os.getuid()
        mode = f"{stat.S_IMODE(link.st_mode):o}" if is_own and not is_closed else None
        token_source = token_source or ("file" if status.st_size else None)
    offline = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
    endpoint = environ.get("HF_ENDPOINT", "").rstrip("/")
    return HuggingFace(
        home=home,
        cache_dir=_expand(environ.get("HF_HUB_CACHE", older_cache), environ),
        endpoint=mask_address(endpoint) if endpoint else None,
        is_offline=offline.upper() in _TRUE,
        token_source=token_source,
        token_file=token_file or None,
        token_file_mode=mode,
    )


def _is_in_closed_folder(file: Path, *, below: Path) -> bool:
    """Tell whether one of the folders above a file lets nobody through but its owner."""
    folders = [folder for folder in file.absolute().parents if below in folder.parents]
    return any(not folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) for folder in folders)


def _expand(text: str, environ: Mapping[str, str]) -> str:
    """Return a path with ``~`` and variables replaced; a variable that is not set stays as it is written."""
    if text == "~" or text.startswith("~/"):
        text = (environ.get("HOME") or str(Path.home())) + text[1:]
    return _VARIABLE.sub(lambda match: environ.get(match[1] or match[2], match[0]), text)
