"""Run folders are made once, found by what people call them, and say how they stand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request

from envkit.api import EnvkitError, UsageError
from envkit.api.records import RunResult
from envkit.runs.folder import (
    create_run,
    find_run,
    list_runs,
    new_run_id,
    read_status,
    summarize_run,
)
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def make_run(runs_dir: Path, run_id: str, *, created: str = "2026-11-22T14:15:03Z") -> RunFolder:
    return create_run(msgspec.structs.replace(echo_request(), id=run_id, created=created), runs_dir=runs_dir)


def test_new_run_id_names_time_task_and_a_token() -> None:
    moment = datetime(2026, 11, 22, 14, 15, 3)

    assert new_run_id("ner", now=moment, token="4f2a") == "20261122-141503-ner-4f2a"
    assert new_run_id("ner", now=moment) != new_run_id("ner", now=moment)


def test_create_run_without_a_folder_takes_one_named_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = echo_request(steps=3)

    folder = create_run(request)

    assert folder.path == tmp_path / "runs" / request.id
    assert folder.read_request() == request
    assert [file.name for file in folder.path.iterdir()] == ["request.json"]


@pytest.mark.parametrize("kind", ["empty folder", "file", "dead link"])
def test_create_run_in_a_place_that_is_taken_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "taken"
    if kind == "empty folder":
        place.mkdir()
    elif kind == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path / "nowhere")

    with pytest.raises(UsageError, match="exists already") as raised:
        create_run(echo_request(), run_dir=place)

    assert "--run-dir" in (raised.value.hint or "")


def test_create_run_where_no_folder_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="cannot be made: Not a directory"):
        create_run(echo_request(), run_dir=tmp_path / "file" / "run")


def test_create_run_with_a_path_that_is_not_utf8_is_refused_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"caf\\udce9.txt' is not UTF-8"):
        create_run(echo_request(train="/data/caf\udce9.txt"), run_dir=tmp_path / "run")

    assert list(tmp_path.iterdir()) == []


def test_find_run_by_path_id_or_the_end_of_an_id_finds_it(tmp_path: Path) -> None:
    first = make_run(tmp_path, "20261122-141503-ner-4f2a")
    make_run(tmp_path, "20261122-141503-ner-77aa")

    for name in (str(first.path), "20261122-141503-ner-4f2a", "4f2a"):
        assert find_run(name, runs_dir=tmp_path) == first


def test_find_run_by_an_end_that_two_share_names_both(tmp_path: Path) -> None:
    make_run(tmp_path, "20261122-141503-ner-4f2a")
    make_run(tmp_path, "20261123-141503-ner-4f2a")

    with pytest.raises(UsageError, match="20261122-141503-ner-4f2a, 20261123-141503-ner-4f2a"):
        find_run("4f2a", runs_dir=tmp_path)


def test_find_run_that_is_not_there_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"no run 'x' in {tmp_path}"):
        find_run("x", runs_dir=tmp_path)


def test_list_runs_gives_the_oldest_first_and_leaves_out_what_is_no_run(tmp_path: Path) -> None:
    make_run(tmp_path, "named-by-hand", created="2026-11-23T00:00:00Z")
    make_run(tmp_path, "20261122-141503-ner-4f2a", created="2026-11-22T00:00:00Z")
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "request.json").write_text("{")

    ids = [run.request.id for run in list_runs(tmp_path)]

    assert ids == ["20261122-141503-ner-4f2a", "named-by-hand"]


def test_list_runs_where_nothing_ran_is_empty(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []


def test_status_without_result_is_running_at_first_and_crashed_later(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "run")
    made = folder.request_file.stat().st_mtime

    assert read_status(folder, now=lambda: made + 1) == "running"
    assert read_status(folder, now=lambda: made + 60) == "crashed"
    folder.events_file.touch()
    assert read_status(folder, now=lambda: made + 1) == "crashed"


def test_status_while_a_worker_holds_the_lock_is_running_whatever_was_before(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "run")
    folder.events_file.touch()
    folder.write_result(RunResult(status="crashed", task="echo"))
    code = (
        "import sys; from pathlib import Path; from envkit.worker.folder import RunFolder\n"
        "RunFolder(Path(sys.argv[1])).lock(); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"

        assert summarize_run(folder).status == "running"
        assert summarize_run(folder).result is None
        with pytest.raises(UsageError, match=rf"another worker \(process {holder.pid}\)"):
            folder.lock(sleep=lambda seconds: None)

    assert summarize_run(folder).status == "crashed"


def test_lock_is_not_kept_by_a_forked_child_that_stays(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from envkit.worker.folder import RunFolder\n"
        "RunFolder(Path(sys.argv[1])).lock()\n"
        "child = os.fork()\n"
        "if child == 0: os.close(1); time.sleep(60); os._exit(0)\n"
        "print(child)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, check=True)

    try:
        assert not RunFolder(tmp_path).is_locked()
    finally:
        os.kill(int(done.stdout), signal.SIGKILL)


def test_read_result_that_is_damaged_names_the_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.result_file.write_bytes(b'{"status":"finished"')

    with pytest.raises(EnvkitError, match=r"result\.json: cannot be read"):
        folder.read_result()


def test_write_record_that_fails_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (folder.result_file / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match="."):
        folder.write_result(RunResult(status="finished", task="echo"))

    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]
