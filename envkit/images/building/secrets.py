"""Keep what a build may read and nobody else: off command lines, off screens, in files of this user alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from envkit.images.inspection.secret_names import is_secret_name
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from envkit.images.records import BuildSecret

_NETRC_PASSWORD = re.compile(r"\bpassword\s+(\S+)")
_SHORTEST = 4  # a shorter text stands in too many words to be looked for


def write_secrets(secrets: Sequence[BuildSecret], folder: Path) -> dict[str, Path]:
    """Write each secret to a file that only this user may read; return the files by id."""
    files: dict[str, Path] = {}
    for number, secret in enumerate(secrets):
        file = folder / f"secret-{number}"
        file.touch(mode=0o600)
        file.write_bytes(secret.content)
        files[secret.id] = file
    return files


def make_mask(
    *,
    secrets: Iterable[BuildSecret] = (),
    build_args: Mapping[str, str] | None = None,
    proxies: Mapping[str, str] | None = None,
) -> Callable[[str], str]:
    """Return what masks these secrets in a text, besides the passwords in addresses."""
    values = {value for secret in secrets for value in _values_of(secret)}
    values |= {value for name, value in (build_args or {}).items() if is_secret_name(name)}
    values |= {password for address in (proxies or {}).values() if (password := _password(address))}
    values |= {form for value in values for form in (quote(value, safe=""), unquote(value))}
    # The longest first: one may hold another.
    found = sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
    if not found:
        return mask_secrets
    pattern = re.compile("|".join(re.escape(value) for value in found))
    return lambda text: mask_secrets(pattern.sub("***", text))


def _values_of(secret: BuildSecret) -> set[str]:
    text = secret.content.decode("utf-8", "replace")
    passwords = set(_NETRC_PASSWORD.findall(text))
    if passwords:
        return passwords
    return {line for line in map(str.strip, text.splitlines()) if line and not line.startswith("-----")}


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
