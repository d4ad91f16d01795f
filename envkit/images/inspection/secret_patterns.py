"""What secrets look like: by the form that whoever issues them gives them, by a file's name, by a variable's name.

Forms, from their issuers' documentation as of November 2026: AWS "IAM identifiers" (unique ids), GitHub "About
authentication" (token prefixes), GitLab "Token overview", Hugging Face "User access tokens", Google Cloud "Best practices
for API keys" and "Service account keys", PyPI "API tokens" (macaroons, so ``Ag…`` in base64), OpenSSH and RFC 7468
(textual keys), GNU inetutils "The .netrc file", Docker "config.json", conda "Channels" (``/t/TOKEN/``). Which of them are
worth a look is known from the default rules of gitleaks and trufflehog.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envkit.images.inspection.secret_names import is_path, is_placeholder, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A secret that was found: what it is, and the line, from 1. What it says is kept nowhere."""

    kind: str
    line: int


@dataclass(frozen=True)
class _Form:
    """A form, whose group ``value`` is the secret.

    ``words`` are looked for first, which is a hundred times faster: of each group, between which stands a comma,
    one has to be there. ``files`` says of which files it is the form; None of all.
    """

    kind: str
    words: tuple[tuple[bytes, ...], ...]
    expression: re.Pattern[bytes]
    files: re.Pattern[str] | None = None


def _form(kind: str, words: str, expression: str, files: str = "") -> _Form:
    named = re.compile(rf"(?:^|/){files}$") if files else None
    groups = tuple(tuple(group.split(b"|")) for group in words.encode().split(b" , "))
    return _Form(kind, groups, re.compile(expression.encode()), named)


