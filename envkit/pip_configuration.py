"""pip's own configuration: its files and ``PIP_*`` variables, read as pip reads them.

Source: pip's ``configuration.py`` and ``cli/parser.py`` (26.0), and its user guide, "Configuration".
"""

from __future__ import annotations

import configparser
import locale
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from envkit.api import EnvError
from envkit.mirrors import MIRRORS_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Sections that `pip install` reads, and the variables, the later wins.
_VARIABLES = ":env:"
_ORDER = ("global", "install", _VARIABLES)
_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
# pip knows some options by two names.
_ALIASES = {"pypi-url": "index-url", "default-timeout": "timeout"}
# Which option gives which field of PipConfiguration.
_FIELDS = {
    "index-url": "index_url",
    "extra-index-url": "extra_index_urls",
    "find-links": "find_links",
    "no-index": "no_index",
    "cert": "cert",
    "client-cert": "client_cert",
    "proxy": "proxy",
    "trusted-host": "trusted_hosts",
    "timeout": "timeout",
    "retries": "retries",
    "constraint": "constraints",
    "pre": "prereleases",
    "only-binary": "only_binary",
    "no-binary": "no_binary",
    "uploaded-prior-to": "exclude_newer",
    "keyring-provider": "keyring_provider",
    "no-cache-dir": "no_cache",
}


@dataclass(frozen=True)
class Setting:
    """A value as it stands in a file or a variable, and where that is."""

    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class PipConfiguration:
    """What pip is told here, as far as it decides what is installed from where.

    ``find_links``, ``constraints`` and indexes that are folders are absolute. ``timeout`` is in seconds.
    ``sources`` names for each field that is set its file or variable. Addresses may hold passwords, so
    they are left out of the repr.
    """

    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    cert: Path | None = None
    client_cert: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    trusted_hosts: tuple[str, ...] = ()
    timeout: float | None = None
    retries: int | None = None
    constraints: tuple[str, ...] = field(default=(), repr=False)
    prereleases: bool = False
    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    exclude_newer: str | None = None
    keyring_provider: str | None = None
    no_cache: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)


def read_pip_configuration(
    *,
    environ: Mapping[str, str] = os.environ,
    package_index: str | None = None,
    folder: Path | None = None,
    root: Path = Path("/"),
    prefix: Path = Path(sys.prefix),
    system: str = sys.platform,
) -> PipConfiguration:
    """Read pip's files and variables.

    ``package_index``, envkit's own setting, beats pip's index-url. ``folder`` (the working one if None) is
    where relative paths begin, ``root`` where the system's files are looked for, ``prefix`` the environment
    whose own file counts. Raises: EnvError, with file and line.
    """
    sections: dict[str, dict[str, Setting]] = {}
    for file in configuration_files(environ=environ, root=root, prefix=prefix, system=system):
        for section, key, setting in _read_file(file):
            sections.setdefault(section, {})[key] = setting
    for variable, text in environ.items():
        if variable.startswith("PIP_") and variable not in ("PIP_VERSION", "PIP_HELP"):
            sections.setdefault(_VARIABLES, {})[_normalize(variable[4:])] = Setting(text, variable)
    merged: dict[str, Setting] = {}
    for section in _ORDER:
        for key, setting in sections.get(section, {}).items():
            if setting.text:  # pip passes over empty values, as if the section did not speak
                merged[_ALIASES.get(key, key)] = setting
    if package_index:
        merged["index-url"] = Setting(package_index, f"{MIRRORS_TABLE}.package-index")
    return _interpret(merged, folder=folder or Path.cwd(), home=_home(environ))


def configuration_files(
    *, environ: Mapping[str, str], root: Path, prefix: Path, system: str
) -> Iterator[Path]:
    """Yield the files that pip would look for, weakest first."""
    home = _home(environ)
    own = environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    if system == "darwin":
        if str(prefix).startswith("/opt/homebrew"):
            yield root / "opt/homebrew/share/pip/pip.conf"
        yield root / "Library/Application Support/pip/pip.conf"
    else:
        places = environ.get("XDG_CONFIG_DIRS", "").strip() or str(root / "etc/xdg")
        yield from (Path(place).expanduser() / "pip/pip.conf" for place in places.split(os.pathsep))
        yield root / "etc/pip.conf"
    if not (own and Path(own).exists()):
        yield home / ".pip/pip.conf"
        support = home / "Library/Application Support/pip"
        if system == "darwin":
            yield (support if support.is_dir() else home / ".config/pip") / "pip.conf"
        else:
            yield Path(environ.get("XDG_CONFIG_HOME", "").strip() or home / ".config") / "pip/pip.conf"
    yield prefix / "pip.conf"
    if own:
        yield Path(own)


