"""Which names say that a value is a secret, and which values only stand where one would be."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?i)(?:(?:token|secret|passw(?:or)?d|passphrase|credential|(?:api|access|private|secret|auth)[_-]?key)"
    r"|(?:^|[_.-])(?:pass|pwd|auth|pat|creds?|key))s?[_-]?\d*(?:[_.-](?:id|value|base|base64|b64|json))?$"
)
# `GPG_KEY` of Python's own images is a fingerprint.
_NO_SECRET = re.compile(r"(?i)(?:^|[_.-])(?:public|gpg|primary|foreign|sort|cache|partition)[_-]?keys?$")
_KINDS = r"(?:user(?:name)?|pass|pwd|pw|passw(?:or)?d|passphrase|secret|token|key|credentials?)"
_BEFORE = r"(?:(?:api|access|secret|private|auth|super|own|db|database|hf|github|gitlab|personal)[-_]?)*"
# What examples write where a secret would be: nothing else may stand beside it.
_PLACEHOLDER = re.compile(
    rf"(?i)(?:{_KINDS}|(?:my|your?|example|sample|dummy|test)[-_]?{_BEFORE}{_KINDS}(?:[-_]?here)?"
    rf"|{_KINDS}[-_]?example"
    r"|change[-_]?me|change[-_]?it|example|placeholder|redacted|hunter2|foo|bar|baz|test(?:ing)?"
    r"|none|null|true|false|yes|no|basic|bearer|\d|[a-z]|(.)\1+|[a-z]{0,5}[-_]?\.{3,}"
    # Variables of a shell, of templates, of formats and of Windows. What a shell runs may be cut off at a blank.
    r"|<[^<>]*>|(?-i:\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+|\d))"
    r"|\$\{\w+(?::?-|:?\?[^{}]*)?\}|\$\([^()\s]*\)?|\{\{[^{}]*\}\}|(?-i:\{[a-z_]*\})|%[sr]|%\(\w+\)s|%\w+%"
    # AWS's own, from its documentation.
    r"|(?-i:(?:AKIA|ASIA)[A-Z0-9]*EXAMPLE|[A-Za-z0-9/+]{30}EXAMPLEKEY))\d?"
)
_PATH = re.compile(r"(?:~|\.{1,2})?/(?:(?:[\w.@~-]+/)+[\w.@~-]*|[\w.@~-]+\.[A-Za-z]\w{0,9})")
# A part of a path is no mixture of this length; what is written in base64 is.
_MIXED = re.compile(r"(?=[^/]*[a-z])(?=[^/]*[A-Z])(?=[^/]*\d)[A-Za-z0-9]{16}")


def is_secret_name(name: str) -> bool:
    """Tell whether a variable, label or build argument of this name holds a secret: ``DB_PASS``, ``SSH_KEY``."""
    return _NAME.search(name) is not None and _NO_SECRET.search(name) is None


def is_placeholder(value: str) -> bool:
    """Tell whether a value only stands where a secret would: ``password``, ``$TOKEN``, ``<token>``."""
    return _PLACEHOLDER.fullmatch(value) is not None


def is_path(value: str) -> bool:
    """Tell whether a value looks like the path of a file: of two parts, or with an ending."""
    return _PATH.fullmatch(value) is not None and _MIXED.search(value) is None
