"""Write configuration files: one key changed by tomlkit, the file replaced in one step."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import os
import tomllib
from typing import TYPE_CHECKING, Any

from envkit.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def read_or_empty(file: Path) -> bytes:
    """Return a file's content, nothing where it is not there. Raises: ConfigError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _cannot(file, "read", error) from error


def toml_with(content: bytes, keys: Sequence[str], value: Any, *, file: Path) -> bytes:
    """Return this TOML with a value under these keys, comments and layout kept. Raises: ConfigError."""
    wanted = tomllib.loads(content.decode())
    place = wanted
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value

    def change(document: Any) -> None:
        import tomlkit
        from tomlkit.items import InlineTable

        place = document
        for depth, key in enumerate(keys[:-1]):
            if key not in place:
                is_inline = isinstance(place, InlineTable)  # which holds no other kind
                is_super = depth < len(keys) - 2
                place[key] = tomlkit.inline_table() if is_inline else tomlkit.table(is_super)
            place = place[key]
        if keys[-1] in place:
            new = tomlkit.item(value)
            if trivia := _trivia(place, keys[-1]):
                new.trivia.comment, new.trivia.comment_ws = trivia.comment, trivia.comment_ws
            place[keys[-1]] = new
        else:
            place[keys[-1]] = value

    return _changed(content, change, wanted=wanted, file=file, keys=keys)


def _trivia(place: Any, key: str) -> Any:
    """Return what stands around a value, its comment among it."""
    container = getattr(place, "value", place)
    # Asked for by its key, a boolean comes as Python's own, which has nothing around it.
    item = container.item(key) if hasattr(container, "item") else place[key]
    return getattr(item, "trivia", None)


def toml_without(content: bytes, keys: Sequence[str], *, file: Path) -> bytes:
    """Return this TOML without the key, comments and layout kept. Raises: ConfigError."""
    wanted = tomllib.loads(content.decode())
    place = wanted
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]

    def change(document: Any) -> None:
        place = document
        for key in keys[:-1]:
            place = place[key]
        del place[keys[-1]]

    return _changed(content, change, wanted=wanted, file=file, keys=keys)


def _changed(content: bytes, change: Any, *, wanted: Any, file: Path, keys: Sequence[str]) -> bytes:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    text = content.decode()
    has_crlf = "\r\n" in text
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        document = tomlkit.parse(text.replace("\r\n", "\n"))
        change(document)
        new = tomlkit.dumps(document)
        is_right = tomllib.loads(new) == _with_lf(wanted)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, KeyError, AttributeError) as error:
        raise _too_hard(file, keys) from error
    if not is_right:  # whatever an editor makes of a rare layout, nothing else of the file may change
        raise _too_hard(file, keys)
    return (new.replace("\n", "\r\n") if has_crlf else new).encode()


def _with_lf(value: Any) -> Any:
    """Return the document as it is with line feeds alone: texts of several lines hold the file's own."""
    if isinstance(value, dict):
        return {key: _with_lf(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_lf(each) for each in value]
    return value.replace("\r\n", "\n") if isinstance(value, str) else copy.copy(value)


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """Keep other changes to this file waiting, where its file system can."""
    folder = file.resolve().parent
    while not folder.is_dir():
        folder = folder.parent
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # whether the file can be written is found out when it is
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(file: Path, content: bytes, *, is_private: bool) -> None:
    """Replace a file in one step; a link stays one, its mode too. A new private one is its owner's alone.

    Raises: ConfigError where that cannot be done; the file is then as it was.
    """
    target = file.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            mode = target.stat().st_mode & 0o7777
        except FileNotFoundError:
            mode = None
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, 0o600 if is_private else 0o666)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                if mode is not None:
                    os.fchmod(stream.fileno(), mode)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot(target, "written", error) from error


def _cannot(file: Path, what: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"{file} cannot be {what}: {error.strerror}", hint=f"Look at its permissions: ls -ld {file.parent}"
    )


def _too_hard(file: Path, keys: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{file}: {'.'.join(keys)} cannot be changed without touching the rest of the file",
        hint=f"Change it by hand: ${{EDITOR:-vi}} {file}",
    )
