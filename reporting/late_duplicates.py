"""Find records whose ids stand in what several prepare instances kept: no instance sees another's records.

Goes in: the kept files, which say where each record stands if several instances prepared, and what each
instance held back for its id. Comes out: which rows of which shards must not be published, and the same
records as a quarantine file. The rule is the one of `contracts.duplicate_ids`, over all instances as if there
were one. Where one instance prepared, only one file's schema is read.

The bytes of such a record are not at hand: its quarantine entry has none, and says where they stand.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from contracts import duplicate_ids
from contracts.dataset import DatasetContract
from contracts.duplicate_ids import candidate_rows, check_candidate_count, find_repeated_ids
from contracts.id_digests import IdDigester
from contracts.plan import DUPLICATES_PATTERN, LINE_NUMBER_COLUMN, PLACE_COLUMNS, SOURCE_KEY_COLUMN, Shard
from contracts.repeated_digests import DigestBatch, DigestSpill, dealt_out
from reporting.kept_files import decoded, kept_schema, read_kept

FILES_AT_ONCE = 16

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class LateRows:
    """The records of one shard that must not be published; arrays of one length.

    Attributes:
        rows: Their rows in the shard, ascending.
        sizes: Valid records with the same id, on all instances.
        first_keys: Source key of the first of those.
        first_numbers: Line number of the first of those.
    """

    rows: np.ndarray
    sizes: np.ndarray
    first_keys: Sequence[str]
    first_numbers: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LateDuplicates:
    """All records that must not be published.

    Attributes:
        by_shard: By name of the shard; shards without such records are left out.
        source_counts: How many by source key.
    """

    by_shard: Mapping[str, LateRows] = field(default_factory=dict)
    source_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.source_counts.values())


@dataclass(frozen=True, kw_only=True)
class KeptFiles:
    """What the prepare instances left.

    Attributes:
        folder: Of the kept files.
        shards: Of all instances.
        contract: The contract in force.
        scratch: A folder for files of this job, not uploaded.
        worker_count: Files that are read side by side.
    """

    folder: Path
    shards: Sequence[Shard]
    contract: DatasetContract
    scratch: Path
    worker_count: int

    @property
    def paths(self) -> list[Path]:
        """The shards' kept files, and after them what instances held back for its id."""
        kept = [self.folder / shard.kept_name for shard in self.shards]
        return kept + sorted(self.folder.glob(DUPLICATES_PATTERN))


@dataclass(frozen=True, kw_only=True)
class _Candidates:
    """Records of one file that may have a repeated id, in the order of the file, and the id of the first."""

    rows: np.ndarray
    exact: np.ndarray
    keys: pa.ChunkedArray
    numbers: np.ndarray
    example: pa.ChunkedArray


