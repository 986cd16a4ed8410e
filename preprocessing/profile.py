"""Count how the features of valid records are distributed, block by block, while they are prepared.

Records that are held back later because another has the same id are counted too. Of inputs above
BYTES_COUNTED_IN_FULL every n-th record is counted, n times.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.data_profile import DataProfile, FeatureProfile, add_features, add_profiles
from contracts.dataset import DatasetContract, Field
from contracts.value_histogram import ValueHistogram, value_histogram

BYTES_COUNTED_IN_FULL = 128 * 1024 * 1024


def stride_for(byte_count: int) -> int:
    """Return of how many records one is counted, for an input of so many bytes."""
    return max(1, -(-byte_count // BYTES_COUNTED_IN_FULL))


def profile_records(valid: pa.Table, contract: DatasetContract, *, stride: int = 1) -> DataProfile:
    """Return the profile of one block of valid records.

    Args:
        valid: Typed columns, the features among them.
        contract: Names the features.
        stride: Of so many records one is counted, as so many.
    """
    if stride > 1:
        names = list(dict.fromkeys(contract.features))
        rows = pa.array(np.arange(0, valid.num_rows, stride))
        valid = valid.select(names).take(rows)
    features = {
        field.name: _times(_feature(valid.column(field.name), field), stride)
        for field in contract.feature_fields
    }
    return DataProfile(
        contract_fingerprint=contract.fingerprint, record_count=valid.num_rows * stride, features=features
    )


def empty_profile(contract: DatasetContract) -> DataProfile:
    """Return the profile of no records."""
    features = {
        field.name: FeatureProfile(
            histogram=None if _is_category(field) else value_histogram(np.empty(0)),
        )
        for field in contract.feature_fields
    }
    return DataProfile(contract_fingerprint=contract.fingerprint, record_count=0, features=features)


def _feature(column: pa.ChunkedArray, field: Field) -> FeatureProfile:
    missing = column.null_count
    if not _is_category(field):
        numbers = pc.cast(column.drop_null(), pa.float64(), safe=False).to_numpy()
        is_finite = np.isfinite(numbers)
        if not is_finite.all():
            missing += int(np.sum(~is_finite))
            numbers = numbers[is_finite]
        return FeatureProfile(missing_count=missing, histogram=value_histogram(numbers))
    counts = pc.value_counts(column.drop_null())
    values = counts.field("values").cast(pa.string()).to_pylist()
    counted = dict(zip(values, counts.field("counts").to_pylist(), strict=True))
    return add_features(FeatureProfile(missing_count=missing, values=counted), FeatureProfile())


def _is_category(field: Field) -> bool:
    return field.type in ("string", "boolean")


def _times(profile: FeatureProfile, factor: int) -> FeatureProfile:
    if factor == 1:
        return profile
    histogram = profile.histogram
    return FeatureProfile(
        missing_count=profile.missing_count * factor,
        values={value: count * factor for value, count in profile.values.items()},
        histogram=None
        if histogram is None
        else ValueHistogram(shift=histogram.shift, bins=histogram.bins, counts=histogram.counts * factor),
    )


def added(one: DataProfile, other: DataProfile) -> DataProfile:
    """Return the profile of two blocks together."""
    total = add_profiles((one, other))
    return one if total is None else total
