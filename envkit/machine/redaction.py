"""Take out of a machine's facts what tells whose they are: people, hosts, private folders and addresses.

What chooses a torch build or tells one trouble from another stays: versions, hardware, states, sizes. Of the
rest only what many machines have is kept. Any other folder becomes ``name1``, any other host ``host1``: the same
one the same word everywhere, so that what belongs together still does.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from envkit.api.facts import DeviceFile, Gpu, PipSetting, Reach, Variable
from envkit.machine import public_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api.facts import MachineFacts

MASK = "***"
_Record = TypeVar("_Record", bound=msgspec.Struct)
_TOKENS = re.compile(
    r"""
    (?P<address>\b[a-z][a-z0-9+.-]{0,20}://[^\s'"`,;)]*)
    | (?P<uuid>\b(?:GPU|MIG)-[0-9a-f][0-9a-f/-]*|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)
    | (?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*)
    | (?<=['"`])(?P<quoted>~?/[^'"`\n]*)(?=['"`])
    | (?<![\w.])(?P<path>~?/[^\s'"`,;:)\]]*)
    | (?P<ip>\b(?:10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ADDRESS = re.compile(r"(?P<scheme>[^:]+)://(?P<place>[^/?#]*)(?P<path>[^?#]*)(?P<query>.*)", re.DOTALL)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:/]*)(?P<rest>(?::\d+)?(?:/\d+)?)")
_PLAIN = re.compile(r"[\d.,:%+-]*|true|false|yes|no|on|off|auto|always|never|none|cpu|all|\*+", re.IGNORECASE)
_INDEX_NAME = re.compile(r"(?<!\S)[\w.-]+=(?=[a-z]+://)")  # uv's: corp=https://…
_SETTINGS_WITH_HOSTS = re.compile(r"proxy|hosts?$", re.IGNORECASE)
# Variables whose values are paths, one or several with colons between, and those of words that makers chose.
_PATH_VARIABLE = re.compile(r"(PATH|PRELOAD|PREFIX|HOME|DIR|CACHE|FILE|BUNDLE|CERT|VIRTUAL_ENV|_ROOT|_EXE)$")
_WORD_VARIABLE = re.compile(
    r"LANG|LC_|(CUDA|NVIDIA|HIP|ROCR)_VISIBLE|NVIDIA_DRIVER_CAP|CUDA_(DEVICE_ORDER|LAUNCH|MODULE)|ONEAPI_|SYCL_|ZE_|"
    r"HSA_OVERRIDE|UV_(INDEX_STRATEGY|LINK_MODE|TORCH_BACKEND|PYTHON_PREFERENCE)"
)
_NUMBER = re.compile(r"\d[\w.!]*[+-]?")
_LISTED_WORDS = re.compile(r"[^\s,;:=]+")
_INDEX_VARIABLE = re.compile(r"(?<=^UV_INDEX_).+(?=_(?:USERNAME|PASSWORD)$)")
# Too common to be anybody's, or too short to be looked for in sentences.
_NOBODY = frozenset({"", "root", "nobody", "user", "admin", "localhost", "home", "tmp"})


def redact(facts: MachineFacts, *, environ: Mapping[str, str], hostname: str) -> MachineFacts:
    """Return the facts without user, host, private folders and addresses, and the serial numbers of GPUs.

    ``environ`` and ``hostname`` are those of the machine that the facts are of: they say what its user and its
    host are called. By both records the same torch build is chosen.
    """
    redaction = _Redaction(environ=environ, hostname=hostname)
    redaction.learn(facts)
    return redaction.record(facts)


