"""One report of each kind for all tests."""

from __future__ import annotations

import pytest
from report_run import Reported, report
from reports_to_open import HOSTILE_TEXTS, RUNS_TO_OPEN, WHOLE
from whole_report import whole_report


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reported]:
    """The reports of RUNS_TO_OPEN, by name."""
    folder = tmp_path_factory.mktemp("reports")
    changed = {"hostile": {"pipeline_name": HOSTILE_TEXTS[0], "model_package_arn": HOSTILE_TEXTS[1]}}
    made = {
        name: report(folder / name, make(), **changed.get(name, {})) for name, make in RUNS_TO_OPEN.items()
    }
    return made | {WHOLE: whole_report(folder / WHOLE)}


@pytest.fixture(params=[*RUNS_TO_OPEN, WHOLE])
def done(request: pytest.FixtureRequest, reports: dict[str, Reported]) -> Reported:
    """Each of the reports in turn."""
    return reports[request.param]
