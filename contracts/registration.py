"""What a registered model package says about the run that registered it: its customer metadata properties."""

RUN_PROPERTY = "RunId"
REPORT_PROPERTY = "ReportUri"
"""Folder of the run's report, with `gate.json`; ends with `/`."""
