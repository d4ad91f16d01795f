"""``envkit doctor`` as people call it: what it shows, how it ends, and that it ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
from doctor.small_plugins import check, checks_module, install
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.api import EnvkitError
from envkit.cli.doctor_schema import schemas
from envkit.machine.reader import FactsReader

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return the facts of this machine, as JSON has them."""
    taken: dict[str, Any] = msgspec.to_builtins(FactsReader().facts())
    return taken


def write(folder: Path, facts: dict[str, Any]) -> str:
    file = folder / "facts.json"
    file.write_text(json.dumps(facts))
    return str(file)


def acme(folder: Path, *checks: str, before: str = "") -> dict[str, str]:
    """Install an extension with these checks and return the variables by which it is found."""
    return {"PYTHONPATH": str(install(folder / "site", "envkit-acme", checks_module(*checks, before=before)))}


def finding(severity: str, **more: object) -> str:
    others = "".join(f", {name}={value!r}" for name, value in more.items())
    return f"lambda context: [Finding(severity={severity!r}, summary='it is so'{others})]"


@pytest.mark.parametrize("name", ["doctor.schema.json", "facts.schema.json"])
def test_schema_in_the_docs_is_that_of_the_records(name: str) -> None:
    told = "python -m envkit.cli.doctor_schema docs"

    assert (DOCS / name).read_text(encoding="utf-8") == schemas()[name], f"it is stale: {told}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [["--only", "python,plugin"], ["--list"], ["--only", "nonsense"], ["--only", "python", "--task", "no"]],
)
def test_doctor_json_is_what_the_schema_says(envkit_here: Any, words: list[str]) -> None:
    done = envkit_here("doctor", "--json", *words)

    printed = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(schemas()["doctor.schema.json"])).validate(printed)
    assert printed["ok"] is (done.returncode != 2)
    assert done.stderr == ""


def test_facts_json_is_what_the_schema_says(facts: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["facts.schema.json"]))

    validator.validate(json.loads(json.dumps(facts)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--only", "gpuu"], "'gpuu'", "Did you mean 'gpu'?"),
        (["--skip", "python.rnage"], "'python.rnage'", "Did you mean 'python.range'?"),
        (["--only", "disk,nothing-like-it"], "'nothing-like-it'", "envkit doctor --list"),
        (["--only", "task.disk"], "'task.disk' is asked of a task", "--task ner"),
        (["--only", ""], "--only names no check", "--help"),
        (["--only", ","], "--only names no check", "--help"),
        (["--only", "gpu", "--skip", "gpu"], "no check is left", "Leave --skip out"),
        (["--yes"], "--yes goes with --fix", ""),
        (["--dry-run"], "--dry-run goes with --fix", ""),
        (["--fix", "--dry-run", "--yes"], "contradict", ""),
        (["--fix"], "nobody can be asked", "--dry-run"),
        (["--train", "x.conll"], "--train goes with --task", ""),
        (["--task", "nre"], "'nre'", "Did you mean 'ner'?"),
        (["--for", "nowhere.json"], "nowhere.json: cannot be read", "envkit facts"),
        (["--for", "x", "--deep"], "--deep is for this machine", ""),
        (["--for", "x", "--network"], "--network is for this machine", ""),
        (["--for", "x", "--fix", "--dry-run"], "--fix is for this machine", ""),
    ],
)
def test_doctor_words_that_make_no_sense_end_with_2(
    envkit_here: Any, words: list[str], message: str, hint: str
) -> None:
    done = envkit_here("doctor", *words)

    assert done.returncode == 2 and done.stdout == ""
    error, hint_line = done.stderr.splitlines()[:2]
    assert message in error and hint in hint_line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("severity", "words", "code", "last"),
    [
        ("info", ["--strict"], 0, "All well: 1 check."),
        pytest.param("skip", ["--strict"], 0, "All well: 1 check, 1 skipped.", marks=pytest.mark.slow),
        pytest.param("warn", [], 0, "1 warning in 1 check.", marks=pytest.mark.slow),
        ("warn", ["--strict"], 1, "1 warning in 1 check."),
        ("error", [], 1, "1 error in 1 check."),
        ("fatal", ["--strict"], 1, "1 check failed in 1 check."),
    ],
)
def test_doctor_ends_as_its_worst_finding_says(
    envkit_here: Any, tmp_path: Path, severity: str, words: list[str], code: int, last: str
) -> None:
    environ = acme(tmp_path, check("acme.x", finding(severity)))

    done = envkit_here("doctor", "--only", "acme", *words, **environ)

    assert done.returncode == code
    assert last in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_doctor_screen_is_quiet_of_what_is_well_and_v_shows_it(envkit_here: Any, tmp_path: Path) -> None:
    warning = finding("warn", evidence=("because",), fix="mend it: acme --now")
    environ = acme(tmp_path, check("acme.a", warning), check("acme.b"), check("acme.c", finding("ok")))

    quiet = envkit_here("doctor", "--only", "acme,python.word-size", **environ).stdout
    whole = envkit_here("doctor", "--only", "acme,python.word-size", "-v", **environ).stdout

    assert quiet.splitlines()[-8:] == [
        "",
        "ok     Python",
        "warn   acme (envkit-acme)",
        "warn     acme.a: it is so",
        "         fix: mend it: acme --now",
        "",
        "1 warning in 4 checks.",
        "What each rests on: envkit doctor -v",
    ]
    assert "ok       acme.b: It is well" in whole and "\n           because\n" in whole


