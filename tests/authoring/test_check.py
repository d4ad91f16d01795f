"""A good plugin passes its check, and each thing that is wrong with one is found, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import pytest
from authoring.check_plugins import (
    CONTRACT,
    ENTRY_POINTS,
    METADATA,
    PLUGIN,
    Files,
    good_files,
    replaced,
    without,
    write_plugin,
)
from echo import SOURCE
from msgspec import defstruct
from packaging.specifiers import SpecifierSet

from envkit.api import Meta, Options, UsageError
from envkit.authoring.check import check_plugin, known_checks
from envkit.authoring.check_options import describe_options
from envkit.authoring.check_progress import Silence
from envkit.authoring.check_report import Wanted
from envkit.authoring.name_checks import near_name
from envkit.authoring.requirement_checks import bounds_fault
from envkit.registry import DISABLE_VARIABLE, PREFER_VARIABLE
from envkit.testing import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.authoring.check_report import PluginReport

Change = Callable[[Files], Files]
NOTHING_LOADED = Wanted(only=("metadata", "names"))
BAD = ("error", "warn", "crash")
ONE_FILE = "envkit_tally.py"


def in_metadata(old: str, new: str = "") -> Change:
    return replaced(METADATA, old, new)


def in_plugin(old: str, new: str = "") -> Change:
    return replaced(PLUGIN, old, new)


def in_both(*changes: Change) -> Change:
    def change(files: Files) -> Files:
        for each in changes:
            files = each(files)
        return files

    return change


# What is wrong, the only id that is to say so, and a part of what it says.
METADATA_FAULTS: list[tuple[Change, str, str]] = [
    (in_metadata("Name: envkit-tally", "Name: tally"), "name", "expected envkit-tally"),
    (in_metadata("Version: 0.1.0", "Version: first"), "version", "'first' is no version"),
    (in_metadata("Summary: Count words\n"), "summary", "no summary"),
    (in_metadata("Count words", "Count words " * 20), "summary", "239 letters"),
    (in_metadata("License-Expression: MIT\n"), "licence", "no licence is named"),
    (in_metadata("Expression: MIT", "Expression: Mine"), "licence", "no SPDX expression"),
    (in_metadata("License-Expression: MIT", "License: MIT"), "licence", "programs cannot read it"),
    (in_metadata("License-File: LICENSE\n"), "licence-file", "not in the wheel"),
    (in_metadata("License-File: LICENSE", "License-File: COPYING"), "licence-file", "lacks COPYING"),
    (in_metadata("Requires-Python: >=3.11\n"), "requires-python", "name no range"),
    (in_metadata("Python: >=3.11", "Python: <3.8"), "requires-python", "envkit on none of these"),
    (in_metadata("Python: >=3.11", "Python: three"), "requires-python", "'three' is no range"),
    (in_metadata("Requires-Dist: envkit-ml>=0.1,<0.2\n"), "requirement", "does not ask for envkit-ml"),
    (in_metadata(">=0.1,<0.2", ">=0.1"), "requirement", "without an upper bound"),
    (in_metadata(">=0.1,<0.2", ">=0.1,<1"), "requirement", "takes in envkit-ml 0.2 too"),
    (in_metadata(">=0.1,<0.2", ">=0.0.1,<0.0.2"), "requirement", "this is envkit-ml"),
    (in_metadata("Extra: train", "Extra: training"), "train-extra", "is training meant"),
    (
        replaced(ENTRY_POINTS, "[envkit.tasks]", "[envkit.task]"),
        "entry-points",
        "no group of entry points 'envkit.task'",
    ),
    (replaced(ENTRY_POINTS, "envkit_tally.plugin", "envkit tally"), "entry-points", "expected a module"),
    (replaced(ENTRY_POINTS, "[envkit.tasks]", "[console_scripts]"), "entry-points", "no entry point"),
    (without("envkit_tally/py.typed"), "typed", "no py.typed"),
    (in_metadata("\n# envkit-tally\n"), "readme", "no long description"),
    (replaced(ENTRY_POINTS, "envkit_tally.plugin", "tally.plugin"), "module", "expected envkit_tally"),
    (replaced(ENTRY_POINTS, "tally =", "Tally_2 ="), "task-name", "small letters"),
    (replaced(ENTRY_POINTS, "tally =", "ner ="), "name-taken", "envkit-ner"),
]
CODE_FAULTS: list[tuple[Change, str, str]] = [
    (
        replaced("envkit_tally/loop.py", "from envkit.api", "from envkit.registry import load_task\nfrom envkit.api"),
        "private-imports",
        "imports envkit.registry",
    ),
    (in_plugin("from typing", "import envkit_tally.contract\nfrom typing"), "import-weight", "for tests alone"),
    (in_plugin("from typing", "import time\n\ntime.sleep(0.2)\nfrom typing"), "import-time", "more than the"),
    (in_plugin('api_version = "1.0"', 'api_version = "1.7"'), "api-version", "version 1.7"),
    (in_plugin('api_version = "1.0"', "api_version = 1"), "api-version", "expected a text"),
    (in_plugin("from typing", "import not_there\nfrom typing"), "loads", "not_there"),
    (in_plugin("class TallyOptions", "class TallyOptions:\nclass"), "loads", "IndentationError"),
    (in_plugin("api_version =", "import os\nos._exit(3)\napi_version ="), "loads", "status 3"),
    (in_plugin('headline="count"', 'headline=""'), "loads", "headline"),
    (in_plugin("api_version =", "print('hello')\napi_version ="), "loads", "prints 'hello'"),
    (
        in_plugin(
            "api_version =",
            "from envkit.api import deprecated\n\n\ndef old():\n    deprecated('old', removed_in='2.0', instead='new')"
            "\n\n\nold()\napi_version =",
        ),
        "deprecations",
        "goes away in envkit 2.0",
    ),
    (in_plugin('Meta("Where to stop.", ge=1)', 'Meta("", ge=1)'), "option-help", "limit has no help"),
    (in_plugin('limit: Annotated[int, Meta("Where to stop.", ge=1)] = 10', 'limit: Annotated[dict[str, int], Meta("Where.")] = {}'), "option-types", "limit"),
    (in_plugin("    limit:", "    track:"), "option-types", "a flag of `envkit run` itself"),
    (in_plugin("ge=1)] = 10", "ge=1)] = 0"), "option-defaults", "default 0 does not fit: expected a whole number >= 1"),
    (in_plugin("ge=1)] = 10", "ge=1)]"), "option-defaults", "no default"),
    (in_plugin("def envkit_corpus(", "def envkit_corpsu("), "hooks", "is envkit_corpus meant"),
    (in_plugin("def envkit_read(request)", "def envkit_read(reqest)"), "hooks", "is request meant"),
    (in_plugin("def envkit_read(request)", "def envkit_read(reqest=None)"), "hooks", "is request meant"),
    (in_plugin("@hookimpl\ndef envkit_read", "def envkit_read"), "hooks", "not marked with @hookimpl"),
    (in_plugin("def envkit_read", "async def envkit_read"), "hooks", "is async"),
    (in_plugin("@hookimpl\ndef envkit_finetune", "def _finetune"), "missing-hooks", "envkit_finetune"),
]  # fmt: skip


def as_one_file(change: Change = dict) -> Change:
    """Return what makes the plugin one module, its loop included, and then changes it."""

    def whole(files: Files) -> Files:
        lines = [line for line in files[PLUGIN].splitlines(keepends=True) if "envkit_tally.loop" not in line]
        text = "".join(lines).replace(
            "    return finetune(run)", '    return Result(metrics={"dev/count": 1.0})'
        )
        rest = {name: content for name, content in files.items() if not name.startswith("envkit_tally/")}
        return change({**rest, ONE_FILE: text, ENTRY_POINTS: "[envkit.tasks]\ntally = envkit_tally\n"})

    return whole


def red(report: PluginReport) -> dict[str, list[str]]:
    """Return what is wrong by id."""
    found: dict[str, list[str]] = {}
    for finding in report.findings:
        if finding.severity in BAD:
            found.setdefault(finding.id.removeprefix("check."), []).append(finding.summary)
    return found


@pytest.mark.slow
def test_check_of_a_good_plugin_finds_all_well(tmp_path: Path) -> None:
    report = check_plugin(write_plugin(tmp_path), has_contract=False)
    assert [finding.id for finding in report.findings if finding.severity != "ok"] == []
    assert (report.plugin, report.version, report.source, report.verdict) == (
        "envkit-tally",
        "0.1.0",
        "wheel",
        "well",
    )
    assert [entry.name for entry in report.entries] == ["tally"]
    assert "envkit_tally.plugin" not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what", "said"),
    [
        pytest.param(*fault, marks=[pytest.mark.slow] * (number % 5 > 0))
        for number, fault in enumerate(METADATA_FAULTS)
    ],
)
def test_check_of_metadata_with_one_fault_turns_one_id_red(
    tmp_path: Path, change: Change, what: str, said: str
) -> None:
    found = red(check_plugin(write_plugin(tmp_path, change), wanted=NOTHING_LOADED, has_contract=False))
    assert list(found) == [what]
    assert said in found[what][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what", "said"),
    [
        pytest.param(*fault, marks=[pytest.mark.long] * (number > 4))
        for number, fault in enumerate(CODE_FAULTS)
    ],
)
def test_check_of_code_with_one_fault_turns_one_id_red(
    tmp_path: Path, change: Change, what: str, said: str
) -> None:
    report = check_plugin(write_plugin(tmp_path, change), has_contract=False)
    found = red(report)
    assert list(found) == [what], found
    assert said in found[what][0]
    assert all(finding.fix for finding in report.findings if finding.severity in BAD)


@pytest.mark.slow
def test_check_of_code_that_hangs_says_at_which_line(tmp_path: Path) -> None:
    change = in_plugin("from typing", "import time\n\ntime.sleep(1000)\nfrom typing")
    report = check_plugin(write_plugin(tmp_path, change), has_contract=False)
    assert list(red(report)) == ["loads"]
    (finding,) = [finding for finding in report.findings if finding.severity == "error"]
    assert finding.evidence == ("envkit_tally/plugin.py:7",)


@pytest.mark.slow
def test_check_of_code_with_many_faults_finds_each(tmp_path: Path) -> None:
    change = in_both(
        in_plugin("from typing", "import envkit_tally.contract\nfrom typing"),
        in_plugin('Meta("Where to stop.", ge=1)] = 10', 'Meta("", ge=1)] = 0'),
        in_plugin("def envkit_read(request)", "def envkit_read(reqest)"),
        in_plugin("def envkit_predictor", "def envkit_predicter"),
    )
    report = check_plugin(write_plugin(tmp_path, change), has_contract=False)
    found = red(report)
    assert sorted(found) == ["hooks", "import-weight", "option-defaults", "option-help"]
    assert len(found["hooks"]) == 2
    evidence = {finding.id: finding.evidence for finding in report.findings if finding.severity == "error"}
    assert all(text.rpartition(":")[2].isdigit() for texts in evidence.values() for text in texts)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from envkit.registry import load_task", ["envkit_tally.py:5 imports envkit.registry"]),
        ("from envkit.api import Finding", []),
    ],
    ids=["private", "public"],
)
def test_check_of_a_plugin_of_one_file_looks_at_its_imports(
    tmp_path: Path, line: str, found: list[str]
) -> None:
    wheel = write_plugin(tmp_path, as_one_file(replaced(ONE_FILE, "from typing", f"{line}\nfrom typing")))
    report = check_plugin(wheel, wanted=Wanted(only=("private-imports",)), has_contract=False)
    assert [text for finding in report.findings for text in finding.evidence] == found


@pytest.mark.parametrize(
    ("bounds", "version", "said"),
    [
        (">=0.1,<0.2", "0.1.3", ""),
        ("~=0.1.0", "0.1.3", ""),
        ("==0.1.*", "0.1.3", ""),
        (">=0.1,<=0.1.9", "0.1.3", ""),
        (">=1.2,<2", "1.4", ""),
        ("~=1.2", "1.4", ""),
        ("", "0.1.3", "without an upper bound"),
        (">=0.1,!=0.2", "0.1.3", "without an upper bound"),
        (">=0.1,<1", "0.1.3", "takes in envkit-ml 0.2 too"),
        ("~=0.1", "0.1.3", "takes in envkit-ml 0.2 too"),
        (">=0.1,<0.2.5", "0.1.3", "takes in envkit-ml 0.2 too"),
        (">=0.1,<=0.2", "0.1.3", "takes in envkit-ml 0.2 too"),
        (">=0.1,<3,!=0.2", "0.1.3", "takes in envkit-ml 0.2 too"),
        (">=1.2,<2.1", "1.4", "takes in envkit-ml 2 too"),
        ("==0.3.*", "0.1.3", "this is envkit-ml 0.1.3"),
    ],
)
def test_bounds_on_envkit_are_judged_by_what_they_leave_out(bounds: str, version: str, said: str) -> None:
    fault = bounds_fault(SpecifierSet(bounds), version=version)
    assert said in fault
    assert bool(said) == bool(fault)


def test_check_of_left_out_hooks_says_what_is_lost(tmp_path: Path) -> None:
    change = in_plugin("@hookimpl\ndef envkit_predictor(request):\n    raise NotImplementedError\n")
    report = check_plugin(write_plugin(tmp_path, change), wanted=Wanted(only=("hooks",)), has_contract=False)
    (finding,) = [finding for finding in report.findings if finding.severity != "ok"]
    assert finding.severity == "info"
    assert "envkit predict" in finding.summary


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        pytest.param("classification", marks=pytest.mark.slow),
        "ner",
        pytest.param("qa", marks=pytest.mark.slow),
        pytest.param("sentiment", marks=pytest.mark.slow),
    ],
)
def test_check_of_a_built_in_plugin_finds_no_fault(task: str) -> None:
    report = check_plugin(task, has_contract=False)
    assert red(report) == {}
    assert report.source == "installed"


@pytest.mark.slow
def test_check_of_the_echo_plugin_finds_what_it_lacks() -> None:
    report = check_plugin(SOURCE, wanted=Wanted(skip=("contract",)))
    assert sorted(red(report)) == ["licence", "licence-file", "private-imports", "requirement", "typed"]
    places = [text for finding in report.findings if finding.severity == "error" for text in finding.evidence]
    assert all(text.startswith(str(SOURCE)) for text in places)


def test_check_of_a_source_that_does_not_build_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'envkit-tally'\nversion = '1.0'\n"
    )
    (tmp_path / "backend.py").write_text("def build_wheel(*given):\n    raise ValueError('no wheel today')\n")
    report = check_plugin(tmp_path, has_contract=False)
    assert list(red(report)) == ["builds"]
    (finding,) = report.findings
    assert finding.summary.endswith("ValueError: no wheel today")
    assert finding.evidence == (f"{tmp_path / 'backend.py'}:2",)
    assert report.verdict == "errors"


def test_check_of_a_plugin_without_a_contract_says_so(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path, without(CONTRACT))
    report = check_plugin(wheel, wanted=Wanted(only=("contract",)), env="current")
    assert list(red(report)) == ["contract"]
    assert "no module envkit_tally.contract" in red(report)["contract"][0]


@pytest.mark.slow
def test_check_of_a_plugin_that_the_tester_does_without_tries_its_contract(tmp_path: Path) -> None:
    report = check_plugin(
        write_plugin(tmp_path),
        wanted=Wanted(only=("contract-gold",)),
        env="current",
        environ={**os.environ, DISABLE_VARIABLE: "tally,envkit-tally", PREFER_VARIABLE: "tally=other"},
    )
    assert red(report) == {}
    assert "check.contract-gold" in {finding.id for finding in report.findings}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"target": "nerr"}, "no plugin 'nerr'"),
        ({"target": "./not-there"}, "no folder and no wheel"),
        ({"target": "ner", "wanted": Wanted(only=("hoks",))}, "no check 'hoks'"),
        ({"target": "ner", "env": "docker:some"}, "not in a container"),
    ],
)
def test_check_of_what_is_not_there_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_plugin(**arguments)  # type: ignore[arg-type]


def test_check_of_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no pyproject\.toml"):
        check_plugin(tmp_path)
    (tmp_path / "some.whl").write_text("no archive")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        check_plugin(tmp_path / "some.whl")


class StoppedAt(Silence):
    """A user who presses Ctrl-C when a check begins."""

    def __init__(self, check_id: str) -> None:
        self._check_id = check_id

    def begin(self, check_id: str) -> None:
        if check_id == self._check_id:
            raise KeyboardInterrupt


def test_check_that_is_stopped_tells_what_it_found_and_what_it_did_not_reach(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path, in_metadata("Summary: Count words\n"))
    report = check_plugin(wheel, has_contract=False, progress=StoppedAt("check.licence"))
    assert report.is_stopped
    assert [result.id for result in report.checks] == ["check.name", "check.version", "check.summary"]
    assert (list(red(report)), report.verdict) == (["summary"], "errors")
    assert report.not_reached[:2] == ("check.licence", "check.licence-file")
    assert report.not_reached[-1] == "check.optional-hooks"
    assert (report.plugin, report.version) == ("envkit-tally", "0.1.0")


def test_check_that_is_stopped_before_its_contract_names_the_promises(tmp_path: Path) -> None:
    wanted = Wanted(only=("contract", "name"), skip=("contract-cpu",))
    report = check_plugin(write_plugin(tmp_path), wanted=wanted, progress=StoppedAt("check.name"))
    promised = [f"check.contract-{check.name.replace('_', '-')}" for check in CHECKS if check.name != "cpu"]
    assert report.not_reached == ("check.name", "check.environment", *promised)


def test_check_that_is_stopped_while_it_builds_knows_no_more_than_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'envkit-tally'\n")
    report = check_plugin(tmp_path, wanted=NOTHING_LOADED, progress=StoppedAt("check.builds"))
    assert (report.plugin, report.checks, report.is_stopped) == (tmp_path.name, (), True)
    assert "check.builds" in report.not_reached
    assert "check.contract-seed" not in report.not_reached


@pytest.mark.slow
def test_check_of_an_invalid_licence_in_a_source_names_file_value_and_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'envkit-tally'\nversion = '1.0'\nlicense = 'Apache 2'\n"
    )
    (tmp_path / "backend.py").write_text("def build_wheel(*given):\n    raise ValueError('Apache 2')\n")
    (finding,) = check_plugin(tmp_path, has_contract=False).findings
    assert finding.summary.startswith('license = "Apache 2" in [project], expected an SPDX expression')
    assert finding.evidence[0] == f"{tmp_path / 'pyproject.toml'}:8"
    assert (finding.fix or "").startswith('In pyproject.toml: license = "Apache-2.0"')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("[build-system]\nrequires = 'hatchling'\n[project]\nname = 'envkit-tally'\nversion = '1.0'\n", ":2"),
        (
            "[build-system]\nrequires = []\nbuild-backend = 'not_there'\n[project]\nname = 'a'\nversion = '1'\n",
            "",
        ),
    ],
)
def test_check_of_a_source_that_uv_refuses_says_uvs_reason_and_no_place_that_is_none(
    tmp_path: Path, table: str, place: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(table)
    (finding,) = check_plugin(tmp_path, has_contract=False).findings
    assert "Building wheel..." not in str(finding)
    assert "<string>" not in str(finding.evidence[:1])
    assert not place or finding.evidence[0] == f"{tmp_path / 'pyproject.toml'}{place}"


@pytest.mark.slow
def test_check_of_code_that_prints_warns_and_logs_says_at_which_lines(tmp_path: Path) -> None:
    lines = (
        "import logging, threading, warnings",
        "print('hello')",
        "warnings.warn('so old')",
        "logging.getLogger('tally').warning('careful')",
        "threading.Thread(target=print, name='late').start()",
        "import faulthandler, sys",
        "faulthandler.enable()",
        "sys.stderr.reconfigure(errors='backslashreplace')",
    )
    change = in_plugin("from typing", "\n".join((*lines, "from typing")))
    report = check_plugin(write_plugin(tmp_path, change), wanted=Wanted(only=("loads",)), has_contract=False)
    first = good_files()[PLUGIN].splitlines().index("from typing import Annotated, Literal") + 1
    found = {finding.summary.partition(".plugin ")[2]: finding.evidence for finding in report.findings}
    assert found == {
        f"{what}, which no import should": (f"{PLUGIN}:{first + number}",)
        for what, number in (
            ("prints 'hello'", 1),
            ("warns: 'UserWarning: so old'", 2),
            ("writes 'careful' to standard error", 3),
            ("starts the thread 'late'", 4),
        )
    }


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("envkit_taly.plugin", "module"),
        pytest.param("envkit_tally.plugn", "loads", marks=pytest.mark.slow),
    ],
)
def test_check_of_a_misspelt_module_names_its_line_and_the_one_that_is_there(
    tmp_path: Path, module: str, what: str
) -> None:
    wheel = write_plugin(tmp_path, replaced(ENTRY_POINTS, "envkit_tally.plugin", module))
    report = check_plugin(wheel, wanted=Wanted(only=(what,)), has_contract=False)
    (finding,) = report.findings
    assert finding.id == f"check.{what}"
    assert (finding.fix or "").endswith(': tally = "envkit_tally.plugin"')
    assert [place.rpartition(":")[0].rpartition("/")[2] for place in finding.evidence] == ["METADATA"]


@pytest.mark.slow
def test_check_of_a_plugin_whose_requirement_is_none_tells_its_author_to_mend_it(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path, in_metadata("iniconfig>=2;", "iniconfig>>2;"))
    report = check_plugin(wheel, wanted=Wanted(only=("contract-gold",)), env="current")
    (finding,) = [each for each in report.findings if each.severity == "error"]
    assert "which is no requirement" in finding.summary
    assert finding.fix == f"Mend it in {wheel}, then check it again"


@pytest.mark.slow
def test_check_of_a_process_that_dies_at_import_says_how_to_see_where(tmp_path: Path) -> None:
    line = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nfrom typing"
    wheel = write_plugin(tmp_path, in_plugin("from typing", line))
    ((summary, fix),) = _bad(wheel, "loads")
    assert summary.endswith("importing it ends the process by SIGKILL")
    assert fix.endswith("python -X faulthandler -c 'import envkit_tally.plugin'")


@pytest.mark.slow
@pytest.mark.parametrize("group", ["options", "hooks"])
def test_check_of_one_group_of_a_plugin_that_cannot_be_imported_is_an_error(
    tmp_path: Path, group: str
) -> None:
    wheel = write_plugin(tmp_path, in_plugin("from typing", "import no_such_thing\nfrom typing"))
    report = check_plugin(wheel, wanted=Wanted(only=(group,)), has_contract=False)
    *skipped, finding = report.findings
    assert {each.severity for each in skipped} == {"skip"}
    assert "no_such_thing" in finding.summary
    assert (finding.id, report.verdict) == ("check.loads", "errors")


@pytest.mark.slow
def test_check_of_options_alone_that_cannot_be_read_names_the_option_and_its_line(tmp_path: Path) -> None:
    bad = in_plugin('Annotated[int, Meta("Where', 'Annotated[int | None, Meta("Where')
    report = check_plugin(write_plugin(tmp_path, bad), wanted=Wanted(only=("options",)), has_contract=False)
    *skipped, finding = report.findings
    assert {each.severity for each in skipped} == {"skip"}
    assert "nothing was checked: the option limit is of no type that an option may have" in finding.summary
    line = next(n for n, text in enumerate(good_files()[PLUGIN].splitlines(), 1) if "limit:" in text)
    assert (finding.severity, finding.evidence) == ("error", (f"{PLUGIN}:{line}",))


@pytest.mark.parametrize("name", ["help", "json", "track", "run_dir"])
def test_option_named_as_a_flag_of_envkit_run_cannot_be_one(name: str) -> None:
    options = defstruct("Named", [(name, Annotated[str, Meta("Some.")], "")], bases=(Options,), kw_only=True)
    records = {each.name: each for each in describe_options(options)}  # type: ignore[arg-type]
    flag = name.replace("_", "-")
    assert records[name].type_problem == f"--{flag} is a flag of `envkit run` itself"
    assert records["epochs"].type_problem == ""


def test_wanted_names_a_part_of_a_group_alone() -> None:
    wanted = Wanted(only=("doctor", "backend"))
    chosen = {check_id for check_id, group, _ in known_checks() if wanted.wants(check_id, group)}
    assert {"check.doctor-readable", "check.backend-plan"} < chosen
    assert {check_id.removeprefix("check.").partition("-")[0] for check_id in chosen} == {"doctor", "backend"}


def test_known_checks_have_one_dot_and_no_two_one_id() -> None:
    ids = [check_id for check_id, _, _ in known_checks()]
    assert len(ids) == len(set(ids))
    assert all(check_id.count(".") == 1 and "_" not in check_id for check_id in ids)


@pytest.mark.slow
def test_check_of_nothing_but_a_contract_that_cannot_be_tried_is_an_error(tmp_path: Path) -> None:
    change = in_plugin("from typing", "import no_such_thing\nfrom typing")

    report = check_plugin(write_plugin(tmp_path, change), wanted=Wanted(only=("contract-resume",)))

    assert report.verdict != "well"
    assert list(red(report)) == ["loads"]


def _bad(wheel: Path, only: str) -> list[tuple[str, str]]:
    report = check_plugin(wheel, has_contract=False, wanted=Wanted(only=(only,)))
    return [
        (finding.summary, finding.fix or "") for finding in report.findings if finding.severity == "error"
    ]


def test_check_of_torch_for_every_user_sends_it_to_the_extra(tmp_path: Path) -> None:
    before = "Provides-Extra: train\n"
    wheel = write_plugin(tmp_path, replaced(METADATA, before, f"Requires-Dist: torch>=2.6\n{before}"))
    ((summary, fix),) = _bad(wheel, "train-extra")
    assert "asks for torch in dependencies" in summary
    assert "train" in fix and "torch>=2.6" in fix


@pytest.mark.slow
def test_check_of_a_heavy_import_that_is_not_here_names_its_line(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path, replaced(PLUGIN, "\n\napi_version", "\nimport gensim\n\napi_version"))
    report = check_plugin(wheel, has_contract=False, wanted=Wanted(only=("code",)))
    told = {f.id: f for f in report.findings if f.severity != "ok"}
    assert told["check.import-weight"].severity == "error"
    assert told["check.import-weight"].evidence[0].startswith(f"{PLUGIN}:")
    assert "body of the hook" in (told["check.import-weight"].fix or "")
    assert told["check.loads"].severity == "skip"


@pytest.mark.slow
def test_check_of_a_missing_hook_shows_no_folder_that_goes_away(tmp_path: Path) -> None:
    wheel = write_plugin(tmp_path, replaced(PLUGIN, "def envkit_read", "def read"))
    report = check_plugin(wheel, has_contract=False, wanted=Wanted(only=("missing-hooks", "loads")))
    (finding,) = [each for each in report.findings if each.severity == "error"]
    assert finding.evidence == (PLUGIN,)


def test_check_of_a_source_archive_says_that_it_is_no_wheel(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(b"")
    with pytest.raises(UsageError, match="is no wheel, and no folder"):
        check_plugin(archive)


def test_near_name_of_a_bad_one_is_another() -> None:
    assert [near_name(name) for name in ("Lang uage", "1", "a__b")] == ["lang-uage", "my-task", "a-b"]
