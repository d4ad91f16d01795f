"""Keep passwords out of screens, records and logs."""

from __future__ import annotations

import re

_SECRET = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/`'\"]*@", re.IGNORECASE)

# conda's servers take a token in the path: https://host/t/TOKEN/channel
_TOKEN = re.compile(r"(https?://[^\s`'\"]*?/t/)[^\s/`'\"]+", re.IGNORECASE)


def mask_secrets(text: str) -> str:
    """Return the text with user names, passwords and conda's tokens in addresses masked."""
    return _TOKEN.sub(r"\1***", _SECRET.sub(r"\1***@", text))
