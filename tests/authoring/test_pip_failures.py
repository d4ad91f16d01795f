"""What pip's and pipx's last words mean."""

from __future__ import annotations

import pytest

from envkit.authoring.pip_failures import explain_index_trouble, explain_pip
from envkit.environments.missing_packages import MissingPackages

NOWHERE = """\
    ERROR: Could not find a version that satisfies the requirement envkit-nope (from versions: none)
    ERROR: No matching distribution found for envkit-nope
"""


OTHER_ENVKIT = (
    "ERROR: Could not find a version that satisfies the requirement envkit-ml>=9 (from envkit-new) "
    "(from versions: 0.1.0)"
)
OTHER_PYTHON = (
    "ERROR: Ignored the following versions that require a different python version: 2.0 Requires-Python >=3.14\n"
    "ERROR: Could not find a version that satisfies the requirement x (from versions: none)"
)
CONFLICT = (
    "ERROR: Cannot install x and y because these package versions have conflicting dependencies.\n\n"
    "The conflict is caused by:\n    x 1.0 depends on z<1\n    y 1.0 depends on z>=1\n"
)
GIT = """\
  error: subprocess-exited-with-error

  × git clone 'http://h/x' did not run successfully.
  │ exit code: 128
  ╰─> [1 lines of output]
      fatal: nobody there
      [end of output]

  note: This error originates from a subprocess.
"""
NO_NETWORK = f"WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError'\n{NOWHERE}"


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (OTHER_ENVKIT, "no version fits envkit-ml>=9: there are 0.1.0", "NAME<2"),
        (OTHER_PYTHON, "no version of x is for this Python: 2.0 asks for >=3.14", "another Python"),
        (
            "ERROR: Package 'x' requires a different Python: 3.11.7 not in '>=3.12'",
            "here is 3.11.7",
            "NAME<2",
        ),
        (CONFLICT, "x 1.0 depends on z<1\n  y 1.0 depends on z>=1", "NAME<2"),
        (NO_NETWORK, "the package index cannot be reached", "mirrors.package-index"),
        ("ERROR: [Errno 28] No space left on device", "the disk is full", "pip cache purge"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "cannot be written to", "another user"),
        ("SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "is not trusted", "PIP_CERT"),
        ("error: uninstall-no-record-file", "not installed by pip", "what installed it"),
        ("ERROR: HTTP error 503 Server Error: x for url: y", "answers with an error", "Try again later"),
        (GIT, "git clone 'http://h/x' fails:\n  fatal: nobody there", "stays as it is"),
        ("something\nERROR: a new kind of trouble", "a new kind of trouble", "stays as it is"),
        ("one\ntwo", "one\n  two", "stays as it is"),
    ],
)
def test_trouble_of_pip_is_told_with_what_mends_it(said: str, message: str, hint: str) -> None:
    error = explain_pip(said.splitlines(), status=1)

    assert message in error.message
    assert hint in (error.hint or "")


def test_name_that_no_index_has_is_told_as_missing() -> None:
    error = explain_pip(NOWHERE.splitlines(), status=1, what="pipx")

    assert isinstance(error, MissingPackages)
    assert error.names == ("envkit-nope",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("403 Client Error: Forbidden for url: https://me:hunter2@h/simple/x/", "refuses access"),
        ("401 Client Error: Unauthorized for url: https://h/simple/x/", "asks for a user name"),
        ("503 Server Error: Busy for url: https://h/simple/x/", "answers with an error"),
        ("connection error: HTTPConnectionPool(host='h', port=80): Max retries", "cannot be reached"),
    ],
)
def test_index_that_does_not_answer_is_told_from_one_that_lacks_a_package(said: str, message: str) -> None:
    error = explain_index_trouble(f"2026 Link x\n2026 Could not fetch URL https://h/x/: {said} - skipping\n")

    assert error is not None
    assert message in error.message
    assert "hunter2" not in error.message


def test_index_that_lacks_a_package_is_no_trouble() -> None:
    line = "Could not fetch URL https://h/x/: 404 Client Error: Not Found for url: https://h/x/ - skipping"

    assert explain_index_trouble(line) is None
