"""What the name of a metric says of it."""

from __future__ import annotations

# The name under which a loop reports the metric that it chose the best state by.
METRIC_CHOICE = "metric"

_LOWER_IS_BETTER = ("loss", "error", "perplexity", "mae", "mse", "rmse", "wer", "cer", "distance")


def is_lower_better(metric: str) -> bool:
    """Tell whether a metric of this name, such as ``dev/loss``, is the better the lower it is."""
    return metric.endswith(_LOWER_IS_BETTER)


def without_split(metric: str) -> str:
    """Return the name of a metric such as ``dev/f1`` without its split."""
    return metric.partition("/")[2] or metric


def find_headline(own: str, *, asked: str | None = None, chosen: str | None = None) -> str:
    """Return the metric, without its split, that says in one number how good a model of a run is.

    It is what chose the best state: the loop's choice, else what the user asked for, else the task's own.
    """
    return without_split(chosen or asked or own)
