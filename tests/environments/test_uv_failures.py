"""What uv's failures are told as, each by driving uv into it."""

from __future__ import annotations

import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import EnvError
from envkit.environments.uv import run_uv
from envkit.environments.uv_failures import Place, explain_failure
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
CLOSED = "http://127.0.0.1:9"  # the discard port: nobody listens


@contextmanager
def index_that_answers(status: int, *, tls: bool = False) -> Iterator[str]:
    """Serve one status for every request on a loopback port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        server.shutdown()


def fail(
    tmp_path: Path, requirement: str = "tiny", *, place: Place | None = None, **variables: str
) -> EnvError:
    """Return the error of an installation that must not succeed."""
    environ = {"HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_HTTP_RETRIES": "0"}
    install = ["pip", "install", "--target", str(tmp_path / "target"), "--python", sys.executable]
    with pytest.raises(EnvError) as caught:
        run_uv(
            [*install, *requirement.split()],
            environ={**environ, "NO_COLOR": "1", "UV_NO_WRAP": "1", **variables},
            place=place or Place(home=tmp_path / "home"),
            silence=60,
        )
    assert caught.value.exit_code == 6
    assert caught.value.hint
    return caught.value


def test_index_that_nobody_serves_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    place = Place(home=tmp_path, index_source="index-url in [global] of /etc/pip.conf")
    error = fail(tmp_path, place=place, UV_DEFAULT_INDEX=f"{CLOSED}/simple")
    assert error.message.startswith("127.0.0.1:9 cannot be reached: Connection refused")
    assert "envkit config set mirrors.package-index URL" in str(error.hint)
    assert "now from index-url in [global] of /etc/pip.conf" in str(error.hint)


def test_index_of_torch_is_moved_by_its_own_setting(tmp_path: Path) -> None:
    place = Place(home=tmp_path, torch_index=f"{CLOSED}/whl/cpu")
    error = fail(tmp_path, "torch", place=place, UV_DEFAULT_INDEX=f"{CLOSED}/whl/cpu")
    assert "ENVKIT_TORCH_INDEX=URL" in str(error.hint)
    assert "package-index" not in str(error.hint)


def test_index_whose_name_is_unknown_is_named(tmp_path: Path) -> None:
    error = fail(tmp_path, UV_DEFAULT_INDEX="http://u:secret@nowhere.invalid/simple")
    assert "nowhere.invalid cannot be found" in error.message
    assert "secret" not in f"{error.message}{error.hint}"


def test_proxy_that_nobody_serves_is_told_from_the_index(tmp_path: Path) -> None:
    error = fail(tmp_path, UV_DEFAULT_INDEX="https://index.invalid/simple", HTTPS_PROXY=CLOSED)
    assert error.message.startswith("the proxy on the way to index.invalid does not answer")
    assert "PIP_PROXY" in str(error.hint)


@pytest.mark.parametrize(
    ("status", "says", "hint"),
    [
        (401, "asks for a user name and password (401)", "https://USER:PASSWORD@host"),
        (403, "refuses access (403)", "https://USER:PASSWORD@host"),
        (500, "answers with an error: 500 Internal Server Error", "ENVKIT_PACKAGE_INDEX=URL"),
    ],
)
def test_index_that_refuses_says_what_it_wants(tmp_path: Path, status: int, says: str, hint: str) -> None:
    with index_that_answers(status) as url:
        error = fail(tmp_path, UV_DEFAULT_INDEX=url.replace("://", "://u:secret@") + "/simple")
    assert url.partition("//")[2] in error.message
    assert says in error.message
    assert hint in str(error.hint)
    assert "secret" not in f"{error.message}{error.hint}"


def test_certificate_that_nobody_signed_says_which_setting_names_it(tmp_path: Path) -> None:
    with index_that_answers(404, tls=True) as url:
        error = fail(tmp_path, UV_DEFAULT_INDEX=f"{url}/simple")
        trusted = fail(tmp_path, UV_DEFAULT_INDEX=f"{url}/simple", SSL_CERT_FILE=str(CERTIFICATE))
    assert error.message.startswith(f"the certificate of {url.partition('//')[2]} is not trusted")
    assert "PIP_CERT=" in str(error.hint)
    assert trusted.message.startswith("tiny cannot be found. ")
    assert "tiny was not found" in trusted.message  # with the certificate named, the index is asked


def test_version_that_no_index_has_is_explained_in_uvs_words(tmp_path: Path, find_links: Path) -> None:
    error = fail(tmp_path, "--no-index tiny>=9", UV_FIND_LINKS=str(find_links))
    assert error.message.startswith("the packages cannot be installed together. ")
    assert "only tiny<9 is available" in error.message or "tiny>=9" in error.message
    nowhere = fail(tmp_path, "--no-index absent", UV_FIND_LINKS=str(find_links))
    assert nowhere.message.startswith("absent cannot be found. Because absent was not found in the provided")
    assert "plugin" not in f"{error.message}{nowhere.message}"
    assert "find-links" in str(nowhere.hint)


def test_version_of_torch_that_its_index_lacks_names_the_setting_of_that_index(tmp_path: Path) -> None:
    place = Place(home=tmp_path, torch_index="https://t.example/whl/cu118")
    causes = "Because there is no version of torch==2.7.1+cu118 and you require torch==2.7.1+cu118, we can"
    for cause, setting in (
        (causes, "mirrors.torch-index"),
        (causes.replace("torch", "six"), "package-index"),
    ):
        lines = ["error: No solution found when resolving dependencies", f"  cause: {cause} not"]
        error = explain_failure(lines, status=1, place=place)
        assert f"envkit config set mirrors.{setting.removeprefix('mirrors.')} URL" in str(error.hint)


def test_folder_of_find_links_that_is_gone_is_in_the_last_words(tmp_path: Path) -> None:
    error = fail(tmp_path, "--no-index tiny", UV_FIND_LINKS=str(tmp_path / "gone"))
    assert str(tmp_path / "gone") in error.message


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """Make a git repository without a single tag."""
    folder = tmp_path / "proxy-401-certificate"  # words that mean nothing in an address
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "tiny"\nversion = "1.0"\n')
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["add", "."], [*author, "commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder.as_uri()


@pytest.mark.parametrize("ref", ["v9", "f" * 40])
def test_ref_that_a_git_repository_lacks_is_named_with_the_command_that_lists_them(
    tmp_path: Path, repository: str, ref: str
) -> None:
    error = fail(tmp_path, f"tiny@git+{repository}@{ref}", PATH=os.environ["PATH"])
    assert error.message.startswith(f"the git repository {repository} has no branch, tag or commit {ref}")
    assert "cause: failed to fetch" in error.message  # uv's last words
    assert f"git ls-remote {repository}" in str(error.hint)


@pytest.mark.parametrize("ref", ["", "@v1"])
def test_git_repository_out_of_reach_is_named_with_what_leads_there(tmp_path: Path, ref: str) -> None:
    error = fail(tmp_path, f"git+{CLOSED}/a/tiny{ref}", PATH=os.environ["PATH"])
    named = f"{CLOSED}/a/tiny (v1)" if ref else f"{CLOSED}/a/tiny"
    assert error.message.startswith(f"the git repository {named} cannot be fetched: unable to access")
    assert "cause: process didn't exit successfully" in error.message
    hint = str(error.hint)
    for way in (
        f"git ls-remote {CLOSED}/a/tiny",
        "HTTPS_PROXY",
        "~/.netrc",
        "insteadOf",
        "config show --sources",
    ):
        assert way in hint
    assert "package-index" not in hint


def test_git_repository_behind_a_proxy_that_nobody_serves_tells_of_the_proxy(tmp_path: Path) -> None:
    error = fail(tmp_path, "git+https://nowhere.invalid/a/tiny", PATH=os.environ["PATH"], HTTPS_PROXY=CLOSED)
    assert error.message.startswith(
        "the proxy on the way to the git repository https://nowhere.invalid/a/tiny does not answer"
    )


@pytest.mark.parametrize(
    ("said", "says", "hint"),
    [
        ("fatal: could not read Username for 'https://h.example': terminal prompts disabled", "refuses", "netrc"),
        ("git@h.example: Permission denied (publickey).\n         fatal: Could not read from remote repository.",
         "refuses", "ssh key"),
        ("remote: Repository not found.\n         fatal: repository 'https://h.example/a/x/' not found",
         "is not there, or may not be seen", "credentials"),
        ("fatal: unable to access 'https://h.example/a/x/': server certificate verification failed.",
         "certificate", "GIT_SSL_CAINFO"),
    ],
)  # fmt: skip
def test_git_server_that_refuses_says_what_it_wants(tmp_path: Path, said: str, says: str, hint: str) -> None:
    """git's own words: what asks for credentials is no server on this machine."""
    lines = [
        "   Updating https://h.example/a/x (HEAD)",
        "error: Git operation failed",
        "  cause: failed to clone into: /cache/git-v2/db/24c7",
        "  cause: process didn't exit successfully: `/usr/bin/git fetch 'https://h.example/a/x' '+HEAD:refs'`",
        "         --- stderr",
        *f"         {said}".splitlines(),
    ]
    error = explain_failure(lines, status=1, place=Place(home=tmp_path))
    assert "https://h.example/a/x" in error.message.partition(";")[0]
    assert says in error.message.partition(";")[0]
    assert hint in str(error.hint)


