"""Compare a run with the training data of its model and with the last published run, where they are known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from contracts.data_profile import DataProfile
from contracts.report_rules import DriftLimits
from contracts.value_histogram import ValueHistogram
from reporting.drift import DriftReport, FeatureDrift, compare_profiles
from reporting.history import RunDigest, read_baseline, read_digest, read_run_profile

TRAINING, LAST_RUN = "the training data", "the last run"


@dataclass(frozen=True, kw_only=True)
class DriftFindings:
    """What moved, and since when.

    Attributes:
        profile: Of this run's features and scores, or None if its features are not known.
        last_run: The last published run, or None.
        reports: Beside the training data, then beside the last run, as far as they are known.
        notes: What could not be compared, and why.
    """

    profile: DataProfile | None
    last_run: RunDigest | None
    reports: tuple[DriftReport, ...]
    notes: tuple[str, ...]

    @property
    def worst(self) -> FeatureDrift | None:
        """What moved most, or None if nothing could be compared."""
        found = [report.worst for report in self.reports if report.worst is not None]
        return max(found, key=lambda one: one.psi or 0.0, default=None)


def find_drift(
    scores: ValueHistogram,
    *,
    plan_folder: Path,
    history_folder: Path,
    answers: Path | None,
    wire_format: str,
    limits: DriftLimits,
) -> DriftFindings:
    """Compare a run with what is known to compare it with.

    Args:
        scores: Of the run.
        plan_folder: Holds the profile of its features.
        history_folder: Holds what the last published run left, if there was one.
        answers: One output of the transform job, or None.
        wire_format: In which it came back.
        limits: From which PSI on something has drifted.
    """
    found, profile_note = read_run_profile(plan_folder)
    last_run, last_note = read_digest(history_folder)
    baseline, baseline_note = read_baseline(answers, wire_format=wire_format)
    profile = None if found is None else dataclasses.replace(found, score=scores)
    references = [
        (baseline, TRAINING),
        (
            None if last_run is None else last_run.profile,
            f"{LAST_RUN} ({last_run.run_id})" if last_run else "",
        ),
    ]
    return DriftFindings(
        profile=profile,
        last_run=last_run,
        reports=tuple(
            compare_profiles(profile, reference, limits, reference_name=name)
            for reference, name in references
            if profile is not None and reference is not None
        ),
        notes=tuple(note for note in (profile_note, baseline_note, last_note) if note),
    )
