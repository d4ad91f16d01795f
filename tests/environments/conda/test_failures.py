"""rattler's words, as it says them, and what the user reads instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.environments.conda.failures import describe_death, explain_failure
from envkit.environments.conda.jobs import ChannelSource, Failed

CHANNEL = ChannelSource(
    name="team", url="https://h.example/team/", mirrors=("https://me:pw@h.example/t/TOKEN/team",)
)
ASKED = "error sending request for url (https://h.example/team/noarch/repodata_shards.msgpack.zst)"
CONNECT = f"Request failed after 3 retries\nCaused by: {ASKED}\nCaused by: client error (Connect)"


@pytest.mark.parametrize(
    ("kind", "message", "says", "hint"),
    [
        (
            "SolverError",
            "Cannot solve the request because of: No candidates were found for nosuch *.\n",
            "no packages of team meet all that is asked: No candidates were found for nosuch *.",
            "ENVKIT_CHANNELS",
        ),
        (
            "SolverError",
            (
                "Cannot solve the request because of: a * cannot be installed because there are no viable options:\n"
                "└─ a 1 would require\n   └─ __cuda >=12.4, for which no candidates were found.\n"
            ),
            "__cuda >=12.4",
            "--for facts.json, or CONDA_OVERRIDE_CUDA=VERSION",
        ),
        (
            "InvalidMatchSpecError",
            "unable to parse version spec: =>7",
            "no conda package: unable",
            "numpy>=1.26",
        ),
        (
            "GatewayError",
            "no usable repodata cache for https://h.example/team/noarch/",
            "offline",
            "CONDA_OFFLINE",
        ),
        ("Offline", "https://h.example/x.conda and 2 more", "x.conda and 2 more", "CONDA_OFFLINE"),
        (
            "GatewayError",
            (
                "could not find subdir 'noarch' in channel 'https://h.example/team/'\n"
                "Caused by: HTTP status client error (404 Not Found) for url (https://h.example/team/noarch/repodata.json)"
            ),
            "there is no channel at https://h.example/team",
            "ENVKIT_CHANNELS",
        ),
        (
            "GatewayError",
            (
                "HTTP status client error (401 Unauthorized) for url "
                "(https://me:pw@h.example/t/TOKEN/team/linux-64/repodata_shards.msgpack.zst)"
            ),
            "https://h.example/team asks for a user name and password (401)",
            "https://host/t/TOKEN/",
        ),
        (
            "GatewayError",
            "HTTP status client error (403 Forbidden) for url (https://h.example/team/noarch/repodata_shards.msgpack.zst)",
            "https://h.example/team refuses access (403)",
            "ENVKIT_CHANNELS",
        ),
        (
            "GatewayError",
            (
                "HTTP status server error (503 Service Unavailable) for url "
                "(https://h.example/team/noarch/repodata_shards.msgpack.zst)"
            ),
            "https://h.example/team answers with an error: 503 Service Unavailable",
            "ENVKIT_CHANNELS",
        ),
        (
            "GatewayError",
            f"{CONNECT}\nCaused by: dns error\nCaused by: failed to lookup address information: Name not known",
            "https://h.example/team cannot be found",
            "ENVKIT_CHANNELS",
        ),
        (
            "GatewayError",
            f"{CONNECT}\nCaused by: tcp connect error\nCaused by: Connection refused (os error 111)",
            "https://h.example/team cannot be reached: Connection refused",
            "ENVKIT_CHANNELS",
        ),
        (
            "GatewayError",
            f"{CONNECT}\nCaused by: invalid peer certificate: UnknownIssuer",
            "the certificate of https://h.example/team is not trusted",
            "ssl_verify",
        ),
        (
            "GatewayError",
            f"{ASKED}\nCaused by: operation timed out",
            "does not answer in time",
            "ENVKIT_CHANNELS",
        ),
        (
            "InstallerError",
            (
                "failed to fetch hello-0.3-0.conda\nCaused by: failed to interact with the package cache layer.\n"
                "Caused by: hash mismatch when extracting https://h.example/team/noarch/hello-0.3-0.conda to /c/.h: "
                "expected 3266, got 9e61, total size 20913 bytes"
            ),
            "a package is not what its channel says it is: hash mismatch when extracting https://h.example",
            "whoever keeps the channel",
        ),
        (
            "InstallerError",
            (
                "failed to fetch hello-0.3-0.conda\nCaused by: failed to interact with the package cache layer.\n"
                "Caused by: an io error occurred: Invalid checksum"
            ),
            "a package is not what its channel says it is: hello-0.3-0.conda",
            "damaged",
        ),
        (
            "InstallerError",
            (
                "failed to link python-3.12.1-0.conda\nCaused by: failed to copy to '/srv/h/envs/x/lib/a.so'\n"
                "Caused by: No space left on device (os error 28)"
            ),
            "the disk is full: no space left to write /srv/h/envs/x/lib/a.so",
            "ENVKIT_HOME=DIR (now /srv/h)",
        ),
        (
            "OSError",
            "[Errno 13] Permission denied: '/srv/h/cache'",
            "cannot write /srv/h/cache",
            "ENVKIT_HOME",
        ),
        (
            "InstallerError",
            (
                "failed to link python-3.12.1-0.conda\nCaused by: failed to link 'lib/a.so'\n"
                "Caused by: failed to copy file from /srv/h/cache/lib/a.so to /big/env/lib/a.so: "
                "No space left on device (os error 28)"
            ),
            "no space left to write /big/env/lib/a.so",
            "ENVKIT_HOME",
        ),
        (
            "InstallerError",
            "an io error occurred: failed to unpack `lib/a.so`: No space left on device (os error 28)",
            "no space left to write /srv/h/cache/conda",
            "ENVKIT_HOME",
        ),
        (
            "InstallerError",
            "failed to create directory `/srv/h/p/conda-meta`: Read-only file system (os error 30)",
            "cannot write /srv/h/p/conda-meta: the file system is read-only",
            "ENVKIT_HOME",
        ),
        ("LinkError", "something else", "(LinkError): something else", "starts anew"),
    ],
)
def test_explain_failure_of_rattler_says_what_where_and_what_mends_it(
    kind: str, message: str, says: str, hint: str
) -> None:
    error = explain_failure(
        Failed(kind, message),
        channels=[CHANNEL],
        cache_dir=Path("/srv/h/cache/conda"),
        home_dir=Path("/srv/h"),
    )

    assert says in error.message
    assert hint in str(error.hint)
    assert "pw@" not in error.message and "/t/TOKEN/" not in error.message


def test_explain_failure_behind_a_proxy_names_it_without_password() -> None:
    failed = Failed("GatewayError", f"{CONNECT}\nCaused by: Connection refused (os error 111)")

    error = explain_failure(
        failed,
        channels=[CHANNEL],
        cache_dir=Path("/c"),
        home_dir=Path("/h"),
        proxies={"https": "http://me:pw@proxy:3128"},
    )

    assert "the proxy http://***@proxy:3128 on the way to https://h.example/team" in error.message
    assert "proxy_servers" in str(error.hint)


@pytest.mark.parametrize(
    ("status", "said", "says", "hint"),
    [
        (-9, "", "killed by SIGKILL: the system may have run out of memory", "made anew"),
        (-15, "", "killed by SIGTERM", "made anew"),
        (1, "ModuleNotFoundError: No module named 'rattler'", "py-rattler", "'envkit-ml[conda]'"),
        (1, "thread panicked at https://me:pw@h/t/T/c", "thread panicked at https://h/c", "made anew"),
    ],
)
def test_describe_death_says_how_it_ended(status: int, said: str, says: str, hint: str) -> None:
    error = describe_death(status, said)

    assert says in error.message
    assert hint in str(error.hint)
