"""Keep passwords out of screens, records and logs."""

from __future__ import annotations

import re

_SECRET = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/`'\"]*@", re.IGNORECASE)

# conda's servers take a token in the path: https://host/t/TOKEN/channel
_TOKEN = re.compile(r"(https?://[^\s`'\"]*?/t/)[^\s/`'\"]+", re.IGNORECASE)

# What stores and package servers name their passes: X-Amz-Signature, X-Goog-Credential, sig, private_token, …
_PARAMETER = re.compile(
    r"([?&][\w.-]*(?:token|secret|passw|signature|credential|api[-_]?key|access[-_]?key)[\w.-]*="
    r"|[?&](?:sig|key|pass|pwd|auth|authorization)=)(?!\$\{)[^&#\s`'\"]+",
    re.IGNORECASE,
)


def mask_secrets(text: str) -> str:
    """Return the text with user names, passwords and tokens in addresses masked, those of queries included."""
    return _PARAMETER.sub(r"\1***", _TOKEN.sub(r"\1***", _SECRET.sub(r"\1***@", text)))


def has_secret_parameter(address: str) -> bool:
    """Tell whether the query of an address holds a pass, as presigned addresses do; ``${VARIABLE}`` is none."""
    return _PARAMETER.search(address) is not None


def mask_unread(text: str) -> str:
    """Return a text that should be an address and is none, with all masked that may be a user or a password."""
    _, at, host = mask_secrets(text).rpartition("@")
    return f"***@{host}" if at else host
