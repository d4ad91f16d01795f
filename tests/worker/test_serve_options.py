"""The options of a server: what is read, refused and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import UsageError
from envkit.worker.serve_options import ServeOptions, read_serve_options

IMAGE = ("--model", "/opt/model", "--port", "9000")


def test_serve_options_are_read_in_any_order_and_the_last_counts() -> None:
    given = read_serve_options([*IMAGE, "--to=csv", "http", "--port", "0", "--timeout", "2"])

    assert given == ServeOptions(model=Path("/opt/model"), how="http", to="csv", port=0, timeout=2.0)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["--to", "xml"],
            "--to: 'xml' does not fit: expected one of jsonl, csv, conll",
            "Format of the rows",
        ),
        (["--port", "x"], "--port: 'x' does not fit: expected a whole number", "Port to listen on"),
        (["--queue", "-1"], "--queue: '-1' does not fit: expected a whole number >= 0", "Requests that"),
        (["--timeout", "0"], "--timeout: '0' does not fit: expected a number > 0", "Seconds that"),
        (["--device", "gpu"], "--device: 'gpu' does not fit: expected auto, cpu", "Device to compute on"),
        (["--prot", "1"], "there is no option --prot", "Did you mean --port?"),
        (["--port"], "--port needs a value", "Port to listen on"),
        (["htpp"], "'htpp' is neither stdin nor http", "Did you mean http?"),
        (["texts.txt"], "'texts.txt' is neither stdin nor http", "--help"),
        (["http", "stdin"], "stdin and http were both given", "Give one"),
    ],
)
def test_serve_option_that_cannot_be_is_refused(words: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_serve_options([*IMAGE, *words])

    assert message in raised.value.message
    assert hint in (raised.value.hint or "")


def test_serve_without_a_model_asks_for_one() -> None:
    with pytest.raises(UsageError, match="no model is named"):
        read_serve_options(["http"])


def test_help_of_an_image_leaves_out_what_the_image_gives() -> None:
    text = read_serve_options([*IMAGE, "--help"])

    assert isinstance(text, str)
    assert text.startswith("usage: docker run ... IMAGE [stdin|http] [OPTIONS]\n")
    assert "--model" not in text
    assert "None" not in text
    assert "[default: 9000; 0<=x<=65535]" in text
    assert max(map(len, text.splitlines())) <= 80


def test_help_without_an_image_names_the_model() -> None:
    text = read_serve_options(["-h"])

    assert isinstance(text, str)
    assert text.startswith("usage: python -m envkit.worker.serve --model DIR [stdin|http] [OPTIONS]\n")
    assert "  --model PATH\n" in text
