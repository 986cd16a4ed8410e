"""Take the records whose ids stand more than once out of the shards that were cut.

Goes in: the ids that were watched while shards were cut, and those shards. Where no id is repeated, nothing
is read or written. Otherwise the kept files are looked through, and every shard that holds such a record is
written again without it. What goes is told, with its place in the source yet to be found by
`duplicate_records`. Memory grows with the repeated ids, never with the records.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.arrow_files import read_arrow
from contracts.atomic_files import write_bytes
from contracts.dataset import DatasetContract
from contracts.duplicate_ids import candidate_rows, check_candidate_count, find_repeated_ids
from contracts.id_digests import IdDigester
from contracts.plan import Shard
from preprocessing.id_watch import IdWatch
from preprocessing.ordered_work import ordered_map
from preprocessing.shard_rows import without_rows

WINDOW = 8
"""Shards in work at once."""


@dataclass(frozen=True, kw_only=True)
class ShardFolders:
    """What was written, and how.

    Attributes:
        shards: Folder of the shards.
        kept: Folder of the kept files.
        wire_name: Name of the shards' wire format.
    """

    shards: Path
    kept: Path
    wire_name: str


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Every valid record whose id another one has too, in the order of the source; arrays of one length.

    Attributes:
        ordinals: Position among all valid records, ascending.
        firsts: Position in these arrays of the first record with the same id.
        sizes: Valid records with the same id.
        is_leaving: Whether the record goes.
        exact: Exact digest of its id, shape (records, 2).
    """

    ordinals: np.ndarray
    firsts: np.ndarray
    sizes: np.ndarray
    is_leaving: np.ndarray
    exact: np.ndarray


def find_duplicates(
    watch: IdWatch, shards: tuple[Shard, ...], kept: Path, contract: DatasetContract, executor: Executor
) -> Duplicates | None:
    """Return the records with repeated ids, or None if there are none.

    Raises:
        CallerError: There are so many that the same data must have been delivered twice.
    """
    repeated = watch.repeated()
    if not len(repeated):
        return None
    scan = functools.partial(_candidates, repeated=repeated, contract=contract, digester=watch.digester)
    ordinals, exact = [], []
    start = count = 0
    paths = [kept / shard.kept_name for shard in shards]
    for shard, (rows, ids) in zip(shards, ordered_map(executor, scan, paths, WINDOW), strict=True):
        count += len(rows)
        check_candidate_count(count, repeated, ids, contract)
        ordinals.append(start + rows)
        exact.append(watch.digester.exact(ids))
        start += shard.record_count
    return _grouped(np.concatenate(ordinals), np.concatenate(exact), contract.duplicate_ids)


def _candidates(
    path: Path, repeated: np.ndarray, contract: DatasetContract, digester: IdDigester
) -> tuple[np.ndarray, pa.ChunkedArray]:
    """Return the rows of one kept file that may have a repeated id, and their ids."""
    ids = read_arrow(path.read_bytes()).column(contract.id_field)
    rows = candidate_rows(ids, digester, repeated)
    return rows, ids.take(pa.array(rows))


def _grouped(ordinals: np.ndarray, exact: np.ndarray, policy: str) -> Duplicates | None:
    found = find_repeated_ids(exact)
    if not len(found.members):
        return None
    in_order = np.argsort(found.members)
    members = found.members[in_order]
    return Duplicates(
        ordinals=ordinals[members],
        firsts=np.searchsorted(members, found.firsts[in_order]),
        sizes=found.sizes[in_order],
        is_leaving=found.leaving(policy)[in_order],
        exact=exact[members],
    )


def shards_without(
    shards: tuple[Shard, ...], leaving: np.ndarray, folders: ShardFolders, executor: Executor
) -> tuple[Shard, ...]:
    """Write every shard and kept file that holds a leaving record again without it.

    Args:
        shards: As they are on disk.
        leaving: Positions of the leaving records among all valid ones, ascending.
        folders: Where they are.
        executor: Works on several of them at once.

    Returns:
        The shards as they are on disk then; one that would be empty is removed.
    """
    rewrite = functools.partial(_rewritten, folders=folders)
    written = ordered_map(executor, rewrite, _rows_by_shard(shards, leaving), WINDOW)
    return tuple(shard for shard in written if shard is not None)


def _rows_by_shard(shards: tuple[Shard, ...], leaving: np.ndarray) -> Iterator[tuple[Shard, np.ndarray]]:
    start = 0
    for shard in shards:
        end = start + shard.record_count
        first, last = np.searchsorted(leaving, (start, end))
        yield shard, leaving[first:last] - start
        start = end


def _rewritten(given: tuple[Shard, np.ndarray], folders: ShardFolders) -> Shard | None:
    shard, rows = given
    if not len(rows):
        return shard
    path, kept_path = folders.shards / shard.name, folders.kept / shard.kept_name
    if len(rows) == shard.record_count:
        path.unlink()
        kept_path.unlink()
        return None
    content = without_rows(path.read_bytes(), rows, folders.wire_name)
    write_bytes(path, content)
    kept = without_rows(kept_path.read_bytes(), rows, "arrow")
    write_bytes(kept_path, kept)
    return replace(
        shard,
        record_count=shard.record_count - len(rows),
        byte_count=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        kept_sha256=hashlib.sha256(kept).hexdigest(),
    )
