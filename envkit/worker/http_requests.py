"""What is asked of a prediction server: read within limits, checked, and turned into inputs for a model."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api import Inputs

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from email.message import Message

    from envkit.worker.request_form import RequestForm

_LONGEST_PATH = 80  # characters of it that are shown
_KINDS = {"str": "string", "int": "number", "float": "number", "bool": "true or false"}
_CODECS = ("utf-8", "ascii", "iso8859-1", "utf-16", "cp1252")  # as the module codecs names them
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"[ \t]*[0-9]+[ \t]*")
_ROWS_FILE = "rows"  # rows are named after it: ``rows:1``


class Refusal(Exception):
    """Say with which status a request is refused, why, and what to do instead."""

    def __init__(
        self, status: HTTPStatus, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the body of a request: one of the two."""

    texts: list[str] | msgspec.UnsetType = msgspec.UNSET
    rows: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


class TimedReader(io.RawIOBase):
    """Read a connection against a deadline: however slowly a client writes, it does not get more time.

    ``is_idle`` until the first byte of a request has come in.
    """

    def __init__(
        self, connection: socket.socket, *, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._timeout = timeout
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Give the next request its whole time."""
        self.is_idle = True
        self._deadline = self._clock() + self._timeout

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there. Raises: TimeoutError, OSError."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        self._connection.settimeout(self._timeout)  # for the answer
        if self.is_idle and count:
            self.is_idle = False
            self._deadline = self._clock() + self._timeout
        return count


class HeadReader(io.BufferedReader):
    """Read a request, and note whether a line of its head holds a return that does not end it.

    The library would end a header there, and a server before this one would not.
    """

    has_stray_return = False

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line."""
        line = super().readline(size)
        self.has_stray_return |= b"\r" in line.removesuffix(b"\n").removesuffix(b"\r")
        return line


def check_headers(headers: Message, *, has_stray_return: bool = False) -> None:
    """Check what must not be read in two ways: this server and one before it would differ on where a request ends.

    Source: RFC 9112, sections 5 and 6.3. Raises: Refusal.
    """
    if (
        has_stray_return
        or headers.defects
        or headers.get_unixfrom() is not None
        or headers.get_payload()  # what follows a line that is no header
        or any(_CONTROL.search(value) for value in headers.values())
    ):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "a header is malformed",
            hint="Send each as NAME: VALUE on a line of its own",
        )
    lengths = headers.get_all("Content-Length") or []
    if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "Content-Length is not a number of bytes", hint="Send it once, in digits"
        )


def body_length(headers: Message, *, most: int) -> int:
    """Return how many bytes the body has, by checked headers.

    Raises: Refusal where that is not said, or is more than ``most``.
    """
    length = headers.get("Content-Length", "").strip(" \t")
    if headers.get("Transfer-Encoding") is not None or not length:
        raise Refusal(
            HTTPStatus.LENGTH_REQUIRED, "the request does not say how long it is", hint="Send Content-Length"
        )
    # Longer than any file is; int() of thousands of digits takes its time, or refuses.
    if len(length) > 18 or int(length) > most:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request is larger than the {most:,} bytes that are read",
            hint=f"Send less at once, or start the server with more, behind the image's name: IMAGE http --max-bytes "
            f"{2 * most}",
        )
    return int(length)


def read_body(stream: io.BufferedIOBase, length: int) -> bytes:
    """Return the body. Raises: TimeoutError, ConnectionError where the client leaves before its end."""
    body = stream.read(length)
    if len(body) < length:
        raise ConnectionError("the client left in the middle of its request")
    return body


def decode_body(body: bytes, headers: Message, *, form: RequestForm) -> Asked:
    """Return what is asked by a body of JSON or of plain text. Raises: Refusal, with what ``form`` says to send."""
    kind = headers.get_content_type() if "Content-Type" in headers else ""
    if kind == "text/plain":
        return Asked(texts=[_decode_text(body, headers.get_content_charset("utf-8"))])
    if kind != "application/json":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the content type {kind!r} is not read" if kind else "the request has no content type",
            hint=f"Send application/json{' or text/plain' if form.takes_texts else ''}: {form.command}",
        )
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else _plain(str(error))
        raise _bad(f"the request cannot be read: {what}", form) from error
    if (asked.texts is msgspec.UNSET) == (asked.rows is msgspec.UNSET):
        raise _bad("expected either texts or rows in the request", form)
    return asked


@contextlib.contextmanager
def opened_inputs(asked: Asked, *, form: RequestForm) -> Iterator[Inputs]:
    """Give what is asked as a model's inputs; rows lie in a file of their own meanwhile. Raises: Refusal, OSError."""
    if asked.rows is msgspec.UNSET:
        yield Inputs(texts=tuple(asked.texts or ()))
        return
    try:
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in asked.rows)
    except (ValueError, OverflowError) as error:  # a number that JSON's readers do not hold
        raise _bad(f"the rows cannot be read: {error}", form) from error
    if not lines:
        yield Inputs()
        return
    with tempfile.TemporaryDirectory(prefix="envkit-") as folder:
        file = Path(folder, _ROWS_FILE)
        file.write_bytes(lines)
        yield Inputs(file=file, format="jsonl")


def without_place(text: str, inputs: Inputs) -> str:
    """Return a message without the folder in which a request's rows lay."""
    return text if inputs.file is None else text.replace(f"{inputs.file.parent}/", "")


def shown_path(path: str) -> str:
    """Return a path as a line can hold it; what is none may hold a name and a password, and is not shown."""
    if not path.startswith("/"):
        return "-"
    shown = "".join(each if "!" <= each <= "~" else f"\\x{ord(each):02x}" for each in path)
    return shown if len(shown) <= _LONGEST_PATH else f"{shown[: _LONGEST_PATH - 3]}..."


def _decode_text(body: bytes, charset: str) -> str:
    try:
        codec = codecs.lookup(charset).name
    except (LookupError, ValueError):
        codec = ""
    # Of what else Python reads, some is no charset, and some grows on reading beyond what a body may have.
    if codec not in _CODECS:
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the charset {charset!r} is not read", hint="Send UTF-8"
        )
    try:
        return body.decode(codec)
    except ValueError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"the text is not {charset}", hint="Send UTF-8") from error


def _bad(message: str, form: RequestForm) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, message, hint=form.hint)


def _plain(text: str) -> str:
    """Return msgspec's words without its marks, kinds of values as JSON names them."""
    text = re.sub(r"`(str|int|float|bool)`", lambda match: _KINDS[match[1]], text)
    text = text.replace("`", "").replace(" - at $.", ", at ")
    return text[:1].lower() + text[1:]