class _Redaction:
    """What private words become, and where they are looked for."""

    def __init__(self, *, environ: Mapping[str, str], hostname: str) -> None:
        home = environ.get("HOME", "").rstrip("/")
        self._home = home if home.startswith("/") else None
        self._names: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._words: dict[str, str] = {}
        users = [environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")]
        self._add_words([*users, PurePosixPath(home).name], "user")
        hosts = [hostname, environ.get("HOSTNAME", ""), environ.get("HOST", "")]
        domains = [host.partition(".")[2] for host in hosts]
        self._add_words([*hosts, *(host.partition(".")[0] for host in hosts)], "host")
        self._add_words([domain for domain in domains if "." in domain], "domain")
        self._pattern: re.Pattern[str] | None = None

    def learn(self, facts: MachineFacts) -> None:
        """Find the names that occur elsewhere without what tells that they are names."""
        self.record(facts)  # fills the tables of hosts and names
        self._words |= {host.lower(): word for host, word in self._hosts.items() if len(host) > 1}
        given = {
            facts.docker.context,
            *facts.docker.contexts,
            *(site.environment for site in facts.torch_sites),
        }
        for name in sorted(given - public_words.NAMES - {None}, key=str):
            self._words.setdefault(str(name).lower(), self._name(str(name)))
        self._pattern = None

    def _add_words(self, words: list[str], replacement: str) -> None:
        for word in words:
            if word.lower() not in _NOBODY and len(word) > 1:
                self._words.setdefault(word.lower(), replacement)

    def record(self, record: _Record) -> _Record:
        """Return a record with each of its texts redacted, by the name of its field."""
        changes: dict[str, Any] = {
            name: self._value(name, getattr(record, name)) for name in record.__struct_fields__
        }
        if isinstance(record, Gpu):
            changes["uuid"] = MASK if record.uuid else None
        elif isinstance(record, DeviceFile):
            changes["owner"], changes["group"] = _owner(record.owner), _owner(record.group)
        elif isinstance(record, Variable):
            changes["name"] = _INDEX_VARIABLE.sub(
                lambda found: self._name(found[0]), self._plain(record.name)
            )
            changes["value"] = self._variable(record.name, record.value)
        elif isinstance(record, Reach):
            # It may name who signed a company's certificates; state, cause and status tell as much.
            changes["detail"] = MASK if record.detail else ""
        elif isinstance(record, PipSetting):
            changes["value"] = self._setting(record.name, record.value)
        return msgspec.structs.replace(record, **changes)

    def _value(self, field: str, value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            return self.record(value)
        if isinstance(value, tuple):
            return tuple(self._value(field, each) for each in value)
        if not isinstance(value, str) or field in public_words.KEPT_FIELDS:
            return value
        if field in public_words.NAME_FIELDS:
            return value if value in public_words.NAMES else self._name(value)
        if field in public_words.VERSION_FIELDS:
            return self._version(value)
        if field in public_words.WORD_FIELDS and not _TOKENS.search(value):
            return self._words_of(value)
        if field in public_words.HOST_FIELDS and "://" not in value and not value.startswith(("/", "~")):
            host, slash, path = value.partition("/")
            return self._host_or_address(host) + slash + self._path(path)
        if field in public_words.PATH_FIELDS and "://" not in value:
            return self._path(value)
        return self.text(value)

    def text(self, text: str) -> str:
        """Return a sentence, an address or a path without what is private in it."""
        parts, end = [], 0
        for found in _TOKENS.finditer(text):
            parts += [self._plain(text[end : found.start()]), self._token(found)]
            end = found.end()
        return "".join((*parts, self._plain(text[end:])))

    def _token(self, found: re.Match[str]) -> str:
        kind, text = str(found.lastgroup), found[0]
        if kind == "address":
            return self._address(text)
        if kind == "uuid":
            return f"{text[:4]}{MASK}" if text[3] == "-" else MASK
        if kind in ("path", "quoted"):
            return self._path(text)
        return self._host(text) if kind == "ip" else MASK

    def _plain(self, text: str) -> str:
        """Return words between paths and addresses, with the known names replaced."""
        if self._home is not None:
            text = text.replace(self._home, "~")
        if self._pattern is None:
            words = "|".join(re.escape(word) for word in sorted(self._words, key=len, reverse=True))
            self._pattern = re.compile(rf"(?<![a-z0-9])(?:{words or '(?!)'})(?![a-z0-9])", re.IGNORECASE)
        return self._pattern.sub(lambda found: self._words[found[0].lower()], text)

    def _words_of(self, text: str) -> str:
        """Return a list of words with those replaced that are not their maker's."""
        return _LISTED_WORDS.sub(
            lambda found: found[0] if public_words.is_public_word(found[0]) else self._name(found[0]), text
        )

    def _version(self, text: str) -> str:
        number = _NUMBER.match(text)
        end = number.end() if number else 0
        rest = text[end:]
        words = re.split(r"([.+~-])", rest)
        return text[:end] + "".join(
            word if index % 2 or public_words.is_public_version(word) else self._name(word)
            for index, word in enumerate(words)
        )

    def _path(self, path: str) -> str:
        if self._home is not None and (path == self._home or path.startswith(f"{self._home}/")):
            path = "~" + path[len(self._home) :]
        return "/".join(
            part if not part or public_words.is_public_folder(part) else self._name(part)
            for part in path.split("/")
        )

    def _name(self, name: str) -> str:
        ending = public_words.ending_of(name)
        return self._names.setdefault(name, f"name{len(self._names) + 1}{ending}")

    def _address(self, address: str) -> str:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            return MASK
        user, at, place = found["place"].rpartition("@")
        path = self._path(found["path"])
        query = f"?{MASK}" if found["query"] else ""
        return f"{found['scheme']}://{MASK if user else ''}{at}{self._host(place)}{path}{query}"

    def _host(self, place: str) -> str:
        """Return ``host:port`` with the host replaced, unless it is everybody's."""
        found = _HOST.fullmatch(place)
        host, rest = (found["host"].strip("[]"), found["rest"]) if found else (place, "")
        if not host or public_words.is_public_host(host):
            return place
        return self._hosts.setdefault(host, f"host{len(self._hosts) + 1}") + rest

    def _host_list(self, text: str) -> str:
        """Return hosts and addresses with commas or spaces between, such as no_proxy has, redacted."""
        return re.sub(r"[^,\s]+", lambda word: self._host_or_address(word[0]), text)

    def _host_or_address(self, word: str) -> str:
        if "://" in word:
            return self._address(word)
        host = word.rpartition("@")[2]
        bare = host.lstrip(".*")  # a dot or star before it stands for all below
        return host[: len(host) - len(bare)] + self._host(bare)

    def _setting(self, name: str, value: str) -> str:
        if name in ("only-binary", "no-binary"):
            return self._words_of(value)
        return self._host_list(value) if _SETTINGS_WITH_HOSTS.search(name) else self.text(value)

    def _variable(self, name: str, value: str) -> str:
        if _SETTINGS_WITH_HOSTS.search(name):
            return self._host_list(value)
        if _PLAIN.fullmatch(value):
            return value
        if "://" in value or _WORD_VARIABLE.match(name):
            return self.text(_INDEX_NAME.sub("name=", value))
        if name.startswith(("NCCL_", "TORCH_", "PYTORCH_")) and "/" not in value:
            return self._words_of(value)
        if _PATH_VARIABLE.search(name):
            return ":".join(self._path(piece) for piece in value.split(":"))
        return self._path(value) if value.startswith(("/", "~/")) else MASK


def _owner(name: str | None) -> str | None:
    return name if name is None or name in public_words.OWNERS else "somebody"
