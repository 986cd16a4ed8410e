"""Say how far the features and scores of a run have moved from a reference: training data, or the last run.

PSI, the population stability index, is sum((p - q) * ln(p / q)) over groups of values, p of the run and q of
the reference; a group that is empty on one side takes part with 0.0001, as is usual. Jensen-Shannon is the
divergence in bits, 0 (the same) to 1 (nothing in common); it needs no such floor. Numbers are compared in at
most ten groups that each hold about a tenth of the reference, categories one by one. Missing values are no
group: their fractions stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.data_profile import OTHER_VALUES, DataProfile, FeatureProfile
from contracts.report_rules import DriftLimits
from contracts.value_histogram import ValueHistogram, same_bins

GROUP_COUNT = 10
EMPTY_FRACTION = 0.0001
MIN_RECORDS = 100
"""Of fewer on either side nothing is said: ten groups of so few differ by chance."""

LABEL_DIGITS, EXACT_DIGITS = 4, 17
"""Significant digits of the bounds in a group's label: usually, and where fewer would make two the same."""

MAX_CATEGORY_GROUPS = 20
MAX_NEW_CATEGORIES = 10
SCORE_NAME = "score"
NONE, WARNING, ALARM, UNMEASURED = "none", "warning", "alarm", "unmeasured"


