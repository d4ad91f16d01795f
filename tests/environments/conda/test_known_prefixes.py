"""conda's list of prefixes: one line each, whoever writes at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from envkit.environments.conda.known_prefixes import forget, remember


def test_remember_twice_lists_once_and_forget_takes_it_off(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    file = tmp_path / ".conda" / "environments.txt"
    file.parent.mkdir()
    file.write_text("/opt/conda\n/srv/env", encoding="utf-8")

    remember(Path("/h/envs/ner"), environ=environ)
    remember(Path("/h/envs/ner"), environ=environ)

    assert file.read_text(encoding="utf-8") == "/opt/conda\n/srv/env\n/h/envs/ner\n"
    forget(Path("/h/envs/ner"), environ=environ)
    forget(Path("/h/envs/ner"), environ=environ)
    assert file.read_text(encoding="utf-8") == "/opt/conda\n/srv/env\n"


def test_remember_many_at_once_loses_none(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    links = [Path(f"/h/envs/env{number}") for number in range(24)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda link: remember(link, environ=environ), [*links, *links]))

    lines = (tmp_path / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == sorted(map(str, links))


def test_remember_where_home_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("a file", encoding="utf-8")

    remember(Path("/h/envs/ner"), environ={"HOME": str(file)})
    remember(Path("/h/envs/ner"), environ={})
    forget(Path("/h/envs/ner"), environ={"HOME": str(tmp_path)})

    assert file.read_text(encoding="utf-8") == "a file"
    assert not (tmp_path / ".conda").exists()