def test_git_that_is_not_installed_is_asked_for(tmp_path: Path, repository: str) -> None:
    error = fail(tmp_path, f"tiny@git+{repository}", PATH=str(tmp_path))
    assert repository in error.message
    assert "is not installed" in error.message
    assert "Install git" in str(error.hint)


def test_folder_that_may_not_be_written_is_in_the_last_words(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    assert str(tmp_path / "cache") in fail(tmp_path).message


def test_disk_that_is_full_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    """uv's own words, from a file system of 200 kB: a test may not mount one."""
    in_cache = [
        "Resolved 1 package in 1ms",
        "error: Failed to download `tiny==1.0`",
        "  cause: I/O operation failed during extraction",
        "  cause: failed to write to file `/small/cache/.tmpG/a.h`: No space left on device (os error 28)",
    ]
    error = explain_failure(in_cache, status=1, place=Place(home=tmp_path))
    assert "/small/cache/.tmpG/a.h" in error.message
    assert "UV_CACHE_DIR=DIR" in str(error.hint)
    in_home = [
        "error: Failed to install: tiny-1.0-py3-none-any.whl (tiny==1.0)",
        f"  cause: Failed to copy to `{tmp_path}/envs/x/a.py`",
        f"  cause: failed to copy file from /cache/a.py to {tmp_path}/envs/x/.tmpy: No space left on device (os error 28)",
    ]
    error = explain_failure(in_home, status=2, place=Place(home=tmp_path))
    assert str(tmp_path) in error.message
    assert "ENVKIT_HOME=DIR" in str(error.hint)
    (tmp_path / "link").symlink_to(tmp_path)
    for home in (tmp_path / "b/..", tmp_path / "link"):
        error = explain_failure(in_home, status=2, place=Place(home=home))
        assert "ENVKIT_HOME=DIR" in str(error.hint)
    folder = Path(tempfile.gettempdir(), "envkit-abc")
    in_temporary = [f"  cause: failed to write to file `{folder}/a.h`: No space left on device (os error 28)"]
    error = explain_failure(in_temporary, status=1, place=Place(home=tmp_path))
    assert "TMPDIR=DIR" in str(error.hint)


def test_uv_killed_by_the_system_is_said_so(tmp_path: Path) -> None:
    error = explain_failure(["Resolved 1 package"], status=-9, place=Place(home=tmp_path))
    assert "killed by SIGKILL" in error.message
    assert "out of memory" in error.message


def test_failure_of_another_kind_shows_the_last_words(tmp_path: Path) -> None:
    error = explain_failure([f"line {n}" for n in range(40)], status=3, place=Place(home=tmp_path))
    assert "exit 3" in error.message
    assert "line 39" in error.message
    assert "line 20" not in error.message


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://u:p@h/x", "http://***@h/x"),
        ("http://token@h/x and https://u:p@ss@h:1/", "http://***@h/x and https://***@h:1/"),
        ("git+ssh://git@h/x", "git+ssh://***@h/x"),
        ("http://h/x@1.0", "http://h/x@1.0"),
        ("http://h:8080/x@1.0", "http://h:8080/x@1.0"),
        ("http://[::1]:8080/x@1.0", "http://[::1]:8080/x@1.0"),
        ("at https://u:a/SEK@h/x, https://h/y", "at https://***@h/x, https://h/y"),
        ("https://u:a/b@h,https://c:1/d2@i:9/", "https://***@h,https://c:1/d2@i:9/"),
        ("socks5h://al:SEK/x@p:1", "socks5h://***@p:1"),
        ("tiny @ file:///a", "tiny @ file:///a"),
        ("http://h/x?a=1&X-Amz-Signature=s3&b=2", "http://h/x?a=1&X-Amz-Signature=***&b=2"),
        ("http://h/x?private_token=s3#sha256=ab", "http://h/x?private_token=***#sha256=ab"),
        ("http://h/x?api_key=${KEY}&author=me", "http://h/x?api_key=${KEY}&author=me"),
    ],
)
def test_mask_secrets_hides_only_what_stands_before_the_host(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


WORD = st.text(
    st.characters(codec="ascii", categories=("L", "N"), include_characters="!$&*+-.%:@"), min_size=1
)


@given(user=WORD, password=WORD)
def test_mask_secrets_leaves_no_password(user: str, password: str) -> None:
    assert mask_secrets(f"at http://{user}:{password}@host/simple") == "at http://***@host/simple"
