"""What is wrong with a whole record of options is told by name, value and what was wanted."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
import pytest

from envkit.api import ConfigError, Meta, Options
from envkit.api.options import from_builtins
from envkit.option_values import Value, check_value, in_words


class SmallOptions(Options, frozen=True, kw_only=True):
    """Options of every kind."""

    layers: Annotated[tuple[int, ...], Meta("Layers.")] = ()
    shares: Annotated[tuple[float, ...], Meta("Shares.")] = ()
    offset: Annotated[float, Meta("Anything.")] = 0.0
    mode: Annotated[Literal["up", "down"], Meta("Mode.")] = "up"
    code: Annotated[str, Meta("A code: three letters", pattern="^[a-z]{3}$")] = "abc"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.mode == "down" and not self.layers:
            raise ValueError("--mode down needs --layers")


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"epochs": "3"}, "epochs = '3' does not fit: expected a whole number"),
        ({"epochs": 0}, "epochs = 0 does not fit: expected a whole number >= 1"),
        ({"learning_rate": "high"}, "learning_rate = 'high' does not fit: expected a number"),
        (
            {"learning_rate": math.inf},
            "learning_rate = inf does not fit: expected a finite number",
        ),
        ({"shares": [0.5, math.inf]}, "shares = [0.5, inf] does not fit: expected a finite number"),
        ({"offset": -math.inf}, "offset = -inf does not fit: expected a finite number"),
        ({"offset": math.nan}, "offset = nan does not fit: expected a finite number"),
        ({"layers": [1, "b"]}, "layers = [1, 'b'] does not fit: expected a whole number"),
        ({"layers": "ab"}, "layers = 'ab' does not fit: expected a list, or text with commas"),
        ({"mode": "left"}, "mode = 'left' does not fit: expected one of up, down"),
        ({"code": "ABC"}, "code = 'ABC' does not fit: expected three letters"),
        ({"epoch": 3}, "there is no option epoch; is epochs meant?"),
        ({"zzz": 3}, "there is no option zzz"),
        ({"mode": "down"}, "--mode down needs --layers"),
    ],
)
def test_record_of_options_that_does_not_fit_is_told_in_words(plain: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        from_builtins(plain, SmallOptions)
    assert in_words(refused.value, SmallOptions, plain) == said


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan"])
def test_number_that_is_not_finite_is_refused_as_text_and_as_value(text: str) -> None:
    for value in (Value(text, "--offset", is_text=True), Value(float(text), "envkit.toml")):
        with pytest.raises(ConfigError, match="does not fit: expected a finite number") as refused:
            check_value(SmallOptions, "offset", value)
        assert refused.value.hint == "offset: Anything."
