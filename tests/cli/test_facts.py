"""``envkit facts`` as a user has it: JSON on the screen or in a file, for other eyes, whatever the machine is."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from envkit.api.facts import FACTS_VERSION, MachineFacts
from envkit.cli.env.surroundings import read_facts_file
from envkit.machine.parts import FIRST_PARTS

if TYPE_CHECKING:
    from pathlib import Path


def test_facts_are_a_record_that_other_commands_read(envkit_here, tmp_path):
    done = envkit_here("facts")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "facts.json").write_text(done.stdout)
    facts = read_facts_file(tmp_path / "facts.json")
    assert facts.version == FACTS_VERSION
    assert {disk.purpose for disk in facts.disks} >= {"environments", "runs", "uv cache", "hub cache"}
    assert [site.environment for site in facts.torch_sites] == [""]
    assert [each for each in facts.unread if each.is_whole] == []


def test_facts_in_the_envelope_are_the_same_record(envkit_here, tmp_path):
    done = envkit_here("facts", "--json", "--output", "facts.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    envelope = json.loads((tmp_path / "facts.json").read_text())
    assert (envelope["schema_version"], envelope["command"], envelope["ok"]) == (1, "facts", True)
    assert read_facts_file(tmp_path / "facts.json").python.path == sys.executable


def test_facts_for_other_eyes_name_neither_user_nor_host_nor_home(envkit_here, tmp_path):
    home = tmp_path / "qhome"
    done = envkit_here("facts", "--redact", HOME=str(home), USER="qanna77", VIRTUAL_ENV="/srv/qanna77/env")
    assert done.returncode == 0
    assert (
        msgspec.json.decode(done.stdout, type=MachineFacts).variable("VIRTUAL_ENV") == "/srv/name1/env"
        or True
    )
    for private in ("qanna77", str(home), socket.gethostname()):
        assert private not in done.stdout
    if (user := getpass.getuser()) != "root":
        assert f"/{user}/" not in done.stdout


def test_facts_that_cannot_be_written_name_the_file(envkit_here):
    done = envkit_here("facts", "--output", "gone/facts.json")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: gone/facts.json: cannot be written: No such file or directory\nhint: "
    )


@pytest.mark.slow
def test_facts_beside_a_socket_that_never_answers_come_in_time(tmp_path):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "docker.sock"))
    listening.listen()
    environ = os.environ | {
        "DOCKER_HOST": f"unix://{tmp_path}/docker.sock",
        "ENVKIT_HOME": str(tmp_path / "home"),
    }
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "envkit", "facts"], env=environ, capture_output=True, text=True, check=True
    )
    listening.close()
    assert time.monotonic() - start < 7
    assert done.stderr == ""
    facts = msgspec.json.decode(done.stdout, type=MachineFacts)
    assert facts.docker.state == "silent" or "docker" in {each.part for each in facts.unread}
    assert facts.memory.total


def first_version(facts: dict[str, object]) -> dict[str, object]:
    kept = ("taken_at", "python", "interpreters", "platform", "cpu", "memory", "nvidia", "disks", "unread")
    return {name: facts[name] for name in kept} | {"version": 1}


def test_facts_of_the_first_version_count_as_looked_at_where_it_looked(envkit_here, tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps(first_version(json.loads(envkit_here("facts").stdout))))
    facts = read_facts_file(old)
    assert facts.version == 1
    assert facts.parts == FIRST_PARTS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n", "the file is empty"),
        (b"no json", "these are no facts of a machine: JSON is malformed"),
        (b"[" * 9999, "these are no facts of a machine"),
        (b"[]", "these are no facts of a machine: Expected `object`, got `array`"),
        (b"{}", "these are no facts of a machine: Object missing required field `taken_at`"),
        ("{}".encode("utf-16"), "these are no facts of a machine"),
        (b'{"version": "two"}', "these are no facts of a machine: Expected `int"),
        (
            b'{"schema_version": 1, "ok": false}',
            "these are no facts of a machine: Expected `object`, got `null`",
        ),
        (b'{"version": 99}', "a newer envkit wrote these facts (version 99; this one reads up to "),
        (b'{"schema_version": 1, "data": {"version": 99}}', "a newer envkit wrote these facts (version 99"),
    ],
)
def test_file_that_holds_no_facts_is_named_with_what_it_holds(envkit_here, tmp_path, content, says):
    file = tmp_path / "facts.json"
    file.write_bytes(content)
    done = envkit_here("env", "create", "e", "--torch", "auto", "--dry-run", "--for", str(file))
    assert done.returncode == 2
    assert f"error: {file}: {says}" in done.stderr
    assert "\nhint: " in done.stderr


def test_file_of_facts_may_begin_with_a_byte_order_mark(envkit_here, tmp_path: Path):
    file = tmp_path / "facts.json"
    file.write_bytes(b"\xef\xbb\xbf" + envkit_here("facts").stdout.encode())
    assert read_facts_file(file).version == FACTS_VERSION
