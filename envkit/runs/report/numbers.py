"""Numbers as people read them on the page."""

from __future__ import annotations


def score_text(value: float) -> str:
    """Return a metric as the screen shows it: a whole number above 1 is a count, the rest has four digits."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.4f}"


def count_text(value: float) -> str:
    """Return a count with its thousands apart: ``12 345``, the blank being one that does not break."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def bytes_text(count: float) -> str:
    """Return a number of bytes: ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration_text(seconds: float) -> str:
    """Return a duration: ``0.4 s``, ``12 s``, ``3 min 7 s``, ``1 h 2 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def percent_text(share: float) -> str:
    """Return a share as per cent, ``0.04 %``, ``3.8 %``, ``41 %``, with a blank that does not break."""
    if 0 < share < 0.00005:
        return "<\N{NO-BREAK SPACE}0.01\N{NO-BREAK SPACE}%"
    digits = 2 if 0 < abs(share) < 0.00095 else 1 if 0 < abs(share) < 0.0995 else 0
    return f"{share * 100:.{digits}f}\N{NO-BREAK SPACE}%"