def test_doctor_list_says_what_each_costs_and_who_supplies_it(envkit_here: Any, tmp_path: Path) -> None:
    environ = acme(
        tmp_path, check("acme.x"), check("acme.slow", cost="slow"), check("acme.far", network=True)
    )

    done = envkit_here("doctor", "--list", **environ)

    lines = {line.split()[0]: line.split()[1:3] for line in done.stdout.splitlines()}
    assert lines["gpu.driver-old"][0] == "envkit"
    assert lines["network.package-index"] == ["--network", "envkit"]
    assert lines["deep.cpu"] == ["--deep", "envkit"]
    assert lines["acme.x"][0] == "envkit-acme"
    assert lines["acme.slow"] == ["--deep", "envkit-acme"]
    assert lines["acme.far"] == ["--network", "envkit-acme"]


def test_doctor_named_check_that_an_option_holds_back_says_which(envkit_here: Any, tmp_path: Path) -> None:
    environ = acme(tmp_path, check("acme.slow", cost="slow"), check("acme.far", network=True))

    done = envkit_here("doctor", "--only", "acme.slow", "--only", "acme.far", **environ)

    assert "--deep" in done.stdout and "--network" in done.stdout
    assert "All well: 2 checks, 2 skipped." in done.stdout


def test_doctor_extension_that_prints_and_breaks_is_named_and_spoils_nothing(
    envkit_here: Any, tmp_path: Path
) -> None:
    environ = acme(tmp_path, check("acme.x"), "'no check'", before="print('{}')")

    done = envkit_here("doctor", "--only", "plugin,acme", "--json", **environ)

    report = json.loads(done.stdout)["data"]
    found = {each["id"]: each["findings"] for each in report["checks"]}
    assert done.returncode == 1 and report["verdict"] == "errors"
    [fault] = found["plugin.load"]
    assert "envkit-acme 1.0" in fault["summary"] and "str, which is no Check" in fault["summary"]
    assert "https://example.org/envkit-acme/issues" in fault["fix"]
    assert found["acme.x"][0]["severity"] == "ok"
    assert found["acme.x"][0]["id"] == "acme.x"


def test_doctor_named_check_of_an_extension_that_is_broken_says_that_it_is_and_why(
    envkit_here: Any, tmp_path: Path
) -> None:
    broken = acme(tmp_path, check("acme.x"), before="import nothing_like_it")

    done = envkit_here("doctor", "--only", "acme.x", **broken)

    assert done.returncode == 2 and done.stdout == ""
    assert "no check and no subject 'acme.x', but this extension" in done.stderr
    assert "envkit-acme 1.0, broken: " in done.stderr and "'nothing_like_it'" in done.stderr