def _read_file(file: Path) -> Iterator[tuple[str, str, Setting]]:
    if not file.exists():
        return
    parser = configparser.RawConfigParser()
    encoding = locale.getpreferredencoding(False)
    hint = f"Mend it (pip config edit --editor vi), or leave pip's files out: PIP_CONFIG_FILE={os.devnull}"
    # Messages of configparser quote the line, which may hold a password: only its number is passed on.
    try:
        content = file.read_bytes()
        parser.read_string(content.decode(encoding), source=str(file))
    except OSError as error:
        raise EnvError(f"{file}: pip's configuration cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise EnvError(f"{file}:{line}: pip's configuration is not in {encoding}", hint=hint) from error
    except configparser.MissingSectionHeaderError as error:
        place = f"{file}:{error.lineno}"
        raise EnvError(
            f"{place}: this line stands before any [section]; expected [global]", hint=hint
        ) from None
    except configparser.ParsingError as error:
        place = f"{file}:{error.errors[0][0]}"
        raise EnvError(f"{place}: this line is neither a [section] nor key = value", hint=hint) from None
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        what = f"key {error.option!r}" if isinstance(error, configparser.DuplicateOptionError) else "section"
        raise EnvError(
            f"{file}:{error.lineno}: the {what} of [{error.section}] stands twice", hint=hint
        ) from None
    for section in parser.sections():
        for key, text in parser.items(section):
            yield section, _normalize(key), Setting(text, f"{key} in [{section}] of {file}")


def _normalize(key: str) -> str:
    return key.lower().replace("_", "-").removeprefix("--")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _interpret(merged: Mapping[str, Setting], *, folder: Path, home: Path) -> PipConfiguration:
    def text(key: str) -> str | None:
        return merged[key].text.strip() if key in merged else None

    def words(key: str) -> tuple[str, ...]:
        return tuple(merged[key].text.split()) if key in merged else ()

    def names(key: str) -> tuple[str, ...]:
        return tuple(n.strip() for n in merged[key].text.split(",") if n.strip()) if key in merged else ()

    def path(key: str) -> Path | None:
        return folder / _expand(merged[key].text, home) if key in merged else None

    def places(key: str) -> tuple[str, ...]:
        return tuple(_absolute(word, folder=folder, home=home) for word in words(key))

    index_url = text("index-url")
    return PipConfiguration(
        index_url=index_url and _absolute(index_url, folder=folder, home=home),
        extra_index_urls=places("extra-index-url"),
        find_links=places("find-links"),
        no_index=_flag(merged.get("no-index")),
        cert=path("cert"),
        client_cert=path("client-cert"),
        proxy=text("proxy"),
        trusted_hosts=words("trusted-host"),
        timeout=_number(merged.get("timeout")),
        retries=None if (retries := _number(merged.get("retries"), whole=True)) is None else int(retries),
        constraints=places("constraint"),
        prereleases=_flag(merged.get("pre")),
        only_binary=names("only-binary"),
        no_binary=names("no-binary"),
        exclude_newer=text("uploaded-prior-to"),
        keyring_provider=text("keyring-provider"),
        no_cache="no-cache-dir" in merged,  # as in pip, whatever its value
        sources={_FIELDS[key]: setting.source for key, setting in merged.items() if key in _FIELDS},
    )


def _absolute(place: str, *, folder: Path, home: Path) -> str:
    """Return an address as it is, and a path as a file:// address, in which no separator can stand."""
    scheme = place.split(":", 1)[0]
    if ":" in place and scheme.isalpha() and len(scheme) > 1:
        return place
    return "file://" + quote(os.path.normpath(folder / _expand(place, home)), safe="/+~")


def _expand(text: str, home: Path) -> Path:
    text = text.strip()
    return home / text[2:] if text.startswith("~/") else Path(text)


def _flag(setting: Setting | None) -> bool:
    if setting is None:
        return False
    if setting.text.strip().lower() not in _TRUE | _FALSE:
        raise _unfit(setting, "expected yes or no")
    return setting.text.strip().lower() in _TRUE


def _number(setting: Setting | None, *, whole: bool = False) -> float | None:
    if setting is None:
        return None
    try:
        return int(setting.text) if whole else float(setting.text)
    except ValueError:
        raise _unfit(setting, "expected a whole number" if whole else "expected seconds") from None


def _unfit(setting: Setting, expected: str) -> EnvError:
    # The value itself may have been meant for another key and hold a password: only its place is said.
    return EnvError(
        f"pip's configuration: the value of {setting.source} does not fit, {expected}",
        hint="Show it with: pip config list",
    )
