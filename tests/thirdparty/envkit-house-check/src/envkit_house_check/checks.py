"""What the machines of the house need besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.api import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.api import CheckContext

GB = 10**9
LEAST_MEMORY = 16 * GB
LEAST_TIMEOUT = 60  # seconds; pip's own is 15, and the proxy looks through a wheel before it lets it pass


def check_memory(context: CheckContext) -> Iterator[Finding]:
    """Warn where the memory, or what the control group leaves of it, is less than our models need."""
    memory = context.facts.memory
    known = [size for size in (memory.total, memory.limit) if size is not None]
    if known and min(known) < LEAST_MEMORY:
        yield Finding(
            severity="warn",
            summary=f"{min(known) / GB:.0f} GB of memory; our models need {LEAST_MEMORY / GB:.0f}",
            evidence=(f"memory: {memory.total} bytes, limit: {memory.limit or 'none'}",),
            fix="Ask for a larger machine, or fine-tune with: --micro-batch-tokens 512",
        )


def check_pip_timeout(context: CheckContext) -> Iterator[Finding]:
    """Warn where pip waits for less than our proxy takes."""
    pip = context.facts.pip
    if pip.problem is not None:
        return  # envkit has a check of its own for that
    setting = next((each for each in pip.settings if each.name == "timeout"), None)
    if setting is not None and float(setting.value) >= LEAST_TIMEOUT:
        return
    words = ("-m", "pip", "config", "--user", "set", "global.timeout", str(LEAST_TIMEOUT))
    is_ours = setting is None or "PIP_" not in setting.source  # a variable would win over the file
    yield Finding(
        severity="warn",
        summary=f"pip does not wait the {LEAST_TIMEOUT} s that our proxy may take",
        evidence=(
            "pip has no timeout of its own set"
            if setting is None
            else f"{setting.source}: {setting.value} s",
        ),
        fix=f"Set PIP_TIMEOUT={LEAST_TIMEOUT}, or: pip {' '.join(words[2:])}",
        safe_fix=(context.facts.python.path, *words) if pip.version is not None and is_ours else (),
    )
