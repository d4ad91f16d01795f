"""What a plugin may be made for and may do when it is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from small_distributions import SOUND_EXTENSION, SOUND_TASK, small_task

from envkit.api import API_VERSION, EnvkitDeprecationWarning, PluginError, deprecated, hooks
from envkit.owner import upgrade_command
from envkit.registry import EXTENSION_HOOKS, TASK_HOOKS, find_entries, find_task, load_entry, load_extension
from envkit.registry.compatibility import check_api_version
from envkit.registry.guard import CodeEnded, CodeInterrupted, CodeIsLate, guarded
from envkit.registry.hook_names import nearest_hook

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

DEPRECATED = (
    "from envkit.api import deprecated\ndeprecated('Task.old', removed_in='2.0', instead='Task.new')\n"
)


def load(site: Path, module: str, monkeypatch: pytest.MonkeyPatch, *, name: str) -> object:
    small_task(name, module=module).install(site)
    monkeypatch.syspath_prepend(str(site))
    return load_entry(find_task(name))


def module_of(version: object) -> ModuleType:
    class Module:
        api_version = version

    return Module()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("stated", "here", "state", "fix"),
    [
        (None, (1, 0), "", ""),
        ("1.0", (1, 0), "", ""),
        ("1.0", (1, 7), "", ""),
        ("1.3", (1, 3), "", ""),
        ("1.1", (1, 0), "incompatible", upgrade_command()),
        ("2.0", (1, 9), "incompatible", upgrade_command()),
        ("1.9", (2, 0), "incompatible", "envkit plugin install --upgrade envkit-versions"),
        ("1", (1, 0), "broken", "Tell"),
        ("1.0.0", (1, 0), "broken", "Tell"),
        (1.0, (1, 0), "broken", "Tell"),
    ],
)
def test_api_version_newer_or_of_another_major_is_refused_with_both_and_the_fix(
    stated: object,
    here: tuple[int, int],
    state: str,
    fix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_task("versions").install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = find_task("versions")
    if not state:
        check_api_version(module_of(stated), entry, api_version=here)
        return

    with pytest.raises(PluginError) as caught:
        check_api_version(module_of(stated), entry, api_version=here)

    assert caught.value.state == state
    assert fix in str(caught.value.hint)
    assert str(stated) in caught.value.message
    if state == "incompatible":
        assert ".".join(map(str, here)) in caught.value.message


def test_api_version_is_that_of_a_first_major() -> None:
    assert API_VERSION == (1, 0)


def test_hooks_of_tasks_and_extensions_are_all_that_there_are() -> None:
    specified = {name for name in vars(hooks) if name.startswith("envkit_")}

    assert set(TASK_HOOKS) | set(EXTENSION_HOOKS) == specified
    assert not set(TASK_HOOKS) & set(EXTENSION_HOOKS)


def test_module_that_is_task_and_extension_may_have_hooks_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = small_task("both", module=f"{SOUND_TASK}\n{SOUND_EXTENSION}")
    object.__setattr__(both, "entries", {**both.entries, "envkit.extensions": ("both = envkit_both",)})
    both.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    for entry in find_entries():
        if entry.plugin == "envkit-both":
            loaded = load_entry(entry) if entry.kind == "task" else load_extension(entry)  # type: ignore[arg-type]
            assert "envkit_checks" in loaded.hooks()


def test_task_without_an_optional_hook_is_said_to_run_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(tmp_path / "site", SOUND_TASK, monkeypatch, name="spare")

    with pytest.raises(PluginError, match="does not implement envkit_predictor") as raised:
        loaded.predictor(None)  # type: ignore[attr-defined]

    assert "envkit run spare works without" in (raised.value.hint or "")


def test_plugin_that_uses_what_goes_away_is_warned_of_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.warns(EnvkitDeprecationWarning) as heard:
        load(tmp_path, DEPRECATED + SOUND_TASK, monkeypatch, name="uses-old")

    (warning,) = [each.message for each in heard]
    assert isinstance(warning, EnvkitDeprecationWarning)
    assert str(warning) == "envkit-uses-old 1.0: Task.old goes away in envkit 2.0: use Task.new"
    assert (warning.removed_in, warning.plugin) == ("2.0", "envkit-uses-old 1.0")


def test_deprecated_names_the_line_of_the_caller() -> None:
    def old() -> None:
        deprecated("old", removed_in="2.0", instead="new")

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        old()

    assert heard[0].filename == __file__


def test_guarded_code_of_a_package_is_told_with_the_line_that_printed_warned_or_began_a_thread(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with guarded(package=__name__.partition(".")[0]) as noted:
        first = sys._getframe().f_lineno
        sys.stdout.write("hello")
        warnings.simplefilter("default")
        warnings.warn("so old", stacklevel=1)
        threading.Thread(target=time.sleep, args=(0,), name="late").start()
        os.environ["SMALL_NEW"] = "1"
    assert noted.places == {
        "prints 'hello'": f"{__file__}:{first + 1}",
        "warns: 'UserWarning: so old'": f"{__file__}:{first + 3}",
        "starts the thread 'late'": f"{__file__}:{first + 4}",
    }
    assert len(noted.remarks) == 4
    with guarded() as unplaced:
        sys.stdout.write("hello")
    assert unplaced.places == {}


@pytest.mark.parametrize(
    ("url", "is_editable", "said"),
    [
        ("file://{folder}", True, "Mend it in {folder} (envkit plugin check envkit-mine"),
        ("file://{folder}", False, "Tell"),
        ("file://{folder}/gone", True, "Tell"),
    ],
)
def test_plugin_that_is_installed_from_a_folder_of_the_users_is_mended_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, is_editable: bool, said: str
) -> None:
    (folder := tmp_path / "my plugins").mkdir()
    small_task("mine", module="1 / 0").install(tmp_path / "site")
    origin = {"url": url.format(folder=quote(str(folder))), "dir_info": {"editable": is_editable}}
    (info,) = (tmp_path / "site").glob("*.dist-info")
    (info / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(PluginError) as failed:
        load_entry(find_task("mine"))
    assert (failed.value.hint or "").startswith(said.format(folder=folder))
    assert "Everything but its task works on." in (failed.value.hint or "")


def test_guarded_code_that_the_user_interrupts_ends_as_that() -> None:
    with pytest.raises(KeyboardInterrupt), guarded():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_guarded_code_that_raises_keyboard_interrupt_itself_ends_as_its_own_fault() -> None:
    with pytest.raises(CodeInterrupted), guarded():
        raise KeyboardInterrupt


def test_guarded_code_that_ends_the_process_only_ends_itself() -> None:
    end = os._exit
    with pytest.raises(CodeEnded, match="status 3"), guarded():
        os._exit(3)

    assert os._exit is end


def test_guarded_code_may_end_the_children_that_it_forks() -> None:
    with guarded():
        child = os.fork()
        if child == 0:
            os._exit(5)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5


def test_guarded_code_that_is_late_is_ended_and_a_timer_that_ran_goes_on() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(CodeIsLate), guarded(seconds=0.05):
            time.sleep(5)
        time.sleep(0.2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert heard == [signal.SIGALRM]


def test_guarded_code_in_another_thread_is_guarded_without_signals() -> None:
    found: list[BaseException] = []

    def run() -> None:
        try:
            with guarded(seconds=1):
                raise KeyboardInterrupt
        except CodeInterrupted as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("envkit_chekcs", "envkit_checks"),
        ("envkit_reed", "envkit_read"),
        ("envkit_predicter", "envkit_predictor"),
        ("envkit_backend", "envkit_backends"),
        ("envkit_score", None),
        ("envkit_setup", None),
        ("envkit_version", None),
    ],
)
def test_nearest_hook_of_a_misspelt_name_is_of_any_kind_and_none_where_none_is_near(
    name: str, near: str | None
) -> None:
    assert nearest_hook(name) == near


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(['echo', 'hello from afar'], check=True)",
        "os.write(1, b'hello from afar\\n')",
        "sys.__stdout__.write('hello from afar\\n')",
    ],
)
def test_program_that_a_plugin_starts_when_it_is_imported_prints_to_standard_error(
    line: str, tmp_path: Path
) -> None:
    module = f"import os, subprocess, sys\n{line}\n{SOUND_TASK}"
    small_task("talks", module=module).install(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from envkit.registry import load_task\n"
        "sys.stdout.write('before ')\nload_task('talks')\nprint('after')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "before after\n"
    assert "hello from afar" in done.stderr


def test_guard_gives_descriptor_1_back_when_the_last_of_several_ends() -> None:
    before = os.fstat(1)

    with guarded(), guarded():
        assert os.path.samestat(os.fstat(1), os.fstat(2))

    assert os.path.samestat(os.fstat(1), before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "redirection"),
    [
        ("os.closerange(3, 64)", ""),
        ("print('hello'); sys.stdout.buffer.write(b''); sys.stdout.encoding.lower()", ""),
        ("print('hello')", "2>&-"),
        ("print('hello', flush=True)", "2>/dev/full"),
    ],
)
def test_standard_output_is_whole_after_code_that_was_careless_with_it(line: str, redirection: str) -> None:
    program = f"import os, sys\nfrom envkit.registry.guard import guarded\nwith guarded():\n    {line}\nprint('whole')\n"

    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "whole\n", done.stderr
    assert done.returncode in (0, 120)  # Python's own word for a standard error that it could not write out


def test_thread_that_hangs_in_an_authors_code_takes_no_other_output_along() -> None:
    program = """
import threading, time
from envkit.registry.guard import guarded
inside = threading.Event()
def hang():
    with guarded():
        print("of the code")
        inside.set()
        time.sleep(60)
threading.Thread(target=hang, daemon=True).start()
inside.wait(20)
print("of envkit")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("of envkit\n", "of the code\n")


def test_guarded_code_that_fails_where_its_folder_is_gone_ends_with_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)

    with pytest.raises(ImportError, match="its own"), guarded():
        os.chdir(tmp_path)
        folder.rmdir()
        raise ImportError("its own")


@pytest.mark.slow
def test_json_of_a_command_is_whole_beside_a_plugin_whose_program_prints(tmp_path: Path) -> None:
    module = f"import subprocess\nsubprocess.run(['echo', 'hello from afar'], check=True)\n{SOUND_TASK}"
    small_task("talks", module=module).install(tmp_path)
    cmd = [sys.executable, "-m", "envkit", "config", "show", "talks", "--json"]

    done = subprocess.run(
        cmd,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )

    assert json.loads(done.stdout)["ok"] is True
    assert "hello from afar" in done.stderr
