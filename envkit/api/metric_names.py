"""What the name of a metric says of it."""

from __future__ import annotations

_LOWER_IS_BETTER = ("loss", "error", "perplexity", "mae", "mse", "rmse", "wer", "cer", "distance")


def is_lower_better(metric: str) -> bool:
    """Tell whether a metric of this name, such as ``dev/loss``, is the better the lower it is."""
    return metric.endswith(_LOWER_IS_BETTER)
