"""What the end of a build means: words of real builds, one for each cause."""

from __future__ import annotations

import pytest

from envkit.images.building.failures import explain_build_failure, is_of_client
from envkit.images.building.output import BuildFailure

STEP = "RUN uv pip install -r /packages/pylock.toml"
ENDED = "executor failed running [/bin/sh -c uv pip install]: exit code: 1"


def failed(*lines: str, step: str = STEP, error: str = ENDED) -> BuildFailure:
    return BuildFailure(step=step, lines=lines, error=error)


CAUSES = [
    (
        "hash of pip",
        failed("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."),
        "sha256 differs",
    ),
    (
        "hash of uv",
        failed("  x Failed to download `six`", "  Hash mismatch for `six==1.16.0`"),
        "sha256 differs",
    ),
    (
        "certificate of pip",
        failed(
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "(from versions: none)"
        ),
        "certificate is not trusted",
    ),
    ("certificate of uv", failed("invalid peer certificate: UnknownIssuer"), "certificate is not trusted"),
    ("login", failed("ERROR: 401 Client Error: Unauthorized for url"), "user name and password"),
    (
        "gone",
        failed("HTTP status client error (404 Not Found) for url (http://h/six.whl)"),
        "no longer at its address",
    ),
    ("no name", failed("dns error: failed to lookup address information"), "not reached from inside"),
    (
        "no answer",
        failed("ERROR: No matching distribution found (from versions: none)"),
        "not reached from inside",
    ),
    ("processor", failed("exec /prog: exec format error"), "another processor"),
    ("base", failed("ERROR: No matching distribution found for six==9"), "does not fit the base image"),
    ("memory", failed("Killed", error="executor failed running [x]: exit code: 137"), "memory runs out"),
    ("classic memory", failed(error="The command 'x' returned a non-zero code: 137"), "memory runs out"),
    ("secret", failed(error="failed to solve: secret netrc: not found"), "build secret is missing"),
    ("python", failed("/bin/sh: 1: /usr/local/bin/python3: not found"), "no Python where it is looked for"),
    (
        "other",
        failed("bad", error="executor failed running [x]: exit code: 3"),
        r"a step of the build failed \(exit 3\)",
    ),
]


@pytest.mark.parametrize(("failure", "said"), [pytest.param(*case, id=name) for name, *case in CAUSES])
def test_failed_step_is_named_with_its_cause_and_last_lines(failure: BuildFailure, said: str) -> None:
    import re

    error = explain_build_failure(failure, status=1, base="base:1", endpoint="unix:///x")
    assert re.search(said, error.message)
    assert STEP in error.message
    assert (failure.lines or (failure.error,))[-1] in error.message
    assert error.hint
    assert error.exit_code == 7


BASES = [
    (
        failed(
            step="[internal] load metadata for docker.io/library/none:9",
            error='failed to do request: Head "https://h/v2/": dial tcp: lookup h on 10.0.0.1:53: no such host',
        ),
        "the base image none:9 is not on this engine: the registry docker.io does not answer",
    ),
    (
        failed(
            step="FROM 127.0.0.1:9/none:9",
            error='Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused',
        ),
        "the base image 127.0.0.1:9/none:9 is not on this engine: the registry 127.0.0.1:9 does not answer",
    ),
    (
        failed(
            step="FROM none:9",
            error="pull access denied for none, repository does not exist or may require 'docker login': denied",
        ),
        "the base image none:9 is not on this engine: docker.io refuses to pull",
    ),
    (
        failed(
            step="FROM h.example/none:9", error="manifest for h.example/none:9 not found: manifest unknown"
        ),
        "the base image h.example/none:9 is not on this engine: the image is not there",
    ),
]


@pytest.mark.parametrize(("failure", "said"), BASES)
def test_base_image_that_is_missing_is_named_with_the_reason(failure: BuildFailure, said: str) -> None:
    error = explain_build_failure(failure, status=1, base="base:1", endpoint="unix:///x")
    assert error.message.startswith(said)
    assert "--base-image" in str(error.hint)


@pytest.mark.parametrize(
    "failure",
    [
        failed("begin", error="cannot write /tmp/id because server did not provide an image ID"),
        failed("begin", error="The command '/bin/sh -c x' returned a non-zero code: 137"),
        failed("begin", error="rpc error: code = Unavailable desc = transport is closing"),
        failed(error="failed to receive status: error reading from server: EOF"),
        failed(step="", error=""),
    ],
)
def test_engine_that_is_gone_is_named_before_any_other_cause(failure: BuildFailure) -> None:
    error = explain_build_failure(
        failure, status=1, base="base:1", endpoint="unix:///x.sock", is_alive=lambda: False
    )
    assert "the Docker daemon stopped" in error.message
    assert "unix:///x.sock" in error.message


def test_disk_that_is_full_is_named_with_what_was_written() -> None:
    failure = failed(error="write /data/overlay2/ab/diff/big: no space left on device")
    error = explain_build_failure(failure, status=1, base="base:1", endpoint="unix:///x")
    assert (
        error.message
        == f"the disk is full: the engine could not build ({STEP}) (writing /data/overlay2/ab/diff/big)"
    )
    assert "docker builder prune" in str(error.hint)


def test_base_image_of_no_such_platform_is_named() -> None:
    failure = failed(
        step="[internal] load metadata for docker.io/library/base:1",
        error="no match for platform in manifest sha256:ab: not found",
    )
    error = explain_build_failure(
        failure, status=1, base="base:1", endpoint="unix:///x", platform="linux/riscv64"
    )
    assert error.message == "the base image base:1 does not exist for linux/riscv64"


@pytest.mark.parametrize(
    "word",
    [
        "ERROR: BuildKit is enabled but the buildx component is missing or broken.",
        "unknown flag: --progress",
        "docker: 'buildx' is not a docker command.",
    ],
)
def test_client_that_cannot_build_is_told_from_a_build_that_fails(word: str) -> None:
    failure = failed(step="", error=word)
    assert is_of_client(failure)
    error = explain_build_failure(failure, status=1, base="base:1", endpoint="unix:///x")
    assert error.message.startswith("docker's client could not build")
    assert not is_of_client(failed("unknown flag: --x"))
