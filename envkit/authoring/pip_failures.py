"""What pip's last words mean for the user, pipx's among them: it shows pip's.

Source: messages of pip 23.2 to 26.0 and pipx 1.18, each provoked in the tests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api import EnvError
from envkit.environments.missing_packages import MissingPackages
from envkit.masking import mask_secrets
from envkit.mirrors import mirror_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAST_LINES = 8
_VERSIONS = re.compile(
    r"Could not find a version that satisfies the requirement (.+?) (?:\(from .*?\) )?\(from versions: (.*?)\)"
)
_PYTHON = re.compile(r"Package '(.+?)' requires a different Python: (\S+) not in '(.+?)'")
_OTHER_PYTHON = re.compile(r"require a different python version: (\S+) Requires-Python (\S+)")
_NOT_FETCHED = re.compile(r"Could not fetch URL \S+: (.*) - skipping")
# What pip ran: git, or the build of a package. A frame stands around what it said.
_SUBPROCESS = re.compile(
    r"× (.+?) did not run successfully\.\n.*?╰─> \[\d+ lines? of output\]\n(.*?)\n\s*\[end of output\]",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# What the system or the network says, wherever in pip's words it stands.
_SIGNS = (
    (r"CERTIFICATE_VERIFY_FAILED|SSLError",
     "the certificate of the package index is not trusted",
     "Name the certificates of your network: PIP_CERT=/path/to/certificates.pem"),
    (r"ProxyError|Cannot connect to proxy",
     "the proxy on the way to the package index does not answer",
     "Name the right one: PIP_PROXY=http://host:port"),
    (r"401 (Client )?Error|User for .*:",
     "the package index asks for a user name and password",
     "Put them into ~/.netrc, or into the address, https://USER:PASSWORD@host/…"),
    (r"403 (Client )?Error", "the package index refuses access", "Look at the address: pip config list"),
    (r"5\d\d (Server )?Error|too many 5\d\d error responses", "the package index answers with an error",
     "Try again later. " + mirror_hint("package-index")),
    (r"No space left on device|Disk quota exceeded", "the disk is full", "Free some space: pip cache purge"),
    (r"\[Errno 13\] Permission denied", "the environment cannot be written to",
     "It may belong to another user: ask them, or make one of your own"),
    (r"Retrying \(|connection error: |NewConnectionError|Temporary failure in name resolution|ConnectTimeout|ReadTimeout",
     "the package index cannot be reached", "Check the network. " + mirror_hint("package-index")),
    (r"no RECORD file was found|uninstall-no-record-file",
     "it was not installed by pip, so that pip does not know its files",
     "Remove it with what installed it"),
)  # fmt: skip


def explain_pip(lines: Sequence[str], *, status: int, what: str = "pip") -> EnvError:
    """Return the error for an exit status and the output that came with it: what failed, and what mends it."""
    # pipx wraps what it shows of pip.
    said = "\n".join(line.rstrip() for line in lines)
    for sign, message, hint in _SIGNS:
        if found := re.search(rf".*({sign}).*", said):
            return EnvError(f"{message}: {_clean(found[0])}", hint=hint)
    if found := _PYTHON.search(said):
        return EnvError(f"{found[1]} asks for Python {found[3]}, here is {found[2]}", hint=_OTHER_VERSION)
    if found := _VERSIONS.search(said):
        return _no_version(found[1], found[2], said)
    if "ResolutionImpossible" in said or "conflicting dependencies" in said:
        causes = re.findall(r"^\s{4}(\S.*)$", said, re.MULTILINE)
        message = "the packages cannot be installed together"
        return EnvError("\n  ".join([f"{message}:", *causes]) if causes else message, hint=_OTHER_VERSION)
    if found := _SUBPROCESS.search(said):
        output = [line.strip() for line in found[2].splitlines() if line.strip()][-_LAST_LINES:]
        return EnvError("\n  ".join([f"{found[1]} fails:", *output]), hint=_UNCHANGED)
    errors = [_clean(line) for line in said.splitlines() if line.strip().lower().startswith("error:")]
    tail = errors or [line for line in said.splitlines() if line.strip()][-_LAST_LINES:]
    text = "\n  ".join(tail) or "(none)"
    return EnvError(
        f"{what} failed (exit {status}); its last words:\n  {text}",
        hint=_UNCHANGED,
    )


def explain_index_trouble(log: str) -> EnvError | None:
    """Return the error of an index that did not answer as one should, by pip's log; None where all did.

    Of such an index pip says on the screen no more than that it has no such package.
    """
    for line in log.splitlines():
        found = _NOT_FETCHED.search(line)
        if found and not found[1].startswith("404"):
            return explain_pip([mask_secrets(found[1])], status=1)
    return None


_UNCHANGED = "What the environment has stays as it is unless pip says otherwise"
_OTHER_VERSION = "Another version may fit: name it as in 'NAME<2'"


def _no_version(requirement: str, versions: str, said: str) -> EnvError:
    name = _NAME.match(requirement)
    if found := _OTHER_PYTHON.search(said):
        return EnvError(
            f"no version of {requirement} is for this Python: {found[1]} asks for {found[2].rstrip(';')}",
            hint="Run envkit with another Python, or ask the author for an older version",
        )
    if versions != "none" or name is None:
        return EnvError(f"no version fits {requirement}: there are {versions}", hint=_OTHER_VERSION)
    return MissingPackages(
        f"{requirement} cannot be found",
        hint=f"Is the name right? Another index may have it. {mirror_hint('package-index')}",
        names=[name[0]],
    )


def _clean(line: str) -> str:
    return re.sub(r"^\s*(ERROR|WARNING):\s*", "", line, flags=re.IGNORECASE).strip()
