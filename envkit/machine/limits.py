"""Probe what this process may have at most."""

from __future__ import annotations

from envkit.api.facts import Limits


def read_process_limits() -> Limits:
    """Return the limits that a shell's ``ulimit`` shows."""
    import resource  # Unix's alone

    def known(limit: int) -> int | None:
        return None if limit == resource.RLIM_INFINITY else limit

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return Limits(open_files=known(soft), open_files_hard=known(hard), processes=known(processes))
