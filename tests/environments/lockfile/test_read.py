"""A lock that was changed in the wrong way: what is said, and at which line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from environments.lockfile.locks import DIGEST, section, wheel, write

from envkit.api import ConfigError
from envkit.environments.lockfile.read import read_lock

if TYPE_CHECKING:
    from pathlib import Path

OTHER = '  { name = "other"'
# What is put in the place of what, and what is said of it; the line is where the second stands then.
MISTAKES = (
    ("python = ", "python ", r"this is no TOML: "),
    ("python = ", "pyhton = ", r"a lock has no key 'pyhton' here; 'python' is nearest"),
    ("facts.libc", "facts.lib", r"a lock has no key 'lib' here; 'libc' is nearest"),
    ('backend = "venv"', 'backnd = "venv"', r"a spec has no key 'backnd'; 'backend' is nearest"),
    ('backend = "venv"', "backend = 3", r"expected 'str', got 'int'"),
    ("version = 1\n", "version = 2\n", r"this lock is of version 2, and this envkit reads up to 1"),
    ("version = 1\n", 'version = "1"\n', r"this is no lock of envkit's"),
    (f'{OTHER}, version = "1.0"', OTHER, r"there lacks 'version'"),
    (f'{OTHER}, version = "1.0"', f'{OTHER}, version = 1', r"expected 'str', got 'int'"),
    (OTHER, '  { nme = "other"', r"a lock has no key 'nme' here; 'name' is nearest|there lacks 'name'"),
    (OTHER, '  { name = "Other"', r"Other is written other"),
    (f'other-1.0-py3-none-any.whl", sha256 = "{DIGEST}"', 'other-1.0-py3-none-any.whl"', r"other 1\.0 has no sha256"),
    (f'other-1.0-py3-none-any.whl", sha256 = "{DIGEST}"', 'other-1.0-py3-none-any.whl", sha256 = "12"', r"other 1\.0 has a sha256 that is none"),
)  # fmt: skip


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_lock_changed_by_hand_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = write(tmp_path)
    text = file.read_text()
    assert text.count(old) == 1
    changed = text.replace(old, new)
    file.write_text(changed)
    with pytest.raises(ConfigError, match=said) as caught:
        read_lock(file)
    assert caught.value.message.startswith(f"{file}:{line_of(text, old)}: ")
    assert ("envkit lock" in str(caught.value.hint)) == ("version 2" not in said)


def test_lock_with_a_package_twice_names_the_second(tmp_path: Path) -> None:
    file = write(tmp_path)
    text = file.read_text()
    line = next(line for line in text.splitlines() if line.startswith(OTHER))
    file.write_text(text.replace(line, f"{line}\n{line}"))
    with pytest.raises(
        ConfigError, match=f"envkit.lock:{line_of(text, OTHER) + 1}: other stands here a second"
    ):
        read_lock(file)


def test_lock_that_lacks_what_is_asked_for_names_it_in_its_section(tmp_path: Path) -> None:
    last = section(name="another machine", wheels=(wheel("other"),))
    file = write(tmp_path, section(), last)
    text = file.read_text()
    line = text[: text.rindex('  "tiny",')].count("\n") + 1
    with pytest.raises(ConfigError, match=f":{line}: tiny is asked for, and another machine has no wheel"):
        read_lock(file)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r'  \{ name = "other".*\n', "", "of what is locked for linux x86_64, cpu, Python 3.12"),
        (f'other-1.0-py3-none-any.whl", sha256 = "{DIGEST}', f'o.whl", sha256 = "{"6" * 64}', "by hand"),
        (r"glibc 2.36", "glibc 2.17", "by hand"),
        (r'packages = \[\n  "tiny"', 'packages = [\n  "tiny>=2"', "what is asked for was changed after"),
    ],
)
def test_lock_with_anything_changed_is_refused_and_still_serves_to_lock_anew(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = write(tmp_path)
    text, count = re.subn(old, new, file.read_text())
    assert count == 1
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        read_lock(file)
    assert str(caught.value.hint).endswith(f"envkit lock -o {file}")
    assert f"envkit lock -o {file} --check" in str(caught.value.hint)
    assert read_lock(file, is_sealed=False).lock.machines[0].python == "3.12.4"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "tiny==1.0\n"),
        ("environment.yml", "dependencies:\n  - numpy\n"),
        ("pyproject.toml", '[project]\nname = "x"\n'),
        ("pylock.toml", 'lock-version = "1.0"\n'),
    ],
)
def test_another_kind_of_file_is_no_lock_and_may_stay(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"{name} is no envkit.lock$") as caught:
        read_lock(file)
    assert caught.value.hint == f"To write one: envkit lock --file {file}"


def test_text_that_asks_for_nothing_is_no_lock_and_no_option_is_named_for_it(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("# Words\n")
    with pytest.raises(ConfigError, match=r"README\.md is no envkit\.lock$") as caught:
        read_lock(file)
    assert caught.value.hint == "To write one: envkit lock --task ner"


def test_lock_that_is_half_merged_is_told_apart_and_may_stay(tmp_path: Path) -> None:
    file = write(tmp_path)
    other = tmp_path / "lock.toml"
    for place in (file, other):
        place.write_text(f"<<<<<<< HEAD\n{write(tmp_path).read_text()}")
        with pytest.raises(ConfigError, match=f"{place}:1: this is no TOML") as caught:
            read_lock(place)
        assert "emove" not in str(caught.value.hint)


def test_lock_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no .*absent.lock$"):
        read_lock(tmp_path / "absent.lock")
    (tmp_path / "other.lock").write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ConfigError, match=r"other\.lock:2: is not UTF-8 text"):
        read_lock(tmp_path / "other.lock")