_FORMS = (
    _form(
        "a private key",
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:\s|\\[rn]|[A-Za-z-]+: [^\n]{0,200}\n)*(?P<value>[A-Za-z0-9+/=]{40})",
    ),
    _form("a private key of PuTTY's", "PuTTY-User-Key-File-", r"(?P<value>PuTTY-User-Key-File-[23]):"),
    _form(
        "a token of GitHub's",
        "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
        r"(?<![A-Za-z0-9])(?P<value>gh[opusr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})(?![A-Za-z0-9])",
    ),
    _form(
        "a token of GitLab's",
        "glpat-|gldt-|glrt-|glptt-|gloas-|glcbt-",
        r"(?<![A-Za-z0-9])(?P<value>gl(?:pat|dt|rt|ptt|oas|cbt)-[A-Za-z0-9_-]{20,300})",
    ),
    _form(
        "a token of Hugging Face's",
        "hf_|api_org_",
        r"(?<![A-Za-z0-9_])(?P<value>(?:hf_|api_org_)[A-Za-z0-9]{34,40})(?![A-Za-z0-9_])",
    ),
    _form("a token of the package index", "pypi-Ag", r"(?P<value>pypi-Ag[A-Za-z0-9_-]{50,2000})"),
    _form("a token of npm's", "npm_", r"(?<![A-Za-z0-9_])(?P<value>npm_[A-Za-z0-9]{36})(?![A-Za-z0-9])"),
    _form(
        "a token of conda's channels",
        "/t/",
        r"://[^\s/]+/t/(?P<value>[a-z]{2}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    ),
    _form(
        "an access key of AWS",
        "AKIA|ASIA",
        r"(?<![A-Za-z0-9+/=])(?P<value>(?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Za-z0-9+/=])",
    ),
    _form(
        "a secret key of AWS",
        "ws_secret|WS_SECRET|wsSecret|wssecret",
        r"(?i)aws_?secret_?(?:access_?)?key[\"']?\s*[:=]\s*[\"']?(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    ),
    _form(
        "a key of Google's", "AIza", r"(?<![A-Za-z0-9_-])(?P<value>AIza[A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"
    ),
    _form("a token of Google's", "ya29.", r"(?P<value>ya29\.[A-Za-z0-9_-]{30,})"),
    _form(
        "a refresh token of Google's",
        "refresh_token , 1//",
        r"\"refresh_token\"\s*:\s*\"(?P<value>1//[\w-]{20,})\"",
    ),
    _form("a storage key of Azure's", "AccountKey=", r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)"),
    _form(
        "a key of OpenAI's or Anthropic's",
        "sk-",
        r"(?<![A-Za-z0-9-])(?P<value>sk-(?:(?:proj|svcacct|admin)-|ant-[a-z0-9]+-)[A-Za-z0-9_-]{40,}"
        r"|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
    ),
    _form("a key of NVIDIA's", "nvapi-", r"(?<![A-Za-z0-9-])(?P<value>nvapi-[A-Za-z0-9_-]{60,})"),
    _form(
        "a token of Slack's",
        "xoxa-|xoxb-|xoxe-|xoxo-|xoxp-|xoxr-|xoxs-",
        r"(?<![A-Za-z0-9])(?P<value>xox[abeoprs]-[0-9]{8,}-[A-Za-z0-9-]{10,})",
    ),
    _form(
        "a signed address",
        "X-Amz-Signature|X-Goog-Signature|sig=",
        r"://[^\s\"'<>]*[?&](?:X-Amz-Signature|X-Goog-Signature|sig)=(?P<value>[A-Za-z0-9%/+_=-]{40,})",
    ),
    _form(
        "an address with a password",
        ":// , @",
        # Letters that no address has end it, so that a line of code is none.
        r"://[A-Za-z0-9._~%!$&*+;=-]{0,200}:(?P<value>[A-Za-z0-9._~%!$&*+,;=-]{1,500})@"
        r"(?P<host>[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])",
    ),
    _form(
        "a password",
        "machine , password",
        # In a text it may end a sentence.
        r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<value>[!#-&*-\[\]-~]+?)[.,;]?(?![!#-&*-\[\]-~])",
    ),
    # Files that hold secrets, known by name.
    _form("a password", "password", r"(?s)\bpassword\s+(?P<value>\S+)", r"[._]netrc"),
    _form("a password", "password", r"(?m)^\s*password\s*[:=]\s*(?P<value>\S.*)$", r"\.pypirc"),
    _form(
        "a password or token",
        "",
        r"(?im)^\s*[\"']?(?:password|token|api[-_]?key|secret)[\"']?\s*[:=]\s*[\"']?(?P<value>[^\s\"']+)",
        r"(?:pip\.conf|pip\.ini|uv\.toml|auth\.toml|credentials\.toml|\.condarc|condarc|\.kube/config)",
    ),
    _form(
        "a login of a registry",
        '"',
        r"\"(?:auth|identitytoken|registrytoken|password)\"\s*:\s*\"(?P<value>[^\"]{4,})\"",
        r"(?:\.docker/config\.json|\.dockercfg|containers/auth\.json)",
    ),
    _form("a key of Kaggle's", "key", r"\"key\"\s*:\s*\"(?P<value>[0-9a-f]{32})\"", r"kaggle\.json"),
    _form("a token of Hugging Face's", "", r"\A(?P<value>[A-Za-z0-9_-]{20,})\s*\Z", r"huggingface/token"),
    _form(
        "a variable that is a secret",
        "=",
        r"(?m)^\s*(?:export )?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=[\"']?(?P<value>[^\s\"']+)",
        r"\.env(?:\.[a-z]+)?",
    ),
)

_ASSIGNED = re.compile(r"(?<![\w$.{-])(?P<name>[A-Za-z_]\w*)=(?P<quote>[\"']?)(?P<value>[^\s\"';&|]+)")
_SAMPLE_HOST = re.compile(
    rb"(?i)(?:.*\.)?(?:example(?:\.\w+)?|invalid|test|host(?:name)?|server|domain|site)|"
)


def find_secrets(path: str, content: bytes) -> tuple[Hit, ...]:
    """Return what looks like a secret in a file, one of a kind and line, in the order of lines."""
    hits: dict[Hit, None] = {}
    for kind, found in _matches(path, content):
        hits[Hit(kind=kind, line=content.count(b"\n", 0, found.start("value")) + 1)] = None
    return tuple(sorted(hits, key=lambda hit: hit.line))


def mask_found(text: str) -> str:
    """Return a command with all in it that looks like a secret masked."""
    content = text.encode()
    values = {found["value"] for _, found in _matches("", content)}
    values |= {
        found["value"].encode()
        for found in _ASSIGNED.finditer(text)
        if is_secret_variable(found["name"], found["value"])
    }
    for value in sorted(values, key=len, reverse=True):
        content = content.replace(value, b"***")
    return content.decode()


def _matches(path: str, content: bytes) -> Iterator[tuple[str, re.Match[bytes]]]:
    """Yield what has the form of a secret, with its kind."""
    for form in _FORMS:
        if form.files is not None and not form.files.search(path):
            continue
        if not all(any(word in content for word in group) for group in form.words):
            continue
        for found in form.expression.finditer(content):
            if not _is_sample(found):
                yield form.kind, found


def find_secret_variables(text: str) -> Iterator[str]:
    """Yield the names in a command (``TOKEN=…``) whose names and values say that they are secrets."""
    for found in _ASSIGNED.finditer(text):
        if is_secret_variable(found["name"], found["value"]):
            yield found["name"]


def is_secret_variable(name: str, value: str) -> bool:
    """Tell whether a variable, label or build argument holds a secret; a path to one is none."""
    return is_secret_name(name) and bool(value) and not is_path(value) and not is_placeholder(value)


def _is_sample(found: re.Match[bytes]) -> bool:
    groups = found.groupdict()
    if (host := groups.get("host")) is not None and _SAMPLE_HOST.fullmatch(host):
        return True
    if (name := groups.get("name")) is not None:
        return not is_secret_variable(name.decode(), found["value"].decode("utf-8", "replace"))
    return is_placeholder(found["value"].decode("utf-8", "replace"))
