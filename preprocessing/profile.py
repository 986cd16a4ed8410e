"""Count how the features of valid records are distributed, block by block, while they are prepared.

Of a feature that is no category but a text, the length in characters is counted, and nothing of what it says.
Records that are held back later because another has the same id are counted too. Of inputs above
BYTES_COUNTED_IN_FULL every n-th record is counted, n times.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.data_profile import DataProfile, FeatureProfile, add_features, add_profiles
from contracts.dataset import BINARY_TYPE, DatasetContract, Field
from contracts.value_histogram import ValueHistogram, value_histogram

BYTES_COUNTED_IN_FULL = 16 * 1024 * 1024


RECORDS_AT_ONCE = 65_536


def stride_for(byte_count: int) -> int:
    """Return of how many records one is counted, for an input of so many bytes."""
    return max(1, -(-byte_count // BYTES_COUNTED_IN_FULL))


def counted_records(valid: pa.Table, contract: DatasetContract, *, stride: int) -> pa.Table:
    """Return what is counted of a block's valid records: the features of one of `stride`.

    Of a text or of bytes it is the length. Lengths are taken here, so that no block stays in memory for them.
    """
    features = valid.select(list(contract.features))
    if stride > 1:
        features = features.take(pa.array(np.arange(0, valid.num_rows, stride)))
    for position, field in enumerate(contract.feature_fields):
        if _is_text(field):
            lengths = pc.utf8_length(features.column(position).cast(pa.string()))
            features = features.set_column(position, field.name, lengths)
        if field.type == BINARY_TYPE:
            features = features.set_column(position, field.name, pc.binary_length(features.column(position)))
    return features


class ProfileDesk:
    """Counts the records of many blocks, some blocks at once."""

    def __init__(self, contract: DatasetContract, stride: int) -> None:
        self._contract = contract
        self._stride = stride
        self._total = empty_profile(contract)
        self._waiting: list[pa.Table] = []

    def add(self, records: pa.Table) -> None:
        """Take what `counted_records` chose of one block."""
        if self._waiting and not self._waiting[0].schema.equals(records.schema):
            self._count()
        self._waiting.append(records)
        if sum(table.num_rows for table in self._waiting) >= RECORDS_AT_ONCE:
            self._count()

    def profile(self) -> DataProfile:
        """Return the profile of all blocks."""
        self._count()
        return self._total

    def _count(self) -> None:
        for records in [pa.concat_tables(self._waiting)] if self._waiting else []:
            profile = profile_records(records, self._contract, stride=self._stride)
            self._total = add_profiles((self._total, profile)) or self._total
        self._waiting = []


def profile_records(records: pa.Table, contract: DatasetContract, *, stride: int = 1) -> DataProfile:
    """Return the profile of valid records, each of which stands for `stride` of them.

    Args:
        records: What `counted_records` returned.
        contract: Names the features.
        stride: At least 1.
    """
    features = {
        field.name: _times(_feature(records.column(field.name), field), stride)
        for field in contract.feature_fields
    }
    return DataProfile(
        contract_fingerprint=contract.fingerprint, record_count=records.num_rows * stride, features=features
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
    return field.type in ("string", "boolean") and not _is_text(field)


def _is_text(field: Field) -> bool:
    """Return whether a feature is a text that the model reads as it is."""
    return field.type == "string" and not field.categories


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
