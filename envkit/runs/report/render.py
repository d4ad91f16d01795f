"""Turn a run's report into one HTML page that needs nothing else, and put it into the run's folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from envkit import __version__
from envkit.runs.report import REPORT_FILE, numbers
from envkit.runs.report.read import read_run_report
from envkit.templates import template_file

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.runs.report.records import RunReport
    from envkit.worker.folder import RunFolder

_TEMPLATE = "report/report.html"


def render_report(report: RunReport) -> str:
    """Return the page: whatever comes from data is escaped. Raises: EnvkitError where the template is missing."""
    folder = template_file(_TEMPLATE).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": numbers.score_text,
        "count": numbers.count_text,
        "bytes": numbers.bytes_text,
        "duration": numbers.duration_text,
        "percent": numbers.percent_text,
    }
    return environment.get_template("report.html").render(report=report, envkit_version=__version__)


def write_report(folder: RunFolder, *, file: Path | None = None) -> Path:
    """Write the page of the run, ``report.html`` in its folder unless a file is named, and return where it is.

    A reader of an earlier one finds that until this one is whole.
    Raises: UsageError for no run folder, EnvkitError for a damaged record, OSError.
    """
    target = folder.path / REPORT_FILE if file is None else file
    page = render_report(read_run_report(folder))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(page, encoding="utf-8", errors="replace")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target
