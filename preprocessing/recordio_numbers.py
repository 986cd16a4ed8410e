"""Hand the numbers of RecordIO-protobuf messages on as values of the contract's types.

| type                   | numbers accepted                                                              |
|------------------------|-------------------------------------------------------------------------------|
| integer                | whole numbers below 2^53, where every integer has a 64-bit float of its own   |
| number                 | every finite number                                                           |
| boolean                | 0 and 1                                                                       |
| string with categories | the codes, each for its category; validation calls other numbers unseen       |
| string                 | whole numbers as with integers, as their decimal text                         |
| date, datetime         | none                                                                          |

In the id, whole numbers of 32-bit floats are accepted below 2^24 only: beyond, the writer may have rounded
them, and one record would have the id of another. NaN is a missing value. What is not accepted goes on as
the number it is, for validation to refuse; nothing is dropped here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import Field
from preprocessing.typed_columns import EXACT_FLOAT_LIMITS, column_values, mixed_column, shown_values

PERHAPS_ROUNDED = " (perhaps rounded)"
"""In a message after a whole number within 64 bits, which is refused for nothing else."""

_INT64_BOUND = float(2**63)


def handed_on(numbers: np.ndarray, field: Field, *, is_id: bool = False) -> pa.Array:
    """Return the numbers of one field as what validation takes.

    Args:
        numbers: float32, float64 or int32, one a record.
        field: Whose numbers they are.
        is_id: Whether it is the contract's id.

    Returns:
        Text or typed values as `typed_columns` has them, null where missing.
    """
    values = numbers.astype(np.float64, copy=False)
    if field.type == "number":
        return _with_nulls(values, np.isnan(values))
    if field.type == "string" and field.categories:
        return _categories(values, field.categories)
    if field.type == "boolean":
        is_truth = (values == 0) | (values == 1)
        return _with_misfits(_with_nulls(values == 1, ~is_truth), values, is_truth)
    if field.type in ("integer", "string"):
        limit = EXACT_FLOAT_LIMITS[32 if is_id and numbers.dtype == np.float32 else 64]
        is_exact = _are_whole(values, limit)
        whole = _with_nulls(np.where(is_exact, values, 0).astype(np.int64), ~is_exact)
        fitting = whole if field.type == "integer" else pc.cast(whole, pa.string())
        return _with_misfits(fitting, values, is_exact, rounded_from=limit)
    return _number_texts(values)


def joined(pieces: Sequence[pa.Array | None], counts: Sequence[int], kind: str) -> pa.Array:
    """Return the values of one field in several groups of records as one column.

    What a value comes to depends on nothing but itself: where one group has text and another has numbers,
    each is read by its own rules.

    Args:
        pieces: The values of each group (`handed_on`, or text), None where it has no such field.
        counts: Records in each group.
        kind: The field's type.
    """
    if len({piece.type for piece in pieces if piece is not None}) > 1:
        pieces = [None if piece is None else _settled(piece, kind) for piece in pieces]
    found = next((piece.type for piece in pieces if piece is not None), pa.string())
    filled = [
        pa.nulls(count, found) if piece is None else piece
        for piece, count in zip(pieces, counts, strict=True)
    ]
    return pa.concat_arrays(filled) if filled else pa.nulls(0, found)


def _settled(piece: pa.Array, kind: str) -> pa.Array:
    """Return a piece in the one form that all have in common: values of the type, and misfits as text."""
    values = column_values(piece, kind)
    is_misfit = pc.and_(pc.is_valid(piece), pc.is_null(values)).to_numpy(zero_copy_only=False)
    misfits = pa.array(shown_values(piece.filter(pa.array(is_misfit))), pa.string())
    return mixed_column(values, _spread(misfits, is_misfit))


def _categories(values: np.ndarray, categories: tuple[str, ...]) -> pa.Array:
    is_code = _are_whole(values, len(categories)) & (values >= 0)
    codes = _with_nulls(np.where(is_code, values, 0).astype(np.int64), ~is_code)
    texts = pa.array(categories, pa.string()).take(codes)
    is_other = ~(is_code | np.isnan(values))
    if not is_other.any():
        return texts
    return pc.replace_with_mask(texts, pa.array(is_other), _number_texts(values[is_other]))


def _with_misfits(
    fitting: pa.Array, values: np.ndarray, is_fitting: np.ndarray, rounded_from: float = np.inf
) -> pa.Array:
    """Return a column of the values that fit, with the others beside it.

    Args:
        fitting: The values that fit, null elsewhere.
        values: The numbers, NaN where missing.
        is_fitting: Which fit.
        rounded_from: From this distance from zero on, messages say that a number may have been rounded.
    """
    is_misfit = ~(is_fitting | np.isnan(values))
    if not is_misfit.any():
        return fitting
    misfits = values[is_misfit]
    texts = _number_texts(misfits)
    is_rounded = (np.abs(misfits) >= rounded_from) & (np.abs(misfits) < _INT64_BOUND)
    texts = pc.if_else(pa.array(is_rounded), pc.binary_join_element_wise(texts, PERHAPS_ROUNDED, ""), texts)
    return mixed_column(fitting, _spread(texts, is_misfit))


def _spread(texts: pa.Array, is_taken: np.ndarray) -> pa.Array:
    """Return the texts in the rows marked, null in the others."""
    return pc.replace_with_mask(pa.nulls(len(is_taken), pa.string()), pa.array(is_taken), texts)


def _with_nulls(values: np.ndarray, is_null: np.ndarray) -> pa.Array:
    return pa.array(values, mask=is_null) if is_null.any() else pa.array(values)


def _are_whole(values: np.ndarray, limit: float) -> np.ndarray:
    """Say which numbers are whole and less than `limit` from zero."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values == np.floor(values)) & (np.abs(values) < limit))


def _number_texts(values: np.ndarray) -> pa.Array:
    """Return numbers as text: whole ones without a point, NaN as null."""
    is_missing = np.isnan(values)
    is_whole = _are_whole(values, _INT64_BOUND)
    whole = pc.cast(pa.array(np.where(is_whole, values, 0).astype(np.int64), mask=~is_whole), pa.string())
    if (is_whole | is_missing).all():
        return whole
    broken = pc.cast(pa.array(values, mask=is_whole | is_missing), pa.string())
    return pc.coalesce(whole, broken)
