"""The rule about records with the same id, for every room that applies it.

Goes in: exact digests of the ids of some valid records, in the order of the data set: by source key, then by
position. Comes out: which of them have an id that another one has too, and which of those go. Opens no file.

`keepFirst` keeps the first valid record with an id; `quarantineAll` keeps none of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.dataset import DatasetContract
from contracts.errors import CallerError, bounded
from contracts.id_digests import IdDigester

MAX_DUPLICATE_CANDIDATES = 16 * 1024 * 1024
"""Records that may share an id with another one: more are no accident but the same data twice."""

MAX_ID_CHARS = 60
"""Of an id quoted in a message."""


@dataclass(frozen=True, kw_only=True)
class RepeatedIds:
    """The records whose id others have too, as groups of one id each.

    Attributes:
        members: Positions in what was compared, one id's records after the other's, each group in order.
        firsts: For each member, the position of the first of its group.
        sizes: For each member, how many records its group has; at least 2.
    """

    members: np.ndarray
    firsts: np.ndarray
    sizes: np.ndarray

    def leaving(self, policy: str) -> np.ndarray:
        """Return whether each member goes, under one of DUPLICATE_ID_POLICIES."""
        return np.full(len(self.members), True) if policy == "quarantineAll" else self.members != self.firsts


def find_repeated_ids(exact: np.ndarray) -> RepeatedIds:
    """Group records by exact digest (shape (records, 2), in the order of the data set)."""
    order = np.lexsort((exact[:, 1], exact[:, 0]))
    arranged = exact[order]
    is_new = np.concatenate(([True], (arranged[1:] != arranged[:-1]).any(axis=1)))[: len(order)]
    starts = np.flatnonzero(is_new)
    sizes = np.diff(np.append(starts, len(order)))
    sizes_by_member = np.repeat(sizes, sizes)
    is_shared = sizes_by_member > 1
    return RepeatedIds(
        members=order[is_shared],
        firsts=np.repeat(order[starts], sizes)[is_shared],
        sizes=sizes_by_member[is_shared],
    )


def candidate_rows(ids: pa.ChunkedArray, digester: IdDigester, repeated: np.ndarray) -> np.ndarray:
    """Return the rows whose quick digest is one of `repeated` (sorted, not empty)."""
    digests = digester.quick(ids)
    nearest = np.minimum(np.searchsorted(repeated, digests), len(repeated) - 1)
    return np.flatnonzero(repeated[nearest] == digests)


def check_candidate_count(
    count: int, repeated: np.ndarray, ids: pa.ChunkedArray, contract: DatasetContract
) -> None:
    """Refuse more repeated ids than can be an accident.

    Args:
        count: Candidates found so far.
        repeated: As in `candidate_rows`; there are at least two candidates for each.
        ids: Of some candidates, for the message.
        contract: Names the id field.

    Raises:
        CallerError: There are more than MAX_DUPLICATE_CANDIDATES.
    """
    count = max(count, 2 * len(repeated))
    if count <= MAX_DUPLICATE_CANDIDATES or not len(ids):
        return
    example = ids[0].as_py()
    raise CallerError(
        f"{contract.id_field}: at least {count:,} records have ids that stand more than once, such as "
        f"{told_id(example)}; was the same data delivered twice, or is another field the primary key? "
        f"At most {MAX_DUPLICATE_CANDIDATES:,} such records can be quarantined"
    )


def told_id(value: Any) -> str:
    """Return an id for a message: text in quotes, shortened."""
    return bounded(repr(value) if isinstance(value, str) else str(value), MAX_ID_CHARS)


def duplicate_message(field: str, value: Any, count: int, first_place: str) -> str:
    """Say what is wrong with a record that goes.

    Args:
        field: Name of the id field.
        value: The id.
        count: Valid records that have it.
        first_place: Such as `a.csv line 12`.
    """
    return f"{field}: {told_id(value)} stands in {count} valid records; the first is {first_place}"
