"""Channels behind a server: passwords, and no network."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from conda_prefixes import context, install, request

from envkit.api import EnvError
from envkit.environments.conda.backend import CondaBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conda_channel import LocalChannel


class Server(http.server.ThreadingHTTPServer):
    """Serve channels: to whom ``account`` names alone, or under ``/t/TOKEN``."""

    daemon_threads = True

    def __init__(self, folder: Path, *, account: str = "", token: str = "") -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.account, self.token = account, token
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, *, account: str = "", token: str = "") -> str:
        account = f"{account}@" if account else ""
        return f"http://{account}127.0.0.1:{self.server_port}{f'/t/{token}' if token else ''}/main"


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        wanted = base64.b64encode(self.server.account.encode()).decode()
        if self.server.account and self.headers.get("Authorization") != f"Basic {wanted}":
            return self.send_error(401)
        if self.server.token:
            if not self.path.startswith(f"/t/{self.server.token}/"):
                return self.send_error(401)
            self.path = self.path.removeprefix(f"/t/{self.server.token}")
        return super().do_GET()

    def log_message(self, *_: object) -> None: ...

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # rattler hangs up on answers it needs no more
            super().handle()


@pytest.fixture
def server(conda_channel: LocalChannel) -> Iterator[Server]:
    serving = Server(conda_channel.folder.parent)
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["account", "token", "condarc"])
def test_install_channel_with_a_password_leaves_it_nowhere(kind: str, server: Server, tmp_path: Path) -> None:
    secret = "s3cret-%40" if kind != "token" else "tk-0123-456"
    variables = {}
    if kind == "token":
        server.token = secret
        url = server.url(token=secret)
    else:
        server.account = "me:s3cret-@"
        url = server.url(account=f"me:{secret}" if kind == "account" else "me:${PASSWORD}")
    channels = (url,)
    if kind == "condarc":
        (tmp_path / "rc").write_text(f"channels: ['{url}']\n")
        channels, variables = (), {"CONDARC": str(tmp_path / "rc"), "PASSWORD": secret}
    at = context(tmp_path, *channels, **variables)

    base = CondaBackend().plan(request("hello"), context=at)
    steps = install(base, tmp_path / "h/env", at)

    assert (tmp_path / "h/env/bin/python").exists()
    assert steps.sizes and all(done <= (total or 0) for done, total in steps.sizes)
    for text in (str(base), str(steps.steps), *_texts_in(tmp_path / "h")):
        assert "s3cret" not in text and "tk-0123" not in text
    server.account, server.token = "me:other", ""
    fresh = msgspec.structs.replace(at, cache_dir=tmp_path / "h/cache/other")
    with pytest.raises(EnvError, match=r"asks for a user name and password \(401\)") as caught:
        CondaBackend().plan(request("hello"), context=fresh)
    assert "s3cret" not in caught.value.message and "tk-0123" not in caught.value.message


def _texts_in(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_size < 1e6:
            yield file.read_bytes().decode("latin-1")


@pytest.mark.slow
def test_install_password_given_with_the_request_serves_both_steps(server: Server, tmp_path: Path) -> None:
    server.account = "me:pw"
    at, backend = context(tmp_path), CondaBackend()

    base = backend.plan(request("wordlist", channels=(server.url(account="me:pw"),)), context=at)
    install(base, tmp_path / "env", at, backend=backend)

    assert "me:pw" not in str(base)
    assert (tmp_path / "env/share/wordlist.txt").is_file()


@pytest.mark.slow
def test_install_offline_takes_what_the_cache_has_and_no_more(server: Server, tmp_path: Path) -> None:
    at = context(tmp_path, server.url())
    base = CondaBackend().plan(request("wordlist"), context=at)
    offline = context(tmp_path, server.url(), CONDA_OFFLINE="true")

    with pytest.raises(EnvError, match="offline") as caught:
        install(base, tmp_path / "too-early", offline)
    assert "CONDA_OFFLINE=false" in str(caught.value.hint)
    install(base, tmp_path / "online", at)
    assert CondaBackend().plan(request("wordlist"), context=offline) == base
    install(base, tmp_path / "offline", offline)
    assert (tmp_path / "offline/bin/python").exists()
