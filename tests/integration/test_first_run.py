"""The lines at the top of README.md, from a clean checkout in an empty folder with an empty home."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from stranger import Person, copy_checkout, fresh_environ, readme_lines

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.torch]


def only_run(folder: Path) -> Path:
    (run_dir,) = (folder / "runs").iterdir()
    return run_dir


def check_finished(run_dir: Path, stdout: str) -> dict[str, object]:
    result: dict[str, object] = json.loads((run_dir / "result.json").read_bytes())
    assert result["status"] == "finished"
    assert result["metrics"]["dev/entity_f1"] > 0.8  # type: ignore[index]
    assert "entity_f1" in stdout
    assert run_dir.name in stdout
    return result


def environments(home: Path) -> list[Path]:
    return sorted(file.parent for file in home.glob("envs/*/envkit-env.json"))


def test_readme_lines_as_they_stand_end_with_a_model_and_reuse_the_environment(tmp_path: Path) -> None:
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    copy_checkout(checkout)
    person = Person(checkout, fresh_environ(home))
    make, install_and_run, _ = readme_lines()

    first = person.types(f"{make} && {install_and_run}")

    check_finished(only_run(checkout), first.stdout)
    (made,) = environments(home)

    again = person.types(". .venv/bin/activate && envkit run ner --max-steps 2 --run-dir again")

    assert environments(home) == [made]
    assert "made before" in again.stderr
    assert json.loads((checkout / "again" / "result.json").read_bytes())["status"] == "finished"

    outside = person.types(
        f'{made}/bin/python -c "from transformers import pipeline; '
        f"print(pipeline('token-classification', '{only_run(checkout)}/model')('Anna lives in Paris .'))\""
    )
    assert "entity" in outside.stdout


def test_readme_lines_with_pips_file_alone_and_the_source_gone_end_with_a_model(tmp_path: Path) -> None:
    checkout, home, work = tmp_path / "checkout", tmp_path / "home", tmp_path / "work"
    copy_checkout(checkout)
    work.mkdir()
    environ = fresh_environ(home, without=("PIP_", "UV_"))
    Person(tmp_path, environ).types(
        "python3 -m venv venv && . venv/bin/activate && cd checkout && pip install . ./plugins/envkit-*"
    )
    checkout.rename(tmp_path / "moved-away")

    done = Person(work, environ).types(". ../venv/bin/activate && envkit run ner")

    check_finished(only_run(work), done.stdout)

    # Two first runs at once: both succeed, with one environment.
    environ["ENVKIT_HOME"] = str(tmp_path / "second-home")
    line = "../venv/bin/envkit run ner --max-steps 2 --run-dir {}"
    both = [
        subprocess.Popen(
            ["bash", "-c", line.format(name)], cwd=work, env=environ, stderr=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    ends = [(process.communicate(timeout=600)[1], process.returncode) for process in both]

    assert [code for _, code in ends] == [0, 0], ends
    assert len(environments(tmp_path / "second-home")) == 1