@pytest.mark.slow
def test_doctor_fix_runs_what_is_safe_and_looks_again(envkit_here: Any, tmp_path: Path) -> None:
    file = tmp_path / "mended"
    run = (
        "lambda context: [] if __import__('os').path.exists("
        f"{str(file)!r}) else [Finding(severity='error', summary='no file', safe_fix=('touch', {str(file)!r}))]"
    )
    environ = acme(tmp_path, check("acme.x", run), check("acme.y", finding("warn", fix="yours to do")))
    words = ("doctor", "--only", "acme", "--fix")

    shown = envkit_here(*words, "--dry-run", **environ)
    assert shown.returncode == 1 and not file.exists()
    assert f"touch {file}" in shown.stdout

    mended = envkit_here(*words, "--yes", "--json", **environ)
    report = json.loads(mended.stdout)["data"]
    assert mended.returncode == 0 and file.exists()
    assert [(fix["state"], fix["ids"]) for fix in report["fixes"]] == [("done", ["acme.x"])]
    assert [each["findings"][0]["severity"] for each in report["checks"]] == ["ok", "warn"]

    again = envkit_here(*words, "--yes", **environ)
    assert "nothing that is safe to mend" in again.stdout


def test_doctor_for_another_machine_judges_that_one(
    envkit_here: Any, tmp_path: Path, facts: dict[str, Any]
) -> None:
    there = facts | {"platform": facts["platform"] | {"os_name": "Elsewhere 9"}}

    done = envkit_here("doctor", "--for", write(tmp_path, there), "-v")

    assert "Elsewhere 9" in done.stdout
    assert "plugin.load: not judged" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def dead_engine(tmp_path: Path) -> Iterator[str]:
    """Listen on a socket whose calls nobody takes."""
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(0)
        callers = []
        for _ in range(2):  # the queue is full: a further call waits
            caller = socket.socket(socket.AF_UNIX)
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.connect(str(path))
            callers.append(caller)
        yield f"unix://{path}"
        for caller in callers:
            caller.close()


