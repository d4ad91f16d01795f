"""What the user sees of uv's lines and of its silence."""

from __future__ import annotations

from typing import Any

from envkit.environments.uv_calls import Telling


def test_lines_of_uv_become_steps_and_its_silence_says_how_long_and_how_much(told: Any) -> None:
    telling = Telling(told)
    telling.on_wait(0.5, 10)
    telling.on_wait(2.0, 10)
    telling.on_line("Resolved 44 packages in 146ms")
    telling.on_line("Downloading torch (180.5MiB)")
    telling.on_line("Downloading numpy (19.1MiB)")
    telling.on_wait(3.0, 90_000_000)
    telling.on_line(" Downloaded torch")
    telling.on_line("Prepared 2 packages in 13ms")
    telling.on_line(" + numpy==2.0.2")

    assert told.steps == [
        "asking the package index: 2 s",
        "resolved 44 packages",
        "downloading torch (180 MiB)",
        "downloading torch (180 MiB), numpy (19 MiB)",
        "downloading torch (180 MiB), numpy (19 MiB): 3 s",
        "written",
        "downloading numpy (19 MiB)",
        "prepared 2 packages",
    ]
