"""The hub is played by a small HTTP server, asked by huggingface_hub itself."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from envkit.api import EnvError, UsageError
from envkit.models import find_cached_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Record

pytestmark = pytest.mark.torch
REVISION = "a" * 40
NAME = "org/tiny"


class Hub(BaseHTTPRequestHandler):
    """Serve the files of one model, as the hub's API and its resolve addresses do."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        path = self.path.partition("?")[0]
        if path.startswith(f"/api/models/{NAME}/tree/"):
            self.answer(
                [{"type": "file", "path": f, "size": len(c), "oid": "0"} for f, c in self.files.items()]
            )
        elif path.startswith(f"/api/models/{NAME}"):
            siblings = [{"rfilename": name, "size": len(content)} for name, content in self.files.items()]
            self.answer({"id": NAME, "sha": REVISION, "siblings": siblings})
        elif path.startswith(f"/{NAME}/resolve/") and path.split("/", 5)[5] in self.files:
            content = self.files[path.split("/", 5)[5]]
            self.send(
                200, content, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": REVISION}
            )
        elif path.startswith("/api/models/gated/model"):
            self.send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "accept first"})
        else:
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "none"})

    def answer(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import huggingface_hub.constants

    # Read once at import: tests run with it set, and this one hub is on this machine.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(Hub, "files", {})
    monkeypatch.setattr(Hub, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def environ(hub: str, cache: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub, "HF_HUB_CACHE": str(cache)}


def test_download_model_takes_one_kind_of_weights_and_is_found_again(
    hub: str, tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from envkit.finetune.hub import download_model

    Hub.files = {file.name: file.read_bytes() for file in tiny_model.iterdir()} | {
        "pytorch_model.bin": b"x" * 100,
        "onnx/model.onnx": b"x" * 100,
        "model.fp16.safetensors": b"x" * 100,
    }
    path = download_model(NAME, report=record, environ=environ(hub, tmp_path))
    assert sorted(file.name for file in path.iterdir()) == sorted(file.name for file in tiny_model.iterdir())
    found = find_cached_model(NAME, environ=environ(hub, tmp_path))
    assert found is not None
    assert found.path == path
    assert record.said == [f"Model {NAME} from {hub}: downloading 0 MB"]


def test_download_model_without_weights_for_torch_is_refused(
    hub: str, tmp_path: Path, record: Record
) -> None:
    from envkit.finetune.hub import download_model

    Hub.files = {"config.json": b"{}", "tf_model.h5": b"x"}
    with pytest.raises(UsageError, match="weights for PyTorch"):
        download_model(NAME, report=record, environ=environ(hub, tmp_path))


@pytest.mark.parametrize(
    ("name", "error", "problem", "hint"),
    [
        ("no/such", UsageError, "no model 'no/such' on this machine or at http", "HF_TOKEN"),
        ("bad name!", UsageError, "no model 'bad name!'", "the name of a model"),
        ("gated/model", EnvError, "accepted its conditions", "set HF_TOKEN"),
    ],
)
def test_download_model_that_the_hub_does_not_give_says_why(
    hub: str, tmp_path: Path, record: Record, name: str, error: type[Exception], problem: str, hint: str
) -> None:
    from envkit.finetune.hub import download_model

    with pytest.raises(error, match=problem) as raised:
        download_model(name, report=record, environ=environ(hub, tmp_path))
    assert hint in (getattr(raised.value, "hint", "") or "")


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_download_model_offline_asks_nobody_and_names_the_variable(
    hub: str, tmp_path: Path, record: Record, variable: str
) -> None:
    from envkit.finetune.hub import download_model

    with pytest.raises(EnvError, match=variable) as raised:
        download_model(NAME, report=record, environ={**environ(hub, tmp_path), variable: "1"})
    assert f"Unset {variable}" in (raised.value.hint or "")
    assert Hub.asked == []


def test_download_model_from_a_hub_that_does_not_answer_names_it_and_the_setting(
    hub: str, tmp_path: Path, record: Record
) -> None:
    from envkit.finetune.hub import download_model

    with pytest.raises(EnvError, match="cannot be downloaded from http://127.0.0.1:9") as raised:
        download_model(NAME, report=record, environ=environ("http://127.0.0.1:9", tmp_path))
    assert "envkit config set mirrors.model-hub URL" in (raised.value.hint or "")
