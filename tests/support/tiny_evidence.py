"""What a verdict or a gate judges, made of one fact."""

from __future__ import annotations

import dataclasses

from reporting.drift import DriftReport, FeatureDrift
from reporting.drift_findings import DriftFindings
from reporting.intervals import Interval
from reporting.quality import Quality

NOTHING = DriftFindings(profile=None, last_run=None, reports=(), notes=())


def measured_quality(auc: float, low: float, high: float) -> Quality:
    """Return a quality of nothing but an AUC and its interval."""
    interval = Interval(low=low, high=high, method="DeLong")
    return Quality(kind="binary", labelled_count=1000, metrics={"auc": auc}, intervals={"auc": interval})


def moved(name: str, level: str, psi: float, *, is_score: bool = False) -> DriftFindings:
    """Return findings in which one thing has moved from the training data."""
    drift = FeatureDrift(
        name=name,
        is_score=is_score,
        level=level,
        psi=psi,
        jensen_shannon=0.1,
        reference_missing_fraction=0.0,
        run_missing_fraction=0.0,
        new_categories={},
        groups=(),
        reason="",
    )
    report = DriftReport(
        reference="the training data", reference_record_count=1000, features=(drift,), notes=()
    )
    return dataclasses.replace(NOTHING, reports=(report,))
