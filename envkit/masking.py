"""Keep passwords out of screens, records and logs."""

from __future__ import annotations

import re

# A password may hold a slash: what stands behind the first colon and is no port is none of a path either.
_SECRET = re.compile(
    r"([a-z][a-z0-9+.-]*://)"
    r"(?:[^\s/`'\"]*@|(?!\[)[^\s/`'\":]*:(?!\d*(?:[/?#]|$))(?:(?!://)[^\s`'\"])*@)",
    re.IGNORECASE,
)

# Between the addresses of a list; a space or comma that no address follows may be one of a password.
_BETWEEN = re.compile(r"([\s,;]+)(?=[\w.+=-]*://)")

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


def mask_addresses(text: str) -> str:
    """Return a setting that holds addresses with all before each host masked, in doubt more than that.

    For what is only shown: a password may hold slashes, spaces and digits where a port would stand.
    """
    parts = _BETWEEN.split(text)
    return "".join(part if number % 2 else _strictly(part) for number, part in enumerate(parts))


def _strictly(text: str) -> str:
    masked = mask_secrets(text)
    before, at, after = masked.rpartition("@")
    scheme, colon, rest = before.partition("://")
    if not at or not colon or "@" in scheme:
        return mask_address(text)
    host, _, path = rest.partition("/")
    is_of_path = path and (not host or "." in host) and not re.search(r"[:@\s]", rest)
    return masked if is_of_path else f"{scheme}://***@{after}"
