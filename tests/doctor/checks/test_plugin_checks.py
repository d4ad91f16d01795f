"""What the doctor says of plugins by their states: each with a fix of envkit's own commands."""

from __future__ import annotations

from typing import Any

import pytest
from doctor.machines import cpu_machine

from envkit.api.checks import CheckContext, Finding, PluginState
from envkit.doctor.checks.plugins import find_broken, find_conflicts, find_heavy, find_meddling, find_unmet


def state(how: Any = "ok", *, plugin: str = "envkit-poem", **fields: Any) -> PluginState:
    usual: dict[str, Any] = {
        "plugin": plugin,
        "version": "0.1",
        "kind": "task",
        "name": "poem",
        "state": how,
    }
    return PluginState(**{**usual, **fields})


def ask(check: Any, *states: PluginState) -> list[Finding]:
    return list(check(CheckContext(facts=cpu_machine(), plugins=states)))


@pytest.mark.parametrize(
    ("check", "states", "severity", "says", "fix"),
    [
        (find_broken, [state("broken", problem="oh")], "error", "oh", "envkit plugin remove envkit-poem"),
        (find_unmet, [state("incompatible", problem="oh")], "error", "oh", "envkit plugin install --upgrade envkit-poem"),
        (
            find_conflicts,
            [state("conflict", problem="both"), state("conflict", problem="both", plugin="envkit-verse")],
            "error",
            "both",
            "envkit config set plugins.prefer.poem envkit-poem\nOr do without one: envkit plugin remove envkit-verse",
        ),
        (
            find_conflicts,
            [state("conflict", problem="the check", kind="extension")],
            "error",
            "the check",
            "Do without one: envkit plugin remove envkit-poem",
        ),
        (
            find_conflicts,
            [state("overruled", problem="plugins.prefer.poem gives the task to envkit-verse 1")],
            "info",
            "envkit-poem 0.1 is not used: plugins.prefer.poem gives",
            "envkit config unset plugins.prefer.poem",
        ),
        (find_heavy, [state(heavy=("torch",), milliseconds=1400.0)], "warn", "imports torch where envkit only reads its options and takes 1400 ms", "author"),
        (find_meddling, [state(remarks=("prints 'hello'",))], "warn", "Importing envkit-poem 0.1 prints 'hello'", "author"),
        (find_meddling, [state(remarks=("prints 'hello'",), source_dir="/src/poem")], "warn", "prints", "Mend it in /src/poem"),
    ],
)  # fmt: skip
def test_plugin_checks_state_is_told_with_a_fix(
    check: Any, states: list[PluginState], severity: str, says: str, fix: str
) -> None:
    [found] = ask(check, *states)

    assert found.severity == severity
    assert says in found.summary
    assert fix in str(found.fix)


def test_plugin_checks_disabled_plugin_is_told_and_not_counted_as_loaded() -> None:
    loaded, disabled = ask(
        find_broken, state(), state("disabled", plugin="envkit-verse", problem="the task is disabled")
    )

    assert (loaded.severity, loaded.summary) == ("ok", "Every plugin can be loaded")
    assert "envkit-verse" not in " ".join(loaded.evidence)
    assert disabled.severity == "info" and "envkit-verse 0.1: the task is disabled" in disabled.summary
    assert "ENVKIT_DISABLE_PLUGINS" in str(disabled.fix)
