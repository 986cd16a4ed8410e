"""Judge whether a model is good enough, and its data near enough to what it has seen, to be approved.

The bounds are pipeline parameters of the candidate: MinQuality of the metric that QualityMetric names, and
MaxDrift, the largest PSI of any feature or of the score beside the training data. 0 asks for nothing. A bound
that is asked for and cannot be compared, because there are no labels or no baseline, is not met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from contracts.errors import CallerError
from contracts.gate import QualityGate
from reporting.drift_findings import TRAINING, DriftFindings
from reporting.quality import METRIC_NAMES, Quality

METRIC_PARAMETER, QUALITY_PARAMETER, DRIFT_PARAMETER = "QualityMetric", "MinQuality", "MaxDrift"
USUAL_METRIC = "auc"


def judge_gate(quality: Quality, drift: DriftFindings, parameters: Mapping[str, str]) -> QualityGate:
    """Return whether a run passes the gate that its parameters state.

    Raises:
        CallerError: A bound is no number, or the metric is none.
    """
    metric = parameters.get(METRIC_PARAMETER) or USUAL_METRIC
    if metric not in METRIC_NAMES:
        raise CallerError(f"{METRIC_PARAMETER} is {metric!r}; valid: {', '.join(METRIC_NAMES)}")
    least, most = (_bound(parameters, name) for name in (QUALITY_PARAMETER, DRIFT_PARAMETER))
    faults = [*_quality_faults(metric, least, quality), *_drift_faults(most, drift)]
    if faults:
        return QualityGate(is_passed=False, reason=" ".join(faults))
    asked = [f"{METRIC_NAMES[metric]} of at least {least:g}"] if least else []
    asked += [f"drift of at most {most:g} (PSI)"] if most else []
    return QualityGate(is_passed=True, reason=f"Asked for and met: {', '.join(asked)}." if asked else "")


def _quality_faults(metric: str, least: float, quality: Quality) -> Iterator[str]:
    if not least:
        return
    found = quality.metrics.get(metric)
    if found is None:
        why = quality.notes[0] if quality.notes else "It is not computed for this kind of label."
        yield f"{METRIC_NAMES[metric]} of at least {least:g} was asked for and not computed: {why}"
    elif found < least:
        yield f"{METRIC_NAMES[metric]} is {found:.6g}, at least {least:g} was asked for."


def _drift_faults(most: float, drift: DriftFindings) -> Iterator[str]:
    if not most:
        return
    report = next((one for one in drift.reports if one.reference == TRAINING), None)
    worst = None if report is None else report.worst
    if worst is None or worst.psi is None:
        why = drift.notes[0] if drift.notes else "No feature could be compared."
        yield f"Drift of at most {most:g} was asked for and not measured: {why}"
    elif worst.psi > most:
        yield f"“{worst.name}” has drifted by a PSI of {worst.psi:.4g}, at most {most:g} was asked for."


def _bound(parameters: Mapping[str, str], name: str) -> float:
    text = parameters.get(name) or "0"
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise CallerError(f"{name} is {text!r}; expected a number, 0 for no bound")
    return bound
