"""How the features and scores of a data set are distributed: what drift is measured with.

    baseline.json    of the training data, in the model artifact
    profile.json     of a run's valid records, beside the plan
    digest.json      of the last published run, with that of its scores

Of large inputs every n-th record is counted, n times, so that profiles of parts with another n add up; counts
are estimates then, and exact for n = 1.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import CallerError
from contracts.value_histogram import ValueHistogram, add_histograms, histogram_of_document

PROFILE_FILE = "profile.json"
PROFILE_PARTS_FOLDER = "profiles"
"""Below the plan folder: one `<host>.json` for each instance that prepared."""

PROFILE_VERSION = 2
"""1 was that of baselines with bins of their own, which cannot be added up."""

MAX_VALUES = 1000
"""Different values of a category that are told apart; the others are counted together."""

OTHER_VALUES = "(other values)"
MAX_PROFILE_BYTES = 32 * 1024 * 1024
_MAX_FEATURES = 100_000


@dataclass(frozen=True, kw_only=True)
class FeatureProfile:
    """One feature: numbers in a histogram, or categories and booleans by value.

    Attributes:
        missing_count: Records without a value.
        values: Records by value, of a category or boolean; empty for numbers.
        histogram: Of a number; None for categories and booleans.
    """

    missing_count: int = 0
    values: dict[str, int] = field(default_factory=dict)
    histogram: ValueHistogram | None = None

    @property
    def record_count(self) -> int:
        """All records, missing values included."""
        there = sum(self.values.values()) if self.histogram is None else self.histogram.record_count
        return there + self.missing_count

    def document(self) -> dict[str, Any]:
        """Return the form of it in JSON."""
        if self.histogram is None:
            return {"missing_count": self.missing_count, "values": self.values}
        return {"missing_count": self.missing_count, "histogram": self.histogram.document()}


@dataclass(frozen=True, kw_only=True)
class DataProfile:
    """A data set.

    Attributes:
        contract_fingerprint: Of the contract under which it is valid.
        record_count: Records counted.
        features: By name.
        score: Of the scores, or None if nothing was scored.
    """

    contract_fingerprint: str
    record_count: int
    features: dict[str, FeatureProfile]
    score: ValueHistogram | None = None

    def document(self) -> dict[str, Any]:
        """Return the form of it in JSON."""
        return {
            "version": PROFILE_VERSION,
            "contract_fingerprint": self.contract_fingerprint,
            "record_count": self.record_count,
            "features": {name: feature.document() for name, feature in self.features.items()},
            "score": None if self.score is None else self.score.document(),
        }


def add_profiles(profiles: Iterable[DataProfile]) -> DataProfile | None:
    """Return the profile of all data sets together, which are of one contract; None of none."""
    total: DataProfile | None = None
    for profile in profiles:
        total = profile if total is None else _added(total, profile)
    return total


def add_features(one: FeatureProfile, other: FeatureProfile) -> FeatureProfile:
    """Return the profile of a feature in two data sets together."""
    missing = one.missing_count + other.missing_count
    if one.histogram is not None and other.histogram is not None:
        return FeatureProfile(missing_count=missing, histogram=add_histograms(one.histogram, other.histogram))
    return FeatureProfile(missing_count=missing, values=_bounded(Counter(one.values) + Counter(other.values)))


def parse_profile(content: bytes, *, name: str) -> DataProfile:
    """Return the profile that the bytes of a file say; they may come from anywhere.

    Raises:
        CallerError: They are no profile of this version; `name` stands first in the message.
    """
    if len(content) > MAX_PROFILE_BYTES:
        raise CallerError(f"{name}: has {len(content)} bytes; a profile has at most {MAX_PROFILE_BYTES}")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CallerError(f"{name}: is no JSON: {error}") from error
    return profile_of_document(document, name)


def packed(content: bytes) -> bytes:
    """Return the bytes of a profile's file, compressed, as text that fits into a Parquet file's metadata."""
    return base64.b64encode(zlib.compress(content, 9))


def unpacked(text: bytes, *, name: str) -> bytes:
    """Return what `packed` made text of; it may come from anywhere.

    Raises:
        CallerError: It is no such text, or stands for more bytes than a profile has.
    """
    try:
        content = zlib.decompressobj().decompress(
            base64.b64decode(text, validate=True), MAX_PROFILE_BYTES + 1
        )
    except (binascii.Error, zlib.error) as error:
        raise CallerError(f"{name}: is no packed profile: {error}") from error
    if len(content) > MAX_PROFILE_BYTES:
        raise CallerError(f"{name}: unpacks to more than {MAX_PROFILE_BYTES} bytes; refused")
    return content


def profile_of_document(document: Any, name: str) -> DataProfile:
    """Return the profile that `DataProfile.document` described.

    Raises:
        CallerError: It is none of this version; `name` stands first in the message.
    """
    if not isinstance(document, Mapping):
        raise CallerError(f"{name}: expected a profile of a data set")
    if document.get("version") != PROFILE_VERSION:
        raise CallerError(
            f"{name}: is a profile of version {document.get('version', 1)!r}, expected {PROFILE_VERSION}; "
            "make it anew with `batchscore baseline`"
        )
    fingerprint, count, features = (
        document.get(key) for key in ("contract_fingerprint", "record_count", "features")
    )
    if not isinstance(fingerprint, str) or not _is_count(count) or not isinstance(features, Mapping):
        raise CallerError(f"{name}: expected `contract_fingerprint`, `record_count` and `features`")
    if len(features) > _MAX_FEATURES:
        raise CallerError(f"{name}: has {len(features)} features; at most {_MAX_FEATURES} are read")
    score = document.get("score")
    return DataProfile(
        contract_fingerprint=fingerprint,
        record_count=count,  # type: ignore[arg-type]  # `_is_count` has checked it
        features={str(key): _feature(value, f"{name}: feature {key!r}") for key, value in features.items()},
        score=None if score is None else histogram_of_document(score, f"{name}: score"),
    )


def _feature(document: Any, where: str) -> FeatureProfile:
    missing = document.get("missing_count") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not _is_count(missing):
        raise CallerError(f"{where}: expected `missing_count` with `values` or `histogram`")
    if "histogram" in document:
        histogram = histogram_of_document(document["histogram"], where)
        return FeatureProfile(missing_count=int(missing or 0), histogram=histogram)
    values = document.get("values")
    is_right = isinstance(values, Mapping) and len(values) <= MAX_VALUES + 1
    if not is_right or not all(_is_count(count) for count in values.values()):  # type: ignore[union-attr]
        raise CallerError(f"{where}: expected `values` with at most {MAX_VALUES} counts")
    return FeatureProfile(missing_count=int(missing or 0), values=dict(values))  # type: ignore[arg-type]


def _added(one: DataProfile, other: DataProfile) -> DataProfile:
    scores = [profile.score for profile in (one, other) if profile.score is not None]
    return DataProfile(
        contract_fingerprint=one.contract_fingerprint,
        record_count=one.record_count + other.record_count,
        features={
            name: add_features(feature, other.features[name]) if name in other.features else feature
            for name, feature in one.features.items()
        },
        score=add_histograms(*scores) if len(scores) == 2 else next(iter(scores), None),
    )


def _bounded(counts: Counter[str]) -> dict[str, int]:
    """Return the counts by value; beyond MAX_VALUES the rarest ones together."""
    if len(counts) <= MAX_VALUES:
        return dict(counts)
    others = counts.pop(OTHER_VALUES, 0)
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    others += sum(count for _, count in ordered[MAX_VALUES:])
    return {**dict(ordered[:MAX_VALUES]), OTHER_VALUES: others}


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62
