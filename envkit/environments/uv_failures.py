"""What uv's last words mean for the user: which setting mends what failed.

Source: messages of uv 0.13.9, each provoked in the tests.
"""

from __future__ import annotations

import os.path
import re
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from envkit.api import EnvError
from envkit.environments.mirrors import mirror_hint
from envkit.environments.missing_packages import MissingPackages

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADDRESS = re.compile(r"https?://[^\s`)'\"]+")
_PATH = re.compile(r"`(/[^`]+)`|(?:to|file) (/\S+?):? ")
_ABSENT = re.compile(r"([\w.-]+(?:\[[\w.,-]+\])?) was not found in the (?:package registry|provided package)")
_LAST_LINES = 12


@dataclass(frozen=True)
class Place:
    """Where uv works: what its errors are explained with.

    ``index_source`` names the setting that gave the package index, if one did; ``torch_index`` is the
    address of torch's wheels, if they are taken from there.
    """

    home: Path
    index_source: str | None = None
    torch_index: str | None = None


def explain_failure(lines: Sequence[str], *, status: int, place: Place) -> EnvError:
    """Return the error for uv's exit status and output: what failed, where, and what mends it."""
    said = "\n".join(line.rstrip() for line in lines)
    words = said.lower()
    if status < 0:
        return _killed(-status)
    if "hash mismatch for" in words:
        return _wrong_hash(said)
    if "os error 28" in words or "os error 122" in words:
        return _disk_full(said, place)
    if "git operation failed" in words:  # its words are like those of an index that does not answer
        from envkit.environments.git_failures import explain_git_failure

        return explain_git_failure(said)
    if "lack of valid authentication" in words or "401 unauthorized" in words:
        return _refused(said, place, "asks for a user name and password (401)")
    if "403 forbidden" in words:
        return _refused(said, place, "refuses access (403)")
    if "certificate" in words and "failed to fetch" in words or "invalid peer certificate" in words:
        return EnvError(
            f"the certificate of {_server(said)} is not trusted: {_last_cause(said)}",
            hint="Name the certificates of your network: PIP_CERT=/path/to/certificates.pem (or SSL_CERT_FILE). "
            f"{_setting(said, place)}",
        )
    if "tunnel error" in words or "proxy" in words and "failed to fetch" in words:
        return EnvError(
            f"the proxy on the way to {_server(said)} does not answer: {_last_cause(said)}",
            hint="Name the right one: PIP_PROXY=http://host:port (or HTTPS_PROXY), or unset it. "
            f"{_setting(said, place)}",
        )
    if "failed to fetch" in words or "error sending request" in words or "operation timed out" in words:
        return _no_answer(said, place)
    if "no solution found" in words:
        return _unsatisfiable(said, place)
    if "no interpreter found" in words:
        return EnvError(_first_error(said), hint="Install that Python, or run envkit with another one")
    tail = "\n  ".join(line for line in said.splitlines()[-_LAST_LINES:] if line.strip())
    return EnvError(
        f"uv could not make the environment (exit {status}); its last words:\n  {tail or '(none)'}",
        hint="A second try starts anew; envkit doctor shows what this machine has",
    )


def _killed(number: int) -> EnvError:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = ": the system may have run out of memory" if number == signal.SIGKILL else ""
    return EnvError(
        f"uv was killed by {name} while it made the environment{why}",
        hint="Try again: what is half made is removed and made anew",
    )


def _disk_full(said: str, place: Place) -> EnvError:
    failing = next((line for line in said.splitlines() if "os error" in line.lower()), said)
    found = [first or second for first, second in _PATH.findall(failing)]
    path = found[-1] if found else str(place.home)
    real, temporary = (Path(os.path.realpath(each)) for each in (path, tempfile.gettempdir()))
    setting = "UV_CACHE_DIR=DIR"
    if real.is_relative_to(os.path.realpath(place.home)):
        setting = f"ENVKIT_HOME=DIR (now {place.home})"
    elif real.is_relative_to(temporary) and str(real.relative_to(temporary)).startswith("envkit-"):
        setting = f"TMPDIR=DIR (now {temporary})"
    return EnvError(
        f"the disk is full: no space left to write {path}",
        hint=f"Free some space (uv cache prune), or move to a larger disk: {setting}",
    )


def _wrong_hash(said: str) -> EnvError:
    found = re.search(r"Hash mismatch for `([^`]+)`", said)
    digests = re.findall(r"sha256:([0-9a-f]{64})", said)
    known = f": expected sha256 {digests[0]}, got {digests[-1]}" if len(digests) > 1 else ""
    return EnvError(
        f"{found[1] if found else 'a package'} does not fit its hash{known}",
        hint="It is not the file that was locked. Look at where it comes from before you lock anew",
    )


def _refused(said: str, place: Place, what: str) -> EnvError:
    return EnvError(
        f"the index {_server(said)} {what}",
        hint=f"Put the credentials into ~/.netrc, or into the address, https://USER:PASSWORD@host/…. "
        f"{_setting(said, place)}",
    )


def _no_answer(said: str, place: Place) -> EnvError:
    status = re.search(r"status (?:server|client) error \(([^)]*)\)", said)
    words = said.lower()
    if status:
        what = f"answers with an error: {status[1]}"
    elif "dns error" in words:
        what = "cannot be found: its name is not known here"
    elif "timed out" in words:
        what = "does not answer in time"
    else:
        what = f"cannot be reached: {_last_cause(said)}"
    return EnvError(
        f"{_server(said)} {what}",
        hint=f"Check the network. {_setting(said, place)}",
    )


def _unsatisfiable(said: str, place: Place) -> EnvError:
    causes = " ".join(re.findall(r"cause: (.*)", said)) or _first_error(said)
    nowhere = "in the provided package locations" in causes
    hint = (
        "pip's configuration says no-index: put the wheels into a folder that find-links names"
        if nowhere
        else f"Another index may have them. {_setting_of(causes, said, place)}"
    )
    absent = dict.fromkeys(_ABSENT.findall(causes))
    if absent:
        is_name = "Are the names right?" if len(absent) > 1 else "Is the name right?"
        message = f"{', '.join(absent)} cannot be found. {causes}"
        return MissingPackages(message, hint=f"{is_name} {hint}", names=list(absent))
    return EnvError(f"the packages cannot be installed together. {causes}", hint=hint)


def _setting_of(causes: str, said: str, place: Place) -> str:
    # That the versions of torch do not fit is told without an address.
    is_torch = place.torch_index is not None and re.search(r"\btorch[=<>!~ ]", causes)
    return mirror_hint("torch-index") if is_torch else _setting(said, place)


def _setting(said: str, place: Place) -> str:
    address = _ADDRESS.search(said)
    if place.torch_index and address and urlsplit(address[0]).netloc == urlsplit(place.torch_index).netloc:
        return mirror_hint("torch-index")
    source = f"; now from {place.index_source}" if place.index_source else ""
    return f"{mirror_hint('package-index')}{source}"


def _server(said: str) -> str:
    address = _ADDRESS.search(said)
    return urlsplit(address[0]).netloc.rpartition("@")[2] if address else "the package index"


def _last_cause(said: str) -> str:
    causes = re.findall(r"cause: (.*)", said)
    return str(causes[-1]) if causes else _first_error(said)


def _first_error(said: str) -> str:
    errors = re.findall(r"^error: (.*)", said, re.MULTILINE)
    return str(errors[0]) if errors else said.strip()
