from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from envkit.data.check.duration import (
    Speed,
    SpeedGuess,
    count_weights,
    estimate_duration,
    guess_speed,
    load_numpy,
)

if TYPE_CHECKING:
    from pathlib import Path


def save_head(folder: Path, shapes: dict[str, list[int]]) -> Path:
    """Write the head of a safetensors file, which is all that is read of it."""
    head = json.dumps(
        {"__metadata__": {"format": "pt"}}
        | {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    ).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    return folder


def test_count_weights_leaves_the_embeddings_out(tmp_path: Path) -> None:
    folder = save_head(
        tmp_path, {"embeddings.word_embeddings.weight": [900, 8], "layer.weight": [8, 8], "b": []}
    )

    assert count_weights(folder) == 65


@pytest.mark.parametrize("content", [None, b"", b"12345678{", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0[]"])
def test_count_weights_of_what_is_no_model_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)

    assert count_weights(tmp_path) is None


def test_guess_speed_follows_the_matrix_product_and_is_half_without_bfloat16(tmp_path: Path) -> None:
    folder = save_head(tmp_path, {"layer.weight": [1000, 10]})

    fast = guess_speed(folder, has_bfloat16=True, product_rate=lambda: 6e9)
    slow = guess_speed(folder, has_bfloat16=False, product_rate=lambda: 6e9)

    assert fast is not None
    assert slow is not None
    assert fast.is_rough
    assert fast.tokens_per_second == pytest.approx(90_000)
    assert slow.tokens_per_second == pytest.approx(45_000)


def test_guess_speed_without_a_measure_is_none(tmp_path: Path) -> None:
    folder = save_head(tmp_path, {"layer.weight": [10, 10]})

    assert guess_speed(folder, has_bfloat16=True, product_rate=lambda: None) is None


@pytest.mark.parametrize("told", [None, "26"])
def test_load_numpy_tells_threads_to_sleep_soon_unless_the_user_has_told_them(told: str | None) -> None:
    environ = {} if told is None else {"OPENBLAS_THREAD_TIMEOUT": told}

    load_numpy(environ=environ)

    assert environ == {"OPENBLAS_THREAD_TIMEOUT": told or "20"}


def test_estimate_duration_spreads_a_guess_wider_than_a_measure() -> None:
    measured = estimate_duration(1000, epochs=3, speed=Speed(100.0, "the run x"))
    guessed = estimate_duration(1000, epochs=3, speed=Speed(100.0, "a product", is_rough=True))

    assert guessed.least < measured.least < 30 < measured.most < guessed.most
    assert (guessed.is_rough, measured.epochs) == (True, 3)


def test_speed_guess_of_a_folder_without_weights_measures_nothing(tmp_path: Path) -> None:
    guess = SpeedGuess(tmp_path, has_bfloat16=False)
    guess.prepare()

    assert guess.measure() is None
