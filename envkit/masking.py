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


def mask_address(text: str) -> str:
    """Return an address as ``mask_secrets`` does; of what should be one and is none, all before the host."""
    masked = mask_secrets(text)
    if "@" not in masked or ("://" in masked and not any(letter.isspace() for letter in masked)):
        return masked
    return f"***@{masked.rpartition('@')[2]}"