def find_late_duplicates(files: KeptFiles) -> LateDuplicates:
    """Return the records that no single instance could know to have a repeated id.

    Raises:
        CallerError: There are so many that the same data must have been delivered twice.
        PlatformError: A kept file cannot be read.
    """
    if not _have_places(files):
        return LateDuplicates()
    digester = IdDigester()
    with ThreadPoolExecutor(max_workers=files.worker_count) as workers, DigestSpill(files.scratch) as spill:
        for digests in _in_turn(workers, functools.partial(_quick, files, digester), files.paths):
            spill.append(digests)
        repeated = spill.repeated(duplicate_ids.MAX_DUPLICATE_CANDIDATES // 2)
        if not len(repeated):
            return LateDuplicates()
        look = functools.partial(_candidates, files, digester, repeated)
        found, count = [], 0
        for one in _in_turn(workers, look, files.paths):
            count += len(one.rows)
            check_candidate_count(count, repeated, one.example, files.contract)
            found.append(one)
    return _judged(files, found)


def _have_places(files: KeptFiles) -> bool:
    """Whether several instances prepared: all kept files say where records stand, or none does."""
    if not files.shards:
        return False
    path = files.folder / files.shards[0].kept_name
    if not path.exists():
        return False  # settling the shard says what is wrong
    return set(PLACE_COLUMNS) <= set(kept_schema(path).names)


def _in_turn(workers: Executor, work: Callable[[Path], Found], paths: Sequence[Path]) -> Iterator[Found]:
    """Yield what comes of each file, in order; few are in memory at once."""
    for start in range(0, len(paths), FILES_AT_ONCE):
        yield from workers.map(work, paths[start : start + FILES_AT_ONCE])


def _quick(files: KeptFiles, digester: IdDigester, path: Path) -> DigestBatch:
    return dealt_out(digester.quick(decoded(read_kept(path, [files.contract.id_field])).column(0)))


def _candidates(files: KeptFiles, digester: IdDigester, repeated: np.ndarray, path: Path) -> _Candidates:
    id_field = files.contract.id_field
    ids = decoded(read_kept(path, [id_field])).column(0)
    rows = candidate_rows(ids, digester, repeated)
    ids = ids.take(pa.array(rows))
    keys = pa.chunked_array([], pa.dictionary(pa.int32(), pa.string()))
    numbers = np.empty(0, dtype=np.int64)
    if len(rows):
        places = read_kept(path, PLACE_COLUMNS).take(pa.array(rows))
        # Long keys, millions of times, would be more text than one array can hold.
        keys = places.column(SOURCE_KEY_COLUMN).cast(pa.string()).dictionary_encode()
        numbers = places.column(LINE_NUMBER_COLUMN).to_numpy()
    return _Candidates(
        rows=rows,
        exact=digester.exact(ids),
        keys=keys,
        numbers=numbers,
        example=ids.slice(0, 1),
    )


def _judged(files: KeptFiles, found: Sequence[_Candidates]) -> LateDuplicates:
    """Apply the contract's rule to all candidates in the order of the data set."""
    names, ranks = _ranked([chunk for one in found for chunk in one.keys.chunks])
    numbers = np.concatenate([one.numbers for one in found])
    rows = np.concatenate([one.rows for one in found])
    file_numbers = np.repeat(np.arange(len(found)), [len(one.rows) for one in found])
    order = np.lexsort((rows, numbers, ranks))
    groups = find_repeated_ids(np.concatenate([one.exact for one in found])[order])
    members, firsts = order[groups.members], order[groups.firsts]
    is_late = groups.leaving(files.contract.duplicate_ids) & (file_numbers[members] < len(files.shards))
    late, firsts, sizes = members[is_late], firsts[is_late], groups.sizes[is_late]
    by_shard = {}
    for file_number in np.unique(file_numbers[late]).tolist():
        of_file = np.flatnonzero(file_numbers[late] == file_number)
        of_file = of_file[np.argsort(rows[late[of_file]])]
        by_shard[files.shards[file_number].name] = LateRows(
            rows=rows[late[of_file]],
            sizes=sizes[of_file],
            first_keys=[names[rank] for rank in ranks[firsts[of_file]].tolist()],
            first_numbers=numbers[firsts[of_file]],
        )
    counts = Counter(names[rank] for rank in ranks[late].tolist())
    return LateDuplicates(by_shard=by_shard, source_counts=dict(sorted(counts.items())))


def _ranked(keys: Sequence[pa.DictionaryArray]) -> tuple[list[str], np.ndarray]:
    """Return the different source keys in S3's order (by UTF-8 bytes), and the position of each key there."""
    found = {name for chunk in keys for name in chunk.dictionary.to_pylist()}
    names = sorted(found, key=lambda name: name.encode(errors="surrogateescape"))
    positions = {name: position for position, name in enumerate(names)}
    ranks = [np.empty(0, dtype=np.int64)]
    for chunk in keys:
        of_chunk = [positions[name] for name in chunk.dictionary.to_pylist()]
        ranks.append(np.array(of_chunk, dtype=np.int64)[chunk.indices.to_numpy()])
    return names, np.concatenate(ranks)
