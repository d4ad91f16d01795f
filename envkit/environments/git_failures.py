"""What uv's last words mean where git could not fetch a package: which repository, which ref, what mends it.

Source: messages of uv 0.13.9 and git 2.39, most of them provoked in the tests.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from envkit.api import EnvError

_LAST_LINES = 12
# uv names the repository and the ref before it asks for them, git's own command names the one that failed.
_ASKED = re.compile(r"^\s*Updating (\S+) \((.+)\)$", re.MULTILINE)
_FETCHED = re.compile(r"git fetch .*?'?((?:https?|ssh|git|file)://[^'\s`]+)'?")
_REF = re.compile(
    r"failed to (?:fetch|find) (?:branch or tag|branch|tag|commit|ref|named ref)[^`\n]*`([^`]+)`"
)
_SAID = re.compile(r"^\s*(?:fatal|error|ssh): (?!Could not read from remote)(.+)$", re.MULTILINE)
# As git and curl say it, in the order in which they are looked for.
_NO_REF = ("couldn't find remote ref", "not our ref", "unadvertised object", "failed to find", "no such ref")
_CONNECTED = re.compile(r"failed to connect to (\S+) port")
_CERTIFICATE = ("certificate",)
_REFUSED = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied",
    "host key verification",
    "returned error: 401",
    "returned error: 403",
)
_ABSENT = (
    "not appear to be a git repository",
    "repository not found",
    "returned error: 404",
    "' not found",
    "does not exist",
)


def explain_git_failure(said: str) -> EnvError:
    """Return the error for uv's output where git failed: what failed, where, and what mends it."""
    repository, ref = _asked(said)
    what, hint = _cause(said, repository, ref)
    words = [line for line in said[max(0, said.find("error: ")) :].splitlines() if line.strip()]
    tail = "\n  ".join(words[-_LAST_LINES:])
    return EnvError(f"{what}; uv's last words:\n  {tail}", hint=hint)


def _asked(said: str) -> tuple[str, str]:
    """Return the repository and the ref that could not be had; empty where uv does not name them."""
    asked = _ASKED.findall(said)
    fetched = _FETCHED.search(said)
    repository = fetched[1] if fetched else asked[-1][0] if asked else ""
    named = _REF.search(said)
    # Without one the default branch was asked for, which uv calls HEAD.
    refs = [ref for where, ref in asked if where == repository and ref != "HEAD"]
    return repository, named[1] if named else refs[-1] if refs else ""


def _cause(said: str, repository: str, ref: str) -> tuple[str, str]:
    """Return what failed, and what to do."""
    # Without the address, whose own words mean nothing here.
    words = (said.partition("--- stderr")[2] or said).lower().replace(repository.lower(), "")
    where = f"the git repository {repository}" if repository else "a git repository"
    look = f"git ls-remote {shlex.quote(repository)}" if repository else "git ls-remote URL"
    if "git executable not found" in words:
        return (
            f"git, which is to fetch {where}, is not installed",
            "Install git (apt install git, brew install git), or name a wheel instead: --with ./FILE.whl",
        )
    if any(sign in words for sign in _NO_REF):
        return (
            f"{where} has no branch, tag or commit {ref}" if ref else f"{where} lacks what was asked for",
            f"See what it has: {look}. Then write the ref behind the address: git+https://…@REF",
        )
    if "proxy" in words or _is_other_server(words, repository):
        return (
            f"the proxy on the way to {where} does not answer: {_last_said(said)}",
            (
                "Name the right one: HTTPS_PROXY=http://host:port (or git config --global http.proxy), or unset "
                f"it. What counts here: envkit config show --sources. Then try: {look}"
            ),
        )
    if any(sign in words for sign in _CERTIFICATE):
        return (
            f"the certificate of {where} is not trusted: {_last_said(said)}",
            f"Name those of your network: GIT_SSL_CAINFO=/path/to/certificates.pem. Then try: {look}",
        )
    if any(sign in words for sign in _REFUSED):
        return (
            f"{where} refuses access: {_last_said(said)}",
            (
                "Give git the credentials: in ~/.netrc (machine HOST login USER password TOKEN), in a "
                f"credential helper, or an ssh key for git+ssh://. Then try: {look}"
            ),
        )
    if any(sign in words for sign in _ABSENT):
        return (
            f"{where} is not there, or may not be seen: {_last_said(said)}",
            f"Is the address right? A private one needs credentials: in ~/.netrc or an ssh key. Try: {look}",
        )
    return (
        f"{where}{f' ({ref})' if ref else ''} cannot be fetched: {_last_said(said)}",
        (
            f"Check the network: {look}. A proxy is named with HTTPS_PROXY=http://host:port, credentials in "
            f"~/.netrc, a mirror with {_mirror(repository)}. What counts here: envkit config show --sources"
        ),
    )


def _is_other_server(words: str, repository: str) -> bool:
    """Tell whether git asked another server than the repository's: that is a proxy."""
    asked = _CONNECTED.search(words)
    return asked is not None and asked[1] != urlsplit(repository).hostname


def _mirror(repository: str) -> str:
    """Return git's command that reads a mirror in the place of this repository's server."""
    parts = urlsplit(repository)
    server = f"{parts.scheme}://{parts.netloc}/" if parts.netloc else "https://HOST/"
    return f"git config --global url.https://MIRROR/.insteadOf {shlex.quote(server)}"


def _last_said(said: str) -> str:
    """Return git's own reason, uv's last cause where git gives none."""
    inside = said.partition("--- stderr")[2]
    reasons = _SAID.findall(inside) or re.findall(r"cause: (.*)", said)
    return str(reasons[0] if inside else reasons[-1]) if reasons else "git gives no reason"
