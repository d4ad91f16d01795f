"""Weights & Biases, with its own library: what is written is read back as it reads it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
from required import require_dists
from tracked_runs import finish, first_worker, losses, make_run, second_worker, track, write_events

from envkit.api.events import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envkit.worker.folder import RunFolder

pytestmark = pytest.mark.slow

# LevelDB's log format: https://github.com/google/leveldb/blob/main/doc/log_format.md
_BLOCK = 32768


@pytest.fixture
def wandb_environ(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user who has no account and works offline."""
    require_dists("trackers", "wandb")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return {**kept, "HOME": str(tmp_path), "WANDB_MODE": "offline"}


def wandb_files(folder: RunFolder) -> list[Path]:
    return sorted(folder.path.glob("wandb/offline-run-*/*.wandb"))


def wandb_records(file: Path) -> Iterator[Any]:
    """Yield the records of a file that Weights & Biases wrote to send it later."""
    from wandb.proto.wandb_internal_pb2 import Record

    content = file.read_bytes()
    assert content[:4] == b":W&B"
    position, held = 7, b""
    while position < len(content):
        if _BLOCK - position % _BLOCK < 7:
            position += _BLOCK - position % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[position : position + 7])
        held += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part of one
            record = Record()
            record.ParseFromString(held)
            yield record
            held = b""


def wandb_history(file: Path) -> list[dict[str, Any]]:
    return [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for record in wandb_records(file)
        if record.WhichOneof("record_type") == "history"
    ]


def wandb_losses(file: Path) -> list[tuple[int, float]]:
    return [(row["_step"], round(row["train/loss"], 4)) for row in wandb_history(file) if "train/loss" in row]


def test_wandb_offline_keeps_a_run_of_the_same_name_with_options_history_and_end(
    tmp_path: Path, wandb_environ: dict[str, str]
) -> None:
    choice = Choice(time=100.0, name="precision", value="bfloat16", reason="faster here")
    folder = make_run(tmp_path, [*first_worker(), choice, *second_worker()])
    finish(folder)

    said = track(folder, "wandb", wandb_environ)
    (file,) = wandb_files(folder)
    records = list(wandb_records(file))
    (run,) = [each.run for each in records if each.WhichOneof("record_type") == "run"]
    (ended,) = [each.exit for each in records if each.WhichOneof("record_type") == "exit"]
    config = {
        item.key or "/".join(item.nested_key): json.loads(item.value_json)
        for source in [run.config, *(each.config for each in records)]
        for item in source.update
    }
    summary = {
        item.key or "/".join(item.nested_key): json.loads(item.value_json)
        for each in records
        for item in each.summary.update
    }
    rows = wandb_history(file)

    assert said == [f"Weights & Biases: the run is kept offline. To send it: wandb sync {file.parent}"]
    assert run.display_name == folder.read_request().id
    assert run.run_id == json.loads((folder.path / "wandb" / "envkit.json").read_bytes())["id"]
    assert run.project == "envkit-echo"
    assert (config["epochs"], config["deaf"], config["precision"]) == (2.5, True, "bfloat16")
    assert wandb_losses(file) == losses(1, 9)
    assert [(row["_step"], row["dev/f1"]) for row in rows if "dev/f1" in row] == [(9, 0.5)]
    assert rows[0]["_timestamp"] == 101.0
    assert (summary["dev/f1"], summary["dev/f1_low"], summary["dev/f1_high"]) == (0.5, 0.25, 0.75)
    assert ended.exit_code == 0


def test_wandb_offline_of_a_run_that_is_resumed_goes_on_under_the_same_id(
    tmp_path: Path, wandb_environ: dict[str, str]
) -> None:
    folder = make_run(tmp_path, first_worker())
    track(folder, "wandb", wandb_environ)
    (first,) = wandb_files(folder)

    write_events(folder, second_worker())
    finish(folder)
    track(folder, "wandb", {**wandb_environ, "TZ": "Asia/Tokyo"})  # a folder's name is a local time
    (second,) = set(wandb_files(folder)) - {first}

    assert first.name == second.name
    assert wandb_losses(first) == losses(1, 6)
    assert wandb_losses(second) == losses(6, 9)


def test_wandb_without_a_key_says_so_asks_nobody_and_keeps_the_run(
    tmp_path: Path, wandb_environ: dict[str, str]
) -> None:
    folder = make_run(tmp_path, first_worker())
    del wandb_environ["WANDB_MODE"]

    said = track(folder, "wandb", wandb_environ)

    assert "No API key" in said[0]
    assert "kept offline instead" in said[0]
    assert wandb_losses(wandb_files(folder)[0]) == losses(1, 6)


def test_wandb_that_cannot_be_reached_says_so_and_keeps_the_run(
    tmp_path: Path, wandb_environ: dict[str, str]
) -> None:
    folder = make_run(tmp_path, first_worker())
    nowhere = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40, "WANDB_INIT_TIMEOUT": "1"}

    said = track(folder, "wandb", {**wandb_environ, **nowhere, "WANDB_MODE": "online"})

    assert "kept offline instead" in said[0]
    assert wandb_losses(wandb_files(folder)[0]) == losses(1, 6)


def test_wandb_that_is_disabled_keeps_nothing(tmp_path: Path, wandb_environ: dict[str, str]) -> None:
    folder = make_run(tmp_path, first_worker())

    said = track(folder, "wandb", {**wandb_environ, "WANDB_MODE": "disabled"})

    assert said == ["Weights & Biases is disabled (WANDB_MODE): nothing is kept"]
    assert not (folder.path / "wandb").exists()


AUDIT = """
import os, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname") or (
        event == "socket.connect" and isinstance(arguments[1], tuple)
    ):
        with open(os.environ["AUDIT_FILE"], "a") as stream:
            stream.write(f"{event} {arguments[1:]}\\n")
        raise PermissionError(event)

sys.addaudithook(watch)
"""


@contextlib.contextmanager
def listener() -> Iterator[tuple[str, list[Any]]]:
    """Listen at an address of this machine; give it and who has come."""
    callers: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, address = server.accept()
                    callers.append(address)
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", callers
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_wandb_offline_sends_nothing_to_anybody(tmp_path: Path, wandb_environ: dict[str, str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    audit = tmp_path / "audit"
    folder = make_run(tmp_path, first_worker())
    finish(folder)

    with listener() as (address, callers):
        proxies = {name: address for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
        places = {"WANDB_BASE_URL": address, "PYTHONPATH": str(tmp_path), "AUDIT_FILE": str(audit)}
        key = {"WANDB_API_KEY": "0" * 40, "no_proxy": "", "NO_PROXY": ""}
        track(folder, "wandb", {**wandb_environ, **proxies, **places, **key})

    assert wandb_losses(wandb_files(folder)[0]) == losses(1, 6)
    assert not audit.exists(), audit.read_text()
    assert not callers
