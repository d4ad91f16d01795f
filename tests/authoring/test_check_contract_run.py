"""Whatever a plugin does to the process that tries its promises, each check has its answer and the rest go on."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from authoring.check_plugins import CONTRACT, PLUGIN, Files, good_files, replaced, write_plugin
from echo import living_processes, wait_until

from envkit.api import EnvError
from envkit.authoring.check_causes import CAUSES
from envkit.authoring.contract_run import NothingToTry, Tried, Workplace, try_promises
from envkit.testing import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable

# By the folder of its run each check meets another fault.
LOOP = '''\
"""The loop of the task."""

import os
import signal
import sys
import time
from pathlib import Path

from envkit.api import Result


def finetune(run):
    misbehave(run.run_dir)
    (run.model_dir / "count.txt").write_text(f"{len(run.data)} {run.seed}")
    return Result(metrics={"dev/count": 1.0})


def misbehave(folder):
    name = folder.name
    if name == "seed-a":
        print("last words")
        os._exit(3)
    if name == "straight":
        while True:
            time.sleep(0.05)
    if name.startswith("accumulation"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "stopped":
        raise KeyboardInterrupt
    if name == "usual":
        sys.exit(4)
'''


def site_of(folder: Path, change: Callable[[Files], Files] = dict) -> Workplace:
    """Unpack the wheel and return a place in which it comes first."""
    folder.mkdir()
    site = folder / "site"
    with zipfile.ZipFile(write_plugin(folder, change)) as archive:
        archive.extractall(site)
    return Workplace(python=sys.executable, environ=os.environ, site=site)


def run(place: Workplace, folder: Path, *names: str, seconds: float = 60.0) -> dict[str, Tried]:
    tried = try_promises(
        "task", "envkit_tally.contract", names, folder=folder, workplace=place, given="tally", seconds=seconds
    )
    return {each.name: each for each in tried}


def with_loop(text: str) -> Callable[[Files], Files]:
    """Return what gives the plugin this loop, and the options that all checks ask for."""
    plugin = (
        good_files()[PLUGIN]
        .replace("Options,", "FinetuneOptions,", 1)
        .replace("(Options,", "(FinetuneOptions,")
    )
    return lambda files: {**files, "envkit_tally/loop.py": text, PLUGIN: plugin}


@pytest.mark.slow
def test_try_promises_of_a_loop_that_ends_its_process_goes_on_with_the_rest(tmp_path: Path) -> None:
    place = site_of(tmp_path / "made", with_loop(LOOP))
    names = ("seed", "accumulation", "predict", "gold")
    tried = run(place, tmp_path / "runs", *names)
    assert tuple(tried) == names
    assert tried["seed"].problem == "it ended the process with status 3"
    assert tried["seed"].evidence[-1] == "last words"
    assert tried["accumulation"].problem is not None
    assert "SIGKILL, most likely by the system because memory ran out" in tried["accumulation"].problem
    assert tried["predict"].problem == "it tries to end the process with exit code 4"
    assert (
        tried["predict"].evidence[0].endswith(f"loop.py:{LOOP.splitlines().index('        sys.exit(4)') + 1}")
    )
    assert tried["gold"].problem is None


@pytest.mark.slow
def test_try_promises_of_a_loop_that_hangs_deep_in_code_of_others_says_at_which_line(tmp_path: Path) -> None:
    # A dump of threads ends after a hundred calls, before it comes to the plugin's.
    deep = "def dive(n):\\n    import time\\n    dive(n - 1) if n else time.sleep(600)\\n"
    hangs = LOOP.replace(
        "        while True:\n            time.sleep(0.05)\n",
        f'        names = {{"__name__": "elsewhere"}}\n        exec("{deep}", names)\n        names["dive"](200)\n',
    )
    place = site_of(tmp_path / "made", with_loop(hangs))
    began = time.monotonic()
    tried = run(place, tmp_path / "runs", "resume", "seed", seconds=5)
    assert time.monotonic() - began < 60
    line = hangs.splitlines().index('        names["dive"](200)') + 1
    assert tried["resume"].problem == "it did not end within 5 s"
    assert tried["resume"].evidence[0].endswith(f"envkit_tally/loop.py:{line}")
    assert tried["seed"].problem == "it ended the process with status 3"


@pytest.mark.slow
def test_try_promises_of_a_contract_that_does_not_fit_the_task_says_what_and_where(tmp_path: Path) -> None:
    options = '    options={"limit": "ten"},\n    score_gold='

    def change(files: Files) -> Files:
        files = replaced(CONTRACT, "    score_gold=", options)(with_loop(LOOP)(files))
        return replaced(PLUGIN, 'headline="count"', 'headline="f1"')(files)

    tried = run(site_of(tmp_path / "made", change), tmp_path / "runs", "seed", "gold")
    assert tried["seed"].problem == ("CONTRACT.options: limit = 'ten' does not fit: expected a whole number")
    line = good_files()[CONTRACT].splitlines().index("    score_gold=score_gold,") + 1
    assert tried["seed"].evidence[0].endswith(f"envkit_tally/contract.py:{line}")
    assert tried["gold"].problem == (
        "envkit_task says headline='f1', and score_gold gives no such metric of train, "
        "only count: give one of them as headline"
    )


def test_try_promises_of_a_loop_that_eats_all_memory_says_so(tmp_path: Path) -> None:
    eats = LOOP.replace("        sys.exit(4)", "        raise MemoryError")
    place = site_of(tmp_path / "made", with_loop(eats))
    assert run(place, tmp_path / "runs", "predict")["predict"].problem == "it ran out of memory"


@pytest.mark.slow
def test_try_promises_of_a_loop_that_prints_without_end_keeps_the_last_lines(tmp_path: Path) -> None:
    floods = LOOP.replace('print("last words")', "[print('x' * 1000) for _ in range(20_000)]")
    place = site_of(tmp_path / "made", with_loop(floods))
    (tried,) = run(place, tmp_path / "runs", "seed").values()
    assert tried.problem == "it ended the process with status 3"
    assert len(tried.evidence) < 10


def test_try_promises_leaves_no_process_behind(tmp_path: Path) -> None:
    note = tmp_path / "children"
    spawns = LOOP.replace(
        'print("last words")',
        f"import subprocess; child = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(f'{{os.getpgid(0)}}')",
    )
    place = site_of(tmp_path / "made", with_loop(spawns))
    run(place, tmp_path / "runs", "seed")
    group = int(note.read_text())
    wait_until(lambda: not living_processes(group))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: {k: v for k, v in files.items() if k != CONTRACT}, "there is no module"),
        pytest.param(
            replaced(CONTRACT, "CONTRACT =", "CONTRACTS ="), "has no CONTRACT", marks=pytest.mark.slow
        ),
        pytest.param(
            replaced(CONTRACT, 'task="tally"', 'task="other"'),
            "is for the task 'other'",
            marks=pytest.mark.slow,
        ),
        (replaced(CONTRACT, "FOLDER =", "import os\nos._exit(5)\nFOLDER ="), "status 5"),
        (replaced(CONTRACT, "FOLDER =", "import not_there\nFOLDER ="), "No module named 'not_there'"),
    ],
    ids=["none", "other-name", "other-task", "exits", "fails"],
)
def test_try_promises_without_a_contract_that_can_be_read_says_why(
    tmp_path: Path, change: Callable[[Files], Files], said: str
) -> None:
    place = site_of(tmp_path / "made", change)
    with pytest.raises(NothingToTry, match=said):
        run(place, tmp_path / "runs", "seed")


def test_try_promises_of_an_interpreter_that_is_gone_is_an_error(tmp_path: Path) -> None:
    place = Workplace(python=str(tmp_path / "python"), environ={})
    with pytest.raises(EnvError, match="does not start"):
        run(place, tmp_path / "runs", "seed")


def test_good_files_hold_a_contract() -> None:
    assert CONTRACT in good_files()


@pytest.mark.slow
def test_try_promises_of_a_loop_that_raises_tells_kind_message_and_line(tmp_path: Path) -> None:
    raises = LOOP.replace(
        '    if name == "seed-a":\n', '    raise KeyError("oops")\n    if name == "seed-a":\n'
    )
    asserts = raises.replace('raise KeyError("oops")', 'assert not name, "a row too many"')
    for number, (loop, said) in enumerate(
        ((raises, "KeyError: 'oops'"), (asserts, "AssertionError: a row too many"))
    ):
        tried = run(
            site_of(tmp_path / f"made-{number}", with_loop(loop)), tmp_path / f"runs-{number}", "seed"
        )
        assert tried["seed"].problem == said
        line = next(n for n, row in enumerate(loop.splitlines(), 1) if "oops" in row or "too many" in row)
        assert tried["seed"].evidence[0].endswith(f"envkit_tally/loop.py:{line}")


@pytest.mark.slow
def test_try_promises_of_a_task_without_optional_hooks_leaves_out_what_they_serve(tmp_path: Path) -> None:
    loop = LOOP.replace("    misbehave(run.run_dir)\n", "")

    def change(files: Files) -> Files:
        files = with_loop(loop)(files)
        before, mark, _ = files[PLUGIN].partition("@hookimpl\ndef envkit_corpus")
        assert mark
        return {**files, PLUGIN: before}

    names = ("seed", "nothing_cut", "environ", "predict")
    tried = run(site_of(tmp_path / "made", change), tmp_path / "runs", *names)
    left_out = {name: each.unchecked for name, each in tried.items() if each.unchecked}
    assert set(left_out) == {"nothing_cut", "predict"}
    assert all("is not given, which a task may leave out" in said for said in left_out.values())
    assert tried["seed"].problem is None and tried["environ"].problem is None


def test_causes_are_those_that_the_docs_tell() -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    table = text.partition("| promise | is broken by |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    told = {f"check.contract-{name.strip('`').replace('_', '-')}": cause for name, cause in rows}
    assert {name: cause.replace("`", "") for name, cause in told.items()} == CAUSES
    assert [f"check.contract-{check.name.replace('_', '-')}" for check in CHECKS] == list(CAUSES)
