"""A model behind standard input: a real process, the task `echo`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

import pytest
from echo_model import echo_record, save_echo_model

from envkit.worker.serve import is_answerable

if TYPE_CHECKING:
    from pathlib import Path

# What of envkit and of the index a server may import before the plugin comes.
_MAY_IMPORT = {"msgspec", "pluggy", "typing_extensions"}
_OURS = {
    "envkit.api",
    "envkit.checkpoints",
    "envkit.data",
    "envkit.masking",
    "envkit.mirrors",
    "envkit.models",
    "envkit.option_fields",
    "envkit.option_values",
    "envkit.registry",
    "envkit.templates",
    "envkit.worker",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_echo_model(tmp_path / "model")


def serve_lines(
    model: Path, *words: str, environ: dict[str, str], content: bytes = b"", stdin: IO[bytes] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "envkit.worker.serve", "--model", model, *words],
        **({"input": content} if stdin is None else {"stdin": stdin}),
        capture_output=True,
        env=environ,
        check=False,
        timeout=30,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "labels"),
    [
        (b"good\nbye\n", ["GOOD", "BYE"]),
        (b"", []),
        (b'{"text": "two\\nlines", "id": 7}\n', ["TWO\nLINES"]),
    ],
)
def test_serve_answers_a_pipe_line_by_line_and_ends_with_it(
    model: Path, echo_environ: dict[str, str], content: bytes, labels: list[str]
) -> None:
    done = serve_lines(model, environ=echo_environ, content=content)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [row["label"] for row in rows] == labels
    assert b"a library says hello" in done.stderr


def test_serve_answers_a_file_on_standard_input(
    model: Path, tmp_path: Path, echo_environ: dict[str, str]
) -> None:
    (tmp_path / "in.txt").write_text("good\n")
    with (tmp_path / "in.txt").open("rb") as file:
        done = serve_lines(model, "--to", "csv", environ=echo_environ, stdin=file)

    assert done.stdout.splitlines()[1].startswith(b"stdin:1,good,GOOD")


def test_serve_answers_each_line_before_the_next_one_comes(model: Path, echo_environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "envkit.worker.serve", "--model", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=echo_environ,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("one", "two"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()

        assert process.wait(timeout=30) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_of_lines_that_is_stopped_ends_at_once(
    model: Path, echo_environ: dict[str, str], number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "envkit.worker.serve", "--model", model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=echo_environ,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(number)

        assert process.wait(timeout=30) == 130
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"good\ndata\n", 2, "error: echo.txt:3: there is nothing to echo\nhint: Write something\n"),
        (b"good\nraise\n", 5, "error: envkit-echo 0.1.0 failed: KeyError"),
        (b"good\n\xff\n", 2, "error: stdin:2: the file is not UTF-8"),
    ],
)
def test_serve_of_lines_that_fails_keeps_what_was_known_and_says_why(
    model: Path, echo_environ: dict[str, str], content: bytes, code: int, said: str
) -> None:
    done = serve_lines(model, environ=echo_environ, content=content)

    assert done.returncode == code
    assert len(done.stdout.splitlines()) == 1
    assert said in done.stderr.decode()


def test_serve_of_lines_that_nobody_reads_any_more_ends_well(
    model: Path, echo_environ: dict[str, str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "envkit.worker.serve", "--model", model],
        input=b"good\n",
        stdout=writing,
        stderr=subprocess.PIPE,
        env=echo_environ,
        check=False,
    )
    os.close(writing)

    assert done.returncode == 0
    assert b"error" not in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "holds no model: it has no envkit.json"),
        (b"{", "envkit.json: cannot be read"),
        (b"{}", "envkit.json: cannot be read"),
    ],
)
def test_serve_of_no_model_says_what_is_wrong(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "envkit.json").write_bytes(content)
    done = serve_lines(tmp_path, environ=dict(os.environ))

    assert done.returncode in (1, 2)
    assert words in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_serve_of_a_model_from_a_newer_envkit_says_so(tmp_path: Path) -> None:
    import msgspec

    model = save_echo_model(tmp_path / "model", msgspec.structs.replace(echo_record(), version=99))

    assert b"newer than this one" in serve_lines(model, environ=dict(os.environ)).stderr


def test_standard_input_is_answered_only_where_somebody_has_put_something(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    one, other = socket.socketpair()
    with open(reading, "rb"), open(writing, "wb"), one, other, open(os.devnull, "rb") as nothing:  # noqa: PTH123
        found: dict[str, Any] = {
            "pipe": is_answerable(reading),
            "socket": is_answerable(one.fileno()),
            "nothing": is_answerable(nothing.fileno()),
            "closed": is_answerable(9999),
        }

    assert found == {"pipe": True, "socket": True, "nothing": False, "closed": False}


def test_what_runs_in_an_image_imports_nothing_that_an_image_may_lack() -> None:
    code = (
        "import sys, json; before = set(sys.modules)\n"
        "from envkit.worker import serve, serve_http, alone, image_proof, healthy\n"
        "new = set(sys.modules) - before\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in new} - sys.stdlib_module_names - {'envkit'})))\n"
        "print(json.dumps(sorted({'.'.join(n.split('.')[:2]) for n in new if n.startswith('envkit.')})))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    packages, ours = map(json.loads, done.stdout.splitlines())

    assert {name for name in packages if not name.startswith("_")} <= _MAY_IMPORT
    assert set(ours) <= _OURS