@dataclass(frozen=True, kw_only=True)
class DriftGroup:
    """One group of values.

    Attributes:
        label: What is in it.
        reference_fraction: Of the reference's values.
        run_fraction: Of the run's values.
    """

    label: str
    reference_fraction: float
    run_fraction: float


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """One feature, or the score.

    Attributes:
        name: Of the feature.
        is_score: Whether it is the score.
        level: NONE, WARNING, ALARM or UNMEASURED.
        psi: Population stability index, or None.
        jensen_shannon: Divergence in bits, or None.
        reference_missing_fraction: Of the reference's records, or None if the feature is not in it.
        run_missing_fraction: Of the run's records.
        new_categories: Values that the reference never had, with their records, most first.
        groups: What was compared.
        reason: Why it was not measured; empty if it was.
    """

    name: str
    is_score: bool
    level: str
    psi: float | None
    jensen_shannon: float | None
    reference_missing_fraction: float | None
    run_missing_fraction: float
    new_categories: dict[str, int]
    groups: tuple[DriftGroup, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """A run beside a reference.

    Attributes:
        reference: What it is, in words.
        reference_record_count: Records of the reference.
        features: And the score; what moved most comes first, what was not measured last.
        notes: What could not be compared, and why.
    """

    reference: str
    reference_record_count: int
    features: tuple[FeatureDrift, ...]
    notes: tuple[str, ...]

    @property
    def worst(self) -> FeatureDrift | None:
        """The feature or score that moved most, or None if nothing was measured."""
        measured = [one for one in self.features if one.psi is not None]
        return max(measured, key=lambda one: one.psi or 0.0, default=None)


def compare_profiles(
    run: DataProfile, reference: DataProfile, limits: DriftLimits, *, reference_name: str
) -> DriftReport:
    """Compare the score and every feature of a run with a reference."""
    score = _compare_scores(run.score, reference.score, limits)
    features = [
        _compare_feature(name, profile, reference.features.get(name), limits)
        for name, profile in run.features.items()
    ]
    moved = [score, *features]
    moved.sort(key=lambda one: (-(one.psi if one.psi is not None else -1.0), not one.is_score, one.name))
    return DriftReport(
        reference=reference_name,
        reference_record_count=reference.record_count,
        features=tuple(moved),
        notes=tuple(_notes(run, reference, reference_name)),
    )


def population_stability(run: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSI of counts by group, of shape (groups,)."""
    p, q = (np.maximum(counts / counts.sum(), EMPTY_FRACTION) for counts in (run, reference))
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(run: np.ndarray, reference: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence, in bits, of counts by group, of shape (groups,)."""
    p, q = run / run.sum(), reference / reference.sum()
    middle = (p + q) / 2
    return float((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    is_there = p > 0
    return float(np.sum(p[is_there] * np.log2(p[is_there] / q[is_there])))


def _compare_scores(
    run: ValueHistogram | None, reference: ValueHistogram | None, limits: DriftLimits
) -> FeatureDrift:
    if reference is None:
        nothing = FeatureProfile(histogram=run)
        return _unmeasured(SCORE_NAME, nothing, None, "the reference has no scores", is_score=True)
    profiles = (FeatureProfile(histogram=run), FeatureProfile(histogram=reference))
    return _compare_feature(SCORE_NAME, *profiles, limits, is_score=True)


def _compare_feature(
    name: str,
    run: FeatureProfile,
    reference: FeatureProfile | None,
    limits: DriftLimits,
    *,
    is_score: bool = False,
) -> FeatureDrift:
    reason = _reason(run, reference)
    if reason or reference is None:
        return _unmeasured(name, run, reference, reason, is_score=is_score)
    if run.histogram is not None and reference.histogram is not None:
        labels, counts = _number_groups(run.histogram, reference.histogram)
    else:
        labels, counts = _category_groups(run.values, reference.values)
    psi = population_stability(*counts)
    fractions = [one / one.sum() for one in counts]
    return FeatureDrift(
        name=name,
        is_score=is_score,
        level=ALARM if psi >= limits.alarm else WARNING if psi >= limits.warning else NONE,
        psi=psi,
        jensen_shannon=jensen_shannon(*counts),
        reference_missing_fraction=_missing_fraction(reference),
        run_missing_fraction=_missing_fraction(run),
        new_categories=_new_categories(run.values, reference.values),
        groups=tuple(
            DriftGroup(label=label, run_fraction=float(ours), reference_fraction=float(theirs))
            for label, ours, theirs in zip(labels, *fractions, strict=True)
        ),
        reason="",
    )


def _reason(run: FeatureProfile, reference: FeatureProfile | None) -> str:
    if reference is None:
        return "the reference does not have it"
    if (run.histogram is None) != (reference.histogram is None):
        return "it was a number in one and a category in the other"
    for name, profile in (("the run", run), ("the reference", reference)):
        count = profile.record_count - profile.missing_count
        if count < MIN_RECORDS:
            return f"{name} has {count} values, and {MIN_RECORDS} are needed"
    return ""


def _unmeasured(
    name: str, run: FeatureProfile, reference: FeatureProfile | None, reason: str, *, is_score: bool
) -> FeatureDrift:
    return FeatureDrift(
        name=name,
        is_score=is_score,
        level=UNMEASURED,
        psi=None,
        jensen_shannon=None,
        reference_missing_fraction=None if reference is None else _missing_fraction(reference),
        run_missing_fraction=_missing_fraction(run),
        new_categories={},
        groups=(),
        reason=reason,
    )


def _number_groups(
    run: ValueHistogram, reference: ValueHistogram
) -> tuple[list[str], tuple[np.ndarray, np.ndarray]]:
    """Return groups of whole bins that each hold about a tenth of the reference, and the counts of both."""
    run, reference = same_bins(run, reference)
    share = reference.record_count / GROUP_COUNT
    # A bin belongs to the tenth in which its middle lies; a bin with many values is a group of its own.
    middles = np.cumsum(reference.counts) - reference.counts / 2
    numbers = np.minimum((middles / share).astype(np.int64), GROUP_COUNT - 1)
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    starts, bounds = reference.bins[first], reference.lower_bounds()[first]
    counts = []
    for histogram in (run, reference):
        places = np.clip(np.searchsorted(starts, histogram.bins, side="right") - 1, 0, None)
        counts.append(np.bincount(places, weights=histogram.counts, minlength=len(starts)))
    return list(_bound_labels(bounds)), (counts[0], counts[1])


def _bound_labels(bounds: np.ndarray) -> Iterator[str]:
    texts = _bound_texts(bounds)
    for position, text in enumerate(texts):
        last = position == len(texts) - 1
        if len(texts) == 1:
            yield "all values"
        elif position == 0:
            yield f"below {texts[1]}"
        else:
            yield f"from {text}" + ("" if last else f" to {texts[position + 1]}")


def _bound_texts(bounds: np.ndarray) -> list[str]:
    """Return bounds rounded for people, no two of them to the same text: groups are told apart by it."""
    for digits in range(LABEL_DIGITS, EXACT_DIGITS):
        texts = [f"{bound:.{digits}g}" for bound in bounds]
        if len(set(texts)) == len(texts):
            return texts
    return [f"{bound:.{EXACT_DIGITS}g}" for bound in bounds]


def _category_groups(
    run: Mapping[str, int], reference: Mapping[str, int]
) -> tuple[list[str], tuple[np.ndarray, np.ndarray]]:
    """Return the reference's most frequent values, all others together, and the counts of both."""
    totals = {value: (reference.get(value, 0), run.get(value, 0)) for value in (*reference, *run)}
    ordered = sorted(totals, key=lambda value: (-totals[value][0], -totals[value][1], value))
    shown = [value for value in ordered if value != OTHER_VALUES][:MAX_CATEGORY_GROUPS]
    rest = [value for value in ordered if value not in shown]
    sums = [
        [one.get(value, 0) for value in shown] + [sum(one.get(value, 0) for value in rest)] * bool(rest)
        for one in (run, reference)
    ]
    counts = [np.array(one, dtype=np.float64) for one in sums]
    return [*shown, *([OTHER_VALUES] if rest else [])], (counts[0], counts[1])


def _new_categories(run: Mapping[str, int], reference: Mapping[str, int]) -> dict[str, int]:
    if OTHER_VALUES in reference:  # which ones it had is not known
        return {}
    new = sorted(
        ((value, count) for value, count in run.items() if value not in reference and value != OTHER_VALUES),
        key=lambda entry: (-entry[1], entry[0]),
    )
    return dict(new[:MAX_NEW_CATEGORIES])


def _missing_fraction(profile: FeatureProfile) -> float:
    return profile.missing_count / max(1, profile.record_count)


def _notes(run: DataProfile, reference: DataProfile, name: str) -> Iterator[str]:
    if run.contract_fingerprint != reference.contract_fingerprint:
        yield (
            f"{name[0].upper()}{name[1:]} is of another contract (fingerprint "
            f"{reference.contract_fingerprint}, this run {run.contract_fingerprint}): what both have is "
            "compared."
        )
    gone = [feature for feature in reference.features if feature not in run.features]
    if gone:
        names = ", ".join(gone[:5]) + (", …" if len(gone) > 5 else "")
        yield f"{len(gone)} features of {name} are not in this run: {names}."
