"""The report of a run: one page that a browser opens, with all that the run's folder tells."""

REPORT_FILE = "report.html"  # in the run's folder; named here so that who only looks for it loads no more
