"""Write late duplicates as quarantine records, and add them to what the run has held back.

In:  the rows that must not be published, and the kept files that say where they stand.
Out: one Parquet file (QUARANTINE_SCHEMA) in a folder of its own, in the order of the shards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.atomic_files import whole_file
from contracts.duplicate_ids import duplicate_message
from contracts.errors import RunFailedError
from contracts.ledger import RunCounts
from contracts.plan import LINE_NUMBER_COLUMN, PLACE_COLUMNS, SOURCE_KEY_COLUMN, Shard, ShardManifest
from contracts.quarantine import QUARANTINE_SCHEMA, ReasonCode
from reporting.budget import QuarantineBudget, held_back_words
from reporting.kept_files import read_kept
from reporting.late_duplicates import KeptFiles, LateDuplicates, LateRows
from reporting.quarantine import QuarantineDigest, read_quarantine

LATE_FILE = "late.parquet"

PLACES_NAMED = 5
"""Of repeated ids, in a message."""


def write_late_quarantine(folder: Path, files: KeptFiles, late: LateDuplicates) -> QuarantineDigest:
    """Write the late duplicates below `folder`, and return what was written; there is at least one."""
    path = folder / LATE_FILE
    with (
        whole_file(path) as stream,
        pq.ParquetWriter(stream, QUARANTINE_SCHEMA, compression="snappy") as writer,
    ):
        for shard in files.shards:
            if shard.name in late.by_shard:
                for table in _records(files, shard, late.by_shard[shard.name]):
                    writer.write_table(table)
    return read_quarantine(folder)


def _records(files: KeptFiles, shard: Shard, late: LateRows) -> Iterator[pa.Table]:
    id_field = files.contract.id_field
    kept = read_kept(files.folder / shard.kept_name, [id_field, *PLACE_COLUMNS]).take(pa.array(late.rows))
    keys = kept.column(SOURCE_KEY_COLUMN).cast(pa.string())
    numbers = kept.column(LINE_NUMBER_COLUMN)
    count = len(late.rows)
    columns = {
        "source_key": keys,
        "line_number": numbers,
        "byte_offset": pa.nulls(count, pa.int64()),
        "reason_code": pa.repeat(ReasonCode.DUPLICATE_ID.value, count),
        "field": pa.repeat(id_field, count),
        "message": pa.array(_messages(kept.column(id_field).to_pylist(), id_field, late), pa.string()),
        "raw": pa.repeat(pa.scalar(b"", pa.binary()), count),
        "raw_byte_count": pa.array(np.zeros(count, dtype=np.int64)),
    }
    yield pa.table(columns, schema=QUARANTINE_SCHEMA)


def _messages(ids: list[object], id_field: str, late: LateRows) -> Iterator[str]:
    places = zip(ids, late.sizes.tolist(), late.first_keys, late.first_numbers.tolist(), strict=True)
    for value, size, first_key, first_number in places:
        first_place = f"{first_key} line {first_number}"
        yield (
            duplicate_message(id_field, value, size, first_place)
            + "; another instance read some of them: this record's bytes are not here, but stand at its place"
        )


def check_late_budget(budget: QuarantineBudget, read: int, quarantined: int, late: LateDuplicates) -> None:
    """Refuse to publish where late duplicates take the run over its budget.

    Raises:
        RunFailedError: They do.
    """
    counts = RunCounts(read=read, valid=read - quarantined, quarantined=quarantined, scored=0)
    if late.count and not budget.is_kept(counts):
        found = f"{late.count:,} of them when the ids of all prepare instances were compared"
        found += f"; ids of these stand more than once: {_named_places(late)}"
        raise RunFailedError(
            budget.beside(f"{held_back_words(counts)}, {found}", counts) + "; nothing was published"
        )


def _named_places(late: LateDuplicates) -> str:
    """Name the first records of the first repeated ids: a job that fails leaves no list of them."""
    places = {
        f"{key} line {number}": None
        for rows in late.by_shard.values()
        for key, number in zip(rows.first_keys, rows.first_numbers.tolist(), strict=True)
    }
    more = len(places) - PLACES_NAMED
    return ", ".join(list(places)[:PLACES_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def with_late_counts(manifest: ShardManifest, late: LateDuplicates) -> ShardManifest:
    """Return the manifest with late duplicates counted as held back of their source objects."""
    sources = tuple(
        dataclasses.replace(
            source,
            quarantined_count=source.quarantined_count + late.source_counts.get(source.source_key, 0),
        )
        for source in manifest.sources
    )
    return dataclasses.replace(manifest, sources=sources)
