"""Keep passwords out of screens, records and logs."""

from __future__ import annotations

import re

_SECRET = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/`'\"]*@", re.IGNORECASE)


def mask_secrets(text: str) -> str:
    """Return the text with user names and passwords in addresses masked."""
    return _SECRET.sub(r"\1***@", text)
