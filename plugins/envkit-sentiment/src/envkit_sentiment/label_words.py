"""Read a single label: a word for a polarity, or a number of stars, points or steps."""

from __future__ import annotations

import re
from typing import TypeAlias

# What a label says: a polarity in words, with a strength where it has one, or a number.
Meaning: TypeAlias = str | float

# From the lowest to the highest.
STRENGTHS = (
    "very negative",
    "negative",
    "somewhat negative",
    "neutral",
    "somewhat positive",
    "positive",
    "very positive",
)

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_POLARITIES = {
    "negative": ("negative", "neg", "negativ", "-"),
    "neutral": ("neutral", "neu", "neut", "mixed"),
    "positive": ("positive", "pos", "positiv", "+"),
}
_POLARITY_OF = {word: polarity for polarity, words in _POLARITIES.items() for word in words}
_STRENGTH_OF = {
    "very": "very",
    "strongly": "very",
    "strong": "very",
    "extremely": "very",
    "highly": "very",
    "somewhat": "somewhat",
    "slightly": "somewhat",
    "weakly": "somewhat",
    "weak": "somewhat",
}
# Before a label: fastText's mark, and what transformers calls labels without names.
_MARK = re.compile(r"^(__label__|label[ _-])", re.IGNORECASE)
_STARS = re.compile(r"(?P<number>\d+(\.\d+)?)[ -]?(stars?|\*|★|/ ?(5|10)|out of (5|10)|points?)")
_DRAWN_STARS = re.compile(r"([★⭐]\ufe0f?)+☆*|\*+")
_BETWEEN = re.compile(r"[\s_-]+")


def parse_label(label: str) -> Meaning | None:
    """Return what a label says: a word of STRENGTHS, a number, or None where it says neither."""
    text = _MARK.sub("", label.strip()).casefold()
    if NUMBER.fullmatch(text):
        return float(text) + 0.0  # -0 is 0
    stars = _STARS.fullmatch(text)
    if stars:
        return float(stars["number"])
    if _DRAWN_STARS.fullmatch(text):
        return float(len(re.findall(r"[★⭐*]", text)))
    if text in _POLARITY_OF:
        return _POLARITY_OF[text]
    strength, _, polarity = _BETWEEN.sub(" ", text).rpartition(" ")
    word = f"{_STRENGTH_OF.get(strength)} {_POLARITY_OF.get(polarity)}"
    return word if word in STRENGTHS else None


def is_stars(label: str) -> bool:
    """Tell whether a label counts stars or points in so many words: it is a rating, whatever the number."""
    text = label.strip().casefold()
    return bool(_STARS.fullmatch(text) or _DRAWN_STARS.fullmatch(text))