@pytest.mark.slow
def test_doctor_dead_engine_and_hanging_nvidia_smi_end_in_time_and_the_rest_is_told(
    tmp_path: Path, dead_engine: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "nvidia-smi").write_text("#!/bin/sh\nsleep 60 & sleep 60\n")
    (programs / "nvidia-smi").chmod(0o755)
    environ = {
        **os.environ,
        **acme(tmp_path, check("acme.x"), before="import time; time.sleep(60)"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DOCKER_HOST": dead_engine,
        "ENVKIT_HOME": str(tmp_path / "home"),
    }
    start = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-m", "envkit", "doctor", "--json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert time.monotonic() - start < 30
    found = {each["id"]: each["findings"][0] for each in json.loads(done.stdout)["data"]["checks"]}
    assert found["docker.state"]["severity"] in ("warn", "error", "skip", "info")
    assert "envkit-acme 1.0" in found["plugin.load"]["summary"]
    assert found["python.word-size"]["severity"] == "ok"
    assert "Traceback" not in done.stderr


def paths_in(value: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield where each value in a record is."""
    if before:
        yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from paths_in(each, *before, name)


RICH = {
    "nvidia": {
        "driver_version": "580.65.06",
        "library_version": "580.65.06",
        "cuda_version": "13.0",
        "gpus": [{"index": 0, "name": "NVIDIA H200", "compute_capability": "9.0", "memory": 150_000_000_000}],
        "pci_devices": ["0000:01:00.0"],
        "devices": [{"path": "/dev/nvidia0", "is_usable": True, "mode": "666"}],
    },
    "amd": {"gpus": [{"name": "Radeon", "target": "gfx1100"}], "rocm_version": "6.4.1"},
    "docker": {"state": "running", "version": "28.0.1", "api_version": "1.48", "root_free": 10**11},
    "torch_sites": [
        {
            "environment": "e",
            "path": "/e",
            "python": "3.12",
            "packages": [
                {"name": "torch", "version": "2.9.0", "build": "cu128"},
                {"name": "torchvision", "version": "0.24.0", "build": "cu128"},
            ],
        }
    ],
    "variables": [{"name": "CUDA_VISIBLE_DEVICES", "value": "0"}],
    "network": [{"what": "package index", "address": "https://x.example", "state": "reached"}],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "-1", "9" * 30, "1.2.3.4.5", "..", "a.b", "2.9.0+", "\x00", "🦆", "/" * 200, []]
    ),
)


@pytest.mark.slow
@settings(max_examples=40)
@given(data=st.data())
def test_doctor_mutated_facts_give_findings_or_an_error_that_names_the_field(
    data: st.DataObject, facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    judge_mutated(data, facts, tmp_path_factory.getbasetemp())


@pytest.mark.slow
@settings(max_examples=200)
@given(data=st.data())
def test_doctor_facts_mutated_in_many_more_ways_are_judged_as_well(
    data: st.DataObject, facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    judge_mutated(data, facts, tmp_path_factory.getbasetemp())


def judge_mutated(data: st.DataObject, facts: dict[str, Any], folder: Path) -> None:
    """Change one value of the facts, and have the doctor judge them."""
    mutated = json.loads(json.dumps(facts | RICH))
    *folders, last = data.draw(st.sampled_from(list(paths_in(mutated))))
    place = mutated
    for name in folders:
        place = place[name]
    place[last] = data.draw(ODD)

    code, said = judge(write(folder, mutated))

    assert "Traceback" not in said and "bug in envkit" not in said
    assert code in (0, 1) or (code == 2 and "facts.json" in said)


def judge(file: str) -> tuple[int, str]:
    """Return how the doctor ends on facts from a file, and all that it says."""
    from envkit.cli.doctor_look import Examination, Wish
    from envkit.doctor.plugin_states import PluginReader
    from envkit.doctor.selection import Selection

    wish = Wish(selection=Selection(is_elsewhere=True), facts_file=Path(file))
    try:
        examination = Examination(wish, plugins=PluginReader())
        found = [each for _, findings in examination.results() for each in findings]
        report = examination.report()
    except EnvkitError as error:
        return error.exit_code, f"{error.message} {error.hint}"
    said = [f"{each.id} {each.severity} {each.summary} {each.fix}" for each in found]
    return int(report.verdict == "errors"), "\n".join(said)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["index-url = https://x\n", "[global]\nno-index = maybe\n"])
def test_doctor_broken_pip_configuration_is_one_finding(
    envkit_here: Any, tmp_path: Path, content: str
) -> None:
    (tmp_path / "pip.conf").write_text(content)

    done = envkit_here("doctor", "--only", "installer", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))

    assert done.returncode == 1 and done.stderr == ""
    assert "installer.pip-configuration: pip's configuration cannot be read" in done.stdout


def unread(facts: dict[str, Any], part: str, **more: Any) -> dict[str, Any]:
    return facts | {"unread": [{"what": part, "why": "no answer in 5 s", "part": part, **more}]}


@pytest.mark.slow
def test_doctor_gpus_that_gave_no_answer_are_not_called_none(
    envkit_here: Any, tmp_path: Path, facts: dict[str, Any]
) -> None:
    file = write(tmp_path, unread(facts, "nvidia", is_whole=True))

    done = envkit_here("doctor", "--for", file, "--only", "gpu", "--strict")

    assert done.returncode == 1
    assert "NVIDIA's could not be read: no answer in 5 s" in done.stdout
    assert "No NVIDIA GPU was found" not in done.stdout
    assert "checks could not be made in " in done.stdout and "All well" not in done.stdout
    assert envkit_here("doctor", "--for", file, "--only", "gpu").returncode == 0


def test_doctor_facts_without_network_are_well(
    envkit_here: Any, tmp_path: Path, facts: dict[str, Any]
) -> None:
    done = envkit_here(
        "doctor", "--for", write(tmp_path, facts), "--only", "network.package-index", "--strict"
    )

    assert done.returncode == 0 and "could not be made" not in done.stdout


@pytest.mark.slow
def test_doctor_task_on_another_machine_looks_for_no_environment_of_this_one(
    envkit_here: Any, tmp_path: Path, facts: dict[str, Any]
) -> None:
    done = envkit_here("doctor", "--for", write(tmp_path, facts), "--task", "ner", ENVKIT_ENV="mine")

    assert "would be made" in done.stdout and "no environment" not in done.stdout
    assert "no environment 'mine'" in envkit_here("doctor", "--task", "ner", ENVKIT_ENV="mine").stdout


@pytest.mark.slow
def test_doctor_system_is_another_name_of_platform(envkit_here: Any) -> None:
    done = envkit_here("doctor", "--only", "system")

    assert "System" in done.stdout and "All well: 0" not in done.stdout and done.returncode == 0


def test_doctor_many_gpus_are_the_first_and_a_count(
    envkit_here: Any, tmp_path: Path, facts: dict[str, Any]
) -> None:
    gpus = [{"index": n, "name": f"NVIDIA X{n}", "compute_capability": "9.0"} for n in range(1000)]
    there = facts | {"nvidia": facts["nvidia"] | {"gpus": gpus, "driver_version": "580.65.06"}}

    done = envkit_here("doctor", "--for", write(tmp_path, there), "--only", "python")

    assert "NVIDIA X19," in done.stdout and "NVIDIA X20," not in done.stdout
    assert "and 980 more" in done.stdout


def test_doctor_size_that_is_none_is_refused(envkit_here: Any, tmp_path: Path, facts: dict[str, Any]) -> None:
    there = facts | {"memory": facts["memory"] | {"total": -5}}

    done = envkit_here("doctor", "--for", write(tmp_path, there))

    assert done.returncode == 2 and "total of memory" in done.stderr


@pytest.mark.slow
def test_doctor_check_of_many_findings_shows_the_first_and_the_worst(
    envkit_here: Any, tmp_path: Path
) -> None:
    many = "lambda context: [Finding(severity='error' if n == 99 else 'info', summary=f'no {n}') for n in range(100)]"
    environ = acme(tmp_path, check("acme.x", many))

    done = envkit_here("doctor", "--only", "acme", **environ)

    assert done.returncode == 1
    assert "no 19" in done.stdout and "no 20" not in done.stdout
    assert "and 80 more that this check found" in done.stdout


@pytest.mark.slow
def test_doctor_fix_of_a_well_machine_has_nothing_to_mend(envkit_here: Any, tmp_path: Path) -> None:
    environ = acme(tmp_path, check("acme.x"))

    done = envkit_here("doctor", "--only", "acme", "--fix", "--dry-run", **environ)

    assert "There is nothing to mend." in done.stdout and "yours to run" not in done.stdout


@contextlib.contextmanager
def silent(file: Path) -> Iterator[None]:
    """Hold a lease on a file: the kernel lets whoever opens it wait, as on a server that is gone."""
    descriptor = os.open(file, os.O_RDWR)
    fcntl.fcntl(
        descriptor, fcntl.F_SETSIG, signal.SIGURG
    )  # who waits is told by a signal: one that ends nobody
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        yield
    finally:
        os.close(descriptor)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_doctor_silent_settings_are_told_and_all_else_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "envkit/config.toml"
    file.parent.mkdir()
    file.touch()
    environ = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "ENVKIT_HOME": str(tmp_path / "home")}

    with silent(file):
        doctor, facts = (
            subprocess.Popen(
                [sys.executable, "-m", "envkit", *words],
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for words in (["doctor", "--only", "platform"], ["facts"])
        )
        (shown, _), (_, refused) = (each.communicate(timeout=60) for each in (doctor, facts))

    assert doctor.returncode == 0
    assert str(file) in shown and "System" in shown
    assert facts.returncode == 4 and str(file) in refused
